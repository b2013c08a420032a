"""Gradient descent whose momentum follows a schedule, in one fused operation a variable."""

from __future__ import annotations

from typing import TypeAlias

import keras
import tensorflow as tf
from keras.optimizers.schedules import LearningRateSchedule
from tensorflow import Tensor

from ..arguments import check_number
from .saving import Serializable

# Keras passes Keras variables, or those of TensorFlow within a strategy.
Variable: TypeAlias = keras.Variable | tf.Variable


@keras.saving.register_keras_serializable(package="keras_recipes")
class MomentumSGD(Serializable, keras.optimizers.Optimizer):
    """Stochastic gradient descent with momentum.

    m <- momentum(t) m - rate(t) g
    w <- w + m

    This is `keras.optimizers.SGD` with a momentum that may change, as in Hinton & Salakhutdinov
    (2006): 0.5 in the first epochs, then 0.9.

    Args:
        learning_rate: a number >= 0, or a schedule.
        momentum: a number in [0, 1], or a schedule.
        name: of the optimizer.

    Raises:
        ValueError: a bad argument.

    >>> MomentumSGD(0.1, 0.5).get_config()["momentum"]
    0.5
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.1,
        momentum: float | LearningRateSchedule = 0.5,
        *,
        name: str = "momentum_sgd",
    ):
        if not isinstance(learning_rate, LearningRateSchedule):
            learning_rate = check_number("learning_rate", learning_rate, ge=0)
        if not isinstance(momentum, LearningRateSchedule):
            momentum = check_number("momentum", momentum, ge=0, le=1)
        super().__init__(learning_rate=learning_rate, name=name)
        self.momentum = momentum

    def build(self, variables: list[keras.Variable]) -> None:
        """A moving average beside each variable."""
        if self.built:
            return
        super().build(variables)
        self.moving = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        """The two equations above."""
        average = self.moving[self._get_variable_index(variable)]
        momentum = self.momentum_at(tf.convert_to_tensor(self.iterations))
        rate = tf.cast(learning_rate, variable.dtype)
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=_handle(variable),
            accum=_handle(average),
            lr=rate,
            grad=tf.cast(gradient, variable.dtype),
            momentum=tf.cast(momentum, variable.dtype),
        )

    def momentum_at(self, step: Tensor) -> Tensor | float:
        """The momentum of an update."""
        return self.momentum(step) if callable(self.momentum) else self.momentum

    def get_config(self) -> dict[str, object]:
        """The arguments."""
        rate = keras.optimizers.Optimizer.get_config(self)["learning_rate"]
        momentum = keras.saving.serialize_keras_object(self.momentum)
        return {"learning_rate": rate, "momentum": momentum, "name": self.name}


def _handle(variable: Variable) -> Tensor:
    """The resource of a variable."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle
