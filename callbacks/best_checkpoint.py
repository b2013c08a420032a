"""The model of the best epoch, on disk."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import keras
import numpy as np

from ..arguments import check_number
from ..disk import suppress_full, when_there_is_space, write_whole
from .base import StatefulCallback
from .learning_rate import rate_number
from .monitored import Mode, check_mode, is_improvement, lower_is_better, monitored_value
from .variables import get_values, saved_variables, set_values


class ModelValues(TypedDict):
    """The values of a model's variables; `rate` is the learning rate where that is a number."""

    values: list[np.ndarray]
    rate: np.ndarray | None


class BestCheckpoint(StatefulCallback):
    """Saves the whole model after each epoch that improves a monitored value.

    The file is written under a temporary name, flushed to disk and renamed, so it is always the
    complete model of some best epoch. A resumed training keeps the best value so far, and does not
    replace a better model by a worse one.

    Args:
        path: file to write, ending in `.keras`.
        monitor: name of the value, as it is logged.
        mode: `min`, `max`, or `auto`: higher is better for accuracies, AUC, precision and the like.
        seconds: minimum time between two writes, >= 0. The best model since the last write
            is kept in memory, and written after that time or when training ends. If the disk is
            full, the model is kept too, and the write is repeated after each epoch.

    Raises:
        ValueError: a bad argument; at the first epoch's end, a monitor that is not logged.
        OSError: the file cannot be written; where the disk is full, only when training ends.

    >>> checkpoint = BestCheckpoint("best.keras", monitor="val_loss")
    """

    STATE = ("best", "best_epoch", "kept")

    def __init__(
        self,
        path: str = "checkpoints/best.keras",
        monitor: str = "val_loss",
        mode: Mode = "auto",
        seconds: float = 0.0,
    ):
        super().__init__()
        if not str(path).endswith(".keras"):
            raise ValueError(f"Argument `path` must end in `.keras`. Received: path={path!r}")
        self.path = str(path)
        self.monitor = monitor
        self.mode: Mode = check_mode(mode)
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.seconds = check_number("seconds", seconds, ge=0)
        self.kept: ModelValues | None = None
        self._written = -math.inf

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        value = monitored_value(self.monitor, logs, "BestCheckpoint")
        due = time.monotonic() - self._written >= self.seconds
        if is_improvement(value, self.best, 0.0, lower=lower_is_better(self.monitor, self.mode)):
            written = due and self._written_now()
            self.kept = None if written else self._values()
            # Only now: after a write that fails this epoch must not count as the best.
            self.best, self.best_epoch = value, epoch
        elif due and self.kept is not None:
            with suppress_full():
                self.flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        when_there_is_space(self.flush)

    def saved_files(self) -> tuple[str, ...]:
        return ("",)

    def check_state(self, state: Mapping[str, object]) -> None:
        kept = state["kept"]
        if kept is not None and not (isinstance(kept, dict) and set(kept) == {"values", "rate"}):
            raise ValueError("State of `BestCheckpoint`: `kept` must have `values` and `rate`.")

    def _values(self) -> ModelValues:
        rate = rate_number(self.model)
        values = get_values(saved_variables(self.model))
        return {"values": values, "rate": None if rate is None else np.array(rate)}

    def _assign(self, kept: ModelValues) -> None:
        set_values(saved_variables(self.model), kept["values"])
        rate = rate_number(self.model)
        if rate is not None and kept["rate"] is not None:
            rate.assign(kept["rate"])

    def _written_now(self) -> bool:
        """Write the model in training; False where the disk is full."""
        with suppress_full():
            self._write()
            return True
        return False

    def _write(self) -> None:
        write_whole(Path(self.path), self.model.save)
        self._written = time.monotonic()

    def flush(self) -> None:
        """Write the kept model; the one in training does not change."""
        if self.kept is None:
            return
        now = self._values()
        self._assign(self.kept)
        try:
            self._write()
        finally:
            self._assign(now)
        self.kept = None


def save_whole(model: keras.Model, path: Path) -> None:
    """Save a model so that `path` is the old file or the new one; wait for a full disk."""
    when_there_is_space(lambda: write_whole(path, model.save))
