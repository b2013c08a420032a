"""Keras layers from the raw columns of a table to numbers, by what was learned of the columns.

The numbers that a network is trained on are made once, before the training; the saved model begins
with these layers, and takes raw columns.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import keras
import numpy as np
import pyarrow as pa
import tensorflow as tf

from ..data.array_feature import FittedArray, arrays_of
from ..data.arrow import compute as pc
from ..data.blocks import Block
from ..data.cell_types import floats
from ..data.cells import numbers_of
from ..data.fitted import Fitted, FittedCategory, FittedDate, FittedNumeric, FittedText
from ..data.frame import Frame, plain
from ..data.image_feature import FittedImage
from ..data.series import WindowOptions
from ..data.side_by_side import side_by_side
from ..errors import DataError
from .column_layers import (
    column_numbers,
    input_dtype,
    input_name,
    input_shape,
    joined,
)
from .feature_blocks import Blocks, Tensors, block_name, head, in_blocks, inputs_for, pixels_scaled
from .hub_text import Tokenizer
from .images import pictures
from .plain_numbers import is_plain, plain_categories, plain_numbers
from .raw_columns import raw_column
from .tensors import input_tensor
from .windows import length_of, refuse_unfit, windowed_numbers

# The numbers of a column, or of a block of columns.
Numbers = np.ndarray | Block
# Rows that become numbers at a time.
BATCH = 1 << 19
# Column -> different cells of it, and their numbers.
Known = Mapping[str, tuple[pa.Array, np.ndarray]]


class Preprocessing:
    """From raw columns to blocks of numbers.

    The blocks are the `matrix` of numbers (rows, width), the numbers of `categories` that have an
    embedding (rows, categories), one of words for each text (rows, length), and the pixels of
    pictures (rows, height, width, channels); a single block has no name.

    Attributes:
        features: what was learned of each column.
        window: of windows over the rows.
        tokenizer: of texts that enter as tokens.
    """

    def __init__(
        self,
        features: Sequence[Fitted],
        window: WindowOptions | None = None,
        tokenizer: Tokenizer | None = None,
    ) -> None:
        self.features, self.window, self.tokenizer = tuple(features), window, tokenizer
        _refuse_same_names(self.features)
        if window is not None:
            refuse_unfit(self.features, window)
        self._made: dict[str, keras.Model] = {}

    @cached_property
    def model(self) -> keras.Model:
        """From raw columns, each of shape (rows, 1), and from pixels to the blocks.

        Of windows, each column has shape (windows, inputs), or (windows, inputs + horizon) if it is
        known ahead.
        """
        each = [self._column(feature) for feature in self.features]
        if self.window is None:
            columns: list[keras.KerasTensor] = [made.inputs[0] for made in each]
            outputs: list[keras.KerasTensor] = [made.outputs[0] for made in each]
            parts = list(zip(self.features, outputs, strict=True))
        else:
            columns = [
                _input(feature, (length_of(feature, self.window),)) for feature in self.features
            ]
            parts = windowed_numbers(self.features, each, columns, self.window)
        inputs = {column.name: column for column in columns}
        return keras.Model(inputs, in_blocks(parts, joined))

    def _column(self, feature: Fitted) -> keras.Model:
        """From the raw cells of a column to its numbers; made when it is first asked for.

        It must not be called by several threads at once: Keras would give two layers one name.
        """
        if feature.name not in self._made:
            column = _input(feature, input_shape(feature))
            numbers = column_numbers(feature, column, self.tokenizer)
            self._made[feature.name] = keras.Model(column, numbers)
        return self._made[feature.name]

    def encoded(self, rows: Frame, known: Known | None = None) -> Blocks[Numbers]:
        """The blocks of a table, float32 and int32: what the model gives.

        Args:
            known: what `known` found for a table that has these rows.
        """

        for feature in self.features:
            if not is_plain(feature):
                self._column(feature)

        def numbers(feature: Fitted) -> np.ndarray | Block:
            if is_plain(feature):
                return _plain(feature, rows)
            return _encoded(feature, self._column(feature), rows, (known or {}).get(feature.name))

        few = known is not None or any(isinstance(f, FittedImage) for f in self.features)
        parts = side_by_side(numbers, self.features, 0 if few else len(rows))
        pairs = list(zip(self.features, parts, strict=True))
        return in_blocks(pairs, _side_by_side)

    def known(self, rows: Frame) -> Known:
        """The numbers of each different date of a table, by column.

        The last bit of a sine may depend on what is computed beside it: a table that is encoded
        in pieces must have all dates encoded at once to get the same numbers.
        """
        return {
            feature.name: _different(feature, self._column(feature), rows)[:2]
            for feature in self.features
            if isinstance(feature, FittedDate)
        }

    @property
    def names(self) -> list[str]:
        """Names of the blocks, in order."""
        return list(dict.fromkeys(block_name(*each) for each in enumerate(self.features)))

    def head(
        self, blocks: Blocks[Numbers], *, scaled: bool = True
    ) -> tuple[Tensors, keras.KerasTensor]:
        """Inputs of a network for blocks like these, and what its first layer takes.

        That is one vector a row; or the picture (height, width, channels), or the numbers of tokens
        (length,), where there are such, with `beside` for what comes with them.

        Args:
            scaled: bring the pixels of a picture to [0, 1]; else they keep their range.
        """
        inputs = inputs_for(blocks)
        first = self._first()
        if first is None:
            return inputs, head(self.features, inputs)
        index, feature = first
        named = isinstance(inputs, Mapping)
        block = inputs[block_name(index, feature)] if named else inputs
        if not scaled or not isinstance(feature, FittedImage):
            return inputs, block
        return inputs, pixels_scaled(block, "pixels")

    @property
    def first_shape(self) -> tuple[int, ...]:
        """Shape of what the first layer takes alone; of a vector of unknown length without it."""
        feature = next(filter(_alone, self.features), None)
        if feature is None:
            return (0,)
        return (feature.width,) if isinstance(feature, FittedText) else input_shape(feature)

    def beside(self, inputs: Tensors) -> keras.KerasTensor | None:
        """One vector a row of what comes with the picture or text; None where nothing does.

        Args:
            inputs: of the network, as `head` gives them.
        """
        if self._first() is None or not isinstance(inputs, Mapping):
            return None
        return head(self.features, inputs)

    def _first(self) -> tuple[int, Fitted] | None:
        """The picture, text as tokens, or array that the first layer takes alone, if any."""
        found = [(i, each) for i, each in enumerate(self.features) if _alone(each)]
        if len(found) > 1:
            names = [plain(each.name) for _, each in found]
            raise DataError(
                f"columns {' and '.join(f'`{name}`' for name in names)} are pictures, tokens or "
                "arrays, and a list of layers takes one. Leave the others out, "
                f"`features: {{'*': auto, {names[1]}: drop}}`, or make a graph of `model.parts`."
            )
        return found[0] if found else None


def _input(feature: Fitted, shape: tuple[int, ...]) -> keras.KerasTensor:
    return input_tensor(shape, input_name(feature.name), input_dtype(feature))


def _alone(feature: Fitted) -> bool:
    """Whether a column alone is the input of the first layer, which all others join further on."""
    if isinstance(feature, FittedArray):
        return not feature.is_vector
    tokens = isinstance(feature, FittedText) and feature.output == "tokens"
    return tokens or isinstance(feature, FittedImage)


def _plain(feature: Fitted, rows: Frame) -> np.ndarray:
    """A column as numbers (rows, width) by NumPy."""
    if isinstance(feature, FittedNumeric):
        return plain_numbers(feature, floats(numbers_of(rows, feature.name)))
    assert isinstance(feature, FittedCategory)
    found = rows.coded(feature.name)
    return plain_categories(feature, pc.fill_null(found.cells, "")).take(found.codes, axis=0)


def _encoded(
    feature: Fitted,
    model: keras.Model,
    rows: Frame,
    known: tuple[pa.Array, np.ndarray] | None = None,
) -> np.ndarray | Block:
    """A column as numbers (rows, width), or as pixels (rows, height, width, channels).

    Args:
        known: different cells, and their numbers.
    """
    if isinstance(feature, FittedImage):
        return pictures(feature, rows, store=True)
    if isinstance(feature, FittedArray):
        return _in_pieces(model, arrays_of(rows, feature.name))
    if isinstance(feature, FittedNumeric):
        return _in_batches(model, raw_column(feature, rows[feature.name], rows))
    if known is not None:
        return known[1][np.asarray(pc.index_in(_cells(feature, rows), value_set=known[0]))]
    _, numbers, codes = _different(feature, model, rows)
    return numbers.take(codes, axis=0)


def _different(
    feature: Fitted, model: keras.Model, rows: Frame
) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """The different cells of a column, their numbers, and which of them each row has."""
    found = rows.coded(feature.name)
    cells = pc.fill_null(found.cells, "")
    return cells, _in_batches(model, raw_column(feature, cells, rows)), found.codes


def _side_by_side(parts: Sequence[Any]) -> Any:
    """Columns beside each other; integers of one-hot vectors become floats beside floats."""
    if len(parts) == 1:
        return parts[0]
    # NumPy joins float32 and int32 as float64.
    floats = any(part.dtype.kind == "f" for part in parts)
    return np.concatenate(parts, axis=1, dtype="float32" if floats else None)


def _cells(feature: Fitted, rows: Frame) -> pa.Array:
    return pc.fill_null(pc.cast(rows[feature.name], pa.string()), "")


def _in_batches(model: keras.Model, column: tf.Tensor) -> np.ndarray:
    parts = [
        model(column[first : first + BATCH, None]).numpy() for first in range(0, len(column), BATCH)
    ]
    array = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return array.astype("int32" if array.dtype.kind == "i" else "float32", copy=False)


def _in_pieces(model: keras.Model, arrays: np.ndarray) -> np.ndarray:
    """The output of a model for arrays (rows, ...), some rows at a time."""
    step = max(1, BATCH // max(1, arrays[0].size))
    pieces = range(0, len(arrays), step)
    made = [model(arrays[first : first + step].astype("float32")).numpy() for first in pieces]
    return made[0] if len(made) == 1 else np.concatenate(made)


def _refuse_same_names(features: Sequence[Fitted]) -> None:
    """Raise a `DataError` where two columns would be the same input."""
    seen: dict[str, str] = {}
    for feature in features:
        other = seen.setdefault(input_name(feature.name), feature.name)
        if other != feature.name:
            raise DataError(
                f"columns `{plain(other)}` and `{plain(feature.name)}` cannot both enter a model, "
                "which takes `/` in a name for `|`. Leave one out under `features`."
            )
