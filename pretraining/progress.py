"""How a machine is doing: numbers of each step, and numbers of each epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..schedules.arguments import steps


class StepMeans(keras.metrics.Metric):
    """Means over the steps of an epoch of several numbers, kept in one variable.

    Args:
        names: of the numbers.
    """

    def __init__(self, names: tuple[str, ...], name: str = "step_means"):
        super().__init__(name=name)
        self.names = names
        # A row of sums and a row of how many were added.
        self.sums = self.add_variable((2, len(names)), "zeros", name="sums")

    def update_state(self, values: Mapping[str, Any], counts: Any = None) -> None:
        """Add a step's numbers; with a count of 0 a number is left out."""
        row = tf.stack([tf.cast(values[name], tf.float32) for name in self.names])
        weights = tf.ones_like(row) if counts is None else tf.cast(tf.stack(counts), tf.float32)
        self.sums.assign_add(tf.stack([row * weights, weights]))

    def result(self) -> dict[str, Any]:
        """Mean by name."""
        means = tf.math.divide_no_nan(self.sums.value[0], self.sums.value[1])
        return {name: means[index] for index, name in enumerate(self.names)}


class Diagnostics(keras.callbacks.Callback):
    """Adds to the logs of each epoch what takes a look at the machine as it is then.

    - `free_energy`: mean over the first training rows; with validation rows also
      `val_free_energy` over as many of those, and `free_energy_gap`, their difference. Both are
      of the same weights; a gap that grows means overfitting (Hinton 2010, section 6).
    - `pseudo_likelihood`: mean log pseudo-likelihood of a row, one-bit estimate.
    - `weight_norm`: Frobenius norm of the weights.

    `fit` adds one. It stands before other callbacks, so that they can watch what it logs.

    Args:
        rows: training rows, of which the first are used.
        validation: rows held out, or None.
        limit: the most rows to use of each, >= 1.

    >>> Diagnostics(np.zeros((8, 4), "float32"), limit=4).rows.shape
    (4, 4)
    """

    def __init__(self, rows: np.ndarray, validation: Any = None, *, limit: int = 5000):
        super().__init__()
        count = steps("limit", limit)
        if validation is not None:
            count = min(count, len(validation))
            validation = validation[:count]
        self.rows, self.validation = rows[:count], validation

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look, and log."""
        machine: Any = self.model
        if logs is None:
            return
        own = float(np.mean(machine.free_energy(self.rows)))
        logs["free_energy"] = own
        if self.validation is not None:
            held_out = float(np.mean(machine.free_energy(self.validation)))
            logs["val_free_energy"] = held_out
            logs["free_energy_gap"] = held_out - own
        if machine.has_pseudo_likelihood:
            logs["pseudo_likelihood"] = float(np.mean(machine.score_samples(self.rows, seed=epoch)))
        logs["weight_norm"] = float(tf.norm(machine.kernel.value))
