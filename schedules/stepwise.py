"""Rates that fall by a factor at given steps."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from ..arguments import check_number
from .arguments import Steps, check_boundaries, check_rate, check_rates, check_steps
from .base import Curve
from .tensors import Tensor, ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class Step(Curve):
    """A rate that is multiplied by `gamma` after every `step_size` steps.

    rate(t) = initial_learning_rate * gamma ^ floor(t / step_size)

    torch's `StepLR`; step `step_size` is the first with the lower rate.

    Args:
        initial_learning_rate: rate at step 0, >= 0.
        step_size: steps between two falls, >= 1.
        gamma: factor, > 0.

    >>> schedule = Step(1.0, step_size=10, gamma=0.5)
    >>> [float(schedule(step)) for step in (9, 10, 20)]
    [1.0, 0.5, 0.25]
    """

    def __init__(self, initial_learning_rate: float, step_size: Steps, gamma: float = 0.1):
        self.initial_learning_rate = check_rate("initial_learning_rate", initial_learning_rate)
        self.step_size = check_steps("step_size", step_size)
        self.gamma = check_number("gamma", gamma, gt=0)

    def rate(self, step: Tensor) -> Tensor:
        falls = ops.cast(step // self.step_size, "float64")
        return self.initial_learning_rate * ops.power(self.gamma, falls)


@keras.saving.register_keras_serializable(package="keras_recipes")
class MultiStep(Curve):
    """A rate that is multiplied by `gamma` at each milestone.

    rate(t) = initial_learning_rate * gamma ^ (number of milestones <= t)

    torch's `MultiStepLR`; a milestone is the first step with the lower rate.

    Args:
        initial_learning_rate: rate at step 0, >= 0.
        milestones: steps of the falls, increasing strictly.
        gamma: factor, > 0.

    >>> schedule = MultiStep(1.0, milestones=[10, 30], gamma=0.5)
    >>> [float(schedule(step)) for step in (9, 10, 30)]
    [1.0, 0.5, 0.25]
    """

    def __init__(
        self, initial_learning_rate: float, milestones: Sequence[Steps], gamma: float = 0.1
    ):
        self.initial_learning_rate = check_rate("initial_learning_rate", initial_learning_rate)
        self.milestones = check_boundaries("milestones", milestones)
        self.gamma = check_number("gamma", gamma, gt=0)

    def rate(self, step: Tensor) -> Tensor:
        values = [self.initial_learning_rate]
        for _ in self.milestones:
            values.append(values[-1] * self.gamma)
        return stairs(step, self.milestones, values)


@keras.saving.register_keras_serializable(package="keras_recipes")
class Multiplicative(Curve):
    """A rate that is multiplied by a different factor at each boundary.

    rate(t) = initial_learning_rate * product of factors[i] over boundaries[i] <= t

    optax's `piecewise_constant_schedule`, and torch's `MultiplicativeLR` with a factor other than
    1 at the boundaries.

    Args:
        initial_learning_rate: rate at step 0, >= 0.
        boundaries: steps of the changes, increasing strictly.
        factors: one a boundary, >= 0.

    >>> schedule = Multiplicative(1.0, boundaries=[10, 30], factors=[0.5, 0.5])
    >>> [float(schedule(step)) for step in (9, 10, 30)]
    [1.0, 0.5, 0.25]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        boundaries: Sequence[Steps],
        factors: Sequence[float],
    ):
        self.initial_learning_rate = check_rate("initial_learning_rate", initial_learning_rate)
        self.boundaries = check_boundaries("boundaries", boundaries)
        self.factors = check_rates("factors", factors, len(self.boundaries), "one a boundary")

    def rate(self, step: Tensor) -> Tensor:
        values = [self.initial_learning_rate]
        for factor in self.factors:
            values.append(values[-1] * factor)
        return stairs(step, self.boundaries, values)


def stairs(step: Tensor, boundaries: Sequence[int], values: Sequence[float]) -> Tensor:
    """values[i] for boundaries[i-1] <= step < boundaries[i]."""
    rate = ops.full_like(step, values[0], dtype="float64")
    for boundary, value in zip(boundaries, values[1:], strict=True):
        rate = ops.where(step >= boundary, ops.convert_to_tensor(value, "float64"), rate)
    return rate
