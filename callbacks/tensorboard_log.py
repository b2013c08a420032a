"""Curves, histograms of weights and hyperparameters for TensorBoard."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from .base import StatefulCallback, at_least, text
from .event_records import flat, write_end, write_histogram, write_hyperparameters, write_scalar
from .last_rate import learning_rate


class TensorBoardLog(StatefulCallback):
    """Writes what TensorBoard shows, without the tensorboard package, which only reads it.

    In the folder `path` there are the runs `train` and `validation`, with a point an epoch of every
    logged value under the same name in both, and the learning rate; in `train` the histograms of
    the weights; in the folder itself the hyperparameters. Steps are epochs, from 1. Nothing is
    done in a step of training. A value that is no number leaves a gap.

    Args:
        path: folder to write to.
        histograms: epochs between two histograms of every weight, >= 1, or None for none.
        hyperparameters: names and values for the table that compares runs, or None. Mappings may
            hold mappings.

    Raises:
        ValueError: a bad argument.

    >>> log = TensorBoardLog("logs", histograms=5, hyperparameters={"units": 64, "rate": 0.1})
    """

    STATE = ("began",)

    def __init__(
        self,
        path: str = "tensorboard",
        histograms: int | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
    ):
        super().__init__()
        self.path = text("path", path)
        self.histograms = None
        if histograms is not None:
            self.histograms = int(at_least("histograms", histograms, 1, whole=True))
        if hyperparameters is not None and not isinstance(hyperparameters, Mapping):
            raise ValueError(
                "Argument `hyperparameters` must be a mapping of names to values. "
                f"Received: {hyperparameters!r}"
            )
        self.hyperparameters = dict(flat(hyperparameters or {}))
        self.began: float | None = None
        self._writers: dict[str, Any] = {}

    def on_train_begin(self, logs: dict | None = None) -> None:
        # Files are opened when they are needed: a callback that has them open cannot be copied.
        self._writers = {}
        if self.hyperparameters and self.began is None:
            with self._writer("").as_default():
                write_hyperparameters(self.hyperparameters, time.time())
        self.began = self.began or time.time()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        curves: dict[str, dict[str, float]] = {"train": {}, "validation": {}}
        for name, value in (logs or {}).items():
            run = "validation" if name.startswith("val_") else "train"
            curves[run][name.removeprefix("val_")] = float(value)
        curves["train"]["learning_rate"] = learning_rate(self.model)
        for run, values in curves.items():
            if values:
                self._write_curves(run, values, epoch + 1)
        if self.histograms is not None and (epoch + 1) % self.histograms == 0:
            self._write_histograms(epoch + 1)

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.hyperparameters:
            with self._writer("").as_default():
                write_end(time.time())
        for writer in self._writers.values():
            writer.close()
        self._writers, self.began = {}, None

    def _write_curves(self, run: str, values: Mapping[str, float], step: int) -> None:
        with self._writer(run).as_default():
            for name, value in values.items():
                if math.isfinite(value):
                    write_scalar(name, value, step)
        self._writer(run).flush()

    def _write_histograms(self, step: int) -> None:
        with self._writer("train").as_default():
            for weight in self.model.weights:  # type: ignore[union-attr]
                write_histogram(weight.path, np.asarray(weight, np.float64), step)
        self._writer("train").flush()

    def _writer(self, run: str) -> Any:
        if run not in self._writers:
            self._writers[run] = tf.summary.create_file_writer(str(Path(self.path) / run))
        return self._writers[run]
