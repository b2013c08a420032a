"""Columns of a file of a table: read once, kept in the cache in their types, mapped into memory."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from ...messages import logger
from ..errors import DataError
from ..spec.choices import Arguments
from . import cache
from .background import wait_for, write_behind
from .column_file import ColumnFile, opened, write_column
from .columns import Column, LargeColumns, UntypedColumns
from .frame import Frame
from .npz import RowsTooLarge, memory
from .streaming import write_columns

# Files with fewer bytes are read again each time, which takes some milliseconds.
MOST_UNCACHED = 1 << 20
# Columns that take a larger part of the memory are read one at a time.
MOST_OF_MEMORY = 0.4
Pieces = Iterator[Mapping[str, pa.Array]]


@dataclass(frozen=True)
class TableFile:
    """A file whose columns are read by name.

    Attributes:
        path: the file.
        arguments: what decides how it is read, as plain data.
        names: of its columns.
        read: reads columns of these names into memory, as they are in the file.
        stream: the same piece by piece; None where the format has no such reader.
        typed: reads columns of these names, each in the type that all its cells have, but those of
            the second names as words.
        size: bytes that all columns take in memory, at least.
    """

    path: Path
    arguments: Arguments
    names: tuple[str, ...]
    read: Callable[[Collection[str]], Frame]
    stream: Callable[[Collection[str]], Pieces] | None
    typed: Callable[[Collection[str], Collection[str]], Frame]
    size: int


def frame_of(file: TableFile, locate: Callable[[int], str] | None = None) -> Frame:
    """The rows of a file, of which a column is read when it is asked for.

    Args:
        locate: the place of a row in the file.
    """
    columns, folder = FileColumns(file, file.names), str(file.path.parent)
    if locate is None:
        return Frame(columns, str(file.path), folder=folder)
    return Frame(columns, str(file.path), locate, folder=folder)


class FileColumns(UntypedColumns):
    """Columns of a file, as they are in it.

    Args:
        names: of the columns, in order.
    """

    def __init__(self, file: TableFile, names: Iterable[str]) -> None:
        self.file, self.names = file, tuple(names)
        self._read: Mapping[str, Column] | None = None

    @property
    def rows(self) -> int:
        return len(self[self.names[0]])

    def __getitem__(self, name: str) -> Column:
        if self._read is None:
            self._read = self.file.read(self.names).columns
        return self._read[name]

    def select(self, names: Iterable[str]) -> "FileColumns":
        return FileColumns(self.file, names)

    def typed(self, keep: Collection[str]) -> Mapping[str, Column]:
        place = None
        if self._read is None and self.file.path.stat().st_size >= MOST_UNCACHED:
            place = _entry(self.file)
        if place is None:
            return self.file.typed(self.names, keep).columns
        wait_for(place)
        columns = _Entry(place, keep)
        absent = [name for name in self.names if not columns.find(name)]
        if absent:
            read = columns.make(self.file, absent)
            if read is not None and len(absent) == len(self.names):
                return read
            if read is not None:
                known = [name for name in self.names if name in columns.paths]
                found = {name: columns.whole(name) for name in known}
                return {name: found.get(name, read.get(name)) for name in self.names}
        cache.used(place)
        if columns.size() <= MOST_OF_MEMORY * memory():
            return {name: columns.whole(name) for name in self.names}
        logger.info(
            f"{self.file.path}: its columns, {columns.size() / 2**30:.2f} GiB, are read one at a "
            f"time from {place}."
        )
        return StoredColumns({name: columns.paths[name] for name in self.names})


def _entry(file: TableFile) -> Path | None:
    """The folder of the file's columns in the cache; None without a cache."""
    if cache.folder() is None:
        return None
    try:
        content = cache.content_of(file.path)
    except OSError:  # reading it tells why
        return None
    return cache.entry("tables", {"content": content, "arguments": dict(file.arguments)})


class _Entry:
    """The columns of a file in a folder of the cache, each in a file of its own.

    Attributes:
        paths: name -> file of each column that was found.
    """

    def __init__(self, folder: Path, keep: Collection[str]) -> None:
        self.folder, self.keep = folder, keep
        self.paths: dict[str, Path] = {}

    def path(self, name: str) -> Path:
        """Where a column is kept."""
        return self.folder / cache.file_name(name, "words" if name in self.keep else "typed")

    def find(self, name: str) -> bool:
        """Whether a column is there and intact."""
        path = self.path(name)
        if opened(path) is None:
            return False
        self.paths[name] = path
        return True

    def whole(self, name: str) -> pa.Array:
        """A column that was found."""
        return ColumnFile(self.paths[name]).whole()

    def size(self) -> int:
        """Bytes of the columns that were found."""
        return sum(path.stat().st_size for path in self.paths.values())

    def make(self, file: TableFile, names: list[str]) -> Mapping[str, Column] | None:
        """Read columns and keep them.

        Returns:
            The columns, or None where they are in files alone.
        """
        if file.size <= MOST_OF_MEMORY * memory():
            with suppress(RowsTooLarge):
                read = file.typed(names, self.keep).columns
                self._keep(read)
                return read
        if file.stream is None:
            return file.typed(names, self.keep).columns
        try:
            write_columns(file.stream, {name: self.path(name) for name in names}, self.keep)
        except OSError as error:
            raise DataError(
                f"{file.path}: its rows do not fit into the memory of this machine, "
                f"{memory() / 2**30:.1f} GiB, and could not be kept in {self.folder.parent}: "
                f"{error.strerror}. Name a folder on a larger disk in the environment variable "
                f"`{cache.FOLDER}`."
            ) from None
        cache.trim()
        self.paths.update({name: self.path(name) for name in names})
        return None

    def _keep(self, read: Mapping[str, Column]) -> None:
        arrays = {name: each for name, each in read.items() if isinstance(each, pa.Array)}
        size = sum(each.nbytes for each in arrays.values())
        if cache.has_room(size):
            write_behind(self.folder, partial(self._write, arrays), size)

    def _write(self, arrays: Mapping[str, pa.Array]) -> None:
        with suppress(OSError):
            for name, array in arrays.items():
                write_column(self.path(name), array)
            cache.used(self.folder)
            cache.trim()


class StoredColumns(LargeColumns):
    """Columns in files, each read when it is asked for.

    Args:
        paths: name -> file.
    """

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self.paths, self.names = paths, tuple(paths)
        self._rows: int | None = None

    @property
    def rows(self) -> int:
        if self._rows is None:
            self._rows = ColumnFile(next(iter(self.paths.values()))).rows
        return self._rows

    def __getitem__(self, name: str) -> pa.Array:
        return self._file(name).whole()

    def select(self, names: Iterable[str]) -> "StoredColumns":
        return StoredColumns({name: self.paths[name] for name in names})

    def picked(self, name: str, rows: np.ndarray) -> pa.Array:
        return self._file(name).take(rows)

    def _file(self, name: str) -> ColumnFile:
        try:
            return ColumnFile(self.paths[name])
        except (OSError, pa.ArrowException) as error:
            raise DataError(
                f"{self.paths[name]}: a column of the table can no longer be read: {error}. Start "
                "again."
            ) from None
