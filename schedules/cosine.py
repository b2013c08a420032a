"""Rates that fall along half a cosine wave."""

from __future__ import annotations

import math
from typing import Any

import keras

from .arguments import Steps, number, steps
from .base import Curve, fraction, ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class Cosine(Curve):
    """A rate that falls along half a cosine wave to `alpha` of its height, and stays there.

    rate(t) = initial_learning_rate * (alpha + (1 - alpha) * (1 + cos(pi * min(t, T) / T)) / 2),
    T = decay_steps (Loshchilov & Hutter 2017, without restarts)

    The same curve as `keras.optimizers.schedules.CosineDecay` without its warm-up; put a `Warmup`
    before it.

    Args:
        initial_learning_rate: rate at step 0, >= 0.
        decay_steps: steps of the fall, >= 1.
        alpha: the lowest rate as a share of the first, from 0 to 1.

    >>> schedule = Cosine(1.0, decay_steps=100, alpha=0.1)
    >>> [round(float(schedule(step)), 6) for step in (0, 50, 100)]
    [1.0, 0.55, 0.1]
    """

    def __init__(self, initial_learning_rate: float, decay_steps: Steps, alpha: float = 0.0):
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate, ge=0)
        self.decay_steps = steps("decay_steps", decay_steps)
        self.alpha = number("alpha", alpha, ge=0, le=1)

    def rate(self, step: Any) -> Any:
        wave = 0.5 * (1.0 + ops.cos(math.pi * fraction(step, self.decay_steps)))
        return self.initial_learning_rate * (self.alpha + (1.0 - self.alpha) * wave)
