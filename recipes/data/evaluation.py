"""Batches in the order of the rows, for evaluation and prediction."""

import math
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from ...models.shards import ShardedBatch, Sharing
from .blocks import Block
from .loaded import Split
from .order import Part, Rows, do_not_convert, pipeline_options, readers, tensor, tensors
from .sharded import sizes

EVALUATION_BATCH = 1024
# Numbers of a batch that is evaluated; rows of many numbers, as pictures are, come in fewer.
LARGEST_BATCH = 1 << 24


def evaluation_dataset(
    split: Split, batch_size: int = EVALUATION_BATCH, sharing: Sharing | None = None
) -> tf.data.Dataset:
    """Batches of a split in its own order: slices of one tensor, which cost no copy.

    Args:
        sharing: processes and devices that share the batches; elements are then `ShardedBatch`.
    """
    x, y = tensors(split.x), tensors(split.y)
    rows = len(split)
    batch_size = _bounded(x, batch_size)
    if sharing is None and _are_arrays((split.x, split.y)):
        return _slices((split.x, split.y), rows, batch_size)
    steps = -(-rows // batch_size)

    def batch(step: tf.Tensor) -> object:
        first, last = step * batch_size, tf.minimum((step + 1) * batch_size, rows)
        if sharing is None:
            return _sliced(x, first, last), _sliced(y, first, last)
        edges = sharing.bounds(last - first)
        first, last = (first + tf.cast(edges[i], first.dtype) for i in (0, -1))
        batch = _sliced(x, first, last), _sliced(y, first, last)
        return ShardedBatch(batch, sizes(edges, sharing))

    found = tf.data.Dataset.range(steps).map(do_not_convert(batch), num_parallel_calls=readers(x))
    return found.prefetch(1).with_options(pipeline_options())


def batches_of(x: Rows, batch_size: int = EVALUATION_BATCH) -> tf.data.Dataset:
    """Batches of rows without targets, or of blocks of them by name, in their order and type."""
    rows = tensors(x)
    count = len(next(iter(rows.values())) if isinstance(rows, Mapping) else rows)
    batch_size = _bounded(rows, batch_size)
    if _are_arrays(x):
        return _slices(x, count, batch_size)

    def batch(first: tf.Tensor) -> Rows:
        return _sliced(rows, first, tf.minimum(first + batch_size, count))

    found = tf.data.Dataset.range(0, count, batch_size)
    found = found.map(do_not_convert(batch), num_parallel_calls=readers(rows))
    return found.with_options(pipeline_options())


def _slices(arrays: object, rows: int, batch_size: int) -> tf.data.Dataset:
    """Batches of arrays in memory, without a function in the pipeline.

    To make an iterator, TensorFlow instantiates every function anew, which takes as long as a small
    network needs for some thousand rows. Arrays are divided before they are tensors, which would
    be copied.
    """
    full = rows // batch_size * batch_size

    def batches(array: np.ndarray) -> tf.Tensor:
        return tensor(array[:full].reshape(full // batch_size, batch_size, *array.shape[1:]))

    found = tf.data.Dataset.from_tensor_slices(tf.nest.map_structure(batches, arrays))
    rest = tf.nest.map_structure(lambda array: tensor(array[full:]), arrays)
    # The last batch is empty where the rows divide evenly.
    found = found.concatenate(tf.data.Dataset.from_tensors(rest)).take(-(-rows // batch_size))
    return found.with_options(pipeline_options())


def _bounded(rows: Rows, batch_size: int) -> int:
    """Rows of a batch whose numbers are no more than `LARGEST_BATCH`."""
    blocks = rows.values() if isinstance(rows, Mapping) else [rows]
    numbers = sum(math.prod(int(size or 0) for size in block.shape[1:]) for block in blocks)
    return max(1, min(batch_size, LARGEST_BATCH // max(1, numbers)))


def _are_arrays(rows: object) -> bool:
    """Whether all blocks are NumPy arrays."""
    return all(isinstance(block, np.ndarray) for block in tf.nest.flatten(rows))


def _sliced(x: Rows, first: tf.Tensor, last: tf.Tensor) -> Rows:
    """Rows from `first` to before `last`, in their order and type."""
    if isinstance(x, Mapping):
        return {name: _part(block, first, last) for name, block in x.items()}
    return _part(x, first, last)


def _part(block: Part, first: tf.Tensor, last: tf.Tensor) -> Part:
    return block.gather(tf.range(first, last)) if isinstance(block, Block) else block[first:last]
