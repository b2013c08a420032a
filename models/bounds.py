"""Bounds on the gradient of one variable: each returns what is left, and whether it cut."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .arguments import expression, flag, positive
from .norms import TINY, unit_norms

Bounded = tuple[tf.Tensor, tf.Tensor]


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


def _down_to(gradient: tf.Tensor, bound: Any, size: tf.Tensor) -> Bounded:
    """The gradient made smaller where its size is above the bound."""
    factor = tf.minimum(1.0, bound / tf.maximum(size, TINY))
    return gradient * tf.cast(factor, gradient.dtype), tf.reduce_any(size > bound)


@keras.saving.register_keras_serializable(package="keras_recipes")
class AdaptiveClipping:
    """Bounds the gradient of each unit by the size of the unit's weights (AGC).

    The gradient g of a unit with weights w becomes g * min(1, factor * max(||w||, epsilon) /
    ||g||) (Brock, De, Smith & Simonyan 2021, equation 3). A unit is all axes but the last of a
    kernel, and the whole of a vector. The last layer with weights is left out, as in the paper.

    Args:
        factor: bound on ||g|| / ||w||, > 0.
        epsilon: the least norm of a unit's weights, > 0, so that weights of zero can grow.
        output_layer: bound the last layer too.
        exclude: regular expressions; a variable whose path one of them finds is left out.

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
        self.factor = positive("factor", factor)
        self.epsilon = positive("epsilon", epsilon)
        self.output_layer = flag("output_layer", output_layer)
        if isinstance(exclude, str):
            raise ValueError(
                f"Argument `exclude` must be a list of expressions. Received: exclude={exclude!r}"
            )
        self.exclude = [expression("exclude", pattern) for pattern in exclude]

    def __call__(self, gradient: tf.Tensor, weights: tf.Tensor) -> Bounded:
        """The bounded gradient of a variable, and whether any unit was cut."""
        allowed = self.factor * tf.maximum(unit_norms(weights), self.epsilon)
        return _down_to(gradient, allowed, unit_norms(gradient))

    def check(self, variables: Sequence[keras.Variable], output: frozenset[int]) -> None:
        """Raise where it would do nothing: an expression, or the whole."""
        for pattern in self.exclude:
            if not any(re.search(pattern, variable.path) for variable in variables):
                listed = ", ".join(variable.path for variable in variables)
                raise ValueError(
                    f"Adaptive clipping excludes {pattern!r}, which matches no variable. "
                    f"The variables are: {listed}"
                )
        if not any(self.concerns(variable, output) for variable in variables):
            raise ValueError(
                "Adaptive clipping bounds no variable: the network has one layer with weights, and "
                "the last is left out. Set `output_layer`, or use another bound."
            )

    def concerns(self, variable: keras.Variable, output: frozenset[int]) -> bool:
        """Whether a variable is bounded; `output` holds the ids of the last layer's variables."""
        if any(re.search(pattern, variable.path) for pattern in self.exclude):
            return False
        return self.output_layer or id(variable) not in output

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            "factor": self.factor,
            "epsilon": self.epsilon,
            "output_layer": self.output_layer,
            "exclude": list(self.exclude),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> AdaptiveClipping:
        """The bound that `get_config` described."""
        return cls(**config)
