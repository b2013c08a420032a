"""Columns of a table as the saved model takes them."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import tensorflow as tf

from ..data.array_feature import FittedArray, arrays_of
from ..data.cell_types import floats, words
from ..data.cells import numbers_of
from ..data.dates import different_dates
from ..data.fitted import Fitted, FittedDate, FittedNumeric
from ..data.frame import Frame
from ..data.image_feature import FittedImage
from .column_layers import (
    input_dtype,
    input_name,
)
from .images import pictures


def raw(features: Sequence[Fitted], rows: Frame) -> dict[str, Any]:
    """Columns of a table as the model takes them: (rows, 1), pixels, or arrays as they are."""
    return {input_name(feature.name): _given(feature, rows) for feature in features}


def _given(feature: Fitted, rows: Frame) -> Any:
    if isinstance(feature, FittedImage):
        return pictures(feature, rows)
    if isinstance(feature, FittedArray):
        return arrays_of(rows, feature.name).astype("float32")
    return raw_column(feature, rows[feature.name], rows)[:, None]


def raw_column(feature: Fitted, column: pa.Array, rows: Frame) -> tf.Tensor:
    if isinstance(feature, FittedNumeric):
        return tf.constant(floats(numbers_of(rows, feature.name)), input_dtype(feature))
    if isinstance(feature, FittedDate):
        different_dates(rows, feature.name)
    return tf.constant(words(column))
