"""How a table of text is written, and the options that Arrow reads it with."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypedDict

import pyarrow as pa
from pyarrow import csv as arrow_csv

from ..spec.csv_header import header, marked_encoding
from .cell_types import MISSING_NUMBERS
from .notation import USUAL, Notation

# Bytes of a file that are split into cells at a time.
BLOCK = 1 << 22


class ReaderOptions(TypedDict):
    """The arguments of Arrow's readers of text."""

    read_options: arrow_csv.ReadOptions
    parse_options: arrow_csv.ParseOptions
    convert_options: arrow_csv.ConvertOptions


@dataclass(frozen=True)
class Dialect:
    """How a table of text is written."""

    path: Path
    names: tuple[str, ...]
    delimiter: str
    encoding: str
    notation: Notation = USUAL

    @classmethod
    def of(cls, path: Path, delimiter: str, encoding: str, notation: Notation = USUAL) -> Self:
        """The dialect of a file, whose first line names the columns.

        Raises:
            DataError: the first line cannot be read.
        """
        names = tuple(header(path, delimiter, encoding))
        return cls(path, names, delimiter, encoding, notation)

    def columns(self, cells: pa.Table) -> dict[str, pa.Array]:
        """The columns that were read with `options`, in the usual notation."""
        found = {name: cells[name].combine_chunks() for name in cells.column_names}
        return self.notation.usual(found, self.path)

    def options(
        self, columns: Collection[str] | None, kinds: Mapping[str, pa.DataType] | None = None
    ) -> ReaderOptions:
        """Options of Arrow's readers: all columns are text but those of `kinds`."""
        return {
            # On one thread, which takes half the time of several for each block and less memory;
            # the file is read and unpacked beside it.
            "read_options": arrow_csv.ReadOptions(
                column_names=list(self.names),
                skip_rows_after_names=1,
                block_size=BLOCK,
                use_threads=False,
                encoding=(marked_encoding(self.path) or self.encoding).removesuffix("-sig"),
            ),
            "parse_options": arrow_csv.ParseOptions(
                delimiter=self.delimiter, newlines_in_values=True
            ),
            "convert_options": arrow_csv.ConvertOptions(
                column_types={**dict.fromkeys(self.names, pa.string()), **(kinds or {})},
                null_values=MISSING_NUMBERS,
                strings_can_be_null=False,
                include_columns=None if columns is None else list(columns),
                decimal_point=self.notation.decimal,
            ),
        }
