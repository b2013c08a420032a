"""A different, reproducible order of the data in each epoch."""

from __future__ import annotations

import keras
import tensorflow as tf


class EpochOrder(keras.callbacks.Callback):
    """Sets the epoch from which a dataset draws its order.

    Keras's `fit(shuffle=True)` after `set_random_seed` repeats one order in every epoch. Here the
    order of epoch e is drawn from (seed, e), so a run that starts at epoch e has the same order.

    Args:
        epoch: the variable that the dataset reads.
    """

    def __init__(self, epoch: tf.Variable):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        # Keras asks for an epoch's iterator after this hook.
        self.epoch.assign(epoch)
