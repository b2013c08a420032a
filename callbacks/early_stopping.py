"""Stop when there is a reason to, say which, and keep the weights of the best epoch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ..arguments import check_bool, check_choice, check_int, check_number, check_str, optional
from .base import Mode, StatefulCallback, monitored_value
from .prechelt import Prechelt
from .snapshot import assign, model_variables, values
from .watched import Watched, watched_values


class EarlyStopping(StatefulCallback):
    """Stops training when a monitored value has stopped improving, and says why.

    An epoch improves when its value is better than the best so far by more than `min_delta`. After
    `patience` epochs in a row without improvement training stops. A value that is NaN or infinite
    is no improvement, and unlike in Keras's callback of the same name it never becomes the best, so
    a NaN in the first epoch does not end the search for ever.

    Beside patience there are a target, a bound, a budget of time, and the criteria of Prechelt
    (1998); the first that has a reason stops the training. With several monitored values, each has
    its own best and its own patience; best epoch and weights are those of the first one.

    Args:
        monitor: name of the value, as it is logged, or several names.
        min_delta: smallest change that counts, >= 0; one, or one a name.
        patience: epochs without improvement that are borne, >= 0; None bears any number where one
            of the other rules is given, and is 0 where none is.
        mode: `min`, `max`, or `auto`: more is better for accuracies, AUC, precision and the like;
            one, or one a name.
        baseline: value that an improvement must beat to begin the patience anew, or None; one a
            name. The best epoch, whose weights are restored, is that of the best value either
            way, as in Keras; Keras does not stop in an epoch that has a new best value.
        restore_best_weights: put the weights of the best epoch back at the end of training,
            however it ends: all variables, moving statistics included.
        start_from_epoch: epochs, from 0, that are left out at the beginning.
        stop_when: `all`: stop when no name is within its patience, or all have reached their
            target; `any`: when one is beyond it, or one has.
        smoothing: share of an exponential average of the value that stays in each epoch, from 0 to
            1, without 1; patience, target and bound then watch the average, its start corrected.
        target: value that is good enough: training stops there; one a name.
        divergence_threshold: training stops at a value that is worse, or no number; one a name.
        max_seconds: training stops at the end of the epoch in which so many seconds are over,
            those before a resumption included.
        gl: Prechelt's GL: stop when the value is more than so many percent above its lowest.
        pq: Prechelt's PQ: stop at a strip's end when GL over the training progress is more.
        up: Prechelt's UP: stop when the value rose in so many successive strips.
        strip: epochs of a strip, for `pq` and `up`.
        training_monitor: training error of `pq`.
        validation_freq: epochs between two values, as in `fit`; patience then counts values.

    Attributes:
        best: best value so far, smoothed where that is asked for, or None.
        best_epoch: its epoch, counted from 0, or None.
        stopped_epoch: epoch that was the last, or None.
        stop_reason: why training stopped, in words, or None where it was not this callback.

    Raises:
        ValueError: a bad argument; at the first epoch's end, a monitor that is not logged.

    >>> stopper = EarlyStopping(monitor="val_loss", patience=5)
    >>> either = EarlyStopping(["val_loss", "val_accuracy"], patience=5, target=[None, 0.99])
    >>> prechelt = EarlyStopping(pq=0.75, strip=5)
    """

    STATE = (
        "watched_state",
        "prechelt_state",
        "best_weights",
        "stopped_epoch",
        "stop_reason",
        "elapsed",
    )

    def __init__(
        self,
        monitor: str | Sequence[str] = "val_loss",
        min_delta: float | Sequence[float] = 0.0,
        patience: int | None = None,
        mode: Mode | Sequence[Mode] = "auto",
        baseline: float | Sequence[float | None] | None = None,
        restore_best_weights: bool = True,
        start_from_epoch: int = 0,
        *,
        stop_when: Literal["all", "any"] = "all",
        smoothing: float = 0.0,
        target: float | Sequence[float | None] | None = None,
        divergence_threshold: float | Sequence[float | None] | None = None,
        max_seconds: float | None = None,
        gl: float | None = None,
        pq: float | None = None,
        up: int | None = None,
        strip: int = 5,
        training_monitor: str = "loss",
        validation_freq: int = 1,
    ):
        super().__init__()
        self.monitor = monitor
        self.watched = watched_values(
            monitor,
            smoothing=smoothing,
            min_delta=min_delta,
            mode=mode,
            baseline=baseline,
            target=target,
            divergence_threshold=divergence_threshold,
        )
        self.restore_best_weights = check_bool("restore_best_weights", restore_best_weights)
        self.start_from_epoch = check_int("start_from_epoch", start_from_epoch, ge=0)
        self.stop_when = check_choice("stop_when", stop_when, ("all", "any"))
        self.max_seconds = optional(check_number, "max_seconds", max_seconds, gt=0)
        self.prechelt = Prechelt(gl, pq, up, strip)
        self.training_monitor = check_str("training_monitor", training_monitor)
        self.validation_freq = check_int("validation_freq", validation_freq, ge=1)
        self._check_prechelt()
        self.patience = self._patience(patience)
        self.reset()
        self._began = 0.0

    def _check_prechelt(self) -> None:
        if self.prechelt and not self.watched[0].less:
            raise ValueError(
                "Arguments `gl`, `pq` and `up` are criteria for an error, which falls. Received: "
                f"monitor={self.monitor!r}, of which more is better"
            )
        if (self.prechelt.pq or self.prechelt.up) and self.prechelt.strip % self.validation_freq:
            raise ValueError(
                "Argument `strip` must be a multiple of `validation_freq`, for a strip ends with a "
                f"validation. Received: strip={self.prechelt.strip}, "
                f"validation_freq={self.validation_freq}"
            )

    def _patience(self, patience: int | None) -> int | None:
        """Epochs that are borne; None for any number."""
        if patience is not None:
            return check_int("patience", patience, ge=0)
        bounds = [bound for w in self.watched for bound in (w.target, w.limit)]
        others = self.prechelt or any(rule is not None for rule in [self.max_seconds, *bounds])
        return None if others else 0

    def reset(self) -> None:
        for watched in self.watched:
            watched.reset()
        self.prechelt.reset()
        self.best_weights: list[np.ndarray] | None = None
        self.stopped_epoch: int | None = None
        self.stop_reason: str | None = None
        self.elapsed = 0.0

    @property
    def best(self) -> float | None:
        """Best value of the first name."""
        return self.watched[0].best

    @property
    def best_epoch(self) -> int | None:
        """Its epoch, counted from 0."""
        return self.watched[0].best_epoch

    @property
    def wait(self) -> int:
        """Values since then."""
        return self.watched[0].wait

    @property
    def watched_state(self) -> list[dict[str, Any]]:
        """What is known of each monitored value."""
        return [watched.get_state() for watched in self.watched]

    @watched_state.setter
    def watched_state(self, state: list[dict[str, Any]]) -> None:
        for watched, found in zip(self.watched, state, strict=True):
            watched.set_state(found)

    @property
    def prechelt_state(self) -> dict[str, Any]:
        """What Prechelt's criteria have seen."""
        return self.prechelt.get_state()

    @prechelt_state.setter
    def prechelt_state(self, state: dict[str, Any]) -> None:
        self.prechelt.set_state(state)

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        self._began = time.perf_counter() - self.elapsed

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.elapsed = time.perf_counter() - self._began
        reason = None
        if epoch >= self.start_from_epoch:
            reason = self._reason(epoch, logs)
        reason = reason or self._out_of_time()
        if reason is not None:
            self.stopped_epoch, self.stop_reason = epoch, reason
            self.model.stop_training = True  # type: ignore[union-attr]

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.restore_best_weights and self.best_weights is not None:
            assign(model_variables(self.model), self.best_weights)

    def _reason(self, epoch: int, logs: dict | None) -> str | None:
        """Why to stop after this epoch; None for no reason."""
        training = None
        if self.prechelt.pq is not None:
            training = monitored_value(self.training_monitor, logs, "EarlyStopping")
        if (epoch + 1) % self.validation_freq:
            self.prechelt.update(epoch, None, training)
            return None
        found = [monitored_value(watched.name, logs, "EarlyStopping") for watched in self.watched]
        better = [w.update(epoch, value) for w, value in zip(self.watched, found, strict=True)]
        if better[0] and self.restore_best_weights:
            self.best_weights = values(model_variables(self.model))
        criterion = self.prechelt.update(epoch, found[0], training) if self.prechelt else None
        return self._diverged() or self._reached() or criterion or self._out_of_patience()

    def _diverged(self) -> str | None:
        for watched in self.watched:
            if watched.diverged():
                side = "above" if watched.less else "below"
                return (
                    f"{watched.name} is {watched.value:.6g}, no number or {side} the threshold of "
                    f"{watched.limit:g}"
                )
        return None

    def _reached(self) -> str | None:
        aimed = [watched for watched in self.watched if watched.target is not None]
        there = [watched for watched in aimed if watched.reached()]
        if not there or (self.stop_when == "all" and len(there) < len(aimed)):
            return None
        return " and ".join(
            f"{watched.name} is {watched.value:.6g} and has reached the target of "
            f"{watched.target:g}"
            for watched in there
        )

    def _out_of_patience(self) -> str | None:
        if self.patience is None:
            return None
        # With patience 0 the first epoch without improvement is one too many, as in Keras.
        over = [w for w in self.watched if w.wait >= max(1, self.patience)]
        if not over or (self.stop_when == "all" and len(over) < len(self.watched)):
            return None
        return " and ".join(self._standing_still(watched) for watched in over)

    def _standing_still(self, watched: Watched) -> str:
        if watched.best is None or watched.best_epoch is None:
            return f"{watched.name} has not reached a number in time"
        if not watched.beats_baseline(watched.best):
            return (
                f"{watched.name} has not reached the baseline of {watched.baseline:g} in "
                f"{watched.wait} epochs: its best is {watched.best:.6g} (epoch "
                f"{watched.best_epoch + 1})"
            )
        unit = "epochs" if self.validation_freq == 1 else "values"
        return (
            f"{watched.name} has not improved on {watched.best:.6g} (epoch "
            f"{watched.best_epoch + 1}) for {watched.wait} {unit}"
        )

    def _out_of_time(self) -> str | None:
        if self.max_seconds is None or self.elapsed < self.max_seconds:
            return None
        return f"the budget of {self.max_seconds:g} s is used up, after {self.elapsed:.1f} s"
