"""Weights of the losses of several outputs: by a schedule, or learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from . import replicas
from .keras_types import Shape


@keras.saving.register_keras_serializable(package="keras_recipes")
class LossWeight(keras.layers.Layer):
    """Passes an output on, and has the trained log variance s of its loss (Kendall et al. 2018).

    The loss L of the output enters the sum as exp(-s) L + s, where s begins with 0. So a loss with
    large errors weighs less, and s cannot grow without cost.

    >>> layer = LossWeight()
    >>> layer(keras.ops.ones((2, 3))).shape, len(layer.trainable_weights)
    (TensorShape([2, 3]), 1)
    """

    def build(self, input_shape: Shape) -> None:
        """Make the log variance, a number."""
        self.log_variance = self.add_weight(shape=(), initializer="zeros", name="log_variance")
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """The inputs as they are."""
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """That of the inputs."""
        return input_shape


@dataclass(frozen=True)
class Term:
    """How a loss L enters the sum of several: weight x L + offset, at the present step."""

    weight: Callable[[], tf.Tensor | float]
    offset: Callable[[], tf.Tensor | float] | None = None

    @classmethod
    def scheduled(cls, schedule: Callable[[tf.Tensor], tf.Tensor], step: keras.Variable) -> Term:
        """A weight that follows a schedule.

        Args:
            step: the variable that counts the updates.
        """
        return cls(lambda: schedule(step.value))

    @classmethod
    def learned(cls, layer: LossWeight) -> Term:
        """exp(-s) L + s."""
        return cls(lambda: tf.exp(-layer.log_variance.value), lambda: layer.log_variance.value)

    @classmethod
    def constant(cls, weight: float, offset: float) -> Term:
        """A weight and an offset that were reached before."""
        return cls(lambda: weight, lambda: offset)

    def values(self) -> tuple[float, float]:
        """Weight and offset now."""
        return float(self.weight()), 0.0 if self.offset is None else float(self.offset())


class LossTerm(keras.losses.Loss):
    """A loss as a term of a sum.

    Args:
        loss: the loss itself.
        term: its weight and offset.

    >>> term = LossTerm(keras.losses.MeanSquaredError(), Term.constant(0.5, 2.0))
    >>> float(term(keras.ops.zeros((4, 1)), keras.ops.ones((4, 1))))
    2.5
    """

    def __init__(self, loss: keras.losses.Loss, term: Term):
        super().__init__(name=loss.name)
        self.loss = loss
        self.term = term

    def __call__(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> tf.Tensor:
        """The weighted loss of a batch, a number."""
        value: Any = self.loss(y_true, y_pred, sample_weight)
        weighted = value * tf.cast(self.term.weight(), value.dtype)
        if self.term.offset is None:
            return weighted
        # The losses of replicas are summed.
        return weighted + tf.cast(self.term.offset(), value.dtype) / replicas.count()


def without_weights(outputs: Any) -> dict[str, Any]:
    """The outputs of a graph, by name, as they are before their `LossWeight`."""
    makers = {name: output._keras_history.operation for name, output in outputs.items()}
    return {
        name: maker.input if isinstance(maker, LossWeight) else outputs[name]
        for name, maker in makers.items()
    }
