"""Rows from a CSV file: numeric columns as numbers, categorical ones as one column a word."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ...errors import DataError
from ..words import shown
from .cells import Table, counted, number, plain
from .source import Columns, Source, Task
from .targets import narrowed

MOST_CATEGORIES = 1000


def csv(
    path: str,
    target: str,
    numeric: list[str] | None = None,
    categorical: list[str] | None = None,
    delimiter: str = ",",
    task: Literal["classification", "regression"] | None = None,
) -> Source:
    """Rows and targets from a CSV file whose first line names the columns.

    Args:
        path: the file, UTF-8.
        target: name of the column to predict.
        numeric: columns to use as numbers; by default every column that is neither the target
            nor categorical.
        categorical: columns of words; each word becomes a column of 0 and 1.
        delimiter: character between cells.
        task: what to make of the target; by default words and whole numbers are classes and
            numbers with a fraction are numbers to predict.
    """
    table = Table(Path(path), delimiter)
    table.cells(target)
    columns = _columns(table, target, numeric, categorical or [], delimiter)
    y, found = targets(table, target, task)
    return Source(encode(table, columns, learning=True), y, found, columns=columns)


def same_table(
    columns: Columns, arguments: Mapping[str, Any], task: Task, *, words: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and targets of a second table, turned into numbers as the first one was.

    Args:
        columns: those of the first table.
        arguments: those of `csv`; one that contradicts the first table is refused.
        task: of the first table.
        words: whether its classes are words rather than whole numbers.
    """
    path, kinds = arguments["path"], columns.categories
    categorical = {name for name, marks in kinds.items() if marks is not None}
    first = {
        "target": columns.target,
        "task": task,
        "categorical": categorical,
        "numeric": set(kinds) - categorical,
    }
    for key, value in first.items():
        given = arguments.get(key)
        if given is not None and (given if isinstance(given, str) else set(given)) != value:
            raise DataError(
                f"{path}: `{key}` must be what it is for the training table. "
                f"Expected {shown(value if isinstance(value, str) else sorted(value))}. "
                f"Received {shown(given)}."
            )
    table = Table(Path(path), arguments.get("delimiter", ","))
    y, _ = targets(table, columns.target, task, words=words)
    return encode(table, columns), y


def _columns(
    table: Table,
    target: str,
    numeric: list[str] | None,
    categorical: list[str],
    delimiter: str,
) -> Columns:
    for name in [*(numeric or []), *categorical]:
        table.cells(name)
        if name == target:
            raise DataError(f"{table.path}: the target `{name}` cannot be a feature too.")
        if numeric is not None and name in numeric and name in categorical:
            raise DataError(f"{table.path}: `{name}` is listed as numeric and as categorical.")
    categories: dict[str, tuple[str, ...] | None] = {}
    for name in table.header:
        if name in categorical:
            categories[name] = _words(table, name)
        elif name != target and (numeric is None or name in numeric):
            categories[name] = None
    if not categories:
        raise DataError(f"{table.path}: no column is left to learn from.")
    return Columns(target, categories, delimiter)


def _words(table: Table, name: str) -> tuple[str, ...]:
    cells = table.cells(name)
    words = sorted(set(cells))
    if "" in words:
        raise table.refused(cells.index(""), name, "the cell is empty.")
    if len(words) > MOST_CATEGORIES:
        raise DataError(
            f"{table.path}: column `{name}` has {len(words)} different words; more than "
            f"{MOST_CATEGORIES} are taken for a mistake."
        )
    return tuple(words)


def encode(table: Table, columns: Columns, *, learning: bool = False) -> np.ndarray:
    """A table's rows as features (rows, features), float64.

    Args:
        learning: the kinds of the columns are still the user's to choose, and a message says how.
    """
    mend = _mend(table, columns) if learning else ""
    width = len(columns.numeric)
    rows = np.empty((len(table.rows), width), dtype="float64")
    first = 0
    for name, words in columns.categories.items():
        last = first + (1 if words is None else len(words))
        if words is None:
            rows[:, first] = table.numbers(name, mend)
        else:
            rows[:, first:last] = table.marks(name, words)
        first = last
    return rows


def _mend(table: Table, columns: Columns) -> str:
    """Which columns to list as categorical: those that are so already, and those of words."""
    worded = [
        name
        for name, words in columns.categories.items()
        if words is not None or (number(first := table.cells(name)[0]) is None and first)
    ]
    new = [name for name in worded if columns.categories[name] is None]
    if not new:
        return "If the column holds words, list it under `categorical`."
    return f"If it holds words, write `categorical: [{', '.join(map(plain, worded))}]`."


def targets(
    table: Table, name: str, task: Task | None, *, words: bool = False
) -> tuple[np.ndarray, Task]:
    """The target column, as words, whole numbers or floats, and the task it asks for.

    Args:
        words: take classes as words, whatever they look like.
    """
    cells = table.cells(name)
    if "" in cells:
        raise table.refused(cells.index(""), name, "the row has no target.")
    if task == "regression":
        return narrowed(table.numbers(name), f"{table.path}: column `{plain(name)}`"), task
    values = [number(cell) for cell in cells]
    known = [value for value in values if value is not None]
    whole = all(value.is_integer() and abs(value) < 2**53 for value in known)
    if task is None and not whole:
        if len(known) < len(cells):
            raise table.refused(
                values.index(None),
                name,
                f"the target is a number in {counted(len(known), 'row')} and here "
                f"{shown(cells[values.index(None)])}. Mend the cell, or write "
                "`task: classification` if these are names of classes.",
            )
        return narrowed(np.array(known), f"{table.path}: column `{plain(name)}`"), "regression"
    if whole and len(known) == len(cells) and not words:
        return np.array([int(value) for value in known], dtype="int64"), "classification"
    return np.array(cells), "classification"
