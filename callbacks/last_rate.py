"""The learning rate of the update made last, also after a callback has changed the rate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

# Optimizer -> the number of updates at which its rate was changed, and the rate of the last of
# them. It holds until the next update.
_BEFORE_CHANGE: WeakKeyDictionary[Any, tuple[int, float]] = WeakKeyDictionary()


def updates(model: Any) -> int:
    """Optimizer updates so far."""
    return int(model.optimizer.iterations.numpy())


def learning_rate(model: Any) -> float:
    """The rate of the update that was made last.

    `optimizer.learning_rate` is the rate of the next one: a schedule is asked for the step before.
    A callback that changes the rate after an epoch does so within `changing_rate`, whichever of
    the callbacks asks before it or after it.
    """
    count = updates(model)
    changed_at, before = _BEFORE_CHANGE.get(model.optimizer, (None, 0.0))
    if changed_at == count:
        return before
    own = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    schedule: Any = getattr(own, "_learning_rate", None)
    if callable(schedule):
        return float(schedule(max(0, count - 1)))  # type: ignore[arg-type]
    return float(own.learning_rate.numpy())


@contextmanager
def changing_rate(model: Any) -> Iterator[None]:
    """Around a change of the rate, or of the number of updates, between two updates."""
    before = learning_rate(model)
    yield
    _BEFORE_CHANGE[model.optimizer] = (updates(model), before)
