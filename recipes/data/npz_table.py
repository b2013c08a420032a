"""The arrays of an `.npz` file as the columns of a table."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from ..spec.file_patterns import matched
from .frame import Frame
from .npz import opened, rows_of_files
from .python_columns import from_columns
from .table import OTHERS, TableOptions


def npz_table(path: str, options: TableOptions) -> Frame:
    """The arrays of a file, or of several by a pattern, that are predicted or learned from.

    Others are not read, whatever their length.

    Raises:
        DataError: a file cannot be read, or arrays have different numbers of rows.
    """
    asked: dict[str, object] = dict(options.features or {OTHERS: "auto"})
    others = asked.pop(OTHERS, "drop")
    named = {*options.target, *(name for name, kind in asked.items() if kind != "drop")}
    if options.split_by is not None:
        named.add(options.split_by.column)
    left_out = {name for name, kind in asked.items() if kind == "drop"} - named
    files = matched(path)
    with opened(files[0]) as file:
        names = [
            name
            for name in file.files
            if name in named or (others != "drop" and name not in left_out)
        ]
    found = from_columns({name: rows_of_files(files, name) for name in names}, path)
    return replace(found, folder=str(files[0].parent))


def npz_columns(path: Path, names: Collection[str]) -> Frame:
    """The arrays of a file that have one of these names, as columns."""
    with opened(path) as file:
        there = [name for name in file.files if name in names]
    return from_columns({name: rows_of_files([path], name) for name in there}, str(path))
