"""Averages of the weights over the updates: exponential (EMA) and equal (SWA)."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .arguments import Steps, between, whole


@keras.saving.register_keras_serializable(package="keras_recipes")
class WeightAveraging:
    """Keeps an average of the weights, which is evaluated, used and saved instead of them.

    - With a `decay` d, the exponential average: a <- a + (1 - d) * (w - a) after every update
      (Polyak & Juditsky 1992; EMA).
    - Without one, the mean of all averaged updates: a <- a + (w - a) / n (Izmailov et al. 2018;
      SWA, with `start` at about three quarters of the run and `every` an epoch).

    Until update `start`, the average is the weights themselves; so with `start` 0 the initial
    weights are the first term of the mean, and with `start` 1, as in torch's `AveragedModel`, those
    after the first update. All weights of floating point are
    averaged, the moving statistics of normalization among them.

    Training goes on from the weights; the model holds the average outside of its training steps,
    so that `evaluate`, `predict` and `save` use it. A saved model holds both.

    Args:
        decay: between 0 and 1, or None for the mean.
        start: optimizer updates before the first that is averaged, >= 0.
        every: average one in so many updates, >= 1.

    Raises:
        ValueError: a bad argument.

    >>> average = WeightAveraging(start=100, every=10)
    >>> [float(average.share(update)) for update in (99, 100, 101, 110, 120)]
    [1.0, 1.0, 0.0, 0.5, 0.3333333432674408]
    """

    def __init__(self, decay: float | None = None, *, start: Steps = 0, every: Steps = 1):
        self.decay = None if decay is None else between("decay", decay, 0, 1)
        self.start = whole("start", start, least=0)
        self.every = whole("every", every, least=1)

    def share(self, updates: Any) -> tf.Tensor:
        """How much of w - a the average takes after so many updates: 1 takes w itself."""
        after = tf.cast(updates, tf.int64) - self.start
        if self.decay is None:
            share = 1.0 / tf.cast(after // self.every + 1, tf.float32)
        else:
            share = tf.constant(1.0 - self.decay)
        averaged = tf.where(after % self.every == 0, share, 0.0)
        return tf.where(after <= 0, 1.0, averaged)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"decay": self.decay, "start": self.start, "every": self.every}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WeightAveraging:
        """The average that `get_config` described."""
        return cls(**config)
