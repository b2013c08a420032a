"""Rates given at a few steps, and what lies between them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import keras

from . import arguments
from .arguments import Steps
from .base import Curve, ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class PiecewiseConstant(Curve):
    """One rate for each stretch between boundaries.

    rate(t) = values[i] for boundaries[i-1] < t <= boundaries[i]

    As in `keras.optimizers.schedules.PiecewiseConstantDecay`, a boundary still belongs to the
    stretch before it; torch's `MultiStepLR` and optax switch one step earlier. Unlike Keras's,
    boundaries that do not increase are refused: Keras then adds two values together.

    Args:
        boundaries: steps at which the rate changes, increasing strictly.
        values: a rate for each stretch, one more than boundaries.

    >>> schedule = PiecewiseConstant([100, 200], [0.1, 0.01, 0.001])
    >>> [round(float(schedule(step)), 6) for step in (100, 101, 201)]
    [0.1, 0.01, 0.001]
    """

    def __init__(self, boundaries: Sequence[Steps], values: Sequence[float]):
        self.boundaries = arguments.boundaries("boundaries", boundaries)
        count = len(self.boundaries) + 1
        self.values = arguments.rates("values", values, count, "one more than `boundaries`")

    def rate(self, step: Any) -> Any:
        rate = ops.full_like(step, self.values[0], dtype="float32")
        for boundary, value in zip(self.boundaries, self.values[1:], strict=True):
            rate = ops.where(step > boundary, ops.cast(value, "float32"), rate)
        return rate


@keras.saving.register_keras_serializable(package="keras_recipes")
class PiecewiseLinear(Curve):
    """Straight lines between given points.

    rate(t) = values[i] + (values[i+1] - values[i]) * (t - boundaries[i]) / (boundaries[i+1] -
    boundaries[i]) for boundaries[i] <= t <= boundaries[i+1]; constant before the first point and
    after the last. This is `numpy.interp`.

    Args:
        boundaries: steps of the points, increasing strictly; the first may be 0.
        values: the rate at each of them.

    >>> schedule = PiecewiseLinear([0, 10, 30], [0.0, 1.0, 0.5])
    >>> [float(schedule(step)) for step in (5, 10, 20, 99)]
    [0.5, 1.0, 0.75, 0.5]
    """

    def __init__(self, boundaries: Sequence[Steps], values: Sequence[float]):
        found = list(boundaries) if isinstance(boundaries, (list, tuple)) else boundaries
        starts_at_zero = isinstance(found, list) and found[:1] == [0] and found[0] is not False
        tail = found[1:] if starts_at_zero else found
        self.boundaries = [0] * starts_at_zero + arguments.boundaries("boundaries", tail)
        if len(self.boundaries) < 2:
            raise ValueError(
                "Argument `boundaries` must have at least two steps. "
                f"Received: boundaries={boundaries!r}"
            )
        self.values = arguments.rates("values", values, len(self.boundaries), "one a boundary")

    def rate(self, step: Any) -> Any:
        rate = ops.full_like(step, self.values[0], dtype="float32")
        points = list(zip(self.boundaries, self.values, strict=True))
        for (start, low), (end, high) in itertools.pairwise(points):
            part = ops.cast(ops.minimum(step - start, end - start), "float32") / (end - start)
            # This form hits `high` exactly at the end, which low + (high - low) may miss.
            rate = ops.where(step >= start, low * (1.0 - part) + high * part, rate)
        return rate
