"""Rates given at a few steps, and what lies between them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import keras

from .arguments import Steps, check_boundaries, check_rates
from .base import Curve, fraction
from .tensors import Tensor, ops


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
        self.boundaries = check_boundaries("boundaries", boundaries)
        count = len(self.boundaries) + 1
        self.values = check_rates("values", values, count, "one more than `boundaries`")

    def rate(self, step: Tensor) -> Tensor:
        rate = ops.full_like(step, self.values[0], dtype="float64")
        for boundary, value in zip(self.boundaries, self.values[1:], strict=True):
            rate = ops.where(step > boundary, ops.convert_to_tensor(value, "float64"), rate)
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
        self.boundaries = points("boundaries", boundaries)
        self.values = check_rates("values", values, len(self.boundaries), "one a boundary")

    def rate(self, step: Tensor) -> Tensor:
        return between(step, self.boundaries, self.values, lambda part: part)


@keras.saving.register_keras_serializable(package="keras_recipes")
class PiecewiseCosine(Curve):
    """Half cosine waves between given points.

    rate(t) = values[i] + (values[i+1] - values[i]) * (1 - cos(pi p)) / 2 for boundaries[i] <= t <=
    boundaries[i+1], p the part of the way; constant before the first point and after the last.
    optax's `piecewise_interpolate_schedule("cosine", ...)` with absolute values.

    Args:
        boundaries: steps of the points, increasing strictly; the first may be 0.
        values: the rate at each of them.

    >>> schedule = PiecewiseCosine([0, 10], [0.0, 1.0])
    >>> [round(float(schedule(step)), 4) for step in (0, 5, 10)]
    [0.0, 0.5, 1.0]
    """

    def __init__(self, boundaries: Sequence[Steps], values: Sequence[float]):
        self.boundaries = points("boundaries", boundaries)
        self.values = check_rates("values", values, len(self.boundaries), "one a boundary")

    def rate(self, step: Tensor) -> Tensor:
        def wave(part: Tensor) -> Tensor:
            return ops.square(ops.sin(0.5 * math.pi * part))

        return between(step, self.boundaries, self.values, wave)


def between(
    step: Tensor,
    boundaries: Sequence[int],
    values: Sequence[float],
    shape: Callable[[Tensor], Tensor],
) -> Tensor:
    """The value at a step between points, by a shape that rises from 0 to 1."""
    rate = ops.full_like(step, values[0], dtype="float64")
    knots = list(zip(boundaries, values, strict=True))
    for (start, low), (end, high) in itertools.pairwise(knots):
        inside = ops.clip(step - start, 0, end - start)
        part = shape(fraction(inside, end - start))
        # This form hits `high` exactly at the end, which low + (high - low) may miss.
        rate = ops.where(step >= start, low * (1.0 - part) + high * part, rate)
    return rate


def points(name: str, values: object) -> list[int]:
    """At least two strictly increasing steps, of which the first may be 0."""
    steps = list(values) if isinstance(values, (list, tuple)) else None
    if steps and steps[0] == 0 and steps[0] is not False:
        steps = [0, *check_boundaries(name, steps[1:])]
    else:
        steps = check_boundaries(name, values)
    if len(steps) < 2:
        raise ValueError(
            f"Argument `{name}` must have at least two steps. Received: {name}={values!r}"
        )
    return steps
