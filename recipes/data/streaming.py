"""Columns of a file that is larger than memory, written to files of their own piece by piece."""

import errno
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa

from ... import disk
from . import cache
from .cell_types import as_numbers, is_text, trimmed
from .coded import coded
from .column_file import ColumnFile, ColumnWriter

Stream = Callable[[Collection[str]], Iterator[Mapping[str, pa.Array]]]
# Columns that are written at once: each is an open file.
MOST_OPEN = 256
# Pieces between two checks of the space on the disk and of unused memory.
PIECES = 16


def write_columns(stream: Stream, paths: Mapping[str, Path], keep: Collection[str]) -> None:
    """Write columns in the type that all their cells have, as `Frame.typed` finds it.

    Args:
        stream: gives the columns of some names piece by piece.
        paths: name -> file of each column.
        keep: columns that stay words, whatever they look like.

    Raises:
        OSError: the disk is full.
        DataError: the file cannot be used.
    """
    names = list(paths)
    for first in range(0, len(names), MOST_OPEN):
        some = names[first : first + MOST_OPEN]
        words = _pass(stream, {name: paths[name] for name in some}, keep)
        # A column that turned out to hold words after pieces of numbers is read once more.
        if words:
            _pass(stream, {name: paths[name] for name in words}, words)
    pa.default_memory_pool().release_unused()


def _pass(stream: Stream, paths: Mapping[str, Path], keep: Collection[str]) -> list[str]:
    """Write columns; return the names of those whose first pieces were taken for numbers."""
    with ExitStack() as stack:
        columns = {name: _Column(path, name in keep) for name, path in paths.items()}
        for column in columns.values():
            stack.callback(column.discard)
        for index, pieces in enumerate(stream(list(paths))):
            size = sum(piece.nbytes for piece in pieces.values())
            if index % PIECES == 0:
                if not cache.has_room(PIECES * size):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                # Arrow's allocator gives little back to the system by itself.
                pa.default_memory_pool().release_unused()
            for name, piece in pieces.items():
                columns[name].add(piece)
        for column in columns.values():
            column.finish()
    return [name for name, column in columns.items() if column.failed]


class _Column:
    """A column that is written in the narrowest type of its pieces: int64, float64, words.

    Attributes:
        failed: whether words followed cells that were read as numbers.
    """

    def __init__(self, path: Path, keep: bool) -> None:
        self.path, self.keep = path, keep
        self.failed = False
        self._writer: ColumnWriter | None = None
        # Rows before the first that is known, which fit any type; and whether they fit words.
        self._missing = 0
        self._spelled = False

    def add(self, piece: pa.Array) -> None:
        """Write a piece of cells, or of what is typed already."""
        if self.failed:
            return
        if not is_text(piece):
            self._write(piece)
        elif self.keep or self._type == pa.string():
            self._write(trimmed(piece))
        else:
            self._add_cells(piece)

    def finish(self) -> None:
        """Move the file to its place, unless the column failed."""
        if self.failed:
            return
        if self._writer is None:
            self._write(pa.nulls(0, pa.float64()))
        assert self._writer is not None
        self._writer.finish()

    def discard(self) -> None:
        """Remove what is not finished."""
        if self._writer is not None:
            self._writer.discard()

    @property
    def _type(self) -> pa.DataType | None:
        return None if self._writer is None else self._writer.type

    def _add_cells(self, cells: pa.Array) -> None:
        """Write cells as numbers, or as words where one is none."""
        different = coded(cells)
        words = trimmed(different.cells)
        found = as_numbers(words)
        if found is None:
            self.failed = self._writer is not None or self._spelled
            if not self.failed:
                self._write(different.spread(words))
        elif found.null_count == len(found) and self._writer is None:
            self._missing += len(cells)
            self._spelled = self._spelled or words.null_count < len(words)
        else:
            self._write(different.spread(found))

    def _write(self, piece: pa.Array) -> None:
        if self._writer is None:
            self._writer = ColumnWriter(self.path, piece.type)
            if self._missing:
                self._writer.add(pa.nulls(self._missing, piece.type))
        if piece.type != self._type:
            if self._type == pa.int64() and piece.null_count < len(piece):
                self._to_fractions()
            piece = piece.cast(self._type)
        self._writer.add(piece)

    def _to_fractions(self) -> None:
        """Write whole numbers again as float64: what follows them has fractions."""
        assert self._writer is not None
        whole = self.path.with_name(f"{self.path.name}.whole")
        self._writer.finish(whole)
        self._writer = ColumnWriter(self.path, pa.float64())
        for piece in ColumnFile(whole).batches():
            self._writer.add(piece.cast(pa.float64()))
        disk.remove_file(whole)
