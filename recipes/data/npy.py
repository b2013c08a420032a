"""Arrays in NumPy `.npy` files. Nothing in them is unpickled."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import DataError
from ..spec.csv_header import refuse_device
from ..spec.file_patterns import matched
from .npz import joined, memory, readable
from .source import Source, checked


def npy(
    x: str,
    y: str,
    x_test: str | None = None,
    y_test: str | None = None,
    task: Literal["classification", "regression", "multilabel"] | None = None,
) -> Source:
    """Rows and targets, each from a `.npy` file, or from several by a pattern.

    Args:
        x: the file of rows, first axis counts them.
        y: the file of targets.
        x_test: a file of test rows, if there are any.
        y_test: the file of their targets.
        task: what to make of the targets, as for `npz`.
    """
    if (x_test is None) != (y_test is None):
        raise DataError("npy: `x_test` and `y_test` belong together; one of them is missing.")
    source = checked(_rows(x), _rows(y), x, task=task)
    if x_test is None or y_test is None:
        return source
    own = checked(_rows(x_test), _rows(y_test), x_test, task=source.task)
    return replace(source, test=(own.x, own.y))


def _rows(path: str) -> np.ndarray:
    files = matched(path)
    return joined([read_npy(each) for each in files], files, "the array")


def read_npy(path: Path) -> np.ndarray:
    """The array of a file.

    Raises:
        DataError: the file is none, is damaged, or holds more than the memory of this machine.
    """
    with readable(path):
        refuse_device(path)
        with open(path, "rb") as file:
            if file.read(6) != b"\x93NUMPY":
                raise DataError(f"{path}: is no npy file; it does not begin like one.")
        # Mapped first: a header that claims more than the file holds is refused unread.
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        if mapped.nbytes > memory():
            raise DataError(
                f"{path}: takes {mapped.nbytes / 2**30:.1f} GiB, and this machine has "
                f"{memory() / 2**30:.1f}."
            )
        return np.array(mapped)
