"""Tables of text: CSV and its relatives, plain or compressed by gzip."""

import re
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from ..errors import DataError
from ..spec import csv_header
from ..spec.csv_header import header, marked_encoding, readable, records
from .arrow import compute as pc
from .frame import Frame, counted
from .npz import TooLarge, memory

# Bytes of a file that are split into cells at a time.
BLOCK = 1 << 22
# A table takes about as much memory again while its columns get their types.
MOST_OF_MEMORY = 0.4
MOST_ROWS_SHOWN = 5


def read_delimited(
    path: Path,
    delimiter: str = ",",
    encoding: str = "utf-8",
    skipped: dict[int, str] | None = None,
    columns: Collection[str] | None = None,
) -> Frame:
    """The rows of a table of text whose first line names the columns; each column is text.

    Args:
        path: the file.
        delimiter: character between cells.
        encoding: of the file. A byte order mark at its beginning takes precedence.
        skipped: where rows with too many cells or too few are noted, whose cells are all empty
            then; by default they are an error.
        columns: names of those that are read; by default all.

    Raises:
        DataError: the file cannot be read, has no rows, a row has too many cells or too few, or it
            does not fit into memory.
    """
    names = header(path, delimiter, encoding)
    ragged: list[Any] = []
    cells, odd = _cells(path, names, delimiter, encoding, ragged, columns)
    if ragged and skipped is not None:
        cells = _with_ragged(path, names, delimiter, encoding, skipped)
    elif ragged or odd:
        # The slow reader gives the line, and knows a quotation mark that is never closed.
        _check_records(path, len(names), delimiter, encoding)
    if len(cells) == 0:
        raise DataError(f"{path}: has a header and no rows.")
    read = {name: cells[name].combine_chunks() for name in cells.column_names}
    return Frame(read, str(path), Lines(path, delimiter, encoding))


class Lines:
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
    """

    def __init__(
        self,
        path: Path,
        stream: BinaryIO,
        unusual: re.Pattern[bytes] = NOTHING,
        most: int | None = None,
    ) -> None:
        self.path, self.stream, self.unusual = path, stream, unusual
        self.is_unusual = self.is_marked = False
        self.left = int(min(memory(), 1 << 60) * MOST_OF_MEMORY) if most is None else most
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        found = self.stream.read(size)
        self.left -= len(found)
        self.is_marked = self.is_marked or b'"' in found or b"\0" in found
        if not self.is_unusual and self.is_marked:
            self.is_unusual = self.unusual.search(found) is not None
        if self.left < 0:
            raise TooLarge(
                f"{self.path}: its rows do not fit into the memory of this machine, "
                f"{memory() / 2**30:.1f} GiB."
            )
        return found


def _cells(
    path: Path,
    names: list[str],
    delimiter: str,
    encoding: str,
    ragged: list[Any],
    columns: Collection[str] | None = None,
) -> tuple[pa.Table, bool]:
    """All cells as text, and whether some need a second look.

    Rows with too many or too few cells are put into `ragged`.
    """

    with readable(path), csv_header.opened(path) as file:
        stream = Bounded(path, file, _inside(delimiter))
        try:
            options = _options(path, names, delimiter, encoding, ragged, columns)
            table = arrow_csv.read_csv(pa.PythonFile(stream, "r"), **options)
            return table, stream.is_unusual or (stream.is_marked and _needs_a_look(table))
        except (pa.ArrowInvalid, UnicodeError) as error:
            reason = " ".join(str(error).split())[:200]
    _check_records(path, len(names), delimiter, encoding)
    raise DataError(f"{path}: cannot be read as a table: {reason}.")


def stream_delimited(
    path: Path, delimiter: str, encoding: str, columns: Collection[str]
) -> Iterator[Mapping[str, pa.Array]]:
    """The rows of a table of text piece by piece, each column as text.

    Raises:
        DataError: as `read_delimited`, but for the size; after pieces that were good.
    """
    names = header(path, delimiter, encoding)
    ragged: list[Any] = []
    odd, rows, reason = False, 0, ""
    with readable(path), csv_header.opened(path) as file:
        stream = Bounded(path, file, _inside(delimiter), most=sys.maxsize)
        try:
            options = _options(path, names, delimiter, encoding, ragged, columns)
            for batch in arrow_csv.open_csv(pa.PythonFile(stream, "r"), **options):
                if ragged:
                    reason = "a row has too many cells or too few"
                    break
                odd = odd or (stream.is_marked and _needs_a_look(pa.table(batch)))
                rows += len(batch)
                yield dict(zip(batch.schema.names, batch.columns, strict=True))
        except (pa.ArrowInvalid, UnicodeError) as error:
            reason = " ".join(str(error).split())[:200]
    if ragged or odd or stream.is_unusual or reason:
        _check_records(path, len(names), delimiter, encoding)
    if reason:
        raise DataError(f"{path}: cannot be read as a table: {reason}.")
    if rows == 0:
        raise DataError(f"{path}: has a header and no rows.")


def _inside(delimiter: str) -> re.Pattern[bytes]:
    """A quotation mark inside a cell, which Arrow drops where it ends a quoted part of one."""
    ends = re.escape(delimiter.encode()) + b'\r\n"'
    # The mark stands first, so that the search leaps from one to the next.
    return re.compile(b'"(?<![%s]")(?![%s])' % (ends, ends))


def _options(
    path: Path,
    names: list[str],
    delimiter: str,
    encoding: str,
    ragged: list[Any],
    columns: Collection[str] | None,
) -> dict[str, Any]:
    """Options of Arrow's readers, which put rows with too many or too few cells into `ragged`."""

    def skip(row: Any) -> str:
        ragged.append(row)
        return "skip"

    return {
        "read_options": arrow_csv.ReadOptions(
            column_names=names,
            skip_rows_after_names=1,
            block_size=BLOCK,
            encoding=(marked_encoding(path) or encoding).removesuffix("-sig"),
        ),
        "parse_options": arrow_csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip
        ),
        "convert_options": arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=False,
            include_columns=None if columns is None else list(columns),
        ),
    }


def _needs_a_look(cells: pa.Table) -> bool:
    """Whether a cell has a line break or a zero byte in it, which few tables mean to have."""
    return any(
        pc.any(pc.match_substring_regex(column, "[\\n\\x00]")).as_py() for column in cells.columns
    )


def _check_records(path: Path, width: int, delimiter: str, encoding: str) -> None:
    """Raise a `DataError` that lists the lines which have too many cells or too few."""
    faults = [
        f"  line {line} has {counted(len(cells), 'cell')}; the header has {width}."
        for line, cells in records(path, delimiter, encoding)
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


def _with_ragged(
    path: Path, names: list[str], delimiter: str, encoding: str, skipped: dict[int, str]
) -> pa.Table:
    """All cells, empty in rows with too many or too few, which are noted."""
    found: list[list[str]] = []
    reader = records(path, delimiter, encoding)
    next(reader)
    for line, cells in reader:
        if len(cells) != len(names):
            what = counted(len(cells), "cell")
            skipped[len(found)] = f"line {line} has {what}; the header has {len(names)}."
            cells = [""] * len(names)
        found.append(cells)
    columns = list(zip(*found, strict=True))
    return pa.table([pa.array(column, pa.string()) for column in columns], names=names)
