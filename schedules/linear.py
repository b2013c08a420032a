"""A straight line."""

from __future__ import annotations

import keras

from .arguments import Steps, check_rate, check_steps
from .base import Curve, fraction
from .tensors import Tensor


@keras.saving.register_keras_serializable(package="keras_recipes")
class Linear(Curve):
    """A straight line from one rate to another, constant afterwards.

    rate(t) = initial + (end - initial) * min(t, decay_steps) / decay_steps

    `optax.linear_schedule`; torch's `LinearLR` with initial = start_factor * lr and
    end = end_factor * lr. The end may be higher than the beginning.

    Args:
        initial_learning_rate: rate at step 0, >= 0.
        decay_steps: steps of the line, >= 1.
        end_learning_rate: rate at its end, >= 0.

    >>> schedule = Linear(1.0, decay_steps=4)
    >>> [float(schedule(step)) for step in (0, 1, 4, 9)]
    [1.0, 0.75, 0.0, 0.0]
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: Steps, end_learning_rate: float = 0.0
    ):
        self.initial_learning_rate = check_rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = check_steps("decay_steps", decay_steps)
        self.end_learning_rate = check_rate("end_learning_rate", end_learning_rate)

    def rate(self, step: Tensor) -> Tensor:
        part = fraction(step, self.decay_steps)
        return self.initial_learning_rate * (1.0 - part) + self.end_learning_rate * part
