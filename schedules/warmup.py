"""A climb before a schedule and a fall after it."""

from __future__ import annotations

import math
from typing import Literal

import keras

from ..arguments import check_choice
from .arguments import Schedule, Steps, check_rate, check_steps
from .base import Curve, as_schedule, exact, fraction, phases_of
from .tensors import Tensor, ops

SHAPES = ("linear", "cosine", "exponential", "1-sqrt")
# An exponential never reaches or leaves 0; it begins or ends at this fraction of the other rate.
LEAST = 1e-4


@keras.saving.register_keras_serializable(package="keras_recipes")
class Warmup(Curve):
    """A climb from `start` to the first rate of another schedule, which follows it.

    rate(t) = start + (then(0) - start) * f(t / steps) for t < steps
    rate(t) = then(t - steps) afterwards

    with f(p) = p (`linear`), (1 - cos(pi p)) / 2 (`cosine`) or 1 - sqrt(1 - p) (`1-sqrt`). The
    `exponential` climb is start * (then(0) / start)^p, from 1/10,000 of then(0) where start is 0.
    The schedule that follows begins at its step 0 when the climb ends (Goyal et al. 2017), as
    in `optax.join_schedules`.

    Args:
        steps: steps of the climb, >= 0; 0 leaves `then` as it is.
        then: the schedule that follows, or a number.
        start: rate at step 0, >= 0.
        shape: `linear`, `cosine`, `exponential` or `1-sqrt`.

    >>> schedule = Warmup(10, then=1.0, start=0.5)
    >>> [float(schedule(step)) for step in (0, 5, 10, 11)]
    [0.5, 0.75, 1.0, 1.0]
    """

    def __init__(
        self,
        steps: Steps,
        then: Schedule | float,
        start: float = 0.0,
        shape: Literal["linear", "cosine", "exponential", "1-sqrt"] = "linear",
    ):
        self.steps = check_steps("steps", steps, ge=0)
        self.then = as_schedule("then", then)
        self.start = check_rate("start", start)
        self.shape = check_choice("shape", shape, SHAPES)

    def phases(self) -> list[tuple[int, str]]:
        """The end of the climb, and the phases of what follows."""
        own = [(self.steps, "warm-up ends")] if self.steps else []
        return [*own, *phases_of(self.then, self.steps)]

    def rate(self, step: Tensor) -> Tensor:
        after = exact(self.then, ops.maximum(step - self.steps, 0))
        if self.steps == 0:
            return after
        # While the climb lasts, `after` is then(0): the step below zero is cut to zero.
        part = fraction(step, self.steps)
        return ops.where(
            step < self.steps, interpolated(self.shape, self.start, after, part), after
        )


@keras.saving.register_keras_serializable(package="keras_recipes")
class Cooldown(Curve):
    """A schedule that ends in a fall to `end`, wherever it is when the fall begins.

    rate(t) = schedule(t) for t < begin
    rate(t) = s + (end - s) * f((t - begin) / steps), s = schedule(begin), for begin <= t < begin +
    steps, and `end` afterwards; f as in `Warmup`, but `1-sqrt` falls as 1 - sqrt(p)
    (Hägele et al. 2024).

    Args:
        schedule: the schedule before the fall, or a number.
        begin: step at which the fall begins, >= 0.
        steps: steps of the fall, >= 1.
        end: rate after it, >= 0.
        shape: `linear`, `cosine`, `exponential` or `1-sqrt`.

    >>> schedule = Cooldown(1.0, begin=10, steps=4)
    >>> [float(schedule(step)) for step in (9, 10, 11, 14)]
    [1.0, 1.0, 0.75, 0.0]
    """

    def __init__(
        self,
        schedule: Schedule | float,
        begin: Steps,
        steps: Steps,
        end: float = 0.0,
        shape: Literal["linear", "cosine", "exponential", "1-sqrt"] = "linear",
    ):
        self.schedule = as_schedule("schedule", schedule)
        self.begin = check_steps("begin", begin, ge=0)
        self.steps = check_steps("steps", steps)
        self.end = check_rate("end", end)
        self.shape = check_choice("shape", shape, SHAPES)

    def phases(self) -> list[tuple[int, str]]:
        """The phases before the fall, its beginning and its end."""
        before = [phase for phase in phases_of(self.schedule) if phase[0] < self.begin]
        ends = [(self.begin, "cool-down"), (self.begin + self.steps, "end")]
        return [*before, *ends]

    def rate(self, step: Tensor) -> Tensor:
        before = exact(self.schedule, ops.minimum(step, self.begin))
        past = ops.maximum(step - self.begin, 0)
        part = fraction(past, self.steps)
        if self.shape == "1-sqrt":
            part = ops.sqrt(part)
            return before * (1.0 - part) + self.end * part
        fall = interpolated(self.shape, before, self.end, part)
        # An exponential fall ends at a fraction of its first rate; the last rate itself may be 0.
        return ops.where(past >= self.steps, self.end, fall)


def interpolated(shape: str, start: Tensor | float, end: Tensor | float, part: Tensor) -> Tensor:
    """The rate on the way from one rate to another; `end` itself at part 1."""
    if shape == "exponential":
        low = ops.maximum(start, LEAST * end)
        high = ops.maximum(end, LEAST * start)
        return low * ops.power(high / ops.maximum(low, 1e-38), part)
    if shape == "cosine":
        part = ops.square(ops.sin(0.5 * math.pi * part))
    elif shape == "1-sqrt":
        part = 1.0 - ops.sqrt(1.0 - part)
    return start + (end - start) * part
