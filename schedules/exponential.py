"""Rates that shrink by a factor in equal times."""

from __future__ import annotations

import keras

from ..arguments import check_bool, check_number
from .arguments import Steps, check_rate, check_steps
from .base import Curve
from .tensors import Tensor, ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class Exponential(Curve):
    """A rate that is multiplied by `decay_rate` every `decay_steps`.

    rate(t) = max(end, initial_learning_rate * decay_rate ^ (max(0, t - delay) / decay_steps))

    with the exponent rounded down if `staircase`. Without `end_learning_rate` and `delay` it is the
    curve of `keras.optimizers.schedules.ExponentialDecay`; with them that of
    `optax.exponential_decay`, whose bound is a floor for a falling rate and a ceiling for a rising
    one.

    Args:
        initial_learning_rate: rate at step 0, >= 0.
        decay_steps: steps in which the rate falls by `decay_rate`, >= 1.
        decay_rate: factor, > 0.
        staircase: fall in steps rather than smoothly.
        end_learning_rate: floor of a falling rate, ceiling of a rising one, >= 0; None for none.
        delay: steps before the fall begins, >= 0.

    >>> round(float(Exponential(1, decay_steps=10, decay_rate=0.5)(5)), 6)
    0.707107
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: Steps,
        decay_rate: float,
        staircase: bool = False,
        end_learning_rate: float | None = None,
        delay: Steps = 0,
    ):
        self.initial_learning_rate = check_rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = check_steps("decay_steps", decay_steps)
        self.decay_rate = check_number("decay_rate", decay_rate, gt=0)
        self.staircase = check_bool("staircase", staircase)
        self.end_learning_rate = (
            None
            if end_learning_rate is None
            else check_rate("end_learning_rate", end_learning_rate)
        )
        self.delay = check_steps("delay", delay, ge=0)

    def rate(self, step: Tensor) -> Tensor:
        step = ops.maximum(step - self.delay, 0)
        whole = ops.cast(step // self.decay_steps, "float64")
        # The whole periods and the rest apart: a quotient of large floats would lose the rest.
        rest = ops.cast(step % self.decay_steps, "float64") / self.decay_steps
        exponent = whole if self.staircase else whole + rest
        rate = self.initial_learning_rate * ops.power(self.decay_rate, exponent)
        if self.end_learning_rate is None:
            return rate
        bound = ops.maximum if self.decay_rate < 1 else ops.minimum
        return bound(rate, self.end_learning_rate)
