"""Tables of text: CSV and its relatives, plain or compressed by gzip."""

import re
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from ..errors import DataError
from ..spec import csv_header
from ..spec.csv_header import readable, records
from .arrow import compute as pc
from .cell_types import LARGEST, is_text
from .dialect import Dialect
from .frame import Frame, counted
from .notation import USUAL, Notation
from .npz import RowsTooLarge, memory

# Bytes that NumPy looks at in one go, with what it makes of them, in the processor's cache.
SCANNED = 1 << 18
# A table takes about as much memory again while its columns get their types.
MOST_OF_MEMORY = 0.4
MOST_ROWS_SHOWN = 5


def read_delimited(
    path: Path,
    delimiter: str = ",",
    encoding: str = "utf-8",
    skipped: dict[int, str] | None = None,
    columns: Collection[str] | None = None,
    kinds: Mapping[str, pa.DataType] | None = None,
    notation: Notation = USUAL,
) -> Frame:
    """The rows of a table of text whose first line names the columns; each column is text.

    Args:
        path: the file.
        delimiter: character between cells.
        encoding: of the file. A byte order mark at its beginning takes precedence.
        skipped: where rows with too many cells or too few are noted, whose cells are all empty
            then; by default they are an error.
        columns: names of those that are read; by default all.
        kinds: columns that are read as numbers where all their cells are some; else as text.
        notation: how numbers and dates are written.

    Raises:
        DataError: the file cannot be read, has no rows, a row has too many cells or too few, or it
            does not fit into memory.
    """
    dialect = Dialect.of(path, delimiter, encoding, notation)
    cells = _numbers_first(dialect, columns, kinds) if kinds else None
    cells = _cells(dialect, columns, skipped) if cells is None else cells
    if len(cells) == 0:
        raise DataError(f"{path}: has a header and no rows.")
    read = dialect.columns(cells)
    return Frame(read, str(path), LineNumbers(path, delimiter, encoding))


class LineNumbers:
    """The line of each row, which only messages need: found when the first is asked for."""

    def __init__(self, path: Path, delimiter: str, encoding: str) -> None:
        self.dialect = path, delimiter, encoding
        self.found: np.ndarray | None = None

    def __call__(self, row: int) -> str:
        if self.found is None:
            self.found = np.fromiter((line for line, _ in records(*self.dialect)), "int64")
        return f"line {self.found[row + 1]}"


NOTHING = re.compile(b"(?!)")


class Bounded:
    """A stream that refuses to give more bytes than fit into memory: gzip gains a thousandfold.

    Attributes:
        is_unusual: whether a part of it had what `unusual` looks for.
        is_marked: whether there was a quotation mark or a zero byte.
        is_hexadecimal: whether there was `0x`, which Arrow takes for a number and no table means.
    """

    def __init__(
        self,
        path: Path,
        stream: BinaryIO,
        unusual: re.Pattern[bytes] = NOTHING,
        most: int | None = None,
    ) -> None:
        self.path, self.stream, self.unusual = path, stream, unusual
        self.is_unusual = self.is_marked = self.is_hexadecimal = False
        self._last = b""
        self.left = int(min(memory(), 1 << 60) * MOST_OF_MEMORY) if most is None else most
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        found = self.stream.read(size)
        self.left -= len(found)
        self.is_marked = self.is_marked or b'"' in found or b"\0" in found
        if not self.is_hexadecimal:
            self.is_hexadecimal = _has_hexadecimal(found, self._last)
            self._last = (self._last + found[-2:])[-2:]
        if not self.is_unusual and self.is_marked:
            self.is_unusual = self.unusual.search(found) is not None
        if self.left < 0:
            raise RowsTooLarge(
                f"{self.path}: its rows do not fit into the memory of this machine, "
                f"{memory() / 2**30:.1f} GiB."
            )
        return found


def _has_hexadecimal(content: bytes, before: bytes) -> bool:
    """Whether there is `0x` behind no letter or digit, as a number such as `0x10` begins.

    Args:
        before: the two bytes in front, or fewer at the beginning of a file.
    """
    for first in range(0, len(content), SCANNED):
        piece = before + content[first : first + SCANNED]
        found = np.frombuffer(piece, "uint8")
        marks = np.flatnonzero((found | 32) == ord("x"))
        marks = marks[(marks >= max(len(before), 1)) & (found[marks - 1] == ord("0"))]
        if any(place < 2 or not piece[place - 2 : place - 1].isalnum() for place in marks):
            return True
        before = piece[-2:]
    return False


