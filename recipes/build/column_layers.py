"""Keras layers from the raw cells of one column to numbers, by what was learned of the column."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from ...models.feature_layers import DateParts, FillMissing, IsMissing, SignedLog
from ..data.array_feature import FittedArray
from ..data.fitted import Fitted, FittedCategory, FittedDate, FittedNumeric, FittedText
from ..data.image_feature import FittedImage
from .hub_text import Tokenizer


def column_numbers(
    feature: Fitted, column: keras.KerasTensor, tokenizer: Tokenizer | None = None
) -> keras.KerasTensor:
    """The numbers (rows, width) of a column, or its pixels (rows, height, width, channels).

    Args:
        column: Keras tensor of the raw cells.
        tokenizer: of texts that enter as tokens.
    """
    match feature:
        case FittedArray():
            return _array(feature)(column)
        case FittedNumeric():
            return joined(_numbers(feature, column))
        case FittedDate():
            return DateParts(feature.parts, feature.first_year, feature.years)(column)
        case FittedCategory(output="embedding"):
            return _lookup(feature)(column)
        case FittedCategory():
            return _one_hot(feature, column)
        case FittedText(output="tokens"):
            assert tokenizer is not None  # a recipe with such a column has a text preset
            return tokenizer.tokens(feature.length)(column)
        case FittedText():
            return _text(feature)(column)
        case FittedImage():
            return keras.layers.Identity(dtype="float32")(column)


def input_dtype(feature: Fitted) -> str:
    """Type of the raw cells of a column, as the model takes them."""
    if isinstance(feature, FittedImage | FittedArray):
        return "float32"
    if not isinstance(feature, FittedNumeric):
        return "string"
    return "float64" if feature.double else "float32"


def joined(parts: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
    """Keras tensors beside each other, along the last axis."""
    return parts[0] if len(parts) == 1 else keras.layers.Concatenate()(parts)


def input_name(column: str) -> str:
    """Name of a column among the inputs of the model: Keras takes no `/` in it."""
    return column.replace("/", "|")


def input_shape(feature: Fitted) -> tuple[int, ...]:
    """Shape of the raw cells of a row."""
    return feature.shape if isinstance(feature, FittedImage | FittedArray) else (1,)


def _numbers(feature: FittedNumeric, column: keras.KerasTensor) -> list[keras.KerasTensor]:
    dtype = input_dtype(feature)
    found = FillMissing(feature.fill, dtype=dtype)(column)
    if feature.log:
        found = SignedLog(dtype=dtype)(found)
    if feature.boundaries:
        bins = keras.layers.Discretization(list(feature.boundaries))(found)
        # In Keras 3.13 the layer's own one-hot output has the shape of one column.
        found = keras.layers.CategoryEncoding(len(feature.boundaries) + 1, "one_hot")(bins)
    elif (feature.offset, feature.divisor) != (0.0, 1.0):
        factor = 1.0 / feature.divisor
        found = keras.layers.Rescaling(factor, -feature.offset * factor, dtype=dtype)(found)
    if feature.double:
        found = keras.layers.Identity(dtype="float32")(found)
    return [found, IsMissing()(column)] if feature.indicator else [found]


def _array(feature: FittedArray) -> keras.layers.Layer:
    """Scales each channel."""
    divisor = np.array(feature.divisor)
    factors, shifts = 1.0 / divisor, -np.array(feature.offset) / divisor
    # Keras takes arrays too, which its annotations do not say.
    given: Any = factors.astype("float32"), shifts.astype("float32")
    return keras.layers.Rescaling(*given, dtype="float32")


def _lookup(feature: FittedCategory, mode: str = "int") -> keras.layers.Layer:
    return keras.layers.StringLookup(
        vocabulary=list(feature.vocabulary), output_mode=mode, num_oov_indices=1
    )


def _one_hot(feature: FittedCategory, column: keras.KerasTensor) -> keras.KerasTensor:
    if feature.output == "hashing":
        return keras.layers.Hashing(feature.dimensions, output_mode="one_hot")(column)
    found = _lookup(feature, "one_hot")(column)
    # The weights of a column that is 0 in all training rows would never be trained.
    return found if feature.unseen else found[:, 1:]


def _text(feature: FittedText) -> keras.layers.Layer:
    return keras.layers.TextVectorization(
        vocabulary=list(feature.vocabulary), output_sequence_length=feature.length
    )
