"""Files of tables whose columns are read by name: text with delimiters, and Parquet."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet as arrow_parquet

from ..errors import DataError
from ..spec.csv_header import (
    GZIP,
    delimiter_of,
    guessed_delimiter,
    header,
    opened,
    readable,
    refuse_device,
)
from .cell_types import is_text, typed
from .delimited import LineNumbers, read_delimited, stream_delimited
from .dialect import Dialect
from .frame import Frame
from .notation import USUAL, Notation, guessed
from .python_columns import from_columns
from .stored import TableFile, frame_of
from .tables import read_parquet

# Bytes of text that a byte of gzip unfolds to, at least.
GAIN = 3
# Bytes at the beginning of a table of text that show what its columns hold.
TEXT_SAMPLE = 1 << 19
# Rows of a Parquet file that are read at a time.
PARQUET_ROWS = 1 << 14
# Bytes of each of its columns that are fetched at a time.
PARQUET_BUFFER = 1 << 16


def open_delimited(
    path: Path,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    notation: Notation = USUAL,
) -> Frame:
    """The rows of a table of text, see `read_delimited`; columns are read when they are asked for.

    Args:
        delimiter: by default a tab in `.tsv` files, else a comma.
        notation: how numbers and dates are written.
    """
    mark = delimiter_of(path) if delimiter is None else delimiter
    file = TableFile(
        path,
        {"reader": "csv", "delimiter": mark, "encoding": encoding, **asdict(notation)},
        tuple(header(path, mark, encoding)),
        lambda names: read_delimited(path, mark, encoding, columns=names, notation=notation),
        lambda names: stream_delimited(path, mark, encoding, names, notation),
        lambda names, keep: read_typed(path, mark, encoding, names, keep, notation),
        path.stat().st_size * (GAIN if _is_packed(path) else 1),
    )
    return frame_of(file, LineNumbers(path, mark, encoding))


def read_typed(
    path: Path,
    delimiter: str,
    encoding: str,
    columns: Collection[str],
    keep: Collection[str],
    notation: Notation = USUAL,
) -> Frame:
    """The rows of a table of text, columns in the type that all their cells have.

    The same as `read_delimited(...).typed(keep)`. What the first rows hold is only a guess: where a
    later cell is no such number, all columns are read as text.

    Args:
        columns: names of those that are read.
        keep: those that stay words, whatever they look like.
    """
    kinds: dict[str, pa.DataType] = {}
    if not notation.has_dates_like_numbers:
        with readable(path):
            kinds = _guessed_types(path, delimiter, encoding, columns, notation)
    kinds = {name: kind for name, kind in kinds.items() if name not in keep}
    return read_delimited(path, delimiter, encoding, None, columns, kinds, notation).typed(keep)


def _guessed_types(
    path: Path, delimiter: str, encoding: str, columns: Collection[str], notation: Notation
) -> dict[str, pa.DataType]:
    """The types of those columns that hold numbers in the first rows."""
    dialect = Dialect.of(path, delimiter, encoding, notation)
    with suppress(pa.ArrowInvalid, UnicodeError):  # the reader of the whole file tells why
        sample = dialect.columns(_sample(dialect, columns))
        found = {name: typed(column) for name, column in sample.items()}
        return {
            name: column.type
            for name, column in found.items()
            if not is_text(column) and column.null_count < len(column)
        }
    return {}


def guessed_dialect(path: Path, encoding: str | None = None) -> dict[str, str]:
    """Arguments of the source `csv` that a table of text needs beside its path, by its beginning.

    Args:
        encoding: of the file, where it is known.

    Raises:
        DataError: the file cannot be read.
    """
    given = {} if encoding is None else {"encoding": encoding}
    name = encoding or "utf-8"
    delimiter = guessed_delimiter(path, name)
    if delimiter != delimiter_of(path):
        given["delimiter"] = delimiter
    dialect = Dialect.of(path, delimiter, name)
    with suppress(pa.ArrowInvalid, UnicodeError):  # the reader of the whole file tells why
        found = guessed(dialect.columns(_sample(dialect)))
        if delimiter == ",":
            # The quoted cells have commas between thousands more likely, or in places.
            found.pop("decimal", None)
        given |= found
    return given


def _sample(dialect: Dialect, columns: Collection[str] | None = None) -> pa.Table:
    """The first rows of a table of text."""
    with readable(dialect.path), opened(dialect.path) as file:
        sample = file.read(TEXT_SAMPLE)
    if len(sample) == TEXT_SAMPLE:
        sample = sample[: sample.rfind(b"\n") + 1]
    return arrow_csv.read_csv(pa.BufferReader(sample), **dialect.options(columns))


def open_parquet(path: Path) -> Frame:
    """The rows of a Parquet file, whose columns are read when they are asked for."""
    with readable(path):
        refuse_device(path)
        try:
            with open(path, "rb") as binary:
                metadata = arrow_parquet.read_metadata(binary)
                names = tuple(metadata.schema.to_arrow_schema().names)
        except pa.ArrowException as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{path}: is no Parquet file, or is damaged: {reason}.") from None
    if len(set(names)) < len(names) or not all(names) or not metadata.num_rows:
        return read_parquet(path)  # tells what is wrong
    groups = range(metadata.num_row_groups)
    file = TableFile(
        path,
        {"reader": "parquet"},
        names,
        lambda names: read_parquet(path, names),
        lambda names: _stream_parquet(path, names),
        lambda names, keep: read_parquet(path, names).typed(keep),
        sum(metadata.row_group(index).total_byte_size for index in groups),
    )
    return frame_of(file)


def _stream_parquet(path: Path, names: Collection[str]) -> Iterator[Mapping[str, pa.Array]]:
    with readable(path):
        try:
            # What is fetched ahead stays in memory until the end of the file.
            options = {"pre_buffer": False, "buffer_size": PARQUET_BUFFER}
            with arrow_parquet.ParquetFile(path, **options) as file:
                for batch in file.iter_batches(PARQUET_ROWS, columns=list(names)):
                    found = from_columns(pa.table(batch), str(path)).columns
                    yield {name: found[name] for name in names}
        except pa.ArrowException as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{path}: is no Parquet file, or is damaged: {reason}.") from None


def _is_packed(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(2) == GZIP
