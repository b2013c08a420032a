"""Bounds on the global norm that follow from the norms of the updates before.

Each is a pure function of its state, a float32 vector that the model keeps and saves.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .arguments import between, positive, whole

# Bound and next state.
Observed = tuple[tf.Tensor, tf.Tensor]


@keras.saving.register_keras_serializable(package="keras_recipes")
class PercentileClipping:
    """Bounds the global norm by a percentile of the norms so far (AutoClip).

    The bound is the `percentile` of the latest norms, that of this update among them, with linear
    interpolation (Seetharaman, Wichern, Pardo & Le Roux 2020). The paper keeps all norms; here the
    latest `history` are kept, which follows a training whose gradients shrink.

    Args:
        percentile: between 0 and 100; the paper recommends 10.
        history: how many norms are kept, >= 1.

    Raises:
        ValueError: a bad argument.

    >>> clip = PercentileClipping(50, history=3)
    >>> state = tf.constant(clip.initial_state())
    >>> for norm in (1.0, 2.0, 6.0, 8.0):
    ...     bound, state = clip.observe(state, tf.constant(norm))
    >>> float(bound)
    6.0
    """

    def __init__(self, percentile: float = 10.0, history: int = 1000):
        self.percentile = between("percentile", percentile, 0, 100)
        self.history = whole("history", history, least=1)

    def initial_state(self) -> list[float]:
        """Where the next norm goes, how many there are, and the norms."""
        return [0.0] * (2 + self.history)

    def observe(self, state: tf.Tensor, norm: tf.Tensor) -> Observed:
        """The bound on `norm`, and the state with it."""
        places = tf.range(self.history)
        at, count = tf.cast(state[0], tf.int32), tf.cast(state[1], tf.int32)
        norms = tf.where(places == at, norm, state[2:])
        count = tf.minimum(count + 1, self.history)
        bound = self._percentile_of(tf.where(places < count, norms, float("inf")), count)
        following = tf.stack([tf.math.floormod(at + 1, self.history), count])
        return bound, tf.concat([tf.cast(following, tf.float32), norms], axis=0)

    def _percentile_of(self, norms: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        """Percentile of the `count` finite ones among `norms`."""
        ordered = tf.sort(norms)
        place = self.percentile / 100.0 * tf.cast(count - 1, tf.float32)
        below = tf.cast(tf.floor(place), tf.int32)
        low, high = ordered[below], ordered[tf.minimum(below + 1, count - 1)]
        return low + (high - low) * (place - tf.floor(place))

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"percentile": self.percentile, "history": self.history}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PercentileClipping:
        """The bound that `get_config` described."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="keras_recipes")
class ZScoreClipping:
    """Bounds the global norm where it is far above its running mean (ZClip).

    With m and s the running mean and standard deviation of the norm, an update of norm n has
    z = (n - m) / s. Where z > threshold, the norm is cut to n* = m + threshold^2 / z * s, otherwise
    n* = n; then m <- alpha m + (1 - alpha) n*, s^2 <- alpha s^2 + (1 - alpha) (n* - m)^2 (Kumar,
    Owen, Chowdhury & Gura 2025). Nothing is cut in the first `warmup` updates, whose mean and
    variance m and s^2 begin with.

    Args:
        threshold: z above which an update is cut, > 0.
        alpha: how much of mean and variance stays at each update, between 0 and 1.
        warmup: updates before the first can be cut, >= 2.

    Raises:
        ValueError: a bad argument.

    >>> clip = ZScoreClipping(warmup=2)
    >>> state = tf.constant(clip.initial_state())
    >>> for norm in (1.0, 3.0, 12.0):
    ...     bound, state = clip.observe(state, tf.constant(norm))
    >>> round(float(bound), 4)  # m = 2, s = 1, z = 10: 2 + 2.5^2 / 10
    2.625
    """

    # In the denominator of z, as in the authors' own code.
    EPSILON = 1e-6

    def __init__(self, threshold: float = 2.5, alpha: float = 0.97, warmup: int = 25):
        self.threshold = positive("threshold", threshold)
        self.alpha = between("alpha", alpha, 0, 1)
        self.warmup = whole("warmup", warmup, least=2)

    def initial_state(self) -> list[float]:
        """Norms seen in the warm-up, mean, variance."""
        return [0.0, 0.0, 0.0]

    def observe(self, state: tf.Tensor, norm: tf.Tensor) -> Observed:
        """The bound on `norm`, and the state with it."""
        count, mean, variance = tf.unstack(state)
        warm = count >= float(self.warmup)
        z = (norm - mean) / (tf.sqrt(variance) + self.EPSILON)
        allowed = mean + self.threshold**2 / z * tf.sqrt(variance)
        bound = tf.where(warm & (z > self.threshold), allowed, float("inf"))
        running = self._running(mean, variance, tf.minimum(norm, bound))
        first = self._first(count, mean, variance, norm)
        return bound, tf.where(warm, tf.stack([count, *running]), tf.stack([count + 1.0, *first]))

    def _running(self, mean: Any, variance: Any, norm: Any) -> Observed:
        """Exponential mean and variance."""
        mean = self.alpha * mean + (1.0 - self.alpha) * norm
        return mean, self.alpha * variance + (1.0 - self.alpha) * tf.square(norm - mean)

    def _first(self, count: Any, mean: Any, variance: Any, norm: Any) -> Observed:
        """Mean and variance of count + 1 norms from those of count (Welford 1962)."""
        after = mean + (norm - mean) / (count + 1.0)
        return after, (count * variance + (norm - mean) * (norm - after)) / (count + 1.0)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"threshold": self.threshold, "alpha": self.alpha, "warmup": self.warmup}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ZScoreClipping:
        """The bound that `get_config` described."""
        return cls(**config)
