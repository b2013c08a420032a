"""Bounds on a gradient, applied before the optimizer sees it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

Gradients = Sequence[tf.Tensor | None]


@keras.saving.register_keras_serializable(package="keras_recipes")
class GradientClipping:
    """Bounds on a gradient: by element, by variable and over all variables.

    The bounds apply in this order, each to what the one before it left:

    - `value`: every element is cut to [-value, value].
    - `norm`: the gradient g of a variable becomes g * min(1, norm / ||g||).
    - `global_norm`: all gradients are multiplied by min(1, global_norm / n), where n is the square
      root of the sum of their squared norms (Pascanu, Mikolov & Bengio 2013). It keeps the
      direction of the update, which the other two bend.

    A gradient that holds a NaN or infinity cannot be bounded by any of them: Keras's own clipping
    turns an infinite norm into NaN in every variable. Here such a gradient becomes zero as a
    whole, and the step counts into the metric `nonfinite_steps`.

    Args:
        value: bound on the size of every element, > 0, or None.
        norm: bound on the Euclidean norm of each variable's gradient, > 0, or None.
        global_norm: bound on the norm of all gradients together, > 0, or None.

    Raises:
        ValueError: no bound is given, or one is no positive finite number.

    >>> GradientClipping(global_norm=1.0).get_config()
    {'value': None, 'norm': None, 'global_norm': 1.0}
    """

    def __init__(
        self,
        value: float | None = None,
        norm: float | None = None,
        global_norm: float | None = None,
    ):
        self.value = positive_or_none("value", value)
        self.norm = positive_or_none("norm", norm)
        self.global_norm = positive_or_none("global_norm", global_norm)
        if self.value is None and self.norm is None and self.global_norm is None:
            raise ValueError(
                "Gradient clipping needs at least one of `value`, `norm` and `global_norm`. "
                "Received none of them."
            )

    def __call__(
        self, gradients: Gradients, norm: tf.Tensor, *, keep_nonfinite: bool = False
    ) -> list[tf.Tensor | None]:
        """Bounded gradients.

        Args:
            gradients: one a variable; None for a variable that the loss does not reach.
            norm: their global norm before clipping, float32 scalar.
            keep_nonfinite: pass a gradient that is no number on, for an optimizer that watches
                for it, as one that scales the loss does.

        Returns:
            The bounded gradients, in the same order; all zero where `norm` is not finite.
        """
        bounded = [self._local(gradient) for gradient in gradients]
        factor = tf.constant(1.0)
        if self.global_norm is not None:
            if self.value is not None or self.norm is not None:
                norm = global_norm(bounded)
            factor = tf.minimum(1.0, self.global_norm / tf.maximum(norm, TINY))
        if not keep_nonfinite:
            factor = tf.where(tf.math.is_finite(norm), factor, 0.0)
        # One operation a variable scales a sound gradient and makes one with a NaN zero.
        return [
            None if gradient is None else scaled(gradient, factor, keep_nonfinite)
            for gradient in bounded
        ]

    def clips(self, gradients: Gradients, norm: tf.Tensor) -> tf.Tensor:
        """Whether any bound cuts these gradients: a boolean scalar."""
        bound = self.global_norm
        if bound is not None and self.value is None and self.norm is None:
            return norm > bound
        found = []
        present = [gradient for gradient in gradients if gradient is not None]
        if self.global_norm is not None:
            found.append(norm > self.global_norm)
        if self.norm is not None:
            found.extend(tf.norm(gradient) > self.norm for gradient in present)
        if self.value is not None:
            found.extend(tf.reduce_max(tf.abs(gradient)) > self.value for gradient in present)
        return tf.reduce_any(tf.stack(found))

    def _local(self, gradient: tf.Tensor | None) -> tf.Tensor | None:
        """The gradient of one variable within the bounds that concern it alone."""
        if gradient is None:
            return None
        if self.value is not None:
            gradient = tf.clip_by_value(gradient, -self.value, self.value)
        if self.norm is not None:
            # `tf.clip_by_norm` multiplies and divides, which moves the last bit of a gradient
            # that is within the bound; a factor of exactly 1 does not.
            length = tf.maximum(tf.norm(gradient), TINY)
            gradient = gradient * tf.minimum(tf.ones((), length.dtype), self.norm / length)
        return gradient

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"value": self.value, "norm": self.norm, "global_norm": self.global_norm}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> GradientClipping:
        """The clipping that `get_config` described."""
        return cls(**config)


# Keeps the division by a norm of zero defined; the gradient is zero then anyway.
TINY = 1e-30


def global_norm(gradients: Gradients) -> tf.Tensor:
    """Square root of the sum of all squared elements, a float32 scalar."""
    squares = [
        2.0 * tf.nn.l2_loss(tf.cast(gradient, tf.float32))
        for gradient in gradients
        if gradient is not None
    ]
    return tf.sqrt(tf.add_n(squares)) if squares else tf.constant(0.0)


def scaled(gradient: tf.Tensor, factor: tf.Tensor, keep_nonfinite: bool) -> tf.Tensor:
    """gradient * factor; with a factor of 0 the result is 0, even where the gradient is NaN."""
    factor = tf.cast(factor, gradient.dtype)
    if keep_nonfinite:
        return gradient * factor
    return tf.math.multiply_no_nan(gradient, factor)


def positive_or_none(name: str, value: Any) -> float | None:
    """A positive finite number as a float, or None."""
    return None if value is None else positive(name, value)


def positive(name: str, value: Any) -> float:
    """A positive finite number as a float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"Argument `{name}` must be a number > 0. Received: {name}={value!r}")
    if not math.isfinite(value) or value <= 0:
        raise ValueError(f"Argument `{name}` must be > 0 and finite. Received: {name}={value}")
    return float(value)
