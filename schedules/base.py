"""The base of all schedules: integer steps, and configurations that name every argument."""

from __future__ import annotations

import inspect
from typing import Any

import keras

from ..arguments import is_number
from .arguments import Schedule, check_rate
from .tensors import Config, Tensor, ops


class Curve(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate as a pure function of the optimizer's step.

    A subclass stores each constructor argument under its name and implements `rate(step)` for
    a tensor of int64 steps, elementwise, in float64; the rate is rounded to float32 once, at the
    end. 32-bit floats represent whole numbers only up to 2^24 = 16,777,216, and 0.999 so roughly
    that its 500th power is off in the sixth digit.
    """

    def __call__(self, step: Tensor | float) -> Tensor:
        """Learning rate at a step, float32; an array of steps gives an array of rates."""
        return ops.cast(exact(self, step), "float32")

    def rate(self, step: Tensor) -> Tensor:
        """Learning rate at an int64 step, float64."""
        raise NotImplementedError

    def phases(self) -> list[tuple[int, str]]:
        """First step and name of each phase after the first; a picture of the schedule marks them.

        >>> from keras_recipes.schedules import Warmup
        >>> Warmup(500, 0.1).phases()
        [(500, 'warm-up ends')]
        """
        return []

    def get_config(self) -> Config:
        """Every constructor argument; nested schedules nest serialized."""
        names = inspect.signature(type(self)).parameters
        return {name: _plain(getattr(self, name)) for name in names}

    @classmethod
    def from_config(cls, config: Config) -> Curve:
        """The schedule that `get_config` described."""
        return cls(**{name: _revived(value) for name, value in config.items()})


@keras.saving.register_keras_serializable(package="keras_recipes")
class Constant(Curve):
    """The same rate at every step.

    rate(t) = learning_rate

    Args:
        learning_rate: the rate, >= 0.

    >>> float(Constant(0.1)(1000))
    0.10000000149011612
    """

    def __init__(self, learning_rate: float):
        self.learning_rate = check_rate("learning_rate", learning_rate)

    def rate(self, step: Tensor) -> Tensor:
        return ops.full_like(step, self.learning_rate, dtype="float64")


def as_schedule(name: str, value: object) -> Schedule:
    """A schedule as it is, a number as a constant one."""
    if isinstance(value, keras.optimizers.schedules.LearningRateSchedule):
        return value
    if not is_number(value):
        raise ValueError(
            f"Argument `{name}` must be a schedule or a number. Received: {name}={value!r}"
        )
    return Constant(check_rate(name, value))


def phases_of(schedule: Schedule, shift: int = 0) -> list[tuple[int, str]]:
    """The phases of any schedule, later by some steps; Keras's own have none."""
    found = schedule.phases() if isinstance(schedule, Curve) else []
    return [(step + shift, name) for step, name in found]


def exact(schedule: Schedule, step: Tensor | float) -> Tensor:
    """The rate of any schedule at a step, float64, so that composites round once, at their end."""
    if isinstance(schedule, Curve):
        return ops.cast(schedule.rate(ops.cast(step, "int64")), "float64")
    return ops.cast(schedule(step), "float64")


def fraction(step: Tensor, total: int) -> Tensor:
    """min(step, total) / total, float64; never above 1, though XLA multiplies by the reciprocal."""
    return ops.minimum(ops.cast(ops.minimum(step, total), "float64") / float(total), 1.0)


def _plain(value: object) -> object:
    if isinstance(value, keras.optimizers.schedules.LearningRateSchedule):
        return keras.saving.serialize_keras_object(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _revived(value: object) -> Any:
    if isinstance(value, dict) and "class_name" in value:
        return keras.saving.deserialize_keras_object(value)
    if isinstance(value, list):
        return [_revived(item) for item in value]
    return value
