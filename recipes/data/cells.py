"""The cells of a table by column, with the line of each for error messages."""

import heapq
import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import DataError
from ..spec.csv_header import checked_names, records
from ..spec.fields import did_you_mean, listed, shown
from .npz import memory

# Bytes that a short cell takes in memory, with its place in a list.
CELL_BYTES = 64
# Cells that are read at a time.
BLOCK = 1 << 17
# How much of what is wrong a message shows.
MOST_ROWS_SHOWN = 5
MOST_NAMES_SHOWN = 20
EMPTY_CELL = "expected a number. The cell is empty: fill it in or leave the row out."


@dataclass
class Faults:
    """The cells of a table that cannot be used.

    Attributes:
        by_row: row -> its first fault, with its place.
        count: of all faults.
        advice: sentences on what to do about them.
    """

    by_row: dict[int, str] = field(default_factory=dict)
    count: int = 0
    advice: dict[str, None] = field(default_factory=dict)

    def add(self, row: int, message: str, advice: str = "") -> None:
        """Note a fault; each `advice` is given once, after all faults."""
        self.by_row.setdefault(row, message)
        self.count += 1
        if advice:
            self.advice[advice] = None

    def summary(self, rows: int) -> str:
        """How many rows cannot be used, and the first of them.

        Args:
            rows: how many the table has.
        """
        advice = " ".join(list(self.advice)[:3])
        if self.count == 1:
            return f"{next(iter(self.by_row.values()))} {advice}".rstrip()
        first = heapq.nsmallest(MOST_ROWS_SHOWN, self.by_row)
        lines = [f"  {self.by_row[row]}" for row in first]
        if len(self.by_row) > len(first):
            lines.append(f"  and {counted(len(self.by_row) - len(first), 'more row')}.")
        lines += [f"  {advice}"] * bool(advice)
        cells = "" if self.count == len(self.by_row) else f" (for {counted(self.count, 'cell')})"
        return "\n".join(
            [f"{len(self.by_row)} of {counted(rows, 'row')} cannot be used{cells}:", *lines]
        )


