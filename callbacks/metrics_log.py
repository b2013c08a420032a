"""A line of JSON for every epoch."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from .base import StatefulCallback
from .last_rate import learning_rate, updates


class MetricsLog(StatefulCallback):
    """Writes the values of each epoch as a line of JSON, and sees to it that it is on disk.

    A line has `epoch` (from 1), `step` (optimizer updates so far), `seconds` (since training
    began), `learning_rate` (of the epoch's last update, under a schedule and before a plateau's
    cut), and every logged value. JSON has no NaN or infinity: such a value is written as text,
    "NaN", "Infinity" or "-Infinity".
    A file that is there already is continued.

    Args:
        path: file to write.

    >>> log = MetricsLog("metrics.jsonl")
    """

    STATE = ("elapsed",)

    def __init__(self, path: str):
        super().__init__()
        self.path = path
        self.elapsed = 0.0
        self._file: TextIO | None = None
        self._began = 0.0

    def on_train_begin(self, logs: dict | None = None) -> None:
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        # Opened here and not in __init__: keras-tuner copies callbacks, and files cannot be.
        self._file = open(self.path, "a", encoding="utf-8")  # noqa: SIM115
        self._began = time.perf_counter() - self.elapsed

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.elapsed = time.perf_counter() - self._began
        if self._file is None:
            return
        line = {
            "epoch": epoch + 1,
            "step": updates(self.model),
            "seconds": round(self.elapsed, 3),
            "learning_rate": learning_rate(self.model),
            **{name: float(value) for name, value in (logs or {}).items()},
        }
        self._file.write(json.dumps(finite(line), allow_nan=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def on_train_end(self, logs: dict | None = None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with NaN and infinities as text."""
    return {name: _text(value) for name, value in values.items()}


def _text(value: Any) -> Any:
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
