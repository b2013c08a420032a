"""Bounds on the gradient of a variable, of a unit, and on the global norm by its history."""

from __future__ import annotations

import re
from collections.abc import Sequence

import keras
import tensorflow as tf

from ..arguments import (
    Configurable,
    check_between,
    check_bool,
    check_patterns,
    check_positive,
    check_steps,
)
from .norms import TINY, unit_norms

# A bounded gradient, and whether the bound changed it.
Bounded = tuple[tf.Tensor, tf.Tensor]
# A bound on the global norm and the next state of its history, a float32 vector that is saved.
Observed = tuple[tf.Tensor, tf.Tensor]


def by_value(gradient: tf.Tensor, bound: float) -> Bounded:
    """Every element within [-bound, bound].

    >>> left, cut = by_value(tf.constant([-3.0, 0.5]), 1.0)
    >>> left.numpy().tolist(), bool(cut)
    ([-1.0, 0.5], True)
    """
    cut = tf.reduce_max(tf.abs(gradient)) > tf.cast(bound, gradient.dtype)
    return tf.clip_by_value(gradient, -bound, bound), cut


def by_norm(gradient: tf.Tensor, bound: float) -> Bounded:
    """g * min(1, bound / ||g||).

    >>> left, cut = by_norm(tf.constant([3.0, 4.0]), 1.0)
    >>> [round(g, 6) for g in left.numpy().tolist()], bool(cut)
    ([0.6, 0.8], True)
    """
    return _down_to(gradient, bound, tf.norm(tf.cast(gradient, tf.float32)))


def by_block_rms(gradient: tf.Tensor, bound: float) -> Bounded:
    """g / max(1, rms(g) / bound), with rms(g) the root of the mean of g^2 (Shazeer & Stern 2018).

    >>> left, cut = by_block_rms(tf.constant([3.0, -3.0]), 1.0)
    >>> left.numpy().tolist(), bool(cut)
    ([1.0, -1.0], True)
    """
    mean = tf.reduce_mean(tf.square(tf.cast(gradient, tf.float32)))
    return _down_to(gradient, bound, tf.sqrt(mean))


def _down_to(gradient: tf.Tensor, bound: tf.Tensor | float, size: tf.Tensor) -> Bounded:
    """The gradient scaled down where its size is above the bound."""
    factor = tf.minimum(1.0, bound / tf.maximum(size, TINY))
    return gradient * tf.cast(factor, gradient.dtype), tf.reduce_any(size > bound)


@keras.saving.register_keras_serializable(package="keras_recipes")
class AdaptiveClipping(Configurable):
    """Bounds the gradient of each unit by the size of the unit's weights (AGC).

    The gradient g of a unit with weights w becomes g * min(1, factor * max(||w||, epsilon) /
    ||g||) (Brock, De, Smith & Simonyan 2021, equation 3). A unit is all axes but the last of a
    kernel, and all of a vector. The last layer with weights is left out, as in the paper.

    Args:
        factor: bound on ||g|| / ||w||, > 0.
        epsilon: the least norm of a unit's weights, > 0, so that weights of zero can grow.
        output_layer: bound the last layer too.
        exclude: regular expressions; a variable whose path one of them is found in is left out.

    Raises:
        ValueError: a bad argument.

    >>> AdaptiveClipping(0.02).get_config()["factor"]
    0.02
    """

    def __init__(
        self,
        factor: float = 0.01,
        epsilon: float = 1e-3,
        *,
        output_layer: bool = False,
        exclude: Sequence[str] = (),
    ):
        self.factor = check_positive("factor", factor)
        self.epsilon = check_positive("epsilon", epsilon)
        self.output_layer = check_bool("output_layer", output_layer)
        self.exclude = check_patterns("exclude", exclude)

    def __call__(self, gradient: tf.Tensor, weights: tf.Tensor) -> Bounded:
        """The bounded gradient of a variable, and whether any unit was cut."""
        allowed = self.factor * tf.maximum(unit_norms(weights), self.epsilon)
        return _down_to(gradient, allowed, unit_norms(gradient))

    def check(self, variables: Sequence[keras.Variable], output: frozenset[int]) -> None:
        """Raise where an expression matches no variable, or no variable is bounded."""
        for pattern in self.exclude:
            if not any(re.search(pattern, variable.path) for variable in variables):
                listed = ", ".join(variable.path for variable in variables)
                raise ValueError(
                    f"Adaptive clipping excludes {pattern!r}, which matches no variable. "
                    f"The variables are: {listed}"
                )
        if not any(self.applies_to(variable, output) for variable in variables):
            raise ValueError(
                "Adaptive clipping bounds no variable: the network has one layer with weights, and "
                "the last is left out. Set `output_layer`, or use another bound."
            )

    def applies_to(self, variable: keras.Variable, output: frozenset[int]) -> bool:
        """Whether a variable is bounded; `output` holds the ids of the last layer's variables."""
        if any(re.search(pattern, variable.path) for pattern in self.exclude):
            return False
        return self.output_layer or id(variable) not in output


@keras.saving.register_keras_serializable(package="keras_recipes")
class PercentileClipping(Configurable):
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
        self.percentile = check_between("percentile", percentile, 0, 100)
        self.history = check_steps("history", history, ge=1)

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


@keras.saving.register_keras_serializable(package="keras_recipes")
class ZScoreClipping(Configurable):
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

    # In the denominator of z, as in the authors' code.
    EPSILON = 1e-6

    def __init__(self, threshold: float = 2.5, alpha: float = 0.97, warmup: int = 25):
        self.threshold = check_positive("threshold", threshold)
        self.alpha = check_between("alpha", alpha, 0, 1)
        self.warmup = check_steps("warmup", warmup, ge=2)

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

    def _running(self, mean: tf.Tensor, variance: tf.Tensor, norm: tf.Tensor) -> Observed:
        """Exponential mean and variance."""
        mean = self.alpha * mean + (1.0 - self.alpha) * norm
        return mean, self.alpha * variance + (1.0 - self.alpha) * tf.square(norm - mean)

    def _first(
        self, count: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor, norm: tf.Tensor
    ) -> Observed:
        """Mean and variance of count + 1 norms from those of count (Welford 1962)."""
        after = mean + (norm - mean) / (count + 1.0)
        return after, (count * variance + (norm - mean) * (norm - after)) / (count + 1.0)