def _cells(
    dialect: Dialect, columns: Collection[str] | None, skipped: dict[int, str] | None
) -> pa.Table:
    """All cells as text."""
    path = dialect.path
    with readable(path), csv_header.opened(path) as file:
        stream = Bounded(path, file, _inside(dialect.delimiter))
        try:
            table = arrow_csv.read_csv(pa.PythonFile(stream, "r"), **dialect.options(columns))
            if stream.is_unusual or (stream.is_marked and _needs_a_look(table)):
                # The slow reader gives the line, and knows a quotation mark that is never closed.
                _check_records(dialect)
            return table
        except (pa.ArrowInvalid, UnicodeError) as error:
            reason = " ".join(str(error).split())[:200]
    if skipped is not None:
        return _with_ragged(dialect, skipped)
    _check_records(dialect)
    raise DataError(f"{path}: cannot be read as a table: {reason}.")


def _numbers_first(
    dialect: Dialect, columns: Collection[str] | None, kinds: Mapping[str, pa.DataType]
) -> pa.Table | None:
    """All cells, those of `kinds` as numbers; None where a cell of these is none, or is unusual."""
    path = dialect.path
    with readable(path), csv_header.opened(path) as file:
        stream = Bounded(path, file, _inside(dialect.delimiter))
        options = dialect.options(columns, kinds)
        with suppress(pa.ArrowInvalid, UnicodeError):
            table = arrow_csv.read_csv(pa.PythonFile(stream, "r"), **options)
            odd = stream.is_unusual or (stream.is_marked and _needs_a_look(table))
            if not (odd or stream.is_hexadecimal) and all(map(_is_finite, table.columns)):
                return table
    return None


def _is_finite(column: pa.ChunkedArray) -> bool:
    """Whether 32-bit floats hold all numbers of a column; Arrow reads `inf` too."""
    if not pa.types.is_floating(column.type):
        return True
    ends = pc.min_max(column).as_py().values()
    finite = pc.all(pc.is_finite(column)).as_py() is not False
    return finite and all(end is None or abs(end) <= LARGEST for end in ends)


def stream_delimited(
    path: Path, delimiter: str, encoding: str, columns: Collection[str], notation: Notation = USUAL
) -> Iterator[Mapping[str, pa.Array]]:
    """The rows of a table of text piece by piece, each column as text.

    Raises:
        DataError: as `read_delimited`, but for the size; after pieces that were good.
    """
    dialect = Dialect.of(path, delimiter, encoding, notation)
    odd, rows, reason = False, 0, ""
    with readable(path), csv_header.opened(path) as file:
        stream = Bounded(path, file, _inside(delimiter), most=sys.maxsize)
        try:
            source = pa.PythonFile(stream, "r")
            for batch in arrow_csv.open_csv(source, **dialect.options(columns)):
                table = pa.table(batch)
                odd = odd or (stream.is_marked and _needs_a_look(table))
                rows += len(table)
                yield dialect.columns(table)
        except (pa.ArrowInvalid, UnicodeError) as error:
            reason = " ".join(str(error).split())[:200]
    if odd or stream.is_unusual or reason:
        _check_records(dialect)
    if reason:
        raise DataError(f"{path}: cannot be read as a table: {reason}.")
    if rows == 0:
        raise DataError(f"{path}: has a header and no rows.")


def _inside(delimiter: str) -> re.Pattern[bytes]:
    """A quotation mark inside a cell, which Arrow drops where it ends a quoted part of one."""
    ends = re.escape(delimiter.encode()) + b'\r\n"'
    # The mark stands first, so that the search leaps from one to the next.
    return re.compile(b'"(?<![%s]")(?![%s])' % (ends, ends))


def _needs_a_look(cells: pa.Table) -> bool:
    """Whether a cell has a line break or a zero byte in it, which few tables mean to have."""
    return any(
        pc.any(pc.match_substring_regex(column, "[\\n\\x00]")).as_py()
        for column in cells.columns
        if is_text(column)
    )


def _check_records(dialect: Dialect) -> None:
    """Raise a `DataError` that lists the lines which have too many cells or too few."""
    path, width = dialect.path, len(dialect.names)
    faults = [
        f"  line {line} has {counted(len(cells), 'cell')}; the header has {width}."
        for line, cells in records(path, dialect.delimiter, dialect.encoding)
        if len(cells) != width
    ]
    if faults:
        shown = faults[:MOST_ROWS_SHOWN]
        more = [f"  and {counted(len(faults) - len(shown), 'more row')}."] * (
            len(faults) > len(shown)
        )
        raise DataError(
            "\n".join([f"{path}: {counted(len(faults), 'row')} cannot be used:", *shown, *more])
        )


def _with_ragged(dialect: Dialect, skipped: dict[int, str]) -> pa.Table:
    """All cells, empty in rows with too many or too few, which are noted."""
    found: list[list[str]] = []
    names = list(dialect.names)
    reader = records(dialect.path, dialect.delimiter, dialect.encoding)
    next(reader)
    for line, cells in reader:
        if len(cells) != len(names):
            what = counted(len(cells), "cell")
            skipped[len(found)] = f"line {line} has {what}; the header has {len(names)}."
            cells = [""] * len(names)
        found.append(cells)
    columns = zip(*found, strict=True) if found else [()] * len(names)
    return pa.table([pa.array(column, pa.string()) for column in columns], names=names)
