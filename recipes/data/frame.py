"""Rows with named columns: what every source opens as, whatever its format."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sized
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa

from ..errors import DataError
from ..spec.wording import did_you_mean, listed, shown
from .arrays import picked
from .arrow import compute as pc
from .cell_types import is_text, size_problem, trimmed, typed, unlike_numbers
from .coded import Coded, coded
from .columns import Column, LazyColumns, PickedColumns, UntypedColumns, at_rows, selected
from .image_files import Examined
from .notation import notation_arguments

MOST_NAMES_SHOWN = 20
# A column in which more of the cells than this are numbers was meant as numbers.
MOSTLY = 0.9


@dataclass(frozen=True)
class Frame:
    """Rows with named columns, read by index.

    Attributes:
        columns: name -> column, all equally long.
        where: what messages call the rows: a path, or `rows`.
        locate: the place of a row in what it was read from, such as `line 5`.
        folder: what paths in its cells are relative to; None where they are the user's own.
        links: whether links below that folder may lead out of it.
        pictures: what was found of its columns of pictures, by name.
    """

    columns: Mapping[str, Column]
    where: str
    locate: Callable[[int], str] = "row {} (from 0)".format
    folder: str | None = None
    links: bool = False
    pictures: Mapping[str, Examined] = field(default_factory=dict[str, Examined])

    def __len__(self) -> int:
        if isinstance(self.columns, LazyColumns):
            return self.columns.rows
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> Column:
        self.require([name])
        return self.columns[name]

    def take(self, rows: np.ndarray) -> Self:
        """The rows of these indices, in their order."""
        pictures = {name: found.take(rows) for name, found in self.pictures.items()}
        return replace(
            self,
            columns=at_rows(self.columns, rows),
            locate=lambda row: self.locate(int(rows[row])),
            pictures=pictures,
        )

    def coded(self, name: str) -> Coded:
        """The different cells of a column with one value a row, and which of them each row has."""
        if isinstance(self.columns, PickedColumns):
            self.require([name])
            return self.columns.coded(name)
        return coded(self[name])

    def select(self, names: Iterable[str]) -> Self:
        """The columns of these names, in their order."""
        names = list(names)
        self.require(names)
        return replace(self, columns=selected(self.columns, names))

    def typed(self, keep: Collection[str] = ()) -> Self:
        """Columns of text as the type that all their cells have, see `typed`.

        Args:
            keep: columns that stay words, whatever they look like: `01` is not `1` then.
        """
        if isinstance(self.columns, UntypedColumns):
            return replace(self, columns=self.columns.typed(keep))
        columns = {
            name: (trimmed if name in keep else typed)(column)
            if isinstance(column, pa.Array) and is_text(column)
            else column
            for name, column in self.columns.items()
        }
        return replace(self, columns=columns)

    def require(self, names: Iterable[str]) -> None:
        """Raise a `DataError` that names the columns of `names` which are missing."""
        missing = [name for name in names if name not in self.columns]
        if not missing:
            return
        what = ", ".join(f"`{plain(name)}`" for name in missing[:MOST_NAMES_SHOWN])
        if len(missing) > MOST_NAMES_SHOWN:
            what += f" and {len(missing) - MOST_NAMES_SHOWN} more"
        there = list(self.columns)
        hint = did_you_mean(missing[0], there)
        if len(there) == 1 and any(mark in there[0] for mark in ",;\t|"):
            hint = " Its cells are separated by another character: set `delimiter`."
        more = f" and {len(there) - MOST_NAMES_SHOWN} more" * (len(there) > MOST_NAMES_SHOWN)
        raise DataError(
            f"{self.where}: has no column {what}; it has {listed(there[:MOST_NAMES_SHOWN])}"
            f"{more}.{hint}"
        )

    def fault(self, row: int, name: str, problem: str) -> str:
        """What is wrong with a cell, with its place."""
        return f"{self.locate(row)}, column `{plain(name)}`: {problem}"


def plain(name: str) -> str:
    """A name from a file, fit for a message: short, and without control characters."""
    return shown(name)[1:-1]


def counted(count: int, what: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def same_length(columns: Mapping[str, Sized], where: str) -> None:
    """Raise a `DataError` where one column is longer than another, or there is no row."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        found = ", ".join(f"{plain(name)}: {length}" for name, length in lengths.items())
        raise DataError(f"{where}: columns must be equally long and not empty. Received {found}")


# Rows of a source: an array whose first axis counts them, or a table.
Rows = np.ndarray | Frame


def pick(rows: Any, indices: np.ndarray) -> Any:
    """The rows of these indices, of an array, a table, a block, or windows."""
    return picked(rows, indices) if isinstance(rows, np.ndarray) else rows.take(indices)


def refuse_nearly_numbers(rows: Frame, name: str, advice: str) -> None:
    """Raise a `DataError` where nearly all cells of a column of words are numbers.

    Args:
        advice: what to do if they are meant as words.
    """
    column = rows[name]
    if isinstance(column, np.ndarray) or not is_text(column):
        return
    bad = unlike_numbers(rows.coded(name))
    known = len(column) - column.null_count
    if not 0 < len(bad) <= (1 - MOSTLY) * known:
        return
    cell = column[int(bad[0])].as_py()
    problem = (
        f"the cell is {shown(cell)}{size_problem(cell)}, and {known - len(bad)} of {known} "
        f"cells of the column are numbers. Correct it; or, if these are categories, {advice}."
    )
    if arguments := notation_arguments(pc.take(column, pa.array(bad))):
        problem += f" {arguments} of the source `csv` would read it as a number."
    raise DataError(f"{rows.where}: {rows.fault(int(bad[0]), name, problem)}")
