"""Schedules made of schedules."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from ..arguments import check_number, optional
from .arguments import Schedule, Steps, check_boundaries, check_rate, check_steps
from .base import Curve, as_schedule, exact, phases_of
from .hashing import uniform
from .tensors import Tensor, ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class Sequential(Curve):
    """Schedules one after the other, each beginning at its step 0.

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
        self.schedules = _all_schedules(schedules)
        self.boundaries = check_boundaries("boundaries", boundaries)
        if len(self.boundaries) != len(self.schedules) - 1:
            raise ValueError(
                f"Argument `boundaries` must have {len(self.schedules) - 1} items, one less than "
                f"`schedules`. Received: boundaries={self.boundaries}"
            )

    def phases(self) -> list[tuple[int, str]]:
        """The boundaries, and the phases of each schedule that lie within its stretch."""
        begins, ends = [0, *self.boundaries], [*self.boundaries, None]
        found = []
        for begin, end, schedule in zip(begins, ends, self.schedules, strict=True):
            found += [(begin, type(schedule).__name__)] if begin else []
            inner = phases_of(schedule, begin)
            found += [(step, name) for step, name in inner if end is None or step < end]
        return found

    def rate(self, step: Tensor) -> Tensor:
        rate = exact(self.schedules[0], step)
        for boundary, schedule in zip(self.boundaries, self.schedules[1:], strict=True):
            after = exact(schedule, ops.maximum(step - boundary, 0))
            rate = ops.where(step < boundary, rate, after)
        return rate


@keras.saving.register_keras_serializable(package="keras_recipes")
class Product(Curve):
    """Schedules multiplied: one gives the rate, the others factors.

    rate(t) = product of schedules[i](t)

    Args:
        schedules: schedules or numbers, at least one.

    >>> round(float(Product([0.5, 0.5])(3)), 6)
    0.25
    """

    def __init__(self, schedules: Sequence[Schedule]):
        self.schedules = _all_schedules(schedules)

    def phases(self) -> list[tuple[int, str]]:
        """The phases of all the schedules."""
        return sorted(phase for schedule in self.schedules for phase in phases_of(schedule))

    def rate(self, step: Tensor) -> Tensor:
        rate = exact(self.schedules[0], step)
        for schedule in self.schedules[1:]:
            rate = rate * exact(schedule, step)
        return rate


@keras.saving.register_keras_serializable(package="keras_recipes")
class Scale(Curve):
    """A schedule times a number.

    rate(t) = factor * schedule(t)

    Args:
        schedule: a schedule or a number.
        factor: the number, >= 0.

    >>> round(float(Scale(0.5, factor=0.5)(3)), 6)
    0.25
    """

    def __init__(self, schedule: Schedule, factor: float):
        self.schedule = as_schedule("schedule", schedule)
        self.factor = check_number("factor", factor, ge=0)

    def phases(self) -> list[tuple[int, str]]:
        """Those of the schedule."""
        return phases_of(self.schedule)

    def rate(self, step: Tensor) -> Tensor:
        return self.factor * exact(self.schedule, step)


@keras.saving.register_keras_serializable(package="keras_recipes")
class Repeat(Curve):
    """The beginning of a schedule, repeated.

    rate(t) = schedule(t mod period)

    Args:
        schedule: a schedule or a number.
        period: steps after which it begins again, >= 1.
        count: how often it runs, >= 1; then it continues from the end of its last run. None
            for no end.

    >>> from keras_recipes.schedules import Linear
    >>> schedule = Repeat(Linear(1.0, 4), period=4)
    >>> [float(schedule(step)) for step in (3, 4, 5)]
    [0.25, 1.0, 0.75]
    """

    def __init__(self, schedule: Schedule, period: Steps, count: int | None = None):
        self.schedule = as_schedule("schedule", schedule)
        self.period = check_steps("period", period)
        self.count = optional(check_steps, "count", count)

    def rate(self, step: Tensor) -> Tensor:
        inside = step % self.period
        if self.count is not None:
            # Beyond the largest 64-bit step there is nothing left to compare with.
            last = min((self.count - 1) * self.period, 2**63 - 1)
            inside = ops.where(step >= last, step - last, inside)
        return exact(self.schedule, inside)


@keras.saving.register_keras_serializable(package="keras_recipes")
class Clamp(Curve):
    """A schedule held between two rates.

    rate(t) = min(max(schedule(t), minimum), maximum)

    Args:
        schedule: a schedule or a number.
        minimum: the lowest rate, >= 0.
        maximum: the highest rate, >= `minimum`; None for no bound.

    >>> float(Clamp(2.0, minimum=0.5, maximum=1.0)(0))
    1.0
    """

    def __init__(self, schedule: Schedule, minimum: float = 0.0, maximum: float | None = None):
        self.schedule = as_schedule("schedule", schedule)
        self.minimum = check_rate("minimum", minimum)
        self.maximum = optional(check_number, "maximum", maximum, ge=self.minimum)

    def phases(self) -> list[tuple[int, str]]:
        """Those of the schedule."""
        return phases_of(self.schedule)

    def rate(self, step: Tensor) -> Tensor:
        rate = ops.maximum(exact(self.schedule, step), self.minimum)
        return rate if self.maximum is None else ops.minimum(rate, self.maximum)


@keras.saving.register_keras_serializable(package="keras_recipes")
class Noise(Curve):
    """A schedule with noise on it, which the seed and the step decide.

    rate(t) = schedule(t) * max(0, 1 + scale * (2 u(t) - 1)), u(t) uniform on [0, 1) by a hash of
    (seed, t): the same step has the same noise, in any order and after a resume. Different seeds
    give independent noise.

    Args:
        schedule: a schedule or a number.
        scale: largest relative change, >= 0.
        seed: which noise, >= 0.

    >>> schedule = Noise(1.0, scale=0.1, seed=1)
    >>> float(schedule(5)) == float(schedule(5)) != float(schedule(6))
    True
    """

    def __init__(self, schedule: Schedule, scale: float = 0.1, seed: int = 0):
        self.schedule = as_schedule("schedule", schedule)
        self.scale = check_rate("scale", scale)
        self.seed = check_steps("seed", seed, ge=0)

    def phases(self) -> list[tuple[int, str]]:
        """Those of the schedule."""
        return phases_of(self.schedule)

    def rate(self, step: Tensor) -> Tensor:
        change = self.scale * (2.0 * uniform(step, self.seed) - 1.0)
        return exact(self.schedule, step) * ops.maximum(1.0 + change, 0.0)


def _all_schedules(schedules: Sequence[Schedule]) -> list[Schedule]:
    if not isinstance(schedules, (list, tuple)) or not schedules:
        raise ValueError(
            "Argument `schedules` must be a list of at least one schedule. "
            f"Received: schedules={schedules!r}"
        )
    return [as_schedule(f"schedules[{index}]", item) for index, item in enumerate(schedules)]
