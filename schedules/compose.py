"""Schedules made of schedules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from . import arguments
from .arguments import Schedule, Steps
from .base import Curve, as_schedule, ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class Warmup(Curve):
    """A climb from `start` to the first rate of another schedule, which follows it.

    rate(t) = start + (then(0) - start) * t / steps for t < steps
    rate(t) = then(t - steps) afterwards

    The schedule that follows begins at its own step 0 when the climb ends (Goyal et al. 2017).

    Args:
        steps: steps of the climb, >= 0; 0 leaves `then` as it is.
        then: the schedule that follows, or a number.
        start: rate at step 0, >= 0.

    >>> schedule = Warmup(10, then=1.0, start=0.5)
    >>> [float(schedule(step)) for step in (0, 5, 10, 11)]
    [0.5, 0.75, 1.0, 1.0]
    """

    def __init__(self, steps: Steps, then: Schedule | float, start: float = 0.0):
        self.steps = arguments.steps("steps", steps, ge=0)
        self.then = as_schedule("then", then)
        self.start = arguments.number("start", start, ge=0)

    def rate(self, step: Any) -> Any:
        after = self.then(ops.maximum(step - self.steps, 0))
        if self.steps == 0:
            return after
        # While the climb lasts, `after` is then(0): the step below zero is cut to zero.
        part = ops.cast(ops.minimum(step, self.steps), "float32") / float(self.steps)
        return ops.where(step < self.steps, self.start + (after - self.start) * part, after)


@keras.saving.register_keras_serializable(package="keras_recipes")
class Sequential(Curve):
    """Schedules one after the other, each beginning at its own step 0.

    rate(t) = schedules[i](t - boundaries[i-1]) for boundaries[i-1] <= t < boundaries[i]

    As in `optax.join_schedules` and torch's `SequentialLR`, a boundary is the first step of the
    schedule that follows.

    Args:
        schedules: schedules or numbers, at least one.
        boundaries: first step of each schedule but the first, increasing strictly.

    >>> schedule = Sequential([1.0, 0.1], boundaries=[100])
    >>> [round(float(schedule(step)), 6) for step in (99, 100)]
    [1.0, 0.1]
    """

    def __init__(self, schedules: Sequence[Schedule], boundaries: Sequence[Steps]):
        if isinstance(schedules, str) or not isinstance(schedules, (list, tuple)) or not schedules:
            raise ValueError(
                "Argument `schedules` must be a list of at least one schedule. "
                f"Received: schedules={schedules!r}"
            )
        self.schedules = [
            as_schedule(f"schedules[{index}]", item) for index, item in enumerate(schedules)
        ]
        self.boundaries = arguments.boundaries("boundaries", boundaries)
        if len(self.boundaries) != len(self.schedules) - 1:
            raise ValueError(
                f"Argument `boundaries` must have {len(self.schedules) - 1} items, one less than "
                f"`schedules`. Received: boundaries={self.boundaries}"
            )

    def rate(self, step: Any) -> Any:
        rate = self.schedules[0](step)
        for boundary, schedule in zip(self.boundaries, self.schedules[1:], strict=True):
            rate = ops.where(step < boundary, rate, schedule(ops.maximum(step - boundary, 0)))
        return rate
