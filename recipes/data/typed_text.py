"""Tables of text whose columns of numbers are read as numbers, without being text first."""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

from ..spec.csv_header import header, opened, readable
from .cell_types import is_text, typed
from .delimited import Dialect, read_delimited
from .frame import Frame

# Bytes at the beginning of a file that show what its columns hold.
SAMPLE = 1 << 19


def read_typed(
    path: Path, delimiter: str, encoding: str, columns: Collection[str], keep: Collection[str]
) -> Frame:
    """The rows of a table of text, columns in the type that all their cells have.

    The same as `read_delimited(...).typed(keep)`. What the first rows hold is only a guess: where a
    later cell is no such number, all columns are read as text.

    Args:
        columns: names of those that are read.
        keep: those that stay words, whatever they look like.
    """
    with readable(path):
        kinds = _guessed(path, delimiter, encoding, columns)
    kinds = {name: kind for name, kind in kinds.items() if name not in keep}
    return read_delimited(path, delimiter, encoding, None, columns, kinds).typed(keep)


def _guessed(
    path: Path, delimiter: str, encoding: str, columns: Collection[str]
) -> dict[str, pa.DataType]:
    """The types of those columns that hold numbers in the first rows."""
    with opened(path) as file:
        sample = file.read(SAMPLE)
    sample = sample[: sample.rfind(b"\n") + 1]
    dialect = Dialect(path, tuple(header(path, delimiter, encoding)), delimiter, encoding)
    with suppress(pa.ArrowInvalid, UnicodeError):  # the reader of the whole file tells why
        table = arrow_csv.read_csv(pa.BufferReader(sample), **dialect.options(columns))
        found = {name: typed(table[name].combine_chunks()) for name in columns}
        return {
            name: column.type
            for name, column in found.items()
            if not is_text(column) and column.null_count < len(column)
        }
    return {}
