"""Averages of the weights over the updates: exponential (EMA) and equal (SWA)."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from ..arguments import check_between, optional
from .arguments import Configurable, Steps, check_steps


@keras.saving.register_keras_serializable(package="keras_recipes")
class WeightAveraging(Configurable):
    """Keeps an average of the weights, which is evaluated, used and saved instead of them.

    - With a `decay` d, the exponential average: a <- a + (1 - d) * (w - a) after every update
      (Polyak & Juditsky 1992; EMA).
    - Without one, the mean of all averaged updates: a <- a + (w - a) / n (Izmailov et al. 2018;
      SWA, with `start` at about three quarters of the run and `every` an epoch).

    Until update `start`, the average is the weights themselves; so with `start` 0 the initial
    weights are the first term of the mean, and with `start` 1, as in torch's `AveragedModel`, those
    after the first update. All floating-point weights are averaged, the moving statistics of
    normalization among them.

    Training continues from the weights; the model holds the average outside of its training steps,
    so that `evaluate`, `predict` and `save` use it. A saved model holds both.

    Args:
        decay: between 0 and 1, or None for the mean.
        start: optimizer updates before the first that is averaged, >= 0.
        every: optimizer updates from one that is averaged to the next, >= 1.

    Raises:
        ValueError: a bad argument.

    >>> average = WeightAveraging(start=100, every=10)
    >>> [float(average.fraction(update)) for update in (99, 100, 101, 110, 120)]
    [1.0, 1.0, 0.0, 0.5, 0.3333333432674408]
    """

    def __init__(self, decay: float | None = None, *, start: Steps = 0, every: Steps = 1):
        self.decay = optional(check_between, "decay", decay, low=0, high=1)
        self.start = check_steps("start", start)
        self.every = check_steps("every", every, ge=1)

    def fraction(self, updates: tf.Tensor | int) -> tf.Tensor:
        """The fraction of w - a that the average moves by after an update: 1 copies w."""
        after: Any = tf.cast(updates, tf.int64) - self.start
        if self.decay is None:
            fraction = 1.0 / tf.cast(after // self.every + 1, tf.float32)
        else:
            fraction = tf.constant(1.0 - self.decay)
        averaged = tf.where(after % self.every == 0, fraction, 0.0)
        return tf.where(after <= 0, 1.0, averaged)