@dataclass
class Table:
    """The cells of a CSV file, or of columns given from Python.

    A row that cannot be used is noted in `faults`, so that one message can name all of them; the
    arrays that are made of the table have NaN there, or zeros.

    Attributes:
        path: what messages call it.
        header: names of all columns.
        columns: column name -> its cells, of the columns that are kept.
        lines: the line, or row, that each row begins in.
        row_word: what `lines` counts.
        delimiter: character between cells.
        ragged: rows with too many cells or too few.
    """

    path: str
    header: list[str]
    columns: dict[str, list[str]]
    lines: list[int] = field(default_factory=list)
    row_word: str = "line"
    delimiter: str = ","
    faults: Faults = field(default_factory=Faults)
    ragged: set[int] = field(default_factory=set)

    @classmethod
    def read(
        cls,
        path: Path,
        delimiter: str = ",",
        encoding: str = "utf-8",
        wanted: Container[str] | None = None,
    ) -> Self:
        """The table in a CSV file.

        Args:
            wanted: names of the columns to keep; by default all.

        Raises:
            DataError: the file cannot be read, has no rows, or does not fit into memory.
        """
        read = records(path, delimiter, encoding)
        _, names = next(read, (0, None))
        if names is None:
            raise DataError(f"{path}: is empty; its first line must name the columns.")
        header = checked_names(path, names)
        columns = {name: [] for name in header if wanted is None or name in wanted}
        table = cls(str(path), header, columns, delimiter=delimiter)
        table._fill(read)
        if not table.lines:
            raise DataError(f"{path}: has a header and no rows.")
        return table

    @classmethod
    def of_columns(cls, columns: Mapping[Any, Iterable[Any]], where: str) -> Self:
        """A table of columns by name, of any cells; None and NaN are empty cells.

        Args:
            where: what messages call it; its rows count from 0.

        Raises:
            DataError: there is no row, or one column is longer than another.
        """
        cells = {str(name): [_text(cell) for cell in column] for name, column in columns.items()}
        lengths = {len(column) for column in cells.values()}
        if len(lengths) != 1 or lengths == {0}:
            found = ", ".join(f"{plain(name)}: {len(column)}" for name, column in cells.items())
            raise DataError(
                f"{where}: columns must be equally long and not empty. Received {found}"
            )
        return cls(where, list(cells), cells, list(range(lengths.pop())), row_word="row")

    def __len__(self) -> int:
        return len(self.lines)

    def _fill(self, read: Iterable[tuple[int, list[str]]]) -> None:
        width, most = len(self.header), memory() / CELL_BYTES
        block: list[list[str]] = []
        for line, cells in read:
            if len(cells) != width:
                what = f"has {counted(len(cells), 'cell')}; the header has {width}."
                self.faults.add(len(self.lines), f"line {line} {what}")
                self.ragged.add(len(self.lines))
                cells = [""] * width
            self.lines.append(line)
            block.append(cells)
            if len(block) * width >= BLOCK:
                self._extend(block)
                block = []
            if len(self.lines) * len(self.columns) > most:
                raise DataError(
                    f"{self.path}: its first {len(self.lines)} rows of {len(self.columns)} "
                    f"columns fill the memory of this machine, {memory() / 2**30:.1f} GiB. Name "
                    "the columns that are needed under `numeric` and `categorical`, or use fewer "
                    "rows."
                )
        self._extend(block)

    def _extend(self, block: list[list[str]]) -> None:
        for name, cells in zip(self.header, zip(*block, strict=True), strict=bool(block)):
            if name in self.columns:
                self.columns[name].extend(map(str.strip, cells))

    def cells(self, name: str) -> list[str]:
        """The cells of a column, top to bottom."""
        self.require([name])
        return self.columns[name]

    def require(self, names: Iterable[str]) -> None:
        """Raise a `DataError` that names the columns of `names` which the table lacks."""
        missing = [name for name in names if name not in self.columns]
        if not missing:
            return
        few = missing[:MOST_NAMES_SHOWN]
        what = ", ".join(f"`{plain(name)}`" for name in few)
        if len(missing) > len(few):
            what += f" and {len(missing) - len(few)} more"
        there = listed(self.header[:MOST_NAMES_SHOWN])
        hint = did_you_mean(missing[0], self.header)
        if len(self.header) == 1 and any(mark in self.header[0] for mark in ",;\t|"):
            hint = f" Its cells are not divided by {shown(self.delimiter)}: set `delimiter`."
        raise DataError(f"{self.path}: has no column {what}; it has {there}.{hint}")

    def numbers(self, name: str, advice: str = "") -> np.ndarray:
        """A column as float64, NaN where a cell is no number, which is noted as a fault.

        Args:
            advice: what to do about a cell that is a word.
        """
        cells = self.cells(name)
        quick = _all_numbers(cells)
        if quick is not None:
            return quick
        values = np.full(len(cells), np.nan)
        for row, cell in enumerate(cells):
            value = number(cell)
            if value is not None:
                values[row] = value
            elif cell:
                self.fault(row, name, "expected a number. Received {}.", cell, advice)
            else:
                self.fault(row, name, EMPTY_CELL)
        return values

    def codes(self, name: str, words: Sequence[str]) -> np.ndarray:
        """A column of words as their places in a list, -1 where a cell is none of them."""
        place = {word: index for index, word in enumerate(words)}
        return np.array([place.get(cell, -1) for cell in self.cells(name)], dtype="int64")

    def note_unknown(self, name: str, words: Sequence[str], codes: np.ndarray) -> None:
        """Note the cells of a column that `codes` found among none of the words."""
        known = listed(list(words)[:6]) + (f" and {len(words) - 6} more" * (len(words) > 6))
        for row in np.flatnonzero(codes < 0).tolist():
            cell = self.columns[name][row]
            what = "{}" if cell else "an empty cell"
            message = f"{what} was not in the table that the model learned from; it knows {known}."
            self.fault(row, name, message, cell)

    def fault(self, row: int, name: str, message: str, cell: str = "", advice: str = "") -> None:
        """Note that a cell cannot be used.

        Args:
            message: what is wrong; `{}` in it stands for the cell.
        """
        # In a row with too many cells or too few, no cell can be assigned to a column.
        if row in self.ragged:
            return
        # A table may have millions of such cells; only the first of a row gets a message.
        if row not in self.faults.by_row:
            place = f"{self.row_word} {self.lines[row]}, column `{plain(name)}`"
            message = f"{place}: {message.replace('{}', shown(cell), 1)}"
        self.faults.add(row, message, advice)

    def refuse_faults(self) -> None:
        """Raise a `DataError` that sums up what was found wrong so far, if anything was."""
        if self.faults.count:
            raise DataError(f"{self.path}: {self.faults.summary(len(self))}")

    @property
    def usable(self) -> np.ndarray:
        """For each row, whether nothing was found wrong with it so far (rows,)."""
        usable = np.ones(len(self), dtype=bool)
        usable[list(self.faults.by_row)] = False
        return usable


def _all_numbers(cells: Sequence[str]) -> np.ndarray | None:
    """A column in which every cell is a number, read in one go; None for any other."""
    try:
        values = np.array(list(map(float, cells)))
    except ValueError:
        return None
    fits = bool((np.abs(values) < LARGEST).all()) and not any("_" in cell for cell in cells)
    return values if fits else None


# A larger number is no 32-bit float.
LARGEST = 3.4e38


def number(cell: str) -> float | None:
    """A cell as a finite 32-bit number, or None."""
    try:
        value = float(cell)
    except ValueError:
        return None
    # float() also takes `1_000`, `nan` and `infinity`, which no table means as a number.
    return value if math.isfinite(value) and abs(value) < LARGEST and "_" not in cell else None


def _text(cell: Any) -> str:
    """A cell given from Python as a CSV file would hold it."""
    if cell is None or cell != cell:
        return ""
    return str(cell).strip()


def plain(name: str) -> str:
    """A name from a file, fit for a message: short, and without control characters."""
    return shown(name)[1:-1]


def counted(count: int, what: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
