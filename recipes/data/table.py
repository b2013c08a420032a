"""Rows from a CSV file: numeric columns as numbers, categorical ones as one column a word."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import DataError
from ..spec.fields import shown
from .cells import Table, counted, number, plain
from .npz import memory
from .source import Columns, Source, Task
from .targets import narrowed

MOST_CATEGORIES = 1000
# More columns than these are not listed in a message.
MOST_LISTED = 30


def csv(
    path: str,
    target: str,
    numeric: list[str] | None = None,
    categorical: list[str] | None = None,
    delimiter: str = ",",
    task: Literal["classification", "regression"] | None = None,
    encoding: str = "utf-8",
) -> Source:
    """Rows and targets from a CSV file whose first line names the columns.

    Args:
        path: the file.
        target: name of the column to predict.
        numeric: columns to use as numbers; by default every column that is neither the target
            nor categorical.
        categorical: columns of words; each word becomes a column of 0 and 1.
        delimiter: character between cells.
        task: what to make of the target; by default words and whole numbers are classes and
            numbers with a fraction are numbers to predict.
        encoding: of the file, such as `cp949`, `latin-1` or `utf-16`. A byte order mark at its
            beginning takes precedence.

    Raises:
        DataError: the file cannot be read, or has cells that cannot be used: how many rows, and
            the first of them with line and column.
    """
    words = dict.fromkeys(categorical or [])
    wanted = None if numeric is None else {target, *numeric, *words}
    table = Table.read(Path(path), delimiter, encoding, wanted)
    table.require([target, *(numeric or []), *words])
    columns = _columns(table, target, numeric, words, Columns(target, {}, delimiter, encoding))
    y, found = targets(table, target, task)
    x = encode(table, columns, learning=True)
    table.refuse_faults()
    return Source(x, y, found, columns=columns)


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
    delimiter, encoding = arguments.get("delimiter", ","), arguments.get("encoding", "utf-8")
    table = Table.read(Path(path), delimiter, encoding, {columns.target, *kinds})
    y, _ = targets(table, columns.target, task, words=words)
    x = encode(table, columns)
    table.refuse_faults()
    return x, y


def _columns(
    table: Table,
    target: str,
    numeric: list[str] | None,
    categorical: Mapping[str, None],
    empty: Columns,
) -> Columns:
    numbers = None if numeric is None else set(numeric)
    for name in [*(numeric or []), *categorical]:
        if name == target:
            raise DataError(f"{table.path}: the target `{name}` cannot be a feature too.")
        if numbers is not None and name in numbers and name in categorical:
            raise DataError(f"{table.path}: `{name}` is listed as numeric and as categorical.")
    categories: dict[str, tuple[str, ...] | None] = {}
    for name in table.header:
        if name in categorical:
            categories[name] = _words(table, name)
        elif name != target and (numbers is None or name in numbers):
            categories[name] = None
    if not categories:
        raise DataError(f"{table.path}: no column is left to learn from.")
    return Columns(empty.target, categories, empty.delimiter, empty.encoding)


def _words(table: Table, name: str) -> tuple[str, ...]:
    cells = table.cells(name)
    words = set(cells)
    if "" in words:
        for row, cell in enumerate(cells):
            if not cell:
                table.fault(row, name, "the cell is empty: fill it in or leave the row out.")
        words.remove("")
    if len(words) > MOST_CATEGORIES:
        raise DataError(
            f"{table.path}: column `{name}` has {len(words)} different words; more than "
            f"{MOST_CATEGORIES} are taken for a mistake."
        )
    return tuple(sorted(words))


def encode(table: Table, columns: Columns, *, learning: bool = False) -> np.ndarray:
    """A table's rows as features (rows, features), float64; faults are noted in the table.

    Args:
        learning: the kinds of the columns are still the user's to choose, and a message says how.

    Raises:
        DataError: a column is missing, or the features do not fit into memory.
    """
    table.require(columns.categories)
    rows = _zeros(table, columns)
    worded = _worded(table, columns) if learning else []
    advice = _advice(table, columns, worded) if learning else ""
    first = 0
    for name, words in columns.categories.items():
        if words is None:
            rows[:, first] = table.numbers(name, advice)
            first += 1
            continue
        codes = table.codes(name, words)
        if not learning:  # else what is no word is an empty cell, which is noted already
            table.note_unknown(name, words, codes)
        known = np.flatnonzero(codes >= 0)
        rows[known, first + codes[known]] = 1
        first += len(words)
    return rows


def _zeros(table: Table, columns: Columns) -> np.ndarray:
    """An array for the features, if the machine has memory for it and the parts it is split in."""
    width = sum(1 if words is None else len(words) for words in columns.categories.values())
    size = 8 * width * len(table)
    if 2 * size > memory():
        sizes = {name: len(words) for name, words in columns.categories.items() if words}
        most = max(sizes, key=lambda name: sizes[name], default=None)
        why = "" if most is None else f" Column `{plain(most)}` alone is {sizes[most]} of them."
        raise DataError(
            f"{table.path}: {len(table)} rows of {width} features take {size / 2**30:.1f} GiB, "
            f"twice while they are split, and this machine has {memory() / 2**30:.1f}.{why} Use "
            "fewer columns or rows."
        )
    return np.zeros((len(table), width))


def _worded(table: Table, columns: Columns) -> list[str]:
    first = {
        name: next((cell for cell in table.cells(name) if cell), "")
        for name, words in columns.categories.items()
        if words is None
    }
    return [name for name, cell in first.items() if cell and number(cell) is None]


def _advice(table: Table, columns: Columns, worded: list[str]) -> str:
    """Which columns to list as categorical: those that are so already, and those of words.

    Raises:
        DataError: there are too many to list.
    """
    if not worded:
        return "If a column holds words, list it under `categorical`."
    categorical = [name for name, words in columns.categories.items() if words is not None]
    names = set(categorical) | set(worded)
    if len(worded) > MOST_LISTED:
        few = ", ".join(f"`{plain(name)}`" for name in worded[:MOST_LISTED])
        raise DataError(
            f"{table.path}: {len(worded)} columns hold words and are not listed under "
            f"`categorical`: {few} and {len(worded) - MOST_LISTED} more. List them, or name the "
            "columns of numbers under `numeric`."
        )
    listed = [name for name in columns.categories if name in names]
    return f"If it holds words, write `categorical: [{', '.join(map(plain, listed))}]`."


def targets(
    table: Table, name: str, task: Task | None, *, words: bool = False
) -> tuple[np.ndarray, Task]:
    """The target column, as words, whole numbers or floats, and the task it asks for.

    Rows whose target cannot be used are noted in the table, and have zeros.

    Args:
        words: take classes as words, whatever they look like.
    """
    cells = table.cells(name)
    place = f"{table.path}: column `{plain(name)}`"
    given = [row for row, cell in enumerate(cells) if cell]
    if len(given) < len(cells):
        for row, cell in enumerate(cells):
            if not cell:
                table.fault(row, name, "the row has no target.")
    if task == "regression":
        return narrowed(np.nan_to_num(table.numbers(name)), place), task
    values = {row: number(cells[row]) for row in given}
    known = {row: value for row, value in values.items() if value is not None}
    whole = all(value.is_integer() and abs(value) < 2**53 for value in known.values())
    if task is None and not whole:
        for row in given:
            if row not in known:
                table.fault(
                    row,
                    name,
                    f"the target is a number in {counted(len(known), 'row')} and here {{}}.",
                    cells[row],
                    "Correct it, or write `task: classification` if these are names of classes.",
                )
        return narrowed(_spread(known, len(cells), "float64"), place), "regression"
    if whole and len(known) == len(given) and not words:
        integers = {row: int(value) for row, value in known.items()}
        return _spread(integers, len(cells), "int64"), "classification"
    return np.array(cells), "classification"


def _spread(values: Mapping[int, Any], rows: int, dtype: str) -> np.ndarray:
    """Values at their rows, zeros elsewhere (rows,)."""
    found = np.zeros(rows, dtype=dtype)
    if values:
        found[list(values)] = list(values.values())
    return found
