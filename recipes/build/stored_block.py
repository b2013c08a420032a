"""Rows of numbers in a file that is larger than memory, read by index."""

import os
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
import tensorflow as tf

from ... import disk
from ..data import cache
from ..data.blocks import Block
from ..data.digested import Digesting
from ..errors import DataError


class StoredBlock(Block):
    """Rows (rows, width) in an `.npy` file, of which only those that are asked for are in memory.

    They are read by position. Through a memory map, Linux brings up to 2 MiB around each row into
    the memory of the process, which is slower and has no bound.

    Args:
        path: the file; what follows its numbers is not read.
        rows: indices of the rows that are used, in their order; by default all.
    """

    def __init__(self, path: Path, rows: np.ndarray | None = None) -> None:
        self.path, self.rows = path, rows
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115
        shape, self.dtype, self._first = read_header(self._file)
        self.shape = shape if rows is None else (len(rows), *shape[1:])
        self._size = int(np.prod(shape[1:])) * self.dtype.itemsize

    def gather(self, chosen: tf.Tensor) -> tf.Tensor:
        found = tf.numpy_function(self._read, [chosen], self.dtype, stateful=False)
        found.set_shape((chosen.shape[0], *self.shape[1:]))
        return found

    def take(self, rows: np.ndarray) -> Self:
        return type(self)(self.path, rows if self.rows is None else self.rows[rows])

    def __getitem__(self, rows: slice) -> np.ndarray:
        return self._read(np.arange(*rows.indices(len(self))))

    def _read(self, chosen: np.ndarray) -> np.ndarray:
        rows = chosen if self.rows is None else self.rows[chosen]
        # Rows that follow one another are read at once.
        starts = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
        places = rows[starts].astype("int64") * self._size + self._first
        sizes = np.diff(starts, append=len(rows)) * self._size
        file = self._file.fileno()
        pairs = zip(sizes.tolist(), places.tolist(), strict=True)
        found = b"".join([os.pread(file, size, place) for size, place in pairs])
        if len(found) != len(rows) * self._size:
            raise DataError(f"{self.path}: was cut while it was in use.")
        return np.frombuffer(found, self.dtype).reshape(len(rows), *self.shape[1:])


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


class NpyWriter:
    """Writes rows to an `.npy` file that ends with its hash.

    Args:
        rows: how many there will be.
    """

    def __init__(self, file: disk.Cached, rows: int) -> None:
        self.sink, self.rows, self.started = Digesting(file), rows, False

    def add(self, block: np.ndarray) -> None:
        """Write some of the rows."""
        if not self.started:
            shape = self.rows, *block.shape[1:]
            np.lib.format.write_array_header_1_0(self.sink, _header(shape, block.dtype))
            self.started = True
        self.sink.write(cache.bytes_of(block))

    def finish(self) -> None:
        """Write the hash of all rows."""
        self.sink.finish()

    def whole(self, block: np.ndarray) -> None:
        """Write all rows."""
        self.add(block)
        self.finish()


def _header(shape: tuple[int, ...], dtype: np.dtype) -> dict[str, object]:
    """What the header of an `.npy` file says."""
    descr = np.lib.format.dtype_to_descr(dtype)
    return {"descr": descr, "fortran_order": False, "shape": shape}
