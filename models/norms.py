"""Norms of gradients and of the units of a kernel."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

Gradients = Sequence[tf.Tensor | None]

# Keeps the division by a norm of zero defined; the gradient is zero then anyway.
TINY = 1e-30


def dense(gradient: tf.Tensor | tf.IndexedSlices | None) -> tf.Tensor | None:
    """A gradient as a tensor: that of an embedding comes as rows, with possible duplicates."""
    return tf.convert_to_tensor(gradient) if isinstance(gradient, tf.IndexedSlices) else gradient


def squares(gradients: Gradients) -> list[tf.Tensor]:
    """Squared norm of each gradient, float32; 0 for None."""
    return [tf.constant(0.0) if gradient is None else _square(gradient) for gradient in gradients]


def _square(gradient: tf.Tensor) -> tf.Tensor:
    squared = tf.square(tf.cast(gradient, tf.float32))
    if len(squared.shape) < 2:
        return tf.reduce_sum(squared)
    # Column by column, which processors do for many columns at a time; the sum of all elements is
    # one chain of additions in XLA, and takes three times as long. The maximum changes nothing, but
    # keeps XLA from making one sum of both.
    columns = tf.reduce_sum(squared, axis=list(range(len(squared.shape) - 1)))
    return tf.reduce_sum(tf.maximum(columns, 0.0))


def global_norm(gradients: Gradients) -> tf.Tensor:
    """Square root of the sum of all squared elements, a float32 scalar.

    >>> float(global_norm([tf.constant([3.0, 0.0]), None, tf.constant([[4.0]])]))
    5.0
    """
    found = squares(gradients)
    return tf.sqrt(tf.add_n(found)) if found else tf.constant(0.0)


def unit_norms(tensor: tf.Tensor) -> tf.Tensor:
    """Norm of each unit of a kernel, shaped so that it divides the kernel.

    A unit is what feeds one output: all axes but the last of a Keras kernel, dense (inputs, units)
    or convolution (height, width, channels, filters). A vector is one unit.

    >>> unit_norms(tf.constant([[3.0, 1.0], [4.0, 0.0]])).numpy().tolist()
    [[5.0, 1.0]]
    """
    tensor = tf.cast(tensor, tf.float32)
    rank = len(tensor.shape)
    axes = list(range(rank - 1)) if rank > 1 else None
    return tf.sqrt(tf.reduce_sum(tf.square(tensor), axis=axes, keepdims=True))


def scaled(gradients: Gradients, factor: tf.Tensor | float) -> list[tf.Tensor | None]:
    """Each gradient times a scalar."""
    return [g if g is None else g * tf.cast(factor, g.dtype) for g in gradients]
