"""The learning-rate range test: a sweep from a low rate to one at which the loss explodes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..arguments import check_int, check_number

ops: Any = keras.ops
# The first losses are from before any training, and the last from the explosion.
SKIPPED_FIRST, SKIPPED_LAST = 10, 5


class LearningRateFinder(keras.callbacks.Callback):
    """Increases the learning rate after each step, and records the loss of each batch.

    The rate of step t is low * (high / low)^(t / (steps - 1)); the losses are smoothed by an
    exponential average with its start corrected, and the sweep ends when the smoothed loss is above
    `stop_factor` times its best (Smith 2017). Weights, optimizer and rate are then restored, so the
    same `fit` can follow. The optimizer's rate may be a number or any schedule.

    Args:
        min_lr: rate of the first step, > 0.
        max_lr: rate of the last step, > `min_lr`.
        steps: steps of the sweep, >= 20. `fit` must have as many, over one epoch or several.
        smoothing: weight of the past in the average, in [0, 1).
        stop_factor: multiple of its best at which the smoothed loss ends the sweep, > 1.

    Attributes:
        rates: the rate of each step so far, an array.
        losses: the loss of each batch.
        smoothed: the smoothed losses.

    Raises:
        ValueError: a bad argument; when training begins, a model with `steps_per_execution`
            above 1, whose single losses are not known.

    >>> finder = LearningRateFinder(min_lr=1e-5, max_lr=10.0, steps=100)
    """

    def __init__(
        self,
        min_lr: float = 1e-7,
        max_lr: float = 10.0,
        steps: int = 100,
        smoothing: float = 0.9,
        stop_factor: float = 4.0,
    ):
        super().__init__()
        self.min_lr = check_number("min_lr", min_lr, ge=0)
        self.max_lr = check_number("max_lr", max_lr, ge=0)
        if not 0 < self.min_lr < self.max_lr:
            raise ValueError(
                "Arguments `min_lr` and `max_lr` must be > 0 and rise. "
                f"Received: min_lr={min_lr}, max_lr={max_lr}"
            )
        self.steps = check_int("steps", steps, ge=20)
        self.smoothing = check_number("smoothing", smoothing, ge=0, lt=1)
        self.stop_factor = check_number("stop_factor", stop_factor, gt=1)
        self._losses: list[float] = []
        self._average, self._best = 0.0, math.inf
        self._before: list[np.ndarray] = []
        self._schedule: Any = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        model = self._trained
        if model.steps_per_execution != 1:
            raise ValueError(
                "The range test needs the loss of every step. Compile the model with "
                f"`steps_per_execution=1`. Received: {model.steps_per_execution}"
            )
        optimizer = model.optimizer
        optimizer.build(model.trainable_variables)
        self._losses, self._average, self._best = [], 0.0, math.inf
        self._before = [np.array(variable) for variable in self._variables()]
        self._schedule = optimizer._learning_rate
        first = int(optimizer.iterations.numpy())
        optimizer._learning_rate = _Sweep(self.min_lr, self.max_lr, self.steps, first)
        # The compiled function holds the old rate.
        model.make_train_function(force=True)

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        # The logged loss is a mean since the last reset, and so becomes that of one batch.
        self._trained.reset_metrics()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        loss = float((logs or {})["loss"])
        self._losses.append(loss)
        self._average = self.smoothing * self._average + (1 - self.smoothing) * loss
        corrected = self._average / (1 - self.smoothing ** len(self._losses))
        self._best = min(self._best, corrected)
        exploded = not math.isfinite(loss) or corrected > self.stop_factor * self._best
        if exploded or len(self._losses) == self.steps:
            self._trained.stop_training = True

    def on_train_end(self, logs: dict | None = None) -> None:
        model = self._trained
        for variable, value in zip(self._variables(), self._before, strict=True):
            variable.assign(value)
        model.optimizer._learning_rate = self._schedule
        model.make_train_function(force=True)
        self._before = []

    @property
    def losses(self) -> np.ndarray:
        """Loss of each batch."""
        return np.array(self._losses)

    @property
    def rates(self) -> np.ndarray:
        """Learning rate of each step."""
        exponents = np.arange(len(self._losses)) / (self.steps - 1)
        return self.min_lr * (self.max_lr / self.min_lr) ** exponents

    @property
    def smoothed(self) -> np.ndarray:
        """Smoothed losses."""
        average, found = 0.0, []
        for count, loss in enumerate(self._losses, start=1):
            average = self.smoothing * average + (1 - self.smoothing) * loss
            found.append(average / (1 - self.smoothing**count))
        return np.array(found)

    def suggestions(self) -> dict[str, float]:
        """Rates to train with: `steepest`, where the loss falls fastest, and `valley`.

        Raises:
            ValueError: the loss exploded before there was anything to see.
        """
        smoothed = self.smoothed
        useful = slice(SKIPPED_FIRST, len(smoothed) - SKIPPED_LAST)
        losses, rates = smoothed[useful], self.rates[useful]
        if len(losses) < 3 or not np.isfinite(losses).all():
            raise ValueError(
                f"The loss exploded after {len(smoothed)} steps of the range test, too early to "
                "see where it falls. Start at a lower rate, with a lower `min_lr`."
            )
        return {"steepest": float(rates[steepest(losses)]), "valley": float(rates[valley(losses)])}

    @property
    def _trained(self) -> Any:
        """The model, whose compiled functions Keras's types do not show."""
        return self.model

    def _variables(self) -> list[keras.Variable]:
        return [*self._trained.variables, *self._trained.optimizer.variables]


class _Sweep(keras.optimizers.schedules.LearningRateSchedule):
    """An exponential increase that starts at step `first`."""

    def __init__(self, low: float, high: float, steps: int, first: int):
        self.low, self.high, self.steps, self.first = low, high, steps, first

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        part = ops.cast(step - self.first, "float32") / float(self.steps - 1)
        return self.low * ops.power(self.high / self.low, part)

    def get_config(self) -> dict[str, float]:
        """The arguments."""
        return {"low": self.low, "high": self.high, "steps": self.steps, "first": self.first}


def steepest(losses: Sequence[float] | np.ndarray) -> int:
    """Where the losses fall fastest, by the slope of a line through a window around each.

    The window is a sixth of the sweep: from one step to the next the noise of the batches is larger
    than what the rate does.

    >>> steepest([9.0, 9.1, 9.0, 9.1, 8.0, 6.0, 4.0, 3.9, 4.0, 3.9])
    5
    """
    half = max(1, len(losses) // 12)
    window = np.arange(-half, half + 1)
    # The least-squares slope is a weighted sum; the weights are the places about their mean.
    slopes = np.convolve(np.asarray(losses), window[::-1] / np.sum(window**2), mode="valid")
    return int(np.argmin(slopes)) + half


def valley(losses: Sequence[float] | np.ndarray) -> int:
    """The middle of the longest stretch on which the losses fall.

    It is the longest decreasing subsequence, which a single jump of the loss does not end.

    >>> valley([5.0, 5.1, 4.0, 3.0, 3.2, 2.0, 9.0])
    2
    """
    count = len(losses)
    lengths, previous = [1] * count, [-1] * count
    for index in range(count):
        for earlier in range(index):
            if losses[earlier] > losses[index] and lengths[earlier] + 1 > lengths[index]:
                lengths[index], previous[index] = lengths[earlier] + 1, earlier
    at = int(np.argmax(lengths))
    chain = [at]
    while previous[at] >= 0:
        at = previous[at]
        chain.append(at)
    return chain[len(chain) // 2]
