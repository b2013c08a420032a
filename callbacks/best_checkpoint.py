"""The model of the best epoch, on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .base import Mode, StatefulCallback, better, falls, known_mode, value_of


class BestCheckpoint(StatefulCallback):
    """Saves the whole model after each epoch that improves a monitored value.

    The file is written beside its place, flushed to disk and moved there in one step, so it is
    always whole: the model of some best epoch. A resumed training continues with the best value of
    the one before, and does not replace a better model by a worse one.

    Args:
        path: file to write, ending in `.keras`.
        monitor: name of the value, as it is logged.
        mode: `min`, `max`, or `auto`: more is better for accuracies, AUC, precision and the like.

    Raises:
        ValueError: a bad argument; at the first epoch's end, a monitor that is not logged.

    >>> checkpoint = BestCheckpoint("best.keras", monitor="val_loss")
    """

    STATE = ("best", "best_epoch")

    def __init__(
        self, path: str = "checkpoints/best.keras", monitor: str = "val_loss", mode: Mode = "auto"
    ):
        super().__init__()
        if not str(path).endswith(".keras"):
            raise ValueError(f"Argument `path` must end in `.keras`. Received: path={path!r}")
        self.path = str(path)
        self.monitor = monitor
        self.mode: Mode = known_mode(mode)
        self.best: float | None = None
        self.best_epoch: int | None = None

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        value = value_of(self.monitor, logs, "BestCheckpoint")
        if better(value, self.best, 0.0, less=falls(self.monitor, self.mode)):
            save_whole(self.model, Path(self.path))
            self.best, self.best_epoch = value, epoch


def save_whole(model: Any, path: Path) -> None:
    """Save a model so that `path` is the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".writing-{os.getpid()}-{path.name}")
    try:
        model.save(temporary)
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
