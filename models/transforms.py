"""Transforms of the gradient: centralization before clipping, noise after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .arguments import number, positive, whole
from .norms import Gradients


@keras.saving.register_keras_serializable(package="keras_recipes")
class GradientCentralization:
    """Takes the mean of each unit's gradient away: g <- g - mean(g), for kernels.

    The mean runs over all axes but the last, and variables of rank 2 and more are concerned (Yong,
    Huang, Hua & Zhang 2020, equation 1). It comes before clipping; the metric `gradient_norm` is
    that of what it leaves.

    >>> g = GradientCentralization()([tf.constant([[1.0, 4.0], [3.0, 8.0]])], 0)
    >>> g[0].numpy().tolist()
    [[-1.0, -2.0], [1.0, 2.0]]
    """

    after_clipping = False

    def __call__(self, gradients: Gradients, update: Any) -> list[tf.Tensor | None]:
        """The gradients without their means."""
        return [g if g is None or len(g.shape) < 2 else g - _mean_of_units(g) for g in gradients]

    def get_config(self) -> dict[str, Any]:
        """No arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> GradientCentralization:
        """The transform that `get_config` described."""
        return cls(**config)


def _mean_of_units(gradient: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(gradient, axis=list(range(len(gradient.shape) - 1)), keepdims=True)


@keras.saving.register_keras_serializable(package="keras_recipes")
class GradientNoise:
    """Adds Gaussian noise that fades: g <- g + N(0, eta / (1 + t)^gamma) at update t.

    The noise is drawn anew for each element (Neelakantan et al. 2015, equation 1), after clipping.
    It depends on the seed and the number of the update alone, so a resumed training draws what the
    uninterrupted one would have.

    Args:
        eta: variance at the first update, > 0; the paper tries 0.01, 0.3 and 1.
        gamma: how fast the variance falls, >= 0.
        seed: which noise.

    Raises:
        ValueError: a bad argument.

    >>> noise = GradientNoise(0.01, seed=1)
    >>> zeros = [tf.zeros(3)]
    >>> bool(tf.reduce_all(noise(zeros, 5)[0] == noise(zeros, 5)[0]))
    True
    """

    after_clipping = True

    def __init__(self, eta: float = 0.01, gamma: float = 0.55, *, seed: int = 0):
        self.eta = positive("eta", eta)
        self.gamma = number("gamma", gamma)
        if self.gamma < 0:
            raise ValueError(f"Argument `gamma` must be >= 0. Received: gamma={gamma}")
        self.seed = whole("seed", seed, least=0)

    def __call__(self, gradients: Gradients, update: Any) -> list[tf.Tensor | None]:
        """The gradients with the noise of this update."""
        fade = tf.pow(1.0 + tf.cast(update, tf.float32), self.gamma / 2)
        deviation = self.eta**0.5 / fade
        return [
            g if g is None else g + tf.cast(deviation * self._draw(g, index, update), g.dtype)
            for index, g in enumerate(gradients)
        ]

    def _draw(self, gradient: tf.Tensor, index: int, update: Any) -> tf.Tensor:
        """Standard normal numbers in the shape of a gradient; others for each variable."""
        variable = tf.constant(self.seed * 65_536 + index, tf.int64)
        key = tf.stack([variable, tf.cast(update, tf.int64)])
        return tf.random.stateless_normal(tf.shape(gradient), seed=key)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"eta": self.eta, "gamma": self.gamma, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> GradientNoise:
        """The transform that `get_config` described."""
        return cls(**config)


Transform = GradientCentralization | GradientNoise


def transforms_of(value: Any) -> tuple[Transform, ...]:
    """A list of transforms, checked."""
    listed = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    for transform in listed:
        if not isinstance(transform, (GradientCentralization, GradientNoise)):
            raise ValueError(
                "Argument `gradient_transforms` must hold `GradientCentralization` and "
                f"`GradientNoise`. Received: {transform!r}"
            )
    return tuple(listed)
