"""Curves, histograms of weights and hyperparameters for TensorBoard."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from ..arguments import check_int, check_str, optional
from ..disk import when_there_is_space
from .base import StatefulCallback
from .event_records import (
    EventFile,
    end_summary,
    flat,
    histogram_summary,
    scalar_summary,
    start_summary,
)
from .learning_rate import learning_rate


class TensorBoardLog(StatefulCallback):
    """Writes event files for TensorBoard.

    The folder `path` holds the runs `train` and `validation`, with a point an epoch of every
    logged value under the same name in both, and the learning rate; in `train` the histograms of
    the weights; in the folder itself the hyperparameters. Steps are epochs, from 1. Nothing
    happens in a training step. A value that is not finite leaves a gap. Events for which a full
    disk has no space are written as soon as it has some.

    Args:
        path: folder to write to.
        histograms: epochs between two histograms of every weight, >= 1, or None for none.
        hyperparameters: names and values for the table that compares runs, or None. Mappings may
            hold mappings.

    Raises:
        ValueError: a bad argument.
        OSError: a file cannot be written; where the disk is full, only when training ends.

    >>> log = TensorBoardLog("logs", histograms=5, hyperparameters={"units": 64, "rate": 0.1})
    """

    STATE = ("began",)

    def __init__(
        self,
        path: str = "tensorboard",
        histograms: int | None = None,
        hyperparameters: Mapping[str, object] | None = None,
    ):
        super().__init__()
        self.path = check_str("path", path)
        self.histograms = optional(check_int, "histograms", histograms, ge=1)
        if hyperparameters is not None and not isinstance(hyperparameters, Mapping):
            raise ValueError(
                "Argument `hyperparameters` must be a mapping of names to values. "
                f"Received: {hyperparameters!r}"
            )
        self.hyperparameters = dict(flat(hyperparameters or {}))
        self.began: float | None = None
        self._files: dict[str, EventFile] = {}

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._files = {}
        if self.resume_or_reset() and self.began is not None:
            return
        self.began = time.time()
        if self.hyperparameters:
            self._file("", 0).write(start_summary(self.hyperparameters, self.began))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        curves: dict[str, dict[str, float]] = {"train": {}, "validation": {}}
        for name, value in (logs or {}).items():
            run = "validation" if name.startswith("val_") else "train"
            curves[run][name.removeprefix("val_")] = float(value)
        curves["train"]["learning_rate"] = learning_rate(self.model)
        for run, values in curves.items():
            finite = {name: value for name, value in values.items() if math.isfinite(value)}
            if finite:
                self._file(run, epoch + 1).write(scalar_summary(finite), epoch + 1)
        if self.histograms is not None and (epoch + 1) % self.histograms == 0:
            weights = {weight.path: np.asarray(weight) for weight in self._weights()}
            self._file("train", epoch + 1).write(histogram_summary(weights), epoch + 1)

    def flush(self) -> None:
        for file in self._files.values():
            file.flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.hyperparameters:
            self._file("", 0).write(end_summary(time.time()))
        when_there_is_space(self.flush)
        self.began = None

    def _weights(self) -> Sequence[keras.Variable]:
        return self.model.weights if self.model is not None else ()

    def _file(self, run: str, step: int) -> EventFile:
        if run not in self._files:
            self._files[run] = EventFile(Path(self.path) / run, first_step=step)
        return self._files[run]
