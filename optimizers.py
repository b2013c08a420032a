"""Keras's optimizers: the one that makes the updates, and an update that leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf


def inner_optimizer(optimizer: keras.optimizers.Optimizer) -> Any:
    """The optimizer inside a `LossScaleOptimizer`, with the rate and the momentum; others as is.

    >>> sgd = keras.optimizers.SGD()
    >>> inner_optimizer(keras.optimizers.LossScaleOptimizer(sgd)) is inner_optimizer(sgd) is sgd
    True
    """
    return getattr(optimizer, "inner_optimizer", optimizer)


@contextmanager
def updating(optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """Let an optimizer update inside the block; a single replica has nothing to sum.

    Keras sums gradients by an operation with a gradient of its own, which TensorFlow registers for
    the rest of the process, and with it the graph that it is in: every compiled training would
    stay in memory.
    """
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        yield
        return
    optimizer = inner_optimizer(optimizer)
    optimizer._all_reduce_sum_gradients = lambda pairs: pairs
    try:
        yield
    finally:
        del optimizer._all_reduce_sum_gradients
