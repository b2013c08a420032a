"""Arrays in a NumPy `.npz` file. Nothing in it is unpickled."""

import io
import math
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Literal

import numpy as np
from numpy.lib.npyio import NpzFile

from ..errors import DataError
from ..record.archive import METHODS, claims_too_much
from ..record.archive import memory as installed
from ..spec.csv_header import refuse_device
from ..spec.file_patterns import matched
from ..spec.wording import did_you_mean, listed, shown
from .source import Source, checked

# NumPy writes headers of some hundred bytes, and reads one as long as it says it is.
MOST_HEADER = 1 << 16


def npz(
    path: str,
    x: str = "x",
    y: str = "y",
    x_test: str | None = None,
    y_test: str | None = None,
    task: Literal["classification", "regression", "multilabel"] | None = None,
) -> Source:
    """Rows and targets from the arrays of an `.npz` file.

    Args:
        path: the file; or a pattern such as `part-*.npz`, for the rows of several.
        x: name of the array of rows.
        y: name of the array of targets.
        x_test: name of an array of test rows, if the file has its own.
        y_test: name of the array of their targets.
        task: what to make of the targets; by default floats are numbers to predict, whole
            numbers, words and one-hot rows are classes, other rows of 0 and 1 are labels.
    """
    if (x_test is None) != (y_test is None):
        raise DataError(f"{path}: `x_test` and `y_test` belong together; one of them is missing.")
    files = matched(path)
    source = checked(rows_of_files(files, x), rows_of_files(files, y), path, task=task)
    if x_test is None or y_test is None:
        return source
    own = checked(
        rows_of_files(files, x_test), rows_of_files(files, y_test), path, task=source.task
    )
    return replace(source, test=(own.x, own.y))


def rows_of_files(files: Sequence[Path], name: str) -> np.ndarray:
    """The array of a name in each file, one after the other."""
    found: list[np.ndarray] = []
    for path in files:
        with opened(path) as file:
            found.append(member(file, str(path), name))
    return joined(found, files, f"array `{shown(name)[1:-1]}`")


def joined(arrays: Sequence[np.ndarray], files: Sequence[Path], what: str) -> np.ndarray:
    """Arrays of several files as one, whose first axis counts the rows of all.

    Raises:
        DataError: the rows of one have another shape or kind than those of the first.
    """
    if len(arrays) == 1:
        return arrays[0]
    first = arrays[0]
    for path, array in zip(files, arrays, strict=True):
        words = array.dtype.kind == "U"
        if (
            array.ndim == 0
            or array.shape[1:] != first.shape[1:]
            or words != (first.dtype.kind == "U")
        ):
            raise DataError(
                f"{path}: {what} has shape {array.shape} of {array.dtype}; that of {files[0]} has "
                f"{first.shape} of {first.dtype}."
            )
    return np.concatenate(arrays)


@contextmanager
def opened(path: Path) -> Iterator[NpzFile]:
    """An `.npz` file; whatever is wrong with its bytes raises a `DataError`."""
    with readable(path):
        refuse_device(path)
        _refuse_bombs(path)
        file = np.load(path, allow_pickle=False)
    with file:
        yield file


@contextmanager
def readable(path: Path | str) -> Iterator[None]:
    """Turns what NumPy and zipfile raise, on bytes that may be anything, into a `DataError`."""
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except IsADirectoryError:
        raise DataError(f"{path}: is a directory, not a file.") from None
    except zipfile.BadZipFile as error:
        raise DataError(f"{path}: is no npz file, or is cut short: {brief(error)}.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or brief(error)}.") from None
    # NumPy's and zipfile's parsers raise nearly every type of error on bytes that are no array.
    except Exception as error:
        kind = type(error).__name__
        raise DataError(
            f"{path}: is damaged, or holds Python objects, which could run code: save plain "
            f"arrays. {kind}: {brief(error)}."
        ) from None


def brief(error: Exception) -> str:
    """What a parser says, in a line: it may quote much of a damaged file."""
    return shown(str(error), 200)[1:-1]


def member(file: NpzFile, path: str, name: str) -> np.ndarray:
    """One array of an open `.npz` file."""
    if name not in file.files:
        there = f"it has {listed(file.files[:20])}" if file.files else "it has none"
        hint = did_you_mean(name, file.files)
        raise DataError(f"{path}: has no array `{shown(name)[1:-1]}`; {there}.{hint}")
    with readable(f"{path}, array `{name}`"):
        return file[name]


def _refuse_bombs(path: Path) -> None:
    with open(path, "rb") as file:
        if file.read(2) != b"PK":
            raise DataError(f"{path}: is no npz file; it does not begin like one.")
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.compress_type not in METHODS:
                raise DataError(
                    f"{path}: `{shown(info.filename)[1:-1]}` is packed in a way that NumPy does "
                    "not use. Save the arrays with `numpy.savez_compressed`."
                )
            with archive.open(info) as stream:
                declared = _declared(io.BytesIO(stream.read(MOST_HEADER)))
            # NumPy allocates what the header declares before it reads a byte of it.
            if claims_too_much(declared, info.compress_size):
                raise DataError(
                    f"{path}: `{shown(info.filename)[1:-1]}` claims {declared} bytes from "
                    f"{info.compress_size}; the file is damaged or hostile."
                )
            if declared > memory():
                raise DataError(
                    f"{path}: `{shown(info.filename)[1:-1]}` takes {declared / 2**30:.1f} GiB, and "
                    f"this machine has {memory() / 2**30:.1f}."
                )


class RowsTooLarge(DataError):
    """Rows that do not fit into memory."""


# The environment variable that says how much memory there is for data.
ALLOWED = "KERAS_RECIPES_MEMORY"
UNITS = {"": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}


def memory() -> float:
    """Bytes of memory for data: those of the machine, infinite where they are not known.

    The environment variable `KERAS_RECIPES_MEMORY` says otherwise, such as `4 GB`.
    """
    asked = os.environ.get(ALLOWED)
    if asked:
        found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]B|)", asked.strip().upper())
        if found is None:
            raise DataError(f"{ALLOWED}: expected an amount such as `4 GB`. Received {asked!r}.")
        return float(found[1]) * UNITS[found[2]]
    return installed()


def _declared(stream: IO[bytes]) -> int:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    if min(shape, default=0) < 0:
        raise ValueError(f"a shape of {shape}")
    return math.prod(shape) * max(1, dtype.itemsize)
