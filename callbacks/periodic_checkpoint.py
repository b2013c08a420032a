"""The model every few epochs, steps or minutes, on disk."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path

from ..arguments import check_int, check_number, check_str, optional
from .base import StatefulCallback
from .best_checkpoint import save_whole

NAME = re.compile(r"(epoch-[0-9]{4,}|step-[0-9]{8,})\.keras")


class PeriodicCheckpoint(StatefulCallback):
    """Saves the whole model every few epochs, steps or minutes; give one of the three.

    Files are `epoch-0010.keras` or `step-00000500.keras` in the folder `path`, each written under a
    temporary name and renamed. Steps are batches, counted over the whole training; with several of
    them in one execution, the file is written at the end of the execution that reaches a multiple
    of `steps`, and named after its last step. Minutes count from the last file, or from the start
    of a resumed training. Steps and minutes need a little Python work in each execution.

    Args:
        path: folder to write to.
        epochs: epochs between two files, >= 1, or None.
        steps: steps between two files, >= 1, or None.
        minutes: minutes between two files, > 0, or None.
        keep: number of the last files to keep, >= 1; None for all.

    Attributes:
        files: names of the files, the oldest first.

    Raises:
        ValueError: a bad argument, or not one of the three units.

    >>> checkpoint = PeriodicCheckpoint("checkpoints/every", epochs=10, keep=2)
    """

    STATE = ("step", "files")
    MID_EPOCH_STATE = ("_batch",)

    def __init__(
        self,
        path: str = "checkpoints/every",
        epochs: int | None = None,
        steps: int | None = None,
        minutes: float | None = None,
        keep: int | None = None,
    ):
        super().__init__()
        self.path = check_str("path", path)
        self.epochs = optional(check_int, "epochs", epochs, ge=1)
        self.steps = optional(check_int, "steps", steps, ge=1)
        self.minutes = optional(check_number, "minutes", minutes, gt=0)
        self.keep = optional(check_int, "keep", keep, ge=1)
        if [self.epochs, self.steps, self.minutes].count(None) != 2:
            raise ValueError(
                "Give one of the arguments `epochs`, `steps` and `minutes`. "
                f"Received: epochs={epochs}, steps={steps}, minutes={minutes}"
            )
        if self.epochs is None:
            # Keras calls Python in every step of a callback that has this method.
            self.on_train_batch_end = self._after_batch
        self.reset()

    def reset(self) -> None:
        self.step = 0
        self.files: list[str] = []
        self._batch = 0
        self._written = 0.0

    def saved_files(self) -> tuple[str, ...]:
        return tuple(self.files)

    def check_state(self, state: Mapping[str, object]) -> None:
        step, files = state["step"], state["files"]
        if type(step) is not int or step < 0:
            raise ValueError(f"`step` must be a whole number >= 0. Received: {step!r}")
        # Another name might be outside the folder.
        if not isinstance(files, list) or not all(
            isinstance(name, str) and NAME.fullmatch(name) for name in files
        ):
            raise ValueError(f"`files` must be names of models in {self.path}. Received: {files}")

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        self._written = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._batch = 0

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.epochs is not None and (epoch + 1) % self.epochs == 0:
            self._write(f"epoch-{epoch + 1:04d}.keras")

    def _after_batch(self, batch: int, logs: dict | None = None) -> None:
        """Count the steps of the execution that has ended, and write if one was due."""
        before = self.step
        self.step += batch + 1 - self._batch
        self._batch = batch + 1
        if self.steps is not None:
            due = before // self.steps < self.step // self.steps
        else:
            due = time.monotonic() - self._written >= 60 * (self.minutes or 0.0)
        if due:
            self._write(f"step-{self.step:08d}.keras")

    def _write(self, name: str) -> None:
        folder = Path(self.path)
        save_whole(self.model, folder / name)
        self._written = time.monotonic()
        self.files = [*(file for file in self.files if file != name), name]
        while self.keep is not None and len(self.files) > self.keep:
            (folder / self.files[0]).unlink(missing_ok=True)
            del self.files[0]
