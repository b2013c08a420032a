"""Batches in an order that is a function of the seed and the epoch, and of nothing else."""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from ...errors import DataError
from .load import Split
from .steps import batch_rows, steps_per_epoch

# Batches made ready while the processor trains on one.
AHEAD = 4
EVALUATION_BATCH = 1024


@dataclass(frozen=True)
class TrainingDataset:
    """A dataset of one epoch's batches.

    Attributes:
        dataset: yields `(x, y)`; each pass over it is one epoch.
        epoch: which epoch the next pass is; set by `EpochOrder`.
        steps: batches an epoch.
    """

    dataset: tf.data.Dataset
    epoch: tf.Variable
    steps: int


class EpochOrder(keras.callbacks.Callback):
    """Gives each epoch its own order.

    Keras's `fit(shuffle=True)` after `set_random_seed` repeats one order in every epoch. Here the
    order of epoch e is drawn from (seed, e), so a run that begins at epoch e has the same order.
    """

    def __init__(self, epoch: tf.Variable):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        # Keras asks for an epoch's iterator after this hook.
        self.epoch.assign(epoch)


def training_dataset(
    split: Split, *, batch_size: int | str, seed: int, drop_remainder: bool = False
) -> TrainingDataset:
    """Shuffled batches of a split, held in memory once, in raw form.

    Args:
        split: rows and encoded targets.
        batch_size: rows a batch, or `all`.
        seed: decides the orders.
        drop_remainder: leave out the short last batch.

    Raises:
        DataError: a batch is larger than the split.
    """
    rows = len(split.y)
    size = batch_rows(rows, batch_size)
    steps = steps_per_epoch(rows, batch_size, drop_remainder)
    if rows >= 2**31:
        raise DataError(f"{rows} rows are more than one process can shuffle.")
    x, y = tensor(split.x), tensor(split.y)
    epoch = tf.Variable(0, dtype=tf.int64, trainable=False, name="epoch")
    full = rows // size * size

    def batches(_: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(
            tf.range(rows, dtype=tf.int32), [tf.constant(seed, tf.int64), epoch.read_value()]
        )
        found = tf.data.Dataset.from_tensor_slices(tf.reshape(order[:full], (-1, size)))
        if full == rows or drop_remainder:
            return found
        return found.concatenate(tf.data.Dataset.from_tensors(order[full:]))

    dataset = (
        tf.data.Dataset.from_tensors(0)
        .flat_map(batches)
        .map(lambda rows: (tf.gather(x, rows), tf.gather(y, rows)))
        # Without a known length Keras takes a phantom step at the end of each epoch.
        .apply(tf.data.experimental.assert_cardinality(steps))
        .prefetch(AHEAD)
    )
    return TrainingDataset(dataset.with_options(_options()), epoch, steps)


def evaluation_dataset(split: Split, batch_size: int = EVALUATION_BATCH) -> tf.data.Dataset:
    """Batches of a split in its own order."""
    dataset = tf.data.Dataset.from_tensor_slices((tensor(split.x), tensor(split.y)))
    return dataset.batch(batch_size).prefetch(1).with_options(_options())


def tensor(array: np.ndarray) -> tf.Tensor:
    """The array as a tensor, in its own type."""
    return tf.convert_to_tensor(array)


def _options() -> tf.data.Options:
    options = tf.data.Options()
    options.deterministic = True
    # Keras would otherwise warn that it cannot shard a dataset by file.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return options
