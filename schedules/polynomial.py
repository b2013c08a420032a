"""Rates that fall along a power of the remaining time."""

from __future__ import annotations

import keras

from ..arguments import check_bool, check_number
from .arguments import Steps, check_rate, check_steps
from .base import Curve
from .tensors import Tensor, ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class Polynomial(Curve):
    """A rate that falls to `end_learning_rate` along a polynomial, and stays there.

    rate(t) = end + (initial - end) * (1 - min(t, T) / T) ^ power, T = decay_steps

    With `cycle`, T is decay_steps times the smallest whole number that makes it at least t: the
    rate jumps up after every decay_steps, to a lower height each time. The same curve as
    `keras.optimizers.schedules.PolynomialDecay`, for any number of steps.

    Args:
        initial_learning_rate: rate at step 0, >= 0.
        decay_steps: steps of the fall, >= 1.
        end_learning_rate: rate at its end, >= 0.
        power: exponent, > 0; 1 is a straight line.
        cycle: begin again after the end.

    >>> schedule = Polynomial(0.1, decay_steps=100, end_learning_rate=0.0, power=2.0)
    >>> [round(float(schedule(step)), 6) for step in (0, 50, 100, 1000)]
    [0.1, 0.025, 0.0, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: Steps,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
    ):
        self.initial_learning_rate = check_rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = check_steps("decay_steps", decay_steps)
        self.end_learning_rate = check_rate("end_learning_rate", end_learning_rate)
        self.power = check_number("power", power, gt=0)
        self.cycle = check_bool("cycle", cycle)

    def rate(self, step: Tensor) -> Tensor:
        if self.cycle:
            cycles = ops.maximum(1, (step + self.decay_steps - 1) // self.decay_steps)
            left = cycles * self.decay_steps - step
            remaining = ops.cast(left, "float64") / ops.cast(cycles * self.decay_steps, "float64")
        else:
            left = self.decay_steps - ops.minimum(step, self.decay_steps)
            remaining = ops.cast(left, "float64") / float(self.decay_steps)
        drop = self.initial_learning_rate - self.end_learning_rate
        return self.end_learning_rate + drop * ops.power(remaining, self.power)
