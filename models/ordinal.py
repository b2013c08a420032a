"""Ordered classes: the output layer of a cumulative link model, and the error in ranks."""

from __future__ import annotations

from typing import Any, Unpack

import keras
import numpy as np
import tensorflow as tf

from .keras_types import Config, LayerArguments, Shape, ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class CumulativeLink(keras.layers.Layer):
    """Probabilities of ordered classes from one score a row and a threshold between each two.

    P(y > j) = sigmoid(s - t[j]), with the score s = x . w and thresholds t[0] < ... < t[k-2]; the
    probability of class j is P(y > j - 1) - P(y > j). These are k - 1 binary decisions, "is it
    more than class j", which share their weights, so that their probabilities cannot contradict
    each other: the proportional odds model of McCullagh (1980), "Regression models for ordinal
    data", on the features of a network, as in CORAL (Cao, Mirjalili & Raschka 2020). Trained with
    `sparse_categorical_crossentropy` it maximizes that model's likelihood.

    At first all classes are equally likely at a score of 0.

    Args:
        classes: number of classes k, >= 2.
        name: name of the layer.

    Raises:
        ValueError: a bad argument, or rows that are no vectors.

    Inputs have shape (batch, features), outputs (batch, classes).

    >>> layer = CumulativeLink(4)
    >>> layer(tf.zeros((1, 3))).numpy().round(3).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """

    def __init__(self, classes: int, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        if isinstance(classes, bool) or not isinstance(classes, int) or classes < 2:
            raise ValueError(
                f"Argument `classes` must be a whole number >= 2. Received: classes={classes}"
            )
        self.classes = classes

    def build(self, input_shape: Shape) -> None:
        """Make the weights of the score, and the thresholds."""
        if len(input_shape) != 2:
            raise ValueError(f"Expected rows that are vectors. Received shape {input_shape}.")
        self.kernel = self.add_weight(
            shape=(input_shape[-1], 1), initializer="glorot_uniform", name="kernel"
        )
        self.first = self.add_weight(
            shape=(1,), initializer=keras.initializers.Constant(self._logits()[0]), name="first"
        )
        # Softplus of them is added from one threshold to the next, which keeps the order.
        steps = np.log(np.expm1(np.diff(self._logits())))
        self.steps = self.add_weight(
            shape=(self.classes - 2,), initializer=_Values(steps.tolist()), name="steps"
        )

    def _logits(self) -> np.ndarray:
        below = np.arange(1, self.classes) / self.classes
        return np.log(below / (1 - below))

    def thresholds(self) -> tf.Tensor:
        """The thresholds (classes - 1,), rising."""
        steps = tf.nn.softplus(tf.convert_to_tensor(self.steps))
        return tf.cumsum(tf.concat([tf.convert_to_tensor(self.first), steps], axis=0))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Probabilities of the classes."""
        score = tf.matmul(inputs, tf.convert_to_tensor(self.kernel))
        above = tf.sigmoid(score - self.thresholds())
        ones = tf.ones_like(score)
        return tf.concat([ones, above], axis=-1) - tf.concat([above, 0 * ones], axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, classes)."""
        return (input_shape[0], self.classes)

    def get_config(self) -> Config:
        """The arguments."""
        return {**super().get_config(), "classes": self.classes}


@keras.saving.register_keras_serializable(package="keras_recipes")
class _Values(keras.initializers.Initializer):
    """Given numbers."""

    def __init__(self, values: list[float]):
        self.values = values

    def __call__(self, shape: Shape, dtype: str | None = None) -> tf.Tensor:
        return ops.cast(ops.reshape(self.values, shape), dtype or "float32")

    def get_config(self) -> Config:
        """The numbers."""
        return {"values": self.values}


def median_class(probabilities: np.ndarray) -> np.ndarray:
    """The class (rows,) below and above which at most half of the probability lies.

    Of all classes it has the smallest expected error in ranks.

    Args:
        probabilities: of the classes, in their order (rows, classes).

    >>> median_class(np.array([[0.4, 0.2, 0.4], [0.6, 0.4, 0.0]])).tolist()
    [1, 0]
    """
    return np.sum(np.cumsum(probabilities, axis=1)[:, :-1] < 0.5, axis=1)


@keras.saving.register_keras_serializable(package="keras_recipes")
class RankError(keras.metrics.MeanMetricWrapper):
    """Mean absolute error in ranks, mean |y - y'|, of the most central class y' of each row.

    y' is the median of the predicted distribution: the first class with a cumulative probability of
    one half. The order of the classes is that of their numbers.

    Args:
        name: name of the metric.
        dtype: type of its state.

    Targets are class numbers (rows,), predictions probabilities (rows, classes).

    >>> metric = RankError()
    >>> metric.update_state([2, 0], [[0.6, 0.3, 0.1], [0.4, 0.2, 0.4]])
    >>> float(metric.result())
    1.5
    """

    def __init__(self, name: str = "rank_mae", dtype: Any = None):
        super().__init__(fn=rank_error, name=name, dtype=dtype)

    def get_config(self) -> Config:
        """Name and type."""
        return {"name": self.name, "dtype": self.dtype}


@keras.saving.register_keras_serializable(package="keras_recipes")
class RankAccuracy(keras.metrics.MeanMetricWrapper):
    """Fraction of rows whose most central class y' is the right one; see `RankError`.

    Args:
        name: name of the metric.
        dtype: type of its state.

    Targets are class numbers (rows,), predictions probabilities (rows, classes).

    >>> metric = RankAccuracy()
    >>> metric.update_state([1, 0], [[0.4, 0.2, 0.4], [0.4, 0.2, 0.4]])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, name: str = "accuracy", dtype: Any = None):
        super().__init__(fn=right_rank, name=name, dtype=dtype)

    def get_config(self) -> Config:
        """Name and type."""
        return {"name": self.name, "dtype": self.dtype}


def right_rank(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    """Whether y = y' in each row, for `RankAccuracy`."""
    error = rank_error(y_true, y_pred)
    return tf.cast(tf.equal(error, 0), error.dtype)


def rank_error(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    """|y - y'| of each row, for `RankError`."""
    y_pred = tf.convert_to_tensor(y_pred)
    below = tf.cumsum(y_pred, axis=-1)[:, :-1] < 0.5
    median = tf.reduce_sum(tf.cast(below, tf.int32), axis=-1)
    truth = tf.cast(tf.reshape(y_true, [-1]), tf.int32)
    return tf.cast(tf.abs(median - truth), y_pred.dtype)


# Names in recipes.
LAYERS = {"cumulative_link": CumulativeLink}
METRICS = {"rank_mae": RankError}
