"""Training rows in memory: their checks, their order in each epoch, and diagnostics on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from tensorflow import Tensor

from ..schedules.arguments import check_steps
from .saving import GenerativeModel
from .units import Visible

if TYPE_CHECKING:
    from .rbm import RBM


def as_rows(
    x: ArrayLike, visible: Visible, width: int | None, name: str = "x", *, held_out: bool = False
) -> np.ndarray:
    """A float32 matrix of rows.

    Args:
        x: a matrix.
        visible: the units that the values are of.
        width: number of columns, or None for any.
        name: of the argument, for messages.
        held_out: whether the rows are not trained on, so that values outside the range of the
            units are clipped.

    Raises:
        ValueError: not a matrix, no rows, another width, or values that the units cannot have.
    """
    rows = np.asarray(x)
    if rows.dtype.kind not in "fiub":
        raise ValueError(f"Argument `{name}` must hold numbers. Received: dtype {rows.dtype}")
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(
            f"Argument `{name}` must be a matrix with rows and columns. "
            f"Received: shape {rows.shape}"
        )
    if width is not None and rows.shape[1] != width:
        raise ValueError(
            f"Argument `{name}` must have {width} columns, one for each visible unit. "
            f"Received: shape {rows.shape}"
        )
    visible.check_width(rows.shape[1])
    rows = np.ascontiguousarray(rows, "float32")
    if held_out:
        rows = visible.clipped(rows)
    visible.check(rows)
    return np.ascontiguousarray(visible.clipped(rows))


class EpochBatches(keras.callbacks.Callback):
    """Rows in memory, from which the compiled step takes its batch.

    The order of an epoch is a function of seed and epoch alone.

    Args:
        rows: a matrix.
        batch_size: rows an update; the last batch of an epoch may have fewer.
        seed: of the order.
        shuffle: draw a new order every epoch.
    """

    def __init__(self, rows: np.ndarray, batch_size: int, *, seed: int, shuffle: bool):
        super().__init__()
        self.rows = tf.constant(rows)
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle
        self.position = 0
        self.order = tf.Variable(tf.range(len(rows)), trainable=False)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Draw the order of this epoch."""
        self.position = 0
        if self.shuffle:
            random = np.random.default_rng([self.seed, epoch])
            self.order.assign(random.permutation(len(self.rows)).astype("int32"))

    def next_steps(self, count: int) -> list[tuple[int, int, int]]:
        """First step, number of steps, and rows in each, of the next execution.

        A short last batch is separate, so that every compiled step has fixed shapes.
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

    def batch(self, step: Tensor, size: int) -> Tensor:
        """The rows of a step of the epoch."""
        begin = tf.cast(step, tf.int32) * self.batch_size
        if isinstance(step, Tensor) and not tf.executing_eagerly():
            return tf.gather(self.rows, tf.slice(self.order, [begin], [size]))
        return tf.gather(self.rows, self.order[begin : begin + size])

    def train_function(
        self, model: GenerativeModel, update: Callable[[Tensor], None]
    ) -> Callable[[Iterator], dict[str, Tensor]]:
        """A compiled loop of `update(batch)` over several steps.

        Keras takes each step's data from an iterator, which XLA cannot: it would compile the single
        step, and not the loop around it.
        """

        def body(step: Tensor, size: int) -> list[Tensor]:
            update(self.batch(step, size))
            return [step + 1]

        def several(begin: Tensor, count: Tensor, size: int) -> None:
            tf.while_loop(lambda step: step < begin + count, lambda step: body(step, size), [begin])

        compiled = tf.function(several, jit_compile=model.jit_compile, autograph=False)

        def function(iterator: Iterator) -> dict[str, Tensor]:
            for begin, count, size in self.next_steps(model.steps_per_execution):
                compiled(tf.constant(begin), tf.constant(count), size)
            return model.get_metrics_result()

        return function

    def steps(self) -> tf.data.Dataset:
        """The numbers of an epoch's steps."""
        return tf.data.Dataset.range(-(-len(self.rows) // self.batch_size))


class Diagnostics(keras.callbacks.Callback):
    """Logs at the end of each epoch what depends on the weights at that moment.

    - `free_energy`: mean over the first training rows; with validation rows also
      `val_free_energy` over as many of those, and `free_energy_gap`, their difference. Both are
      of the same weights; a gap that grows means overfitting (Hinton 2010, section 6).
    - `pseudo_likelihood`: mean log pseudo-likelihood of a row, one-bit estimate.
    - `weight_norm`: Frobenius norm of the weights.

    `RBM.fit` adds one before other callbacks, so that they can monitor what it logs.

    Args:
        rows: training rows, of which the first are used.
        validation: validation rows, or None.
        limit: the most rows to use of each, >= 1.

    >>> Diagnostics(np.zeros((8, 4), "float32"), limit=4).rows.shape
    (4, 4)
    """

    def __init__(
        self, rows: np.ndarray, validation: np.ndarray | None = None, *, limit: int = 5000
    ):
        super().__init__()
        count = check_steps("limit", limit)
        if validation is not None:
            count = min(count, len(validation))
            validation = validation[:count]
        self.rows, self.validation = rows[:count], validation

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add the values to the logs."""
        if logs is None:
            return
        rbm = cast("RBM", self.model)
        free_energy = float(np.mean(rbm.free_energy(self.rows)))
        logs["free_energy"] = free_energy
        if self.validation is not None:
            held_out = float(np.mean(rbm.free_energy(self.validation)))
            logs["val_free_energy"] = held_out
            logs["free_energy_gap"] = held_out - free_energy
        if rbm.has_pseudo_likelihood:
            scores = rbm.score_samples(self.rows, seed=epoch)
            logs["pseudo_likelihood"] = float(np.mean(scores))
        logs["weight_norm"] = float(tf.norm(rbm.kernel.value))
