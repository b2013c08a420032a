"""Progress on a terminal, in a notebook, and plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

import keras
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ..arguments import check_int, optional
from .learning_rate import learning_rate
from .notebook import NotebookProgress, in_notebook

# The most lines in the log of a long training.
MOST_LINES = 50
HIDDEN = frozenset(
    {"gradient_norm", "clipped_steps", "nonfinite_steps", "hidden_activity", "val_hidden_activity"}
    | {"val_free_energy", "weight_norm"}
)


class ProgressBar(keras.callbacks.Callback):
    """A bar with the time left on a terminal; in a plain log a line an epoch, or every few.

    In a notebook there is one output, which is renewed: a bar, the line of the newest epoch, and
    the curve of the loss.

    Every line has the epoch, loss and metrics, and the learning rate. On a terminal the bar moves
    with the epochs and the finished ones scroll above it; in a log nothing is overwritten and there
    are no control characters.

    Args:
        every: epochs between two lines, >= 1; by default so that a run has at most 50 lines.

        label: what is trained, shown before each line; nothing for the model itself.

    >>> bar = ProgressBar()
    """

    def __init__(self, every: int | None = None, label: str = ""):
        super().__init__()
        self.every = optional(check_int, "every", every, ge=1)
        self.label = label
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._notebook: NotebookProgress | None = None
        self._began = 0.0

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._began = time.perf_counter()
        if in_notebook():
            self._notebook = NotebookProgress(self.label or "training", self._epochs())
            return
        console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._progress.add_task(self.label or "training", total=self._epochs())
        self._progress.start()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self._notebook is not None:
            self._notebook.update(epoch + 1, self.line(epoch, logs or {}), logs or {})
        if self._progress is None or self._task is None:
            return
        self._progress.update(self._task, completed=epoch + 1)
        last = epoch + 1 == self._epochs() or bool(getattr(self.model, "stop_training", False))
        if (epoch + 1) % self._interval() == 0 or epoch == 0 or last:
            self._progress.console.print(self.line(epoch, logs or {}), markup=False)

    def on_train_end(self, logs: dict | None = None) -> None:
        if self._notebook is not None:
            self._notebook.flush()
            self._notebook = None
        if self._progress is not None:
            # Without a bar, rich 13 would print an empty line.
            if not self._progress.disable:
                self._progress.stop()
            # A live display holds locks; a callback is copied for every trial of a search.
            self._progress = None

    def line(self, epoch: int, logs: Mapping[str, float]) -> str:
        """One epoch in one line."""
        width = len(str(self._epochs()))
        values = "  ".join(
            f"{name} {float(value):.4f}" for name, value in logs.items() if name not in HIDDEN
        )
        seconds = time.perf_counter() - self._began
        model: Any = self.model
        rate = learning_rate(model)
        epochs = f"epoch {epoch + 1:>{width}}/{self._epochs()}"
        label = f"{self.label}  " if self.label else ""
        return f"{label}{epochs}  {values}  lr {rate:.3g}  {seconds:.1f} s"

    def _epochs(self) -> int:
        return int((self.params or {}).get("epochs", 1))

    def _interval(self) -> int:
        return self.every or -(-self._epochs() // MOST_LINES)
