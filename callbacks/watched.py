"""A value that a callback follows through the epochs: its best, and how long ago that was."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..arguments import check_number, check_str, optional
from .base import check_mode, is_improvement, lower_is_better


@dataclass
class Watched:
    """One monitored value.

    Attributes:
        name: as it is logged.
        less: whether less is better.
        min_delta: smallest change that counts.
        smoothing: share of the exponential average that stays in each epoch; 0 for none.
        baseline: value that an improvement must beat too, to begin `wait` anew; or None.
        target: value that is good enough, or None.
        limit: value beyond which the training has diverged, or None.
        value: smoothed value of the last epoch.
        best: best smoothed value, or None.
        best_epoch: its epoch, from 0.
        wait: values since the last improvement that beats the baseline.

    >>> loss = Watched("loss", less=True)
    >>> [loss.update(epoch, value) for epoch, value in enumerate([3.0, 1.0, 2.0])]
    [True, True, False]
    >>> loss.best, loss.best_epoch, loss.wait
    (1.0, 1, 1)
    """

    name: str
    less: bool
    min_delta: float = 0.0
    smoothing: float = 0.0
    baseline: float | None = None
    target: float | None = None
    limit: float | None = None

    STATE = ("value", "best", "best_epoch", "wait", "average", "weight")

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin afresh."""
        self.value = math.nan
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.wait = 0
        self.average = 0.0
        self.weight = 0.0

    def update(self, epoch: int, value: float) -> bool:
        """Take the value of an epoch; whether it is an improvement."""
        self.value = self._smoothed(value)
        self.wait += 1
        if not is_improvement(self.value, self.best, self.min_delta, less=self.less):
            return False
        self.best, self.best_epoch = self.value, epoch
        if self.beats_baseline(self.value):
            self.wait = 0
        return True

    def beats_baseline(self, value: float) -> bool:
        """Whether a value is better than the baseline, if there is one."""
        return self.baseline is None or is_improvement(
            value, self.baseline, self.min_delta, less=self.less
        )

    def _smoothed(self, value: float) -> float:
        """The average m <- s m + (1 - s) x over what it would be of ones alone.

        A value that is no number would stay in the average for ever: it is passed on and left out.
        """
        if self.smoothing == 0 or not math.isfinite(value):
            return value
        self.average = self.smoothing * self.average + (1 - self.smoothing) * value
        self.weight = self.smoothing * self.weight + (1 - self.smoothing)
        return self.average / self.weight

    def reached(self) -> bool:
        """Whether the value is as good as the target."""
        if self.target is None:
            return False
        return self.value <= self.target if self.less else self.value >= self.target

    def diverged(self) -> bool:
        """Whether the value is no number, or worse than the limit; without a limit nothing is."""
        if self.limit is None:
            return False
        inside = self.value <= self.limit if self.less else self.value >= self.limit
        return not (inside and math.isfinite(self.value))

    def get_state(self) -> dict[str, Any]:
        """The state, by name."""
        return {name: getattr(self, name) for name in self.STATE}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Put a state back."""
        for name in self.STATE:
            setattr(self, name, state[name])


def one_each(name: str, value: Any, count: int, *, shared: bool = False) -> list[Any]:
    """A value for each monitored name.

    Args:
        shared: whether one value may serve for all of several names.

    Raises:
        ValueError: there are not as many.

    >>> one_each("target", [0.1, None], 2)
    [0.1, None]
    """
    if isinstance(value, Sequence) and not isinstance(value, str):
        found = list(value)
    elif value is None or shared or count == 1:
        found = [value] * count
    else:
        found = [value]
    if len(found) != count:
        raise ValueError(
            f"Argument `{name}` must have one value for each of the {count} names in `monitor`. "
            f"Received: {name}={value!r}"
        )
    return found


def watched_values(monitor: str | Sequence[str], *, smoothing: float, **each: Any) -> list[Watched]:
    """The monitored values with their bounds, checked.

    Args:
        monitor: a name, or several.
        smoothing: of all of them.
        each: arguments of `EarlyStopping` that may differ between the names.
    """
    names = [monitor] if isinstance(monitor, str) else list(monitor)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"Argument `monitor` must be names, each once. Received: {monitor!r}")
    check_number("smoothing", smoothing, ge=0, lt=1)
    rows = {
        name: one_each(name, value, len(names), shared=name in ("min_delta", "mode"))
        for name, value in each.items()
    }
    return [
        Watched(
            check_str("monitor", name),
            less=lower_is_better(name, check_mode(rows["mode"][index])),
            min_delta=check_number("min_delta", rows["min_delta"][index], ge=0),
            smoothing=float(smoothing),
            baseline=optional(check_number, "baseline", rows["baseline"][index]),
            target=optional(check_number, "target", rows["target"][index]),
            limit=optional(
                check_number, "divergence_threshold", rows["divergence_threshold"][index]
            ),
        )
        for index, name in enumerate(names)
    ]
