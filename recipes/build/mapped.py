"""Rows of numbers in a file that is larger than memory, read by index."""

import mmap
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
import tensorflow as tf

from ..data.arrays import picked
from ..data.blocks import Block

# Bytes of the file that may be in memory for this process; the system keeps others as it likes.
MOST_RESIDENT = 128 << 20
# Reading a byte brings so many around it into memory: what Linux maps at a fault.
AROUND = 64 << 10


class MappedBlock(Block):
    """Rows (rows, width) in an `.npy` file, of which little is in memory at a time.

    Args:
        path: the file; what follows its numbers is not read.
        rows: indices of the rows that are used, in their order; by default all.
    """

    def __init__(self, path: Path, rows: np.ndarray | None = None) -> None:
        self.path, self.rows = path, rows
        with open(path, "rb") as file:
            shape, self.dtype, first = read_header(file)
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        count = int(np.prod(shape))
        self._array = np.frombuffer(self._map, self.dtype, count, first).reshape(shape)
        self.shape = shape if rows is None else (len(rows), *shape[1:])
        self._touched = 0

    def gather(self, chosen: tf.Tensor) -> tf.Tensor:
        found = tf.numpy_function(self._read, [chosen], self.dtype, stateful=False)
        found.set_shape((chosen.shape[0], *self.shape[1:]))
        return found

    def take(self, rows: np.ndarray) -> Self:
        return type(self)(self.path, rows if self.rows is None else self.rows[rows])

    def __getitem__(self, rows: slice) -> np.ndarray:
        return self._read(np.arange(*rows.indices(len(self))))

    def _read(self, chosen: np.ndarray) -> np.ndarray:
        found = picked(self._array, chosen if self.rows is None else self.rows[chosen])
        self._touched += len(chosen) * AROUND + found.nbytes
        if self._touched > MOST_RESIDENT and hasattr(mmap, "MADV_DONTNEED"):
            # Pages that were read count as memory of this process until they are given back.
            self._map.madvise(mmap.MADV_DONTNEED)
            self._touched = 0
        return found


def read_header(file: BinaryIO) -> tuple[tuple[int, ...], np.dtype, int]:
    """Shape and type of the numbers in an `.npy` file, and where they begin.

    Raises:
        ValueError: it is none, or its rows are not in order.
    """
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"version {version} of the format")
    shape, by_column, dtype = np.lib.format.read_array_header_1_0(file)
    if by_column:
        raise ValueError("rows that are not in order")
    return shape, dtype, file.tell()


def header(shape: tuple[int, ...], dtype: np.dtype) -> dict[str, Any]:
    """What the header of an `.npy` file says."""
    descr = np.lib.format.dtype_to_descr(dtype)
    return {"descr": descr, "fortran_order": False, "shape": shape}
