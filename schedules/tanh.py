"""Rates that fall along a hyperbolic tangent."""

from __future__ import annotations

import keras

from ..arguments import check_number
from .arguments import Steps, check_rate, check_steps
from .base import Curve, fraction
from .tensors import Tensor, ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class Tanh(Curve):
    """A rate that falls along a hyperbolic tangent: late, steep, and gently at its end.

    rate(t) = end + (initial - end) / 2 * (1 - tanh(lower * (1 - p) + upper * p)),
    p = min(t, decay_steps) / decay_steps (Hsueh, Li & Wu 2019; timm's `TanhLRScheduler`)

    Args:
        initial_learning_rate: rate before the fall, >= 0.
        decay_steps: steps of the fall, >= 1.
        end_learning_rate: rate after it, >= 0.
        lower: argument of the tangent at the beginning.
        upper: argument at the end, > `lower`.

    >>> schedule = Tanh(1.0, decay_steps=10)
    >>> [round(float(schedule(step)), 3) for step in (0, 7, 10)]
    [1.0, 0.5, 0.002]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: Steps,
        end_learning_rate: float = 0.0,
        lower: float = -7.0,
        upper: float = 3.0,
    ):
        self.initial_learning_rate = check_rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = check_steps("decay_steps", decay_steps)
        self.end_learning_rate = check_rate("end_learning_rate", end_learning_rate)
        self.lower = check_number("lower", lower)
        self.upper = check_number("upper", upper, gt=self.lower)

    def rate(self, step: Tensor) -> Tensor:
        part = fraction(step, self.decay_steps)
        height = 0.5 * (1.0 - ops.tanh(self.lower * (1.0 - part) + self.upper * part))
        drop = self.initial_learning_rate - self.end_learning_rate
        return self.end_learning_rate + drop * height
