"""A column of a table in a file: an Arrow IPC file, and after it the SHA-256 of its bytes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from ... import disk
from .digested import DIGEST, Digesting, intact

# Rows of a record batch where a column is written piece by piece.
BATCH_ROWS = 1 << 14


class ColumnWriter:
    """Writes a column from pieces of one type, in batches of `BATCH_ROWS`.

    Args:
        path: the file, which is there once the column is finished.
        kind: type of the pieces.
    """

    def __init__(self, path: Path, kind: pa.DataType) -> None:
        self.type = kind
        self._file = disk.Cached(path)
        self._sink = Digesting(self._file)
        self._waiting: list[pa.Array] = []
        self._rows = 0
        stream = pa.PythonFile(self._sink, "w")
        self._writer = pa.ipc.new_file(stream, pa.schema([("column", kind)]))

    def add(self, piece: pa.Array) -> None:
        """Write a piece, or keep it until there is enough for a batch."""
        self._waiting.append(piece)
        self._rows += len(piece)
        if self._rows >= BATCH_ROWS:
            whole = pa.concat_arrays(self._waiting)
            full = len(whole) // BATCH_ROWS * BATCH_ROWS
            for first in range(0, full, BATCH_ROWS):
                self._write(whole.slice(first, BATCH_ROWS))
            self._rows = len(whole) - full
            # Even an empty slice keeps all of the array in memory.
            self._waiting = [whole.slice(full)] if self._rows else []

    def finish(self, path: Path | None = None) -> None:
        """Write what waits, and move the file to its place, or to another one."""
        if self._rows:
            self._write(pa.concat_arrays(self._waiting))
        self._writer.close()
        self._sink.finish()
        self._file.finish(path)

    def discard(self) -> None:
        """Remove the file, unless it is finished."""
        self._file.discard()

    def _write(self, piece: pa.Array) -> None:
        self._writer.write_batch(pa.record_batch([piece], names=["column"]))


def write_column(path: Path, column: pa.Array) -> None:
    """Write a column that is in memory as a single batch, which is read without a copy."""

    def save(file: disk.Cached) -> None:
        sink = Digesting(file)
        batch = pa.record_batch([column], names=["column"])
        with pa.ipc.new_file(pa.PythonFile(sink, "w"), batch.schema) as writer:
            writer.write_batch(batch)
        sink.finish()

    disk.write_cached(path, save)


class ColumnFile:
    """A column in a file, mapped into memory.

    Attributes:
        type: of the column.
    """

    def __init__(self, path: Path) -> None:
        with pa.memory_map(str(path)) as file:
            content = file.read_buffer()
        self._reader = pa.ipc.open_file(pa.BufferReader(content.slice(0, len(content) - DIGEST)))
        self.type: pa.DataType = self._reader.schema.field(0).type
        self._batches = self._reader.num_record_batches

    @property
    def rows(self) -> int:
        """Rows of the column."""
        if not self._batches:
            return 0
        return (self._batches - 1) * len(self._batch(0)) + len(self._batch(self._batches - 1))

    def whole(self) -> pa.Array:
        """The column; in the memory of the file where it is a single batch."""
        batches = list(self.batches())
        return batches[0] if len(batches) == 1 else pa.concat_arrays(batches)

    def batches(self) -> Iterator[pa.Array]:
        """The column in pieces."""
        return (self._batch(index) for index in range(self._batches))

    def take(self, rows: np.ndarray) -> pa.Array:
        """The rows of these indices, in their order; only batches that have some are read."""
        ordered = bool((rows[1:] >= rows[:-1]).all())
        order = slice(None) if ordered else np.argsort(rows, kind="stable")
        found = self._take_ordered(rows[order])
        if ordered:
            return found
        place = np.empty(len(rows), "int64")
        place[order] = np.arange(len(rows))
        return found.take(pa.array(place))

    def _take_ordered(self, rows: np.ndarray) -> pa.Array:
        size = len(self._batch(0))
        found: list[pa.Array] = []
        first = 0
        while first < len(rows):
            index = int(rows[first]) // size
            last = int(np.searchsorted(rows, (index + 1) * size))
            found.append(self._batch(index).take(pa.array(rows[first:last] - index * size)))
            first = last
        return pa.concat_arrays(found) if found else pa.array([], self.type)

    def _batch(self, index: int) -> pa.Array:
        return self._reader.get_batch(index).column(0)


def opened(path: Path) -> ColumnFile | None:
    """The column in a file; None where there is none, or a damaged one, which is removed."""
    if not intact(path):
        return None
    try:
        return ColumnFile(path)
    except (OSError, pa.ArrowException):
        disk.remove_file(path)
        return None
