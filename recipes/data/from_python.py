"""The rows that Python gives to the source `arrays`: arrays, or a table of columns."""

from collections.abc import Sequence

from ..errors import DataError
from ..spec.fields import listed
from ..spec.tasks import Task
from .frame import Frame
from .python_columns import from_columns, is_columns
from .source import Source, checked


def of_python(x: object, y: object, target: Sequence[str], task: Task | None) -> Source | Frame:
    """Rows and targets as arrays, or a table that has its targets among its columns.

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
