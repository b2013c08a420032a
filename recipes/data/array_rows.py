"""Tables whose rows are arrays: images of a TFRecord file, or of a data set of a hub."""

import numpy as np

from ..spec.tasks import Task
from .frame import Frame
from .source import Source, checked, target_values
from .table import TableOptions


def as_arrays(table: Frame, options: TableOptions, asked: Task | None) -> Source | None:
    """A source of arrays, where the only column that is no target has an array in each row.

    Args:
        options: what the recipe says of the columns.
        asked: the task that the recipe asks for, or None.
    """
    rest = [name for name in table.columns if name not in options.target]
    x = table[rest[0]] if len(rest) == 1 else None
    if not isinstance(x, np.ndarray) or options.features is not None or options.split_by:
        return None
    return checked(x, target_values(table, options.target, asked), table.where, task=asked)
