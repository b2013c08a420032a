"""Rows of the user's own, in memory, for a model with one input or several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import keras
import numpy as np
import tensorflow as tf

from ..data.arrays import as_array, numbers, picked
from ..data.cell_types import floats, is_text, words
from ..data.columns import Column
from ..data.frame import Frame, plain
from ..data.python_columns import from_columns, is_columns
from ..data.source import features
from ..errors import DataError, RequestError
from ..spec.wording import did_you_mean, listed

# The block of weights, beside the blocks of a model's inputs, which are called "0", "1", ...
WEIGHTS = "weights"
ONLY = "0"
# How the inputs of a model nest: one, several in a list, or by name.
Leaf = TypeVar("Leaf")
Nested = Leaf | Sequence[Leaf] | Mapping[str, Leaf]
Layout = str | list[str] | dict[str, str]


@dataclass(frozen=True)
class Rows:
    """Rows as arrays, and how a model takes them.

    Attributes:
        blocks: key -> array (rows, ...), one for each input.
        layout: the keys of the blocks as the inputs of the model nest.
        weights: of each row in the loss (rows,), or None.
    """

    blocks: Mapping[str, np.ndarray]
    layout: Layout
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(next(iter(self.blocks.values())))

    def take(self, rows: np.ndarray) -> "Rows":
        """The rows of these indices, in their order."""
        blocks = {key: _picked(block, rows) for key, block in self.blocks.items()}
        weights = None if self.weights is None else self.weights[rows]
        return replace(self, blocks=blocks, weights=weights)

    @property
    def is_plain(self) -> bool:
        """Whether the rows are one array of numbers without weights."""
        return self.layout == ONLY and self.weights is None and _is_numeric(self.blocks[ONLY])

    @property
    def x(self) -> np.ndarray | Mapping[str, np.ndarray]:
        """The rows as a `Split` has them: one array, or blocks with the weights as one of them."""
        if self.is_plain:
            return self.blocks[ONLY]
        return self.blocks if self.weights is None else {**self.blocks, WEIGHTS: self.weights}

    def arranged(self, dataset: tf.data.Dataset | None) -> tf.data.Dataset | None:
        """A dataset of such rows in batches as `model.fit` takes them."""
        if dataset is None or self.is_plain:
            return dataset
        layout = self.layout

        def batch(blocks: Mapping[str, tf.Tensor], y: tf.Tensor) -> tuple[object, ...]:
            x = _laid_out(blocks, layout)
            return (x, y) if WEIGHTS not in blocks else (x, y, blocks[WEIGHTS])

        return dataset.map(batch)


def _laid_out(blocks: Mapping[str, tf.Tensor], layout: Layout) -> Nested[tf.Tensor]:
    """Blocks as the inputs of a model nest."""
    if isinstance(layout, str):
        return _as_floats(blocks[layout])
    if isinstance(layout, dict):
        return {name: blocks[key] for name, key in layout.items()}
    return tuple(blocks[key] for key in layout)


def rows_for(model: keras.Model, x: object, where: str, weights: object = None) -> Rows:
    """Rows for the inputs of a model, checked.

    Args:
        x: an array; a list of arrays, one for each input; a mapping of the names of inputs to
            arrays; a data frame, whose columns are the inputs of these names, or together the rows
            of a model with one input.
        where: what messages call them.
        weights: of each row in the loss, or None.

    Raises:
        RequestError: an input is missing, or rows do not have its shape.
    """
    rows = _rows(model, x, where)
    lengths = {len(block) for block in rows.blocks.values()}
    if len(lengths) != 1:
        raise RequestError(f"{where}: its inputs have different numbers of rows, {listed(lengths)}")
    check_shapes(model, _arranged(rows), where)
    return rows if weights is None else replace(rows, weights=_weights(weights, len(rows), where))


def check_shapes(model: keras.Model, x: Any, where: str) -> None:
    """Raise where rows have another shape than the inputs of the model; its graph must be known."""
    if not getattr(model, "inputs", None):
        return
    struct: Any = _struct(model)
    if isinstance(struct, dict) and isinstance(x, Mapping):
        _require(model, list(struct), list(x), where)
        pairs = [(name, given, x[name]) for name, given in struct.items()]
    elif isinstance(x, Mapping):
        _require(model, [each.name for each in model.inputs], list(x), where)
        pairs = [(each.name, each, x[each.name]) for each in model.inputs]
    else:
        leaves = list(x) if isinstance(x, (list, tuple)) else [x]
        if len(leaves) != len(model.inputs):
            raise RequestError(
                f"{where}: {len(leaves)} inputs are given and the model {model.name!r} has "
                f"{len(model.inputs)}: {listed([each.name for each in model.inputs])}."
            )
        pairs = [(e.name, e, leaf) for e, leaf in zip(model.inputs, leaves, strict=True)]
    for name, expected, found in pairs:
        shape = tuple(getattr(found, "shape", np.shape(found)))
        if not _fits(shape, tuple(expected.shape)):
            of = f"input `{name}`: " * (len(pairs) > 1)
            raise RequestError(
                f"{where}: {of}its rows come in shape {shape}; the model {model.name!r} takes "
                f"{tuple(expected.shape)}, where the first axis counts rows."
            )


def _fits(shape: tuple[int | None, ...], expected: tuple[int | None, ...]) -> bool:
    """Whether rows fit an input; as Keras has it, a last axis of 1 may be missing, or too many."""
    if len(shape) == len(expected) - 1 and expected[-1] in (1, None):
        shape = (*shape, 1)
    elif len(shape) == len(expected) + 1 and shape[-1] == 1:
        shape = shape[:-1]
    same = (a == b or b is None or a is None for a, b in zip(shape, expected, strict=False))
    return len(shape) == len(expected) and all(same)


def _rows(model: keras.Model, x: object, where: str) -> Rows:
    inputs = getattr(model, "inputs", None) or []
    if is_columns(x):
        return _of_columns(model, x, where)
    several = len(inputs) > 1 or (not inputs and _is_list_of_arrays(x))
    if several and isinstance(x, (list, tuple)):
        blocks = {str(n): _block(each, f"{where}[{n}]") for n, each in enumerate(x)}
        return Rows(blocks, list(blocks))
    if inputs and str(inputs[0].dtype) == "string":
        return Rows({ONLY: _block(x, where)}, ONLY)
    return Rows({ONLY: _narrow(features(x, where))}, ONLY)


def _is_list_of_arrays(x: object) -> bool:
    return isinstance(x, (list, tuple)) and all(hasattr(each, "shape") for each in x)


def _of_columns(model: keras.Model, x: object, where: str) -> Rows:
    table = from_columns(x, where)
    struct = _struct(model)
    if struct is None:
        names = list(table.columns)
    else:
        names = list(struct) if isinstance(struct, dict) else [each.name for each in model.inputs]
        if len(model.inputs) == 1 and names[0] not in table.columns and not isinstance(x, Mapping):
            return Rows({ONLY: _matrix(table)}, ONLY)
        _require(model, names, list(table.columns), where)
    arrays = {name: _of_column(table[name], table, name) for name in names}
    layout = {name: str(n) for n, name in enumerate(names)}
    return Rows({layout[name]: array for name, array in arrays.items()}, layout)


def _matrix(table: Frame) -> np.ndarray:
    """All columns of a frame as the rows of one array."""
    for name, column in table.columns.items():
        if isinstance(column, np.ndarray) or is_text(column):
            raise DataError(
                f"{table.where}: column `{plain(name)}` does not hold one number a row, as the "
                "rows of a model with a single input do."
            )
    columns = [floats(column) for column in table.columns.values() if not _is_array(column)]
    return _narrow(features(np.stack(columns, axis=1), table.where))


def _is_array(column: Column) -> bool:
    return isinstance(column, np.ndarray)


def _of_column(column: Column, table: Frame, name: str) -> np.ndarray:
    """A column as an input takes it: NaN is a missing number, and the empty word a missing one."""
    where = f"{table.where}, column `{plain(name)}`"
    if isinstance(column, np.ndarray):
        return _block(column, where)
    if is_text(column):
        return words(column)
    if column.null_count or not _is_whole(column):
        return floats(column).astype("float32")
    return column.to_numpy(zero_copy_only=False)


def _is_whole(column: Column) -> bool:
    return str(column.type).startswith("int") if not isinstance(column, np.ndarray) else False


def _block(value: object, where: str) -> np.ndarray:
    """The rows of one of several inputs: numbers or words, in the type that they have."""
    array = as_array(value, where)
    if array.ndim == 0 or array.size == 0:
        raise DataError(f"{where}: expected at least one row. Received shape {array.shape}.")
    return array if array.dtype.kind == "U" else _narrow(numbers(array, where))


def _narrow(array: np.ndarray) -> np.ndarray:
    return array.astype("float32") if array.dtype == np.float64 else array


def _weights(given: object, rows: int, where: str) -> np.ndarray:
    where = f"sample_weight of {where}"
    found = numbers(as_array(given, where), where).astype("float32")
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.shape != (rows,):
        raise RequestError(f"{where}: expected shape ({rows},), one a row. Received {found.shape}.")
    return found


def _arranged(rows: Rows) -> Nested[np.ndarray]:
    if isinstance(rows.layout, str):
        return rows.blocks[rows.layout]
    if isinstance(rows.layout, dict):
        return {name: rows.blocks[key] for name, key in rows.layout.items()}
    return [rows.blocks[key] for key in rows.layout]


def _struct(model: keras.Model) -> Any:
    """The inputs of a model as they nest; None where the model has no graph."""
    if not getattr(model, "inputs", None):
        return None
    return model.inputs if isinstance(model, keras.Sequential) else model.input


def _require(model: keras.Model, names: Sequence[str], given: Sequence[str], where: str) -> None:
    missing = [name for name in names if name not in given]
    if missing:
        few = list(map(plain, given[:20]))
        raise RequestError(
            f"{where}: the model {model.name!r} has an input `{missing[0]}`, which is not among "
            f"{listed(few)}.{did_you_mean(missing[0], list(given))}"
        )


def _as_floats(block: tf.Tensor) -> tf.Tensor:
    return block if block.dtype == tf.string else tf.cast(block, tf.float32)


def _is_numeric(block: np.ndarray) -> bool:
    return block.dtype.kind in "buif"


def _picked(block: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return picked(block, rows) if _is_numeric(block) else block[rows]
