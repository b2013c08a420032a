"""Columns written as a file: CSV, JSON lines or Parquet, by the end of its name."""

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

import pyarrow as pa
from pyarrow import parquet

from ... import disk
from ..errors import RequestError, printable
from ..spec.wording import listed

Columns = Mapping[str, list[object]]


def check_ending(path: Path) -> None:
    """Raise a `RequestError` where a name ends as no format does; without an end it is CSV."""
    if path.suffix and path.suffix.lower() not in WRITERS:
        raise RequestError(
            f"{path}: predictions are written to a {listed(list(WRITERS))} file. Name one of these "
            "with `--out`."
        )


def write_columns(path: Path, columns: Columns) -> None:
    """Write columns by name completely or not at all; None is a missing cell.

    Raises:
        RequestError: the format is not known, or the file cannot be written.
    """
    check_ending(path)
    write = WRITERS.get(path.suffix.lower(), _write_csv_file)
    try:
        disk.write_whole(path, lambda beside: write(beside, columns))
    except OSError as error:
        raise RequestError(f"{path}: cannot be written: {disk.cause(error)}.") from None


def write_csv(file: TextIO, columns: Columns) -> None:
    """Write a header and a row for each row; a missing cell is empty.

    A terminal gets no control characters, which names of classes and cells may have.
    """
    writer = csv.writer(_Screen(file) if file.isatty() else file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))


class _Screen:
    """A terminal that gets no control characters, so that text cannot move its cursor."""

    def __init__(self, file: TextIO):
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write("\n".join(map(printable, text.split("\n"))))


def _write_csv_file(path: Path, columns: Columns) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        write_csv(file, columns)


def _write_jsonl(path: Path, columns: Columns) -> None:
    with open(path, "w", encoding="utf-8") as file:
        for row in zip(*columns.values(), strict=True):
            line = dict(zip(columns, map(_json_value, row), strict=True))
            file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")


def _json_value(cell: object) -> object:
    """A cell, and null for a number that JSON lacks."""
    finite = not isinstance(cell, float) or abs(cell) < float("inf")
    return cell if finite else None


def _write_parquet(path: Path, columns: Columns) -> None:
    # The type of a column that is empty as a whole would be one that few programs read.
    arrays = {
        name: pa.array(cells, pa.string())
        if all(cell is None for cell in cells)
        else pa.array(cells)
        for name, cells in columns.items()
    }
    parquet.write_table(pa.table(arrays), path)


WRITERS: dict[str, Callable[[Path, Columns], None]] = {
    ".csv": _write_csv_file,
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
}
