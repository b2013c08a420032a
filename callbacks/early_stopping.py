"""Stops training for one of several reasons, and restores the weights of the best epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from ..arguments import check_bool, check_choice, check_int, check_number, optional
from ..messages import logger
from .base import StatefulCallback
from .monitored import Mode, monitored_metrics, monitored_value
from .prechelt import Prechelt
from .variables import get_values, model_variables, set_values


class EarlyStopping(StatefulCallback):
    """Stops training when a monitored metric has stopped improving, and records why.

    The first eight arguments are those of Keras's callback of the same name, in its order. An epoch
    improves when its value is better than the best so far by more than `min_delta`; after
    `patience` epochs in a row without improvement training stops. NaN and infinity are never an
    improvement nor, unlike in Keras, the best value.

    There are further reasons to stop: a target, a threshold, a time limit, and the criteria of
    Prechelt (1998). With several metrics, each has a best value and a count of epochs without
    improvement; the best epoch and its weights are those of the first metric.

    Args:
        monitor: name of the metric in the logs, or several names.
        min_delta: smallest change that counts as an improvement, >= 0; one, or one for each name.
        patience: epochs without improvement after which training stops, >= 0. None means 0, and
            no limit where `target`, `divergence_threshold`, `max_seconds` or `prechelt` is given.
        verbose: 1 to log why training stops, 0 not to.
        mode: `min`, `max`, or `auto`: higher is better for accuracies, AUC, precision and the like;
            one, or one for each name.
        baseline: value that an improvement must also beat to reset the patience, or None; one for
            each name. The best epoch, whose weights are restored, does not depend on it, as in
            Keras; Keras does not stop in an epoch that has a new best value.
        restore_best_weights: restore the weights of the best epoch when training ends, for any
            reason: all variables, moving statistics included.
        start_from_epoch: number of epochs to ignore at the beginning.
        stop_when: `all`: stop when the patience of all metrics is exhausted, or all targets are
            reached; `any`: when that is so for one of them.
        smoothing: weight of the past in an exponential moving average, in [0, 1). Patience, target
            and threshold then apply to the bias-corrected average.
        target: training stops when the value is at least as good; one for each name.
        divergence_threshold: training stops when the value is worse, NaN or infinite; one for each
            name.
        max_seconds: training stops at the end of the first epoch after this time, > 0; the time
            before a resumption counts.
        prechelt: a `Prechelt`, or its arguments by name.
        validation_freq: epochs between two values, as in `fit`; patience then counts values.

    Attributes:
        best: best value so far, smoothed if `smoothing` is given, or None.
        best_epoch: its epoch, counted from 0, or None.
        stopped_epoch: the epoch after which this callback stopped training, or None.
        stop_reason: a sentence with the reason, or None.

    Raises:
        ValueError: an invalid argument; after the first epoch, a monitor that is not logged.

    >>> stopper = EarlyStopping(monitor="val_loss", patience=5)
    >>> several = EarlyStopping(["val_loss", "val_accuracy"], patience=5, target=[None, 0.99])
    >>> prechelt = EarlyStopping(prechelt=Prechelt(pq=0.75, strip=5))
    """

    # Asked whether patience ends a phase rather than the training; `Phases` sets it.
    end_phase: Callable[[int, str], bool] | None = None

    STATE = (
        "metrics_state",
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
        verbose: int = 0,
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
        prechelt: Prechelt | Mapping[str, object] | None = None,
        validation_freq: int = 1,
    ):
        super().__init__()
        self.metrics = monitored_metrics(
            monitor,
            smoothing=smoothing,
            min_delta=min_delta,
            mode=mode,
            baseline=baseline,
            target=target,
            divergence_threshold=divergence_threshold,
        )
        self.verbose = check_choice("verbose", verbose, (0, 1))
        self.restore_best_weights = check_bool("restore_best_weights", restore_best_weights)
        self.start_from_epoch = check_int("start_from_epoch", start_from_epoch, ge=0)
        self.stop_when = check_choice("stop_when", stop_when, ("all", "any"))
        self.max_seconds = optional(check_number, "max_seconds", max_seconds, gt=0)
        self.validation_freq = check_int("validation_freq", validation_freq, ge=1)
        self.prechelt = Prechelt.of(prechelt)
        if self.prechelt is not None:
            self.prechelt.check(self.metrics[0], self.validation_freq)
        self.patience = optional(check_int, "patience", patience, ge=0)
        bounds = [bound for metric in self.metrics for bound in (metric.target, metric.limit)]
        if all(rule is None for rule in (patience, self.prechelt, self.max_seconds, *bounds)):
            self.patience = 0
        self.reset()
        self._began = 0.0

    def reset(self) -> None:
        for metric in self.metrics:
            metric.reset()
        if self.prechelt is not None:
            self.prechelt.reset()
        self.best_weights: list[np.ndarray] | None = None
        self.stopped_epoch: int | None = None
        self.stop_reason: str | None = None
        self.elapsed = 0.0

    @property
    def best(self) -> float | None:
        """Best value of the first metric."""
        return self.metrics[0].best

    @property
    def best_epoch(self) -> int | None:
        """Its epoch, counted from 0."""
        return self.metrics[0].best_epoch

    @property
    def wait(self) -> int:
        """Values of the first metric since then."""
        return self.metrics[0].wait

    @property
    def metrics_state(self) -> list[dict[str, object]]:
        """The state of each monitored metric."""
        return [metric.get_state() for metric in self.metrics]

    @metrics_state.setter
    def metrics_state(self, states: list[dict[str, object]]) -> None:
        for metric, state in zip(self.metrics, states, strict=True):
            metric.set_state(state)

    @property
    def prechelt_state(self) -> dict[str, object] | None:
        """The state of Prechelt's criteria."""
        return None if self.prechelt is None else self.prechelt.get_state()

    @prechelt_state.setter
    def prechelt_state(self, state: dict[str, object] | None) -> None:
        if self.prechelt is not None and state is not None:
            self.prechelt.set_state(state)

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        self._began = time.perf_counter() - self.elapsed

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.elapsed = time.perf_counter() - self._began
        final, stalled = None, None
        if epoch >= self.start_from_epoch:
            final, stalled = self._reasons(epoch, logs)
        final = final or self._out_of_time()
        if final is not None:
            self._stop(epoch, final)
        elif stalled is not None and not self._only_ends_phase(epoch, stalled):
            self._stop(epoch, stalled)

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.restore_best_weights and self.best_weights is not None:
            set_values(model_variables(self.model), self.best_weights)

    def begin_phase(self) -> None:
        """Restore the best weights of a phase that has ended, and reset the state."""
        self.on_train_end()
        elapsed = self.elapsed
        self.reset()
        self.elapsed = elapsed

    def _stop(self, epoch: int, reason: str) -> None:
        self.stopped_epoch, self.stop_reason = epoch, reason
        self.model.stop_training = True
        if self.verbose:
            logger.info(f"EarlyStopping: stopped after epoch {epoch + 1}: {reason}.")

    def _only_ends_phase(self, epoch: int, stalled: str) -> bool:
        """Whether training continues in a next phase, since it has only stalled."""
        return self.end_phase is not None and self.end_phase(epoch, stalled)

    def _out_of_time(self) -> str | None:
        if self.max_seconds is None or self.elapsed < self.max_seconds:
            return None
        return f"the time limit of {self.max_seconds:g} s is exceeded, after {self.elapsed:.1f} s"

    def _reasons(self, epoch: int, logs: dict | None) -> tuple[str | None, str | None]:
        """Why to stop after this epoch, and why training has stalled; None for no reason."""
        if (epoch + 1) % self.validation_freq:
            self._prechelt_reason(epoch, None, logs)
            return None, None
        values = [monitored_value(metric.name, logs, "EarlyStopping") for metric in self.metrics]
        # Every rule must be updated with the epoch, whichever of them stops.
        improved = [m.update(epoch, value) for m, value in zip(self.metrics, values, strict=True)]
        if improved[0] and self.restore_best_weights:
            self.best_weights = get_values(model_variables(self.model))
        criterion = self._prechelt_reason(epoch, values[0], logs)
        diverged = (metric.divergence() for metric in self.metrics)
        final = next(filter(None, diverged), None) or self._reached()
        return final, criterion or self._stalled()

    def _prechelt_reason(self, epoch: int, error: float | None, logs: dict | None) -> str | None:
        if self.prechelt is None:
            return None
        training = None
        if self.prechelt.pq is not None:
            training = monitored_value(self.prechelt.training_monitor, logs, "EarlyStopping")
        return self.prechelt.update(epoch, error, training)

    def _reached(self) -> str | None:
        targeted = [metric for metric in self.metrics if metric.target is not None]
        return self._combined([metric.reached_target() for metric in targeted])

    def _stalled(self) -> str | None:
        if self.patience is None:
            return None
        unit = "epochs" if self.validation_freq == 1 else "values"
        return self._combined([m.out_of_patience(self.patience, unit) for m in self.metrics])

    def _combined(self, reasons: list[str | None]) -> str | None:
        """The reasons of all metrics, or with `stop_when="any"` of those that have one."""
        known = [reason for reason in reasons if reason is not None]
        if not known or (self.stop_when == "all" and len(known) < len(reasons)):
            return None
        return " and ".join(known)
