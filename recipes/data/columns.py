"""Columns of a table that are read, or picked, when they are asked for."""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Self

import numpy as np
import pyarrow as pa

from .coded import Coded, coded

# One value a row: an Arrow array of float64, int64, string or binary, with nulls where a value is
# missing.
# Several values a row: a NumPy array whose first axis counts rows.
Column = pa.Array | np.ndarray
# The different cells of a column are kept if there is no more than one in this many rows.
ROWS_OF_A_CELL = 4


class LazyColumns(Mapping[str, Column]):
    """Name -> column, where a column is made when it is asked for.

    Attributes:
        names: of the columns, in order.
    """

    names: tuple[str, ...]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    @property
    @abstractmethod
    def rows(self) -> int:
        """How many rows each column has."""

    @abstractmethod
    def select(self, names: Iterable[str]) -> Self:
        """The columns of these names, in their order."""

    def picked(self, name: str, rows: np.ndarray) -> Column:
        """The rows of these indices of a column, in their order."""
        return taken(self[name], rows)


class UntypedColumns(LazyColumns):
    """Columns of a file, whose cells are text as they are in it."""

    @abstractmethod
    def typed(self, keep: Collection[str]) -> Mapping[str, Column]:
        """Columns in the type that all their cells have; those of `keep` stay words."""


class LargeColumns(LazyColumns):
    """Columns of which no more than one should be in memory at a time."""


class PickedColumns(LazyColumns):
    """Some of the rows of columns: picked once where several picks follow one another.

    Args:
        base: the columns.
        indices: of the rows, in their order.
    """

    def __init__(self, base: Mapping[str, Column], indices: np.ndarray) -> None:
        self.base, self.indices, self.names = base, indices, tuple(base)
        self._found: dict[str, Column] = {}
        self._coded: dict[str, Coded] = {}

    @property
    def rows(self) -> int:
        return len(self.indices)

    def coded(self, name: str) -> Coded:
        """The different cells of a column, and which of them each row has; found once."""
        known = self._coded.get(name)
        if known is not None:
            return known
        found = coded(self[name])
        few = ROWS_OF_A_CELL * len(found.cells) <= len(found.codes)
        if few and not isinstance(self.base, LargeColumns):
            self._coded[name] = found
        return found

    def __getitem__(self, name: str) -> Column:
        if name not in self._found:
            if isinstance(self.base, LargeColumns):
                self._found.clear()
            if isinstance(self.base, LazyColumns):
                self._found[name] = self.base.picked(name, self.indices)
            else:
                self._found[name] = taken(self.base[name], self.indices)
        return self._found[name]

    def select(self, names: Iterable[str]) -> "PickedColumns":
        return PickedColumns(selected(self.base, names), self.indices)

    def take(self, rows: np.ndarray) -> "PickedColumns":
        """Some of these rows, by index."""
        return PickedColumns(self.base, self.indices[rows])


def is_large(columns: Mapping[str, Column]) -> bool:
    """Whether no more than one of the columns should be in memory at a time."""
    base = columns.base if isinstance(columns, PickedColumns) else columns
    return isinstance(base, LargeColumns)


def taken(column: Column, rows: np.ndarray) -> Column:
    """The rows of these indices of a column."""
    return column[rows] if isinstance(column, np.ndarray) else column.take(pa.array(rows))


def selected(columns: Mapping[str, Column], names: Iterable[str]) -> Mapping[str, Column]:
    """The columns of these names, in their order."""
    if isinstance(columns, LazyColumns):
        return columns.select(names)
    return {name: columns[name] for name in names}


def at_rows(columns: Mapping[str, Column], rows: np.ndarray) -> PickedColumns:
    """The rows of these indices of all columns."""
    if isinstance(columns, PickedColumns):
        return columns.take(rows)
    return PickedColumns(columns, rows)
