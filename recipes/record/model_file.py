"""The archive and the arrays of a saved model, checked before anything reads them.

A `.keras` file may come from a stranger. A link out of the file, or an array that claims more
memory than the file accounts for, is refused with an error that names it. Keras is not imported.
"""

# h5py has no type stubs.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

import importlib
import math
import os
import stat
import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np

from ..errors import RequestError
from .archive import METHODS, claims_too_much, memory

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
# What an exported file says of itself; Keras passes over it.
PROOF = "keras_recipes.json"
MEMBERS = frozenset({"metadata.json", CONFIG, WEIGHTS, PROOF})
# Keras keeps the vocabularies of lookup layers there.
ASSETS = "assets/"
MOST_CONFIG = 1 << 26
# Filters that are part of HDF5 and h5py (gzip, shuffle, checksum, lzf); others load a library.
FILTERS = frozenset({1, 2, 3, 32000})


class ModelFileError(RequestError):
    """A file of a model or of weights that cannot be used."""


@contextmanager
def readable(path: Path) -> Generator[None, None, None]:
    """Turn any error that zip, HDF5 or Keras raise on damaged bytes into one about the file."""
    try:
        yield
    except ModelFileError:
        raise
    except FileNotFoundError:
        raise ModelFileError(f"{path}: there is no such file.") from None
    except OSError as error:
        reason = error.strerror or first_line(error)
        raise ModelFileError(f"{path}: cannot be read: {reason}.") from None
    except Exception as error:
        raise ModelFileError(f"{path}: cannot be loaded: {first_line(error)}") from None


def check_model(path: Path) -> tuple[bytes, int]:
    """Refuse a `.keras` file whose archive or arrays no Keras has written.

    Returns:
        The JSON of its config, unchecked, and how many numbers its arrays hold.

    Raises:
        ModelFileError: with what is wrong.
    """
    with readable(path):
        check_regular(path)
        with zipfile.ZipFile(path) as archive:
            _check_archive(path, archive)
            with archive.open(WEIGHTS) as file:
                return archive.read(CONFIG), check_arrays(path, file)


def check_weights(path: Path) -> int:
    """Refuse a `.weights.h5` file that is not only arrays.

    Returns:
        How many numbers it holds.

    Raises:
        ModelFileError: with what is wrong.
    """
    with readable(path):
        check_regular(path)
        with open(path, "rb") as file:
            return check_arrays(path, file)


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    """Every array of a `.keras` file by its name in the file, without building the model.

    Raises:
        ModelFileError: with what is wrong with the file.
    """
    check_model(path)
    arrays: dict[str, np.ndarray] = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = np.asarray(item)

    with readable(path), zipfile.ZipFile(path) as archive, archive.open(WEIGHTS) as file:
        h5py.File(file, "r").visititems(visit)
    return arrays


def check_regular(path: Path) -> None:
    """A device has no end, and a pipe may never begin."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ModelFileError(f"{path}: expected a file; it is a folder, a device or a pipe.")


def check_arrays(path: Path, file: IO[bytes]) -> int:
    """Refuse an HDF5 file that leads to another file, or claims more than it holds.

    Returns:
        How many numbers it holds.
    """
    with h5py.File(file, "r") as root:
        numbers, total = 0, 0
        for name, dataset in _datasets(path, root):
            length = math.prod(dataset.shape or ())
            size, stored = length * dataset.dtype.itemsize, dataset.id.get_storage_size()
            if claims_too_much(size, stored):
                raise _refused(path, name, f"claims {size} bytes from {stored}")
            numbers, total = numbers + length, total + size
            if total > memory():
                raise _refused(path, name, "is more than this computer has memory for")
        return numbers


def first_line(error: BaseException) -> str:
    """The first line of an error's message."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _check_archive(path: Path, archive: zipfile.ZipFile) -> None:
    """Members must be those that Keras writes, each once, of a size that the archive can hold."""
    seen: set[str] = set()
    total = 0
    for info in archive.infolist():
        name = info.filename
        outside = ".." in name.replace("\\", "/").split("/") or "\\" in name or ":" in name
        if name in seen or outside or not (name in MEMBERS or name.startswith(ASSETS)):
            raise _refused(path, name, "is not a part of a saved model")
        seen.add(name)
        if info.flag_bits & 1 or info.compress_type not in METHODS:
            raise _refused(path, name, "is packed in a way that Keras does not use")
        if claims_too_much(info.file_size, info.compress_size):
            raise _refused(path, name, f"claims {info.file_size} bytes from {info.compress_size}")
        total += info.file_size
    for name in (CONFIG, WEIGHTS):
        if name not in seen:
            raise ModelFileError(f"{path}: is not a saved model of Keras 3: it has no {name}.")
    if archive.getinfo(CONFIG).file_size > MOST_CONFIG:
        raise _refused(path, CONFIG, f"is larger than {MOST_CONFIG >> 20} MiB")
    if total > memory():
        raise ModelFileError(f"{path}: unpacks to more than this computer has memory for.")


def _datasets(path: Path, root: Any) -> Iterator[tuple[str, Any]]:
    """Every array of an HDF5 file, if nothing in it leads out of the file."""
    # Compiled, so that type checkers do not know it.
    h5o = importlib.import_module("h5py.h5o")
    waiting: list[tuple[str, Any]] = [("", root)]
    seen: set[int] = set()
    while waiting:
        place, group = waiting.pop()
        for key in group:
            name = f"{place}/{key}"
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise _refused(path, name, "is a link, which may lead to another file")
            item = group[key]
            address = h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if isinstance(item, h5py.Group):
                waiting.append((name, item))
            elif isinstance(item, h5py.Dataset):
                _check_dataset(path, name, item)
                yield name, item
            else:
                raise _refused(path, name, "is not an array")


def _check_dataset(path: Path, name: str, item: Any) -> None:
    if item.external or item.is_virtual:
        raise _refused(path, name, "keeps its numbers in another file")
    if item.dtype.hasobject or item.dtype.kind not in "biufcV":
        raise _refused(path, name, f"holds {item.dtype} values; expected numbers")
    properties = item.id.get_create_plist()
    filters = {properties.get_filter(index)[0] for index in range(properties.get_nfilters())}
    if not filters <= FILTERS:
        raise _refused(path, name, "is packed in a way that Keras does not use")


def _refused(path: Path, name: str, what: str) -> ModelFileError:
    return ModelFileError(f"{path}: `{name:.60}` {what}; the file is damaged or hostile.")
