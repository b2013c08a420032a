"""A table from columns in Python: a mapping, or a frame of pandas, polars or Arrow."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import DataError
from .arrow import compute as pc
from .columns import Column
from .frame import Frame, plain, same_length


def is_columns(value: object) -> bool:
    """Whether a value has columns by name, as a mapping or a data frame does."""
    return (
        isinstance(value, Mapping)
        or (hasattr(value, "columns") and hasattr(value, "keys"))
        or (hasattr(value, "__arrow_c_stream__"))
    )


def from_columns(given: Any, where: str) -> Frame:
    """A table of columns by name: a mapping, or a frame of pandas, polars, or Arrow.

    Raises:
        DataError: a column cannot be read, or is longer than another.
    """
    if hasattr(given, "keys"):
        names = [str(name) for name in given.keys()]  # noqa: SIM118
        found = [_of_values(given[name], where, str(name)) for name in given.keys()]  # noqa: SIM118
    else:
        names, found = _of_arrow(given, where)
    _refuse_names(names, where)
    columns = dict(zip(names, found, strict=True))
    same_length(columns, where)
    return Frame(columns, where)


def _of_arrow(given: Any, where: str) -> tuple[list[str], list[Column]]:
    try:
        table = pa.table(given)
        names = table.column_names
        for column in table.columns:
            column.validate(full=True)
    except (pa.ArrowException, UnicodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{where}: has damaged columns: {reason}.") from None
    columns = [column.combine_chunks() for column in table.columns]
    return names, [
        array_of_lists(each, f"{where}: column `{plain(name)}`")
        if _is_list(each.type)
        else _column(each, where, name)
        for name, each in zip(names, columns, strict=True)
    ]


def _is_list(kind: pa.DataType) -> bool:
    """Whether the cells of a type are lists."""
    return (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def array_of_lists(column: pa.Array, where: str) -> np.ndarray:
    """A column of lists as an array (rows, ...), where all lists are equally long.

    Raises:
        DataError: a list is missing, or longer than another, or does not hold numbers.

    >>> array_of_lists(pa.array([[1, 2], [3, 4]]), "x").tolist()
    [[1, 2], [3, 4]]
    """
    shape = [len(column)]
    while _is_list(column.type):
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


def _refuse_names(names: list[str], where: str) -> None:
    """Raise a `DataError` where two columns have the same name, or one has none."""
    seen: set[str] = set()
    for name in names:
        if name in seen or not name:
            what = f"two columns are called `{plain(name)}`" if name else "a column has no name"
            raise DataError(f"{where}: {what}. Rename a column, or remove it.")
        seen.add(name)


def _of_values(values: Any, where: str, name: str) -> Column:
    try:
        array = np.asarray(values)
        if array.ndim > 1:
            return array
        # NumPy makes words of all values of a list where one is a word, `nan` of a missing one, and
        # cuts zeros off the end of bytes.
        given = values if array.dtype.kind in "OUS" else array
        return _column(pa.array(given, from_pandas=True), where, name)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        if isinstance(error, DataError):
            raise
        reason = " ".join(str(error).split())[:200]
    try:
        # Numbers and words in one column: as the text that a file would hold.
        if all(isinstance(value, SCALARS) for value in values):
            return pa.array(
                ["" if value is None or value != value else str(value) for value in values]
            )
    except TypeError:
        pass
    raise DataError(f"{where}: column `{plain(name)}` cannot be read: {reason}.")


SCALARS = (str, int, float, np.number, np.bool_, type(None))


def _column(column: pa.Array, where: str, name: str) -> pa.Array:
    """A column of Arrow in one of the types that a `Frame` has; text stays as it is."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _column(column.dictionary_decode(), where, name)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pc.fill_null(pc.cast(column, pa.string()), "")
    if pa.types.is_uint64(kind):
        # The largest of them are no int64.
        column = pc.cast(column, pa.float64(), safe=False)
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return pc.cast(column, pa.int64())
    if pa.types.is_floating(column.type) or pa.types.is_decimal(kind):
        values = pc.cast(column, pa.float64())
        return pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        seconds = pc.cast(column, pa.timestamp("s"), safe=False)
        return pc.cast(pc.strftime(seconds, "%Y-%m-%d %H:%M:%S"), pa.string())
    if pa.types.is_null(kind):
        return pc.cast(column, pa.float64())
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        # The form of pictures in the Parquet files of Hugging Face.
        return _column(pc.struct_field(column, "bytes"), where, name)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pc.cast(column, pa.large_binary())
    raise DataError(
        f"{where}: column `{plain(name)}` holds {kind} values; expected numbers, words or dates."
    )
