"""The cells of a CSV file, and the place of each, so that a mistake can be named."""

import csv as csvlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from ..words import did_you_mean, listed, shown
from .source import refuse_device


class Table:
    """The cells of a CSV file, with the line each row began in."""

    def __init__(self, path: Path, delimiter: str):
        self.path = path
        self.header: list[str] = []
        self.places: dict[str, int] = {}
        self.rows: list[list[str]] = []
        self.lines: list[int] = []
        self._read(delimiter)

    def _read(self, delimiter: str) -> None:
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise DataError(
                f"{self.path}: `delimiter` must be one character, and neither a quote nor the end "
                f"of a line. Received {delimiter!r}."
            )
        try:
            refuse_device(self.path)
            with open(self.path, encoding="utf-8-sig", newline="") as file:
                self._take(csvlib.reader(file, delimiter=delimiter, strict=True))
        except FileNotFoundError:
            raise DataError(f"{self.path}: there is no such file.") from None
        except IsADirectoryError:
            raise DataError(f"{self.path}: is a directory, not a file.") from None
        except UnicodeDecodeError:
            raise DataError(f"{self.path}: is not UTF-8 text.") from None
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read: {error.strerror}.") from None
        except ValueError as error:  # a name that no file can have
            raise DataError(f"{self.path}: cannot be read: {error}.") from None

    def _take(self, reader: Any) -> None:
        began = 1
        try:
            for row in reader:
                if row and self.header:
                    self._take_row(row, began)
                elif row:
                    self.header = [name.strip() for name in row]
                    self._check_header()
                began = reader.line_num + 1
        except csvlib.Error as error:
            raise DataError(f"{self.path}: line {began} is no CSV: {error}.") from None
        if not self.header:
            raise DataError(f"{self.path}: is empty; its first line must name the columns.")
        if not self.rows:
            raise DataError(f"{self.path}: has a header and no rows.")

    def _take_row(self, row: list[str], line: int) -> None:
        if len(row) != len(self.header):
            raise DataError(
                f"{self.path}: line {line} has {counted(len(row), 'cell')}; the header has "
                f"{len(self.header)}."
            )
        self.rows.append([cell.strip() for cell in row])
        self.lines.append(line)

    def _check_header(self) -> None:
        for index, name in enumerate(self.header):
            if not name:
                raise DataError(f"{self.path}: column {index + 1} has no name in the first line.")
            if name in self.places:
                raise DataError(f"{self.path}: two columns are called `{plain(name)}`.")
            self.places[name] = index

    def cells(self, name: str) -> list[str]:
        """The cells of a column, top to bottom."""
        if name not in self.places:
            there = listed(self.header[:20])
            hint = did_you_mean(name, self.header)
            raise DataError(f"{self.path}: has no column `{plain(name)}`; it has {there}.{hint}")
        index = self.places[name]
        return [row[index] for row in self.rows]

    def numbers(self, name: str, mend: str = "") -> np.ndarray:
        """A column as numbers, or a `DataError` that names the first cell that is none.

        Args:
            mend: what to do about a cell that is a word.
        """
        values = np.empty(len(self.rows))
        for row, cell in enumerate(self.cells(name)):
            value = number(cell)
            if value is None:
                raise self.refused(row, name, f"expected a number. {_received(cell, mend)}")
            values[row] = value
        return values

    def refused(self, row: int, name: str, message: str) -> DataError:
        """The error for one cell."""
        return DataError(f"{self.path}: line {self.lines[row]}, column `{plain(name)}`: {message}")

    def marks(self, name: str, words: Sequence[str]) -> np.ndarray:
        """A column of words as one column a word, 1 where the cell is that word."""
        place = {word: index for index, word in enumerate(words)}
        marks = np.zeros((len(self.rows), len(words)), dtype="float32")
        for row, cell in enumerate(self.cells(name)):
            if cell not in place:
                what = shown(cell) if cell else "an empty cell"
                known = listed(list(words)[:20])
                raise self.refused(
                    row,
                    name,
                    f"{what} was not in the table that the model learned from; it knows {known}.",
                )
            marks[row, place[cell]] = 1
        return marks


def number(cell: str) -> float | None:
    """A cell as a finite 32-bit number, or None."""
    try:
        value = float(cell)
    except ValueError:
        return None
    # float() also takes `1_000`, `nan` and `infinity`, which no table means as a number.
    return value if math.isfinite(value) and abs(value) < 3.4e38 and "_" not in cell else None


def plain(name: str) -> str:
    """A name from a file, fit for a message: short, and without control characters."""
    return shown(name)[1:-1]


def counted(count: int, what: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _received(cell: str, mend: str) -> str:
    if not cell:
        return "The cell is empty: fill it in or leave the row out."
    return f"Received {shown(cell)}. {mend}".rstrip()
