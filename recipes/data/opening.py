"""From the name of a source to its columns in their types, or its arrays."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from ..errors import DataError
from ..spec.choices import Arguments
from ..spec.tasks import Task
from ..spec.wording import listed
from .frame import MOST_NAMES_SHOWN, Frame
from .heads import of_heads, words_of
from .image_folder import Tables
from .npz_table import npz_table
from .python_columns import from_columns, is_columns
from .source import TAKES_TASK, Source, checked, of_table, target_values
from .sources import SOURCES
from .table import NO_TABLE, TableOptions, used, with_target

# Rows and targets as Python gives them: arrays, lists, or a data frame and None.
Arrays = tuple[object, object]
# Arguments of a table of text that later files of the same kind are read with.
DIALECT = ("delimiter", "encoding", "decimal", "date_format", "thousands")


def dialect_of(arguments: Arguments) -> dict[str, str]:
    """Those that a recipe names."""
    return {name: arguments[name] for name in DIALECT if arguments.get(name) is not None}


def read(
    name: str,
    arguments: Arguments,
    arrays: Arrays | None,
    task: Task | None = None,
    table: TableOptions = NO_TABLE,
    words: Iterable[str] = (),
) -> Source:
    """The source of a name, or the arrays that were given.

    Args:
        words: columns of a table that stay words, beside those that the recipe says are.
    """
    if name == "arrays":
        if arrays is None:
            raise DataError(
                "data.source is `arrays`, which only Python can give: "
                "`keras_recipes.load(...).train(x, y)`."
            )
        found = _of_python(*arrays, table.target, task)
    elif arrays is not None:
        raise DataError(f"data.source is `{name}`; give arrays only to the source `arrays`.")
    elif name == "npz" and table.target:
        found = npz_table(arguments["path"], table)
    else:
        more = {"task": task} if name in TAKES_TASK and task is not None else {}
        found = SOURCES[name](**{**arguments, **more})
        if isinstance(found, Frame) and found.folder is None:
            # Only what Python gives may name pictures anywhere on the machine.
            found = replace(found, folder=os.curdir)
    if isinstance(found, Tables):
        return _of_parts(found, table, task)
    if isinstance(found, Source):
        if table.target or table.features is not None:
            raise DataError(
                f"{name}: has its own targets, and no columns; leave `target` and `features` out."
            )
        return found
    found, numbers = table_of(found, table, [*words, *words_of(table.heads)]), None
    if table.drop_missing_target:
        numbers = with_target(found, table.target)
        found = found if len(numbers) == len(found) else found.take(numbers)
    if table.heads:
        return replace(of_heads(found, table.heads, found.where), numbers=numbers)
    source = _as_arrays(found, table, task) or of_table(found, table.target, found.where, task)
    return replace(source, numbers=numbers)


def table_of(found: Frame, table: TableOptions, words: Iterable[str] = ()) -> Frame:
    """The columns of a table that are used, each in its type; see `read`."""
    if not table.target:
        raise DataError(
            f"{found.where}: say which column is predicted: `target: NAME` below `data`. It has "
            f"{listed(list(found.columns)[:MOST_NAMES_SHOWN])}."
        )
    return used(found, table).typed({*table.words, *words})


def _of_python(x: object, y: object, target: Sequence[str], task: Task | None) -> Source | Frame:
    """What Python gives to the source `arrays`: rows and targets, or a table with its targets.

    Args:
        x: an array of rows, first axis counts them; with `target` a mapping of names to columns or
            a data frame of pandas, polars or Arrow.
        y: the targets of an array of rows; None for a table.
        target: names of the columns of a table that are predicted; empty for arrays.
        task: what the targets are, where the recipe says so.

    Raises:
        DataError: it is neither, or both targets and their names are given.
    """
    if not target:
        if y is None:
            hint = " or name the columns of it under `data.target`" * is_columns(x)
            raise DataError(f"arrays: give the targets too, `train(x, y)`{hint}.")
        return checked(x, y, "arrays", task=task)
    if y is not None:
        raise DataError(
            f"arrays: `data.target` says that {listed(target)} of the table is predicted; leave "
            "`y` out, or `data.target`."
        )
    if not is_columns(x):
        raise DataError(
            f"arrays: `data.target` is {listed(target)}, and x has no columns. Give a data frame "
            f"or a mapping of names to columns. Received {type(x).__name__}."
        )
    return from_columns(x, "arrays")


def _as_arrays(table: Frame, options: TableOptions, asked: Task | None) -> Source | None:
    """A source of arrays, where the only column that is no target has an array in each row.

    Images of a TFRecord file are such a column, and those of a data set of a hub.

    Args:
        options: what the recipe says of the columns.
        asked: the task that the recipe asks for, or None.
    """
    rest = [name for name in table.columns if name not in options.target]
    x = table[rest[0]] if len(rest) == 1 else None
    if not isinstance(x, np.ndarray) or options.features is not None or options.split_by:
        return None
    return checked(x, target_values(table, options.target, asked), table.where, task=asked)


def _of_parts(found: Tables, options: TableOptions, task: Task | None) -> Source:
    """The source of tables that have parts of their own."""
    if options.heads:
        raise DataError("a source with parts of its own has one output. Leave `outputs` out.")
    parts: dict[str, Source] = {}
    for name, part in found.parts.items():
        rows = used(part, options)
        rows = rows.typed(options.words) if found.typed else rows
        if options.drop_missing_target:
            rows = rows.take(with_target(rows, options.target))
        parts[name] = of_table(rows, options.target, rows.where, task)
    own = {name: (part.x, part.y) for name, part in parts.items() if name != "train"}
    return replace(parts["train"], **own)
