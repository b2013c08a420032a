"""A rate that stays, and then falls along half a cosine wave."""

from __future__ import annotations

import math

import keras

from .arguments import Steps, check_rate, check_steps
from .base import Curve, fraction
from .tensors import Tensor, ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class FlatCosine(Curve):
    """A rate that stays for most of the run and then falls along half a cosine wave.

    rate(t) = initial for t < flat_steps
    rate(t) = end + (initial - end) * (1 + cos(pi * p)) / 2 afterwards,
    p = (t - flat_steps) / decay_steps
    (fastai's `fit_flat_cos`)

    Args:
        initial_learning_rate: the rate that stays, >= 0.
        flat_steps: steps that it stays, >= 0.
        decay_steps: steps of the fall, >= 1.
        end_learning_rate: rate after it, >= 0.

    >>> schedule = FlatCosine(1.0, flat_steps=10, decay_steps=10)
    >>> [round(float(schedule(step)), 3) for step in (0, 10, 15, 20)]
    [1.0, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        flat_steps: Steps,
        decay_steps: Steps,
        end_learning_rate: float = 0.0,
    ):
        self.initial_learning_rate = check_rate("initial_learning_rate", initial_learning_rate)
        self.flat_steps = check_steps("flat_steps", flat_steps, ge=0)
        self.decay_steps = check_steps("decay_steps", decay_steps)
        self.end_learning_rate = check_rate("end_learning_rate", end_learning_rate)

    def phases(self) -> list[tuple[int, str]]:
        """The beginning and the end of the fall."""
        return [(self.flat_steps, "fall"), (self.flat_steps + self.decay_steps, "end")]

    def rate(self, step: Tensor) -> Tensor:
        part = fraction(ops.maximum(step - self.flat_steps, 0), self.decay_steps)
        drop = self.initial_learning_rate - self.end_learning_rate
        return self.end_learning_rate + drop * 0.5 * (1.0 + ops.cos(math.pi * part))
