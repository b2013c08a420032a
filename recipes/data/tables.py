"""Files of tables: text with delimiters, JSON lines, Parquet."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet as arrow_parquet

from ..errors import DataError
from ..spec.csv_header import delimiter_of, readable, refuse_device
from .delimited import MOST_OF_MEMORY, read_delimited
from .frame import Frame
from .jsonl import read_jsonl
from .notation import Notation
from .npz import memory
from .python_columns import from_columns

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")


def read_table(
    path: Path, dialect: Mapping[str, str] | None = None, skipped: dict[int, str] | None = None
) -> Frame:
    """The rows of a file, by the end of its name; one that ends in `.gz` is unpacked.

    Args:
        dialect: arguments of the source `csv` beside its path.
        skipped: takes the rows that have too many cells or too few; by default they are an error.
    """
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if suffix == ".jsonl":
        return read_jsonl(path)
    if suffix == ".parquet":
        return read_parquet(path)
    given = dialect or {}
    delimiter = given.get("delimiter")
    delimiter = delimiter_of(path) if delimiter is None else delimiter
    notation = Notation(given.get("decimal", "."), given.get("date_format"), given.get("thousands"))
    encoding = given.get("encoding", "utf-8")
    table = read_delimited(path, delimiter, encoding, skipped, notation=notation)
    return replace(table, folder=str(path.parent))


def read_parquet(path: Path, columns: Collection[str] | None = None) -> Frame:
    """The rows of a Parquet file.

    Args:
        columns: names of those that are read; by default all.
    """
    with readable(path):
        refuse_device(path)
        try:
            with open(path, "rb") as file:
                _refuse_large(path, arrow_parquet.read_metadata(file))
                names = None if columns is None else list(columns)
                table = arrow_parquet.read_table(file, columns=names)
        except pa.ArrowException as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{path}: is no Parquet file, or is damaged: {reason}.") from None
    return _frame(table, path)


def _refuse_large(path: Path, metadata: arrow_parquet.FileMetaData) -> None:
    """Raise a `DataError` where the rows unfold to more than fits into memory."""
    groups = range(metadata.num_row_groups)
    size = sum(metadata.row_group(index).total_byte_size for index in groups)
    if size > memory() * MOST_OF_MEMORY:
        raise DataError(
            f"{path}: its rows take {size / 2**30:.1f} GiB, which do not fit into the memory of "
            f"this machine, {memory() / 2**30:.1f} GiB."
        )


def _frame(table: pa.Table, path: Path) -> Frame:
    if not len(table) or not table.num_columns:
        raise DataError(f"{path}: has no rows.")
    return replace(from_columns(table, str(path)), folder=str(path.parent))
