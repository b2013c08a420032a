"""A line of JSON for every epoch."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping

from ..disk import Lines, when_there_is_space
from .base import StatefulCallback
from .learning_rate import learning_rate, updates_in_all


class MetricsLog(StatefulCallback):
    """Writes the values of each epoch as a line of JSON, flushed to disk.

    A line has `epoch` (from 1), `step` (optimizer updates so far), `seconds` (since training
    began), `learning_rate` (of the epoch's last update, before `ReduceOnPlateau` reduces it), and
    every logged value. JSON has no NaN or infinity: such a value is written as the string "NaN",
    "Infinity" or "-Infinity". An existing file is continued. Lines for which a full disk has
    no space are written as soon as it has some, in a resumed training too.

    Args:
        path: file to write.

    Raises:
        OSError: the file cannot be written; where the disk is full, only when training ends.

    >>> log = MetricsLog("metrics.jsonl")
    """

    STATE = ("elapsed",)
    MID_EPOCH_STATE = ("waiting",)

    def __init__(self, path: str):
        super().__init__()
        self.path = path
        self.elapsed = 0.0
        self._lines = Lines(path)
        self._began = 0.0

    @property
    def waiting(self) -> list[str]:
        """Lines that are written when the disk has space."""
        return self._lines.waiting

    @waiting.setter
    def waiting(self, lines: Iterable[str]) -> None:
        self._lines.waiting = list(lines)

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._lines.touch()
        self._began = time.perf_counter() - self.elapsed

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.elapsed = time.perf_counter() - self._began
        line = {
            "epoch": epoch + 1,
            "step": updates_in_all(self.model),
            "seconds": round(self.elapsed, 3),
            "learning_rate": learning_rate(self.model),
            **{name: float(value) for name, value in (logs or {}).items()},
        }
        self._lines.add(json.dumps(finite(line), allow_nan=False))

    def flush(self) -> None:
        self._lines.flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        when_there_is_space(self.flush)


def finite(values: Mapping[str, object]) -> dict[str, object]:
    """The values with NaN and infinities as text."""
    return {name: _text(value) for name, value in values.items()}


def _text(value: object) -> object:
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
