"""Batches that are divided into shards: which rows each has, and sums over shards in fixed order.

A global batch of `n` rows is `S` shards in a row, whose sizes differ by one at most. Each process
computes a run of neighbouring shards, each shard on a device of its own where there are several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import tensorflow as tf

# Bytes by which TensorFlow aligns the parts of a vector that processes sum.
ALIGNMENT = 64
R = TypeVar("R")


class ShardedBatch(NamedTuple):
    """What one process computes of a global batch; an element of a dataset.

    Attributes:
        batch: inputs, targets and weights of its rows, as `train_step` takes them.
        sizes: rows of each of its shards, int32 (shards of the process,).
    """

    batch: object
    sizes: tf.Tensor


@dataclass(frozen=True, eq=False)
class Sharing:
    """How the processes and devices of a training share its batches.

    Attributes:
        shards: of a global batch.
        exact: whether sums are made shard by shard in one order, whatever the number of processes.
        processes: how many there are.
        process: the number of this one.
        devices: of this process, on which its shards are computed in turn; empty for the default.
        strategy: what sums and gathers over processes; over the devices of one process where a
            layer waits for the other shards; None without either.
        stop: 1 where this process asks for an end, and then where any of them did.
    """

    shards: int
    exact: bool = False
    processes: int = 1
    process: int = 0
    devices: tuple[str, ...] = ()
    strategy: tf.distribute.Strategy | None = None
    stop: StopFlag | None = None

    @property
    def own(self) -> int:
        """Shards of this process."""
        return self.shards // self.processes

    def bounds(self, rows: tf.Tensor | int) -> tf.Tensor:
        """Where each shard of this process begins in a batch of `rows`, and the last one ends."""
        first = self.process * self.own
        return bounds(rows, self.shards, first, first + self.own)

    def device(self, shard: int) -> str | None:
        """The device of a shard of this process."""
        return self.devices[shard * len(self.devices) // self.own] if self.devices else None

    def summed(self, vectors: Sequence[tf.Tensor]) -> tf.Tensor:
        """The sum of a vector of each shard, over the shards of all processes."""
        if self.exact:
            return _rows_sum(self.gathered(tf.stack(vectors)), self.shards)
        # Where processes share a batch, each has one shard.
        return self.across(vectors[0]) if self.processes > 1 else ring_sum(vectors)

    def across(self, tensor: tf.Tensor) -> tf.Tensor:
        """The sum of the tensors of all processes."""
        return self._run(lambda c, own: c.all_reduce(tf.distribute.ReduceOp.SUM, own), tensor)

    def gathered(self, rows: tf.Tensor) -> tf.Tensor:
        """The rows of all processes, one after another."""
        if self.processes == 1:
            return rows
        return self._run(lambda context, own: context.all_gather(own, axis=0), rows)

    def _run(
        self, function: Callable[[tf.distribute.ReplicaContext, tf.Tensor], R], tensor: tf.Tensor
    ) -> R:
        def replica() -> R:
            # The strategy sums on the device of a tensor, which must be the worker's.
            return function(tf.distribute.get_replica_context(), tf.identity(tensor))

        return self.in_strategy(replica)[0]

    def in_strategy(self, function: Callable[[], R]) -> Sequence[R]:
        """What a function returns for each replica of the strategy in this process."""
        assert self.strategy is not None
        found = self.strategy.run(function)
        local = self.strategy.experimental_local_results
        leaves = [local(leaf) for leaf in tf.nest.flatten(found)]
        count = max(map(len, leaves))
        # A value that is the same for all replicas is returned once.
        whole = [leaf if len(leaf) == count else leaf * count for leaf in leaves]
        return [tf.nest.pack_sequence_as(found, [leaf[i] for leaf in whole]) for i in range(count)]


class StopFlag:
    """Whether a process asks all of them to end, as numbers that a training step can sum up."""

    def __init__(self) -> None:
        self.asked = tf.Variable(tf.constant(0.0), trainable=False, name="stop_asked")
        self.agreed = tf.Variable(tf.constant(0.0), trainable=False, name="stop_agreed")


def bounds(rows: tf.Tensor | int, shards: int, first: int, last: int) -> tf.Tensor:
    """Where shards begin in a batch: shard `s` has the rows from `s rows // S` on.

    Args:
        rows: of the batch.
        shards: S.
        first: the first shard that is asked for.
        last: the one after the last.

    Returns:
        Where each of them begins and the last ends, int32 (last - first + 1,).

    >>> bounds(10, 4, 0, 4).numpy().tolist()
    [0, 2, 5, 7, 10]
    """
    numbers = tf.range(first, last + 1, dtype=tf.int64)
    return tf.cast(numbers * tf.cast(rows, tf.int64) // shards, tf.int32)


def tree_sum(values: Sequence[tf.Tensor]) -> tf.Tensor:
    """The sum of tensors, always in the same pairs: ((a + b) + (c + d))."""
    if len(values) == 1:
        return values[0]
    middle = len(values) // 2
    return tree_sum(values[:middle]) + tree_sum(values[middle:])


def ring_sum(vectors: Sequence[tf.Tensor]) -> tf.Tensor:
    """The sum of N vectors, added in the order in which a ring of N processes adds them.

    TensorFlow divides a vector into N parts, whose size is a multiple of 64 bytes, and each part
    goes round the ring from another process on: part p is v[p] + v[p + 1] + ... + v[p - 1].
    """
    count, size = len(vectors), vectors[0].shape.num_elements() or 0
    if count < 3:
        return tree_sum(vectors)
    aligned = ALIGNMENT // vectors[0].dtype.size
    part = -(-size // count)
    part = -(-part // aligned) * aligned

    def turned(step: int) -> tf.Tensor:
        """What is added to each part in a step."""
        return tf.concat(
            [
                vectors[(first + step) % count][start : start + part]
                for first, start in enumerate(range(0, size, part))
            ],
            axis=0,
        )

    # A loop: a chain of sums TensorFlow would make one, in an order of its choice.
    return tf.foldl(tf.add, tf.stack([turned(step) for step in range(count)]))


def _rows_sum(rows: tf.Tensor, count: int) -> tf.Tensor:
    """The tree sum of the rows of a tensor, as a program of its own.

    Where TensorFlow knows the step around it, it may add in another order.
    """
    total = tf.function(
        lambda rows: tree_sum(tf.unstack(rows, num=count)),
        autograph=False,
        experimental_attributes={"_noinline": True},
    )
    return total(rows)


class Packing:
    """Tensors of known shapes as one vector for each type, and back.

    Args:
        tensors: of any floating type; those of other types are not packed.
    """

    def __init__(self, tensors: Sequence[tf.Tensor]):
        self.like = [(tuple(tensor.shape), tensor.dtype) for tensor in tensors]

    @staticmethod
    def packed(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
        """One vector of float32, or of float64 where a tensor is."""
        wide = tf.float64 if any(t.dtype == tf.float64 for t in tensors) else tf.float32
        return tf.concat([tf.cast(tf.reshape(t, (-1,)), wide) for t in tensors], axis=0)

    def unpacked(self, vector: tf.Tensor) -> list[tf.Tensor]:
        """The tensors of a vector."""
        sizes = [int(tf.TensorShape(shape).num_elements() or 0) for shape, _ in self.like]
        parts = tf.split(vector, sizes)
        return [
            tf.cast(tf.reshape(part, shape), dtype)
            for part, (shape, dtype) in zip(parts, self.like, strict=True)
        ]


def as_integers(leaves: Sequence[tf.Tensor]) -> tf.Tensor:
    """Tensors with one row a sample as one of int32 (rows, numbers), to be gathered at once."""
    columns = []
    for leaf in leaves:
        numbers = tf.bitcast(_wide(leaf), tf.int32)
        columns.append(tf.reshape(numbers, (tf.shape(leaf)[0], _width(leaf))))
    return tf.concat(columns, axis=1)


def from_integers(rows: tf.Tensor, like: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """The tensors that `as_integers` made one of, with the rows of all processes."""
    found = []
    parts = tf.split(rows, [_width(leaf) for leaf in like], axis=1)
    for leaf, part in zip(like, parts, strict=True):
        wide = _wide(leaf).dtype
        pair = (2,) if wide.size == 8 else ()
        values = tf.bitcast(tf.reshape(part, (-1, *leaf.shape[1:], *pair)), wide)
        found.append(tf.cast(values, leaf.dtype))
    return found


def _wide(leaf: tf.Tensor) -> tf.Tensor:
    """A tensor in a type of 32 or 64 bits that holds its values."""
    if leaf.dtype.size in (4, 8):
        return leaf
    return tf.cast(leaf, tf.float32 if leaf.dtype.is_floating else tf.int32)


def _width(leaf: tf.Tensor) -> int:
    """Numbers of 32 bits that a row of a tensor takes."""
    each = 2 if leaf.dtype.size == 8 else 1
    return each * int(leaf.shape[1:].num_elements() or 0)
