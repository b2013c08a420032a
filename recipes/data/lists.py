"""Columns whose cells are lists of numbers, as arrays."""

import numpy as np
import pyarrow as pa

from ..errors import DataError
from .arrow import compute as pc


def is_list(kind: pa.DataType) -> bool:
    """Whether the cells of a type are lists."""
    return (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def array_of(column: pa.Array, where: str) -> np.ndarray:
    """A column of lists as an array (rows, ...), where all lists are equally long.

    Raises:
        DataError: a list is missing, or longer than another, or does not hold numbers.

    >>> array_of(pa.array([[1, 2], [3, 4]]), "x").tolist()
    [[1, 2], [3, 4]]
    """
    shape = [len(column)]
    while is_list(column.type):
        if column.null_count:
            raise DataError(f"{where}: {column.null_count} of its lists are missing.")
        lengths = pc.min_max(pc.list_value_length(column)).as_py()
        if lengths["min"] != lengths["max"]:
            raise DataError(
                f"{where}: its lists have from {lengths['min']} to {lengths['max']} values; "
                "expected equally many in each row."
            )
        shape.append(lengths["max"] or 0)
        column = column.flatten()
    kind = column.type
    if column.null_count or not (
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    ):
        holes = f", {column.null_count} of them missing" * (column.null_count > 0)
        raise DataError(f"{where}: its lists hold {kind} values{holes}; expected numbers.")
    return column.to_numpy(zero_copy_only=False).reshape(shape)
