"""Training rows held in memory, and the order in which each epoch goes through them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .units import Visible


def checked(
    rows: Any, visible: Visible, width: int | None, what: str = "x", *, held_out: bool = False
) -> np.ndarray:
    """Rows as a float32 matrix.

    Args:
        rows: a matrix.
        visible: units that the values are of.
        width: number of columns, or None for any.
        what: name of the argument, for messages.
        held_out: whether the rows are none to train on, and values beyond the range of these are
            brought to its end.

    Raises:
        ValueError: not a matrix, no rows, another width, or values that the units cannot have.
    """
    made = np.asarray(rows)
    if made.dtype.kind not in "fiub":
        raise ValueError(f"Argument `{what}` must hold numbers. Received: dtype {made.dtype}")
    if made.ndim != 2 or 0 in made.shape:
        raise ValueError(
            f"Argument `{what}` must be a matrix with rows and columns. "
            f"Received: shape {made.shape}"
        )
    if width is not None and made.shape[1] != width:
        raise ValueError(
            f"Argument `{what}` must have {width} columns, one a visible unit. "
            f"Received: shape {made.shape}"
        )
    visible.check_width(made.shape[1])
    made = np.ascontiguousarray(made, "float32")
    if held_out:
        made = visible.clipped(made)
    visible.check(made)
    return np.ascontiguousarray(visible.clipped(made))


class EpochOrder(keras.callbacks.Callback):
    """Rows in memory, from which the compiled step takes its batch.

    The order of an epoch is a function of seed and epoch alone, another one every epoch.

    Args:
        rows: a matrix.
        batch_size: rows an update; the last batch of an epoch may have fewer.
        seed: of the order.
        shuffle: draw an order; otherwise the rows come as they are.
    """

    def __init__(self, rows: np.ndarray, batch_size: int, *, seed: int, shuffle: bool):
        super().__init__()
        self.rows = tf.constant(rows)
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle
        self.position = 0
        self.order = tf.Variable(tf.range(len(rows)), trainable=False)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """The order of this epoch."""
        self.position = 0
        if self.shuffle:
            random = np.random.default_rng([self.seed, epoch])
            self.order.assign(random.permutation(len(self.rows)).astype("int32"))

    def next_steps(self, count: int) -> list[tuple[int, int, int]]:
        """First step, how many, and rows in each, of what the next execution does.

        A short last batch comes by itself, so that every compiled step has fixed shapes.
        """
        full, rest = divmod(len(self.rows), self.batch_size)
        begin = self.position
        self.position = min(begin + count, full + bool(rest))
        found = []
        if begin < full:
            found.append((begin, min(self.position, full) - begin, self.batch_size))
        if rest and self.position > full >= begin:
            found.append((full, 1, rest))
        return found

    def batch(self, step: Any, size: int) -> tf.Tensor:
        """The rows of a step of the epoch."""
        begin = tf.cast(step, tf.int32) * self.batch_size
        if isinstance(step, tf.Tensor) and not tf.executing_eagerly():
            return tf.gather(self.rows, tf.slice(self.order, [begin], [size]))
        return tf.gather(self.rows, self.order[begin : begin + size])

    def steps(self) -> tf.data.Dataset:
        """The numbers of an epoch's steps."""
        return tf.data.Dataset.range(-(-len(self.rows) // self.batch_size))
