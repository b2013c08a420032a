"""Files of tables whose columns are read by name: text with delimiters, and Parquet."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet as arrow_parquet

from ..errors import DataError
from ..spec.csv_header import GZIP, delimiter_of, header, readable, refuse_device
from .delimited import LineNumbers, read_delimited, stream_delimited
from .frame import Frame
from .python_columns import from_columns
from .stored import TableFile, frame_of
from .tables import read_parquet
from .typed_text import read_typed

# Bytes of text that a byte of gzip unfolds to, at least.
GAIN = 3
# Rows of a Parquet file that are read at a time.
PARQUET_ROWS = 1 << 14
# Bytes of each of its columns that are fetched at a time.
PARQUET_BUFFER = 1 << 16


def open_delimited(path: Path, delimiter: str | None = None, encoding: str = "utf-8") -> Frame:
    """The rows of a table of text, see `read_delimited`; columns are read when they are asked for.

    Args:
        delimiter: by default a tab in `.tsv` files, else a comma.
    """
    mark = delimiter_of(path) if delimiter is None else delimiter
    file = TableFile(
        path,
        {"reader": "csv", "delimiter": mark, "encoding": encoding},
        tuple(header(path, mark, encoding)),
        lambda names: read_delimited(path, mark, encoding, columns=names),
        lambda names: stream_delimited(path, mark, encoding, names),
        lambda names, keep: read_typed(path, mark, encoding, names, keep),
        path.stat().st_size * (GAIN if _is_packed(path) else 1),
    )
    return frame_of(file, LineNumbers(path, mark, encoding))


def open_parquet(path: Path) -> Frame:
    """The rows of a Parquet file, whose columns are read when they are asked for."""
    with readable(path):
        refuse_device(path)
        try:
            with open(path, "rb") as opened:
                metadata = arrow_parquet.read_metadata(opened)
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
