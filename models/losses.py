"""Losses that Keras lacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="keras_recipes")
class SumOfSquares(keras.losses.Loss):
    """Half the sum of squared errors over the outputs of a row, averaged over the batch.

    E = 1/2 * sum_k (y_pred[k] - y_true[k])^2, as in Bishop (2006), section 5.2. Unlike the mean
    squared error it does not shrink with the number of outputs, and its gradient is the error.

    Args:
        reduction: how the losses of the rows are combined.
        name: name of the loss.

    Inputs have shape (batch, outputs).

    >>> float(SumOfSquares()([[0.0, 0.0]], [[3.0, 4.0]]))
    12.5
    """

    def __init__(self, reduction: str = "sum_over_batch_size", name: str = "sum_of_squares"):
        super().__init__(name=name, reduction=reduction)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Loss of each row, shape (batch,)."""
        y_pred = tf.convert_to_tensor(y_pred)
        difference = y_pred - tf.cast(y_true, y_pred.dtype)
        return 0.5 * tf.reduce_sum(tf.square(difference), axis=-1)


@keras.saving.register_keras_serializable(package="keras_recipes")
class RootMeanSquaredError(keras.losses.Loss):
    """Square root of the mean squared error of a batch.

    E = sqrt(mean((y_pred - y_true)^2)) over all rows and outputs of the batch. It has the unit of
    the targets, and its gradient does not grow with the error. The mean over batches of an epoch
    is not the RMSE of the epoch; the metric `root_mean_squared_error` is.

    Args:
        name: name of the loss.

    >>> float(RootMeanSquaredError()([[0.0], [0.0]], [[3.0], [3.0]]))
    3.0
    """

    # Below it the root's slope, 1 / (2 E), would be infinite at a perfect fit.
    SMALLEST = 1e-12

    def __init__(self, name: str = "root_mean_squared_error"):
        super().__init__(name=name, reduction="none")

    def __call__(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> tf.Tensor:
        """The loss of a batch, a scalar; rows weigh as `sample_weight` says."""
        y_pred = tf.convert_to_tensor(y_pred)
        squares = tf.reduce_mean(tf.square(y_pred - tf.cast(y_true, y_pred.dtype)), axis=-1)
        if sample_weight is None:
            mean = tf.reduce_mean(squares)
        else:
            weight = tf.reshape(tf.cast(sample_weight, squares.dtype), tf.shape(squares))
            mean = tf.math.divide_no_nan(tf.reduce_sum(weight * squares), tf.reduce_sum(weight))
        return tf.sqrt(tf.maximum(mean, self.SMALLEST))

    def get_config(self) -> dict:
        """The name."""
        return {"name": self.name}


@keras.saving.register_keras_serializable(package="keras_recipes")
class StandardizedLoss(keras.losses.Loss):
    """A loss of standardized targets, for a network that predicts them in their original unit.

    E = loss((y_true - offset) / divisor, (y_pred - offset) / divisor), with an offset and a
    divisor for each column. With the mean and standard deviation of the targets, a mean squared
    error of 1 is what predicting the mean costs, whatever the unit, and neither the gradient nor a
    bound on it depends on the unit.

    Args:
        loss: a Keras loss.
        offset: what is subtracted: a number a column.
        divisor: what the difference is divided by, > 0: a number a column.
        name: name of the loss.

    Inputs have shape (batch, columns).

    >>> loss = StandardizedLoss(keras.losses.MeanSquaredError(), [100.0], [10.0])
    >>> float(loss([[110.0]], [[100.0]]))
    1.0
    """

    def __init__(
        self,
        loss: keras.losses.Loss,
        offset: Sequence[float],
        divisor: Sequence[float],
        name: str = "standardized_loss",
    ):
        super().__init__(name=name)
        if not all(number > 0 for number in divisor):
            raise ValueError(f"Argument `divisor` must be > 0. Received: divisor={divisor}")
        self.loss = loss
        self.offset = [float(number) for number in offset]
        self.divisor = [float(number) for number in divisor]

    def __call__(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> tf.Tensor:
        """The inner loss of a batch, as it reduces it."""
        y_pred = tf.convert_to_tensor(y_pred)
        y_true = tf.cast(y_true, y_pred.dtype)
        found: Any = self.loss(self._scaled(y_true), self._scaled(y_pred), sample_weight)
        return found

    def _scaled(self, values: tf.Tensor) -> tf.Tensor:
        offset = tf.constant(self.offset, values.dtype)
        return (values - offset) / tf.constant(self.divisor, values.dtype)

    def get_config(self) -> dict:
        """The arguments."""
        return {
            "loss": keras.saving.serialize_keras_object(self.loss),
            "offset": self.offset,
            "divisor": self.divisor,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict) -> StandardizedLoss:
        """The loss that `get_config` described."""
        return cls(**{**config, "loss": keras.saving.deserialize_keras_object(config["loss"])})


@keras.saving.register_keras_serializable(package="keras_recipes")
class LabelLoss(keras.losses.Loss):
    """A loss of several labels that takes a weight for each label of a row.

    E = mean over rows and labels of w[row, label] * loss(y_true, y_pred) of that label alone.
    Keras's own binary losses average over the labels of a row first, and then take one weight a
    row. Without weights this is the loss inside.

    Args:
        loss: a Keras loss that averages over the last axis, such as `BinaryCrossentropy`.
        name: name of the loss.

    Inputs have shape (batch, labels), and so have the weights.

    >>> loss = LabelLoss(keras.losses.MeanSquaredError())
    >>> float(loss([[0.0, 0.0]], [[1.0, 3.0]], sample_weight=[[2.0, 0.0]]))
    1.0
    """

    def __init__(self, loss: keras.losses.Loss, name: str = "label_loss"):
        super().__init__(name=name)
        self.loss = loss

    def __call__(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> tf.Tensor:
        """The inner loss of a batch, as it reduces it."""
        if sample_weight is None:
            found: Any = self.loss(y_true, y_pred)
            return found
        alone = tf.expand_dims(y_true, -1), tf.expand_dims(y_pred, -1)
        weighted: Any = self.loss(*alone, sample_weight)
        return weighted

    def get_config(self) -> dict:
        """The arguments."""
        return {"loss": keras.saving.serialize_keras_object(self.loss), "name": self.name}

    @classmethod
    def from_config(cls, config: dict) -> LabelLoss:
        """The loss that `get_config` described."""
        return cls(**{**config, "loss": keras.saving.deserialize_keras_object(config["loss"])})


# The names that a recipe uses.
LOSSES = {
    "root_mean_squared_error": RootMeanSquaredError,
    "sum_of_squares": SumOfSquares,
}
