"""Stop when a value no longer improves, and keep the weights of the best epoch."""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import Mode, StatefulCallback, at_least, better, falls, known_mode, value_of


class EarlyStopping(StatefulCallback):
    """Stops training when a monitored value has stopped improving, and says why.

    An epoch improves when its value is better than the best so far by more than `min_delta`. After
    `patience` epochs in a row without improvement training stops. A value that is NaN is no
    improvement, and unlike in Keras's callback of the same name it never becomes the best, so a
    NaN in the first epoch does not end the search for ever.

    Args:
        monitor: name of the value, as it is logged.
        min_delta: smallest change that counts, >= 0.
        patience: epochs without improvement that are borne, >= 0.
        mode: `min`, `max`, or `auto`: more is better for accuracies, AUC, precision and the like.
        baseline: value that the first improvement must beat, or None.
        restore_best_weights: put the weights of the best epoch back at the end of training,
            however it ends: all variables, moving statistics included.
        start_from_epoch: epochs, from 0, that are left out at the beginning.

    Attributes:
        best: best value so far, or None.
        best_epoch: its epoch, counted from 0, or None.
        stopped_epoch: epoch that was the last, or None.
        stop_reason: why training stopped, in words, or None where it was not this callback.

    Raises:
        ValueError: a bad argument; at the first epoch's end, a monitor that is not logged.

    >>> stopper = EarlyStopping(monitor="val_loss", patience=5)
    """

    STATE = ("best", "best_epoch", "best_weights", "wait", "stopped_epoch", "stop_reason")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        mode: Mode = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = True,
        start_from_epoch: int = 0,
    ):
        super().__init__()
        self.monitor = monitor
        self.min_delta = float(at_least("min_delta", min_delta, 0))
        self.patience = at_least("patience", patience, 0, whole=True)
        self.mode: Mode = known_mode(mode)
        self.baseline = None if baseline is None else float(baseline)
        self.restore_best_weights = bool(restore_best_weights)
        self.start_from_epoch = at_least("start_from_epoch", start_from_epoch, 0, whole=True)
        self._forget()
        self._resumed = False

    def _forget(self) -> None:
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.best_weights: list[np.ndarray] | None = None
        self.wait = 0
        self.stopped_epoch: int | None = None
        self.stop_reason: str | None = None

    def set_state(self, state: Any) -> None:
        """Put a state back; the next training continues from it."""
        super().set_state(state)
        self._resumed = True

    def on_train_begin(self, logs: dict | None = None) -> None:
        if not self._resumed:
            self._forget()
        self._resumed = False

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        value = value_of(self.monitor, logs, "EarlyStopping")
        if epoch < self.start_from_epoch:
            return
        bar = self.baseline if self.best is None else self.best
        if better(value, bar, self.min_delta, less=falls(self.monitor, self.mode)):
            self._take(epoch, value)
            return
        self.wait += 1
        # With patience 0 the first epoch without improvement is one too many, as in Keras.
        if self.wait >= max(1, self.patience):
            self._stop(epoch)

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.restore_best_weights and self.best_weights is not None:
            for variable, value in zip(self._variables(), self.best_weights, strict=True):
                variable.assign(value)

    def _take(self, epoch: int, value: float) -> None:
        self.best, self.best_epoch, self.wait = value, epoch, 0
        if self.restore_best_weights:
            self.best_weights = [np.array(variable) for variable in self._variables()]

    def _stop(self, epoch: int) -> None:
        self.stopped_epoch = epoch
        if self.best is None or self.best_epoch is None:
            bar = "" if self.baseline is None else f" the baseline of {self.baseline:g}"
            self.stop_reason = f"{self.monitor} has not reached{bar or ' a number'} in time"
        else:
            self.stop_reason = (
                f"{self.monitor} has not improved on {self.best:.6g} (epoch "
                f"{self.best_epoch + 1}) for {self.wait} epochs"
            )
        self.model.stop_training = True  # type: ignore[union-attr]

    def _variables(self) -> list[Any]:
        return list(self.model.weights)  # type: ignore[union-attr]
