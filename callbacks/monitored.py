"""Monitored metrics: which values are better, the best so far, and reasons to stop."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from ..arguments import check_choice, check_number, check_str, optional

Mode = Literal["auto", "min", "max"]
MODES: tuple[Mode, ...] = ("auto", "min", "max")
# Parts of the names of metrics whose higher values are better.
HIGHER_IS_BETTER = (
    "acc",
    "auc",
    "precision",
    "recall",
    "f1",
    "iou",
    "r2",
    "cosine_similarity",
    "fbeta",
)


def check_mode(mode: object) -> Mode:
    """`auto`, `min` or `max`."""
    return check_choice("mode", mode, MODES)


def lower_is_better(monitor: str, mode: Mode) -> bool:
    """Whether lower values of a metric are better; `auto` decides by its name."""
    if mode == "auto":
        name = monitor.removeprefix("val_")
        return not any(part in name for part in HIGHER_IS_BETTER)
    return mode == "min"


def monitored_value(monitor: str, logs: Mapping[str, float] | None, callback: str) -> float:
    """The value of a metric in the logs of an epoch.

    Raises:
        ValueError: it is not logged. A callback that monitors nothing would silently do nothing.
    """
    if logs is None or monitor not in logs:
        known = ", ".join(sorted(logs or {})) or "nothing"
        raise ValueError(
            f"`{callback}` monitors `{monitor}`, which is not logged. Logged are: {known}."
        )
    return float(logs[monitor])


def is_improvement(value: float, best: float | None, min_delta: float, *, lower: bool) -> bool:
    """Whether a value is better than the best by more than `min_delta`; NaN and infinity are not.

    Args:
        lower: whether lower values are better.
    """
    if not math.isfinite(value):
        return False
    if best is None:
        return True
    return value < best - min_delta if lower else value > best + min_delta


class NamedState:
    """An object whose state are the attributes that `STATE` lists."""

    STATE: ClassVar[tuple[str, ...]]

    def get_state(self) -> dict[str, object]:
        """The state by name."""
        return {name: getattr(self, name) for name in self.STATE}

    def set_state(self, state: Mapping[str, object]) -> None:
        """Restore a state."""
        for name in self.STATE:
            setattr(self, name, state[name])


@dataclass
class MonitoredMetric(NamedState):
    """One metric that early stopping monitors.

    Attributes:
        name: its name in the logs.
        lower: whether lower values are better.
        min_delta: smallest change that counts as an improvement.
        smoothing: weight of the past in an exponential moving average; 0 for no smoothing.
        baseline: value that an improvement must also beat to reset `wait`, or None.
        target: value that is good enough, or None.
        limit: value beyond which the training has diverged, or None.
        value: smoothed value of the last epoch.
        best: best smoothed value, or None.
        best_epoch: its epoch, from 0.
        wait: values since the last improvement that beats the baseline.

    >>> loss = MonitoredMetric("loss", lower=True)
    >>> [loss.update(epoch, value) for epoch, value in enumerate([3.0, 1.0, 2.0])]
    [True, True, False]
    >>> loss.best, loss.best_epoch, loss.wait
    (1.0, 1, 1)
    """

    name: str
    lower: bool
    min_delta: float = 0.0
    smoothing: float = 0.0
    baseline: float | None = None
    target: float | None = None
    limit: float | None = None

    STATE = ("value", "best", "best_epoch", "wait", "average", "weight")

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Set the state to its initial values."""
        self.value = math.nan
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.wait = 0
        self.average = 0.0
        self.weight = 0.0

    def update(self, epoch: int, value: float) -> bool:
        """Add the value of an epoch; return whether it is an improvement."""
        self.value = self._smoothed(value)
        self.wait += 1
        if not is_improvement(self.value, self.best, self.min_delta, lower=self.lower):
            return False
        self.best, self.best_epoch = self.value, epoch
        if self.beats_baseline(self.value):
            self.wait = 0
        return True

    def beats_baseline(self, value: float) -> bool:
        """Whether a value is better than the baseline; true without a baseline."""
        if self.baseline is None:
            return True
        return is_improvement(value, self.baseline, self.min_delta, lower=self.lower)

    def _smoothed(self, value: float) -> float:
        """The bias-corrected moving average m <- s m + (1 - s) x.

        NaN and infinity are returned as they are and left out: they would never leave the average.
        """
        if self.smoothing == 0 or not math.isfinite(value):
            return value
        self.average = self.smoothing * self.average + (1 - self.smoothing) * value
        self.weight = self.smoothing * self.weight + (1 - self.smoothing)
        return self.average / self.weight

    def divergence(self) -> str | None:
        """A sentence if the value is NaN, infinite or worse than the limit."""
        if self.limit is None:
            return None
        inside = self.value <= self.limit if self.lower else self.value >= self.limit
        if inside and math.isfinite(self.value):
            return None
        side = "above" if self.lower else "below"
        return (
            f"{self.name} is {self.value:.6g}: not finite, or {side} the threshold of "
            f"{self.limit:g}"
        )

    def reached_target(self) -> str | None:
        """A sentence if the value is as good as the target."""
        if self.target is None:
            return None
        reached = self.value <= self.target if self.lower else self.value >= self.target
        if not reached:
            return None
        return f"{self.name} is {self.value:.6g} and has reached the target of {self.target:g}"

    def out_of_patience(self, patience: int, unit: str) -> str | None:
        """A sentence if there was no improvement in this number of values; 0 is the same as 1."""
        if self.wait < max(1, patience):
            return None
        if self.best is None or self.best_epoch is None:
            return f"{self.name} has been NaN or infinite for {self.wait} {unit}"
        best = f"{self.best:.6g} (epoch {self.best_epoch + 1})"
        if self.beats_baseline(self.best):
            return f"{self.name} has not improved on {best} for {self.wait} {unit}"
        return (
            f"{self.name} has not reached the baseline of {self.baseline:g} in {self.wait} "
            f"{unit}: its best is {best}"
        )


def monitored_metrics(
    monitor: str | Sequence[str], *, smoothing: float, **each: object
) -> list[MonitoredMetric]:
    """The metrics that `EarlyStopping` monitors, from its arguments.

    Args:
        monitor: one name, or several.
        smoothing: the same for all metrics.
        each: the arguments that may be lists with one value for each metric.
    """
    names = [monitor] if isinstance(monitor, str) else list(monitor)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"Argument `monitor` must be names, each once. Received: {monitor!r}")
    smoothing = check_number("smoothing", smoothing, ge=0, lt=1)
    columns = {name: _one_each(name, value, len(names)) for name, value in each.items()}
    rows = [{key: values[i] for key, values in columns.items()} for i in range(len(names))]
    return [
        MonitoredMetric(
            check_str("monitor", name),
            lower=lower_is_better(name, check_mode(row["mode"])),
            min_delta=check_number("min_delta", row["min_delta"], ge=0),
            smoothing=smoothing,
            baseline=optional(check_number, "baseline", row["baseline"]),
            target=optional(check_number, "target", row["target"]),
            limit=optional(check_number, "divergence_threshold", row["divergence_threshold"]),
        )
        for name, row in zip(names, rows, strict=True)
    ]


def _one_each(name: str, value: object, count: int) -> list[object]:
    """One value for each metric; `min_delta`, `mode` and None may hold for all of them."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        found = list(value)
    elif value is None or name in ("min_delta", "mode"):
        found = [value] * count
    else:
        found = [value]
    if len(found) != count:
        raise ValueError(
            f"Argument `{name}` must have one value for each of the {count} names in `monitor`. "
            f"Received: {name}={value!r}"
        )
    return found
