"""The learning rate of the last update, and the variable by which a callback reduces it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import keras
import numpy as np

from ..optimizers import inner_optimizer

# Optimizer -> number of updates when its rate was changed, and the rate of the last of them. An
# entry is valid until the next update.
_BEFORE_CHANGE: WeakKeyDictionary[keras.optimizers.Optimizer, tuple[int, float]] = (
    WeakKeyDictionary()
)


def updates(model: keras.Model) -> int:
    """Number of optimizer updates so far, or since the optimizer was reset."""
    return int(model.optimizer.iterations.numpy())


def updates_in_all(model: keras.Model) -> int:
    """Number of optimizer updates so far, with those before the optimizer was reset."""
    before = getattr(inner_optimizer(model.optimizer)._learning_rate, "before", 0)
    return updates(model) + int(np.asarray(before))


def learning_rate(model: keras.Model) -> float:
    """The learning rate of the last update.

    `optimizer.learning_rate` is the rate of the next update, so a schedule is evaluated one step
    earlier. Callbacks that change the rate after an epoch do so inside `changing_rate`, so that the
    order of the callbacks does not matter.
    """
    count = updates(model)
    changed_at, before = _BEFORE_CHANGE.get(model.optimizer, (None, 0.0))
    if changed_at == count:
        return before
    optimizer = inner_optimizer(model.optimizer)
    rate: Any = optimizer._learning_rate
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return float(np.asarray(rate(max(0, count - 1))))
    return float(np.asarray(optimizer.learning_rate))


def rate_number(model: keras.Model) -> keras.Variable | None:
    """The variable with the learning rate of a compiled model; None where it is a schedule."""
    rate = getattr(inner_optimizer(model.optimizer), "_learning_rate", None)
    return rate if isinstance(rate, keras.Variable) else None


def constant_rate(model: keras.Model) -> float | None:
    """The present learning rate of a compiled model; None where it is a schedule."""
    rate = rate_number(model)
    return None if rate is None else float(np.asarray(rate))


@contextmanager
def changing_rate(model: keras.Model) -> Iterator[None]:
    """Change the rate, or the number of updates, between two updates inside the block."""
    before = learning_rate(model)
    yield
    note_last_rate(model, before)


def note_last_rate(model: keras.Model, rate: float) -> None:
    """Let `learning_rate` return the rate of the last update, where the present one is another."""
    _BEFORE_CHANGE[model.optimizer] = (updates(model), rate)


def rate_variable(optimizer: keras.optimizers.Optimizer, callback: str) -> keras.Variable:
    """The variable to cut the learning rate by: the rate, or the factor of a schedule's `Plateau`.

    Raises:
        ValueError: a schedule without a `Plateau`, whose rate cannot be cut.

    >>> rate_variable(keras.optimizers.SGD(0.5), "ReduceOnPlateau").name
    'learning_rate'
    """
    rate = inner_optimizer(optimizer)._learning_rate
    if not isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return rate
    factor = next(_factors(rate), None)
    if factor is None:
        raise ValueError(
            f"`{callback}` cannot cut the rate of the schedule `{type(rate).__name__}`. Put it "
            "into a `keras_recipes.schedules.Plateau(schedule)`; in a recipe, "
            "`learning_rate: {plateau: {schedule: ...}}`."
        )
    return factor


def _factors(schedule: keras.optimizers.schedules.LearningRateSchedule) -> Iterator[keras.Variable]:
    """The variables `factor` of a schedule and of the schedules nested in it."""
    factor = getattr(schedule, "factor", None)
    if isinstance(factor, keras.Variable):
        yield factor
    for inner in vars(schedule).values():
        for part in inner if isinstance(inner, (list, tuple)) else [inner]:
            if isinstance(part, keras.optimizers.schedules.LearningRateSchedule):
                yield from _factors(part)


def velocities(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """The momentum variables that contain the learning rate.

    Keras's SGD and RMSprop store v <- momentum v - rate g. After the rate is cut, v still contains
    steps of the old size, for about 1 / (1 - momentum) updates.

    >>> velocities(keras.optimizers.Adam())
    []
    """
    own = inner_optimizer(optimizer)
    if isinstance(own, keras.optimizers.SGD):
        return list(getattr(own, "momentums", []))
    if isinstance(own, keras.optimizers.RMSprop):
        return list(getattr(own, "_momentums", []))
    return []
