"""Layers between the raw columns of a table and numbers, where Keras has none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Unpack

import keras
import tensorflow as tf

from .keras_types import Config, LayerArguments, Shape, ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class FillMissing(keras.layers.Layer):
    """Puts a number where one is missing (NaN); input and output have shape (rows, 1).

    Args:
        value: the number.

    >>> FillMissing(3.0)(keras.ops.array([[1.0], [float("nan")]])).numpy().tolist()
    [[1.0], [3.0]]
    """

    def __init__(self, value: float, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.value = value

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """The inputs with no NaN in them."""
        return ops.where(ops.isnan(inputs), self.value, inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """That of the input."""
        return input_shape

    def get_config(self) -> Config:
        """The arguments."""
        return {**super().get_config(), "value": self.value}


@keras.saving.register_keras_serializable(package="keras_recipes")
class IsMissing(keras.layers.Layer):
    """1 where a number is missing (NaN), else 0.

    >>> IsMissing()(keras.ops.array([[1.0], [float("nan")]])).numpy().tolist()
    [[0.0], [1.0]]
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """0 and 1, in the type of the layer."""
        return ops.cast(ops.isnan(inputs), self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """That of the input."""
        return input_shape


@keras.saving.register_keras_serializable(package="keras_recipes")
class SignedLog(keras.layers.Layer):
    """`sign(x) log(1 + |x|)`: a logarithm that takes zero and negative numbers too.

    >>> SignedLog()(keras.ops.array([[0.0], [1.0]])).numpy().round(4)
    array([[0.    ],
           [0.6931]], dtype=float32)
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """The logarithm, elementwise."""
        return ops.multiply(ops.sign(inputs), ops.log1p(ops.abs(inputs)))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """That of the input."""
        return input_shape


_PERIODS = {"month": 12.0, "weekday": 7.0, "hour": 24.0}


@keras.saving.register_keras_serializable(package="keras_recipes")
class DateParts(keras.layers.Layer):
    """Numbers from dates written as ISO 8601, `2013-01-31` or `2013-01-31 05:00:00`.

    The year becomes `(year - first_year) / years`; month, weekday and hour each become the cosine
    and sine of their angle on a circle, so that December is beside January. An empty string, a
    missing date, becomes zeros.

    Args:
        parts: which of `year`, `month`, `weekday` and `hour` the output has, in this order.
        first_year: the year that becomes 0.
        years: years from there to the year that becomes 1.

    >>> layer = DateParts(["year", "month"], first_year=2000, years=10)
    >>> (layer(tf.constant([["2005-07-01"]])).numpy().round(3) + 0.0).tolist()
    [[0.5, -1.0, 0.0]]
    """

    def __init__(
        self,
        parts: Sequence[str],
        first_year: float = 0.0,
        years: float = 1.0,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.parts, self.first_year, self.years = list(parts), first_year, years
        # Reading strings is TensorFlow's work; XLA has none.
        self.supports_jit = False

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Parts of the dates (rows, numbers); the input has shape (rows, 1)."""
        known = tf.strings.length(inputs) > 0
        text = tf.where(known, inputs, "2000-01-01 00:00:00")
        text = tf.strings.join([text, " 00:00:00"])  # for dates without an hour
        year, month, day, hour = (
            tf.strings.to_number(tf.strings.substr(text, first, length))
            for first, length in ((0, 4), (5, 2), (8, 2), (11, 2))
        )
        angles = {"month": month - 1, "weekday": _weekday(year, month, day), "hour": hour}
        columns = []
        for part in self.parts:
            if part == "year":
                columns.append((year - self.first_year) / self.years)
                continue
            angle = angles[part] * (2 * math.pi / _PERIODS[part])
            columns += [tf.cos(angle), tf.sin(angle)]
        found = tf.concat(columns, axis=1)
        return tf.cast(tf.where(known, found, 0.0), self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(rows, numbers)."""
        return (input_shape[0], sum(1 if part == "year" else 2 for part in self.parts))

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Numbers, whatever the type of the input."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)

    def get_config(self) -> Config:
        """The arguments."""
        own = {"parts": self.parts, "first_year": self.first_year, "years": self.years}
        return {**super().get_config(), **own}


def _weekday(year: tf.Tensor, month: tf.Tensor, day: tf.Tensor) -> tf.Tensor:
    """Days since the last Monday, by Zeller's congruence."""
    early = tf.cast(month < 3, tf.float32)
    month, year = month + 12 * early, year - early
    days = (
        day
        + tf.floor(13 * (month + 1) / 5)
        + year
        + tf.floor(year / 4)
        - tf.floor(year / 100)
        + tf.floor(year / 400)
    )
    # Zeller counts from Saturday.
    return tf.math.floormod(days + 5, 7.0)
