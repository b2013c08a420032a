"""Targets of raw rows, as a run's model was trained on them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from ..errors import DataError
from ..spec.targets import ClassName
from ..spec.wording import listed, shown
from .array_feature import FittedArray, arrays_of
from .arrow import compute as pc
from .cell_types import floats, is_binary, is_text, not_numbers, numbers, size_problem, words
from .cells import scalar
from .columns import Column
from .dates import not_dates
from .fitted import Fitted, FittedDate, FittedNumeric
from .frame import Frame, plain
from .heads import records
from .image_feature import FittedImage
from .reading import Faults, Reading
from .truth import truth_as_digits

NO_TARGET = "the row has no target."


def usable_cells(feature: Fitted, table: Frame, faults: Faults) -> Column:
    """A column without the cells that its feature cannot read, which are faults."""
    column = table[feature.name]
    if isinstance(feature, FittedArray):
        return _usable_arrays(feature, table)
    if isinstance(column, np.ndarray):
        raise DataError(f"{table.where}: column `{plain(feature.name)}` has several values a row.")
    if is_binary(column) and not isinstance(feature, FittedImage):
        raise DataError(f"{table.where}: column `{plain(feature.name)}` holds bytes.")
    if isinstance(feature, FittedNumeric):
        bad, expected = not_numbers(column), "a number"
    elif isinstance(feature, FittedDate) and is_text(column):
        bad, expected = not_dates(column), "a date such as 2013-01-31"
    else:
        return column
    for row in bad.tolist():
        cell = column[row].as_py()
        problem = f"expected {expected}. Received {shown(cell)}{size_problem(cell)}."
        faults.add(row, table.fault(row, feature.name, problem))
    if not len(bad):
        return column
    good = np.ones(len(column), bool)
    good[bad] = False
    kept = pc.if_else(pa.array(good), column, pa.scalar(None, column.type))
    return numbers(kept) if isinstance(feature, FittedNumeric) else kept


def _usable_arrays(feature: FittedArray, table: Frame) -> np.ndarray:
    values = arrays_of(table, feature.name)
    if values.shape[1:] != feature.shape:
        raise DataError(
            f"{table.where}: column `{plain(feature.name)}` has arrays of shape "
            f"{values.shape[1:]}; the model takes {feature.shape}."
        )
    return values


def all_numbers(
    table: Frame, name: str, faults: Faults, empty: str = "expected a number. The cell is empty."
) -> np.ndarray:
    """A column of numbers; a cell that is none, or is empty, is a fault."""
    cells = usable_cells(FittedNumeric(name, 0.0, indicator=False), table, faults)
    values = floats(cells)
    for row in np.flatnonzero(np.isnan(values)).tolist():
        faults.add(row, table.fault(row, name, empty))
    return np.nan_to_num(values)


def coded(table: Frame, reading: Reading, faults: Faults) -> np.ndarray:
    """The targets, classes as indices; a class that the model does not know is a fault."""
    heads = reading.heads
    if heads:
        return records({name: coded(table, head, faults) for name, head in heads.items()})
    classes = reading.described["classes"]
    table.require(reading.target)
    if not classes:
        if reading.described["task"] == "multilabel":
            table = replace(table, columns={**table.columns, **_digits(table, reading.target)})
        columns = [all_numbers(table, name, faults, NO_TARGET) for name in reading.target]
        return (columns[0] if len(columns) == 1 else np.stack(columns, axis=1)).astype("float32")
    name = reading.target[0]
    column = scalar(table, name)
    for row in np.flatnonzero(np.asarray(column.is_null())).tolist():
        faults.add(row, table.fault(row, name, NO_TARGET))
    named = any(isinstance(known, str) for known in classes)
    y = words(column) if named or is_text(column) else floats(column)
    codes, unknown = _indices(y, classes)
    for row in unknown:
        message = _unknown_class(classes).replace("{}", shown(column[row].as_py()), 1)
        faults.add(row, table.fault(row, name, message))
    return codes


def _digits(table: Frame, names: Sequence[str]) -> dict[str, pa.Array]:
    """Columns of labels with 1 for yes and 0 for no."""
    columns = {name: scalar(table, name) for name in names}
    return {
        name: truth_as_digits(column) if is_text(column) else column
        for name, column in columns.items()
    }


def _indices(y: np.ndarray, classes: Sequence[ClassName]) -> tuple[np.ndarray, list[int]]:
    place = {name: index for index, name in enumerate(classes)}
    codes = np.array([place.get(name, -1) for name in y.tolist()], dtype="int32")
    return codes, np.flatnonzero(codes < 0).tolist()


def _unknown_class(classes: Sequence[ClassName]) -> str:
    more = f" and {len(classes) - 6} more" * (len(classes) > 6)
    return f"the class {{}} is none that the model knows, which are {listed(classes[:6])}{more}."


def own_targets(y: np.ndarray, where: str, faults: Faults, reading: Reading) -> np.ndarray:
    classes = reading.described["classes"]
    if not classes:
        return y.astype("float32")
    if any(isinstance(name, str) for name in classes):
        y = y.astype(str)
    codes, unknown = _indices(y, classes)
    for row in unknown:
        message = _unknown_class(classes).replace("{}", shown(y[row].item()), 1)
        faults.add(row, f"row {row} (from 0): {message}")
    return codes
