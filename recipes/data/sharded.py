"""The rows of each global batch that one process of several trains on."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import tensorflow as tf

from ...models.shards import ShardedBatch, Sharing
from ..errors import DataError

Gather = Callable[..., Any]


def sharded(gather: Gather, sharing: Sharing, *, apart: bool) -> Gather:
    """From the rows of a global batch to those of this process, all of which one order names.

    Args:
        gather: numbers of rows, and the epoch if asked, to a batch.
        apart: whether each shard is gathered alone, as where a batch is changed as a whole.
    """

    def own(chosen: tf.Tensor, *current: tf.Tensor) -> ShardedBatch:
        edges = sharing.bounds(tf.shape(chosen)[0])
        ends = tf.unstack(edges, num=sharing.own + 1)
        pairs = list(pairwise(ends)) if apart else [(ends[0], ends[-1])]
        parts = [gather(chosen[first:last], *current) for first, last in pairs]
        batch = parts[0] if len(parts) == 1 else _joined(parts)
        return ShardedBatch(batch, sizes(edges, sharing))

    return own


def sizes(edges: tf.Tensor, sharing: Sharing) -> tf.Tensor:
    """Rows of each shard of this process, from where they begin and end."""
    return tf.ensure_shape(edges[1:] - edges[:-1], (sharing.own,))


def _joined(parts: list[Any]) -> Any:
    return tf.nest.map_structure(lambda *each: tf.concat(each, axis=0), *parts)


def check_shards(rows: int, batch: int, drop_remainder: bool, sharing: Sharing) -> None:
    """Refuse batches that leave a shard without rows.

    Args:
        rows: of the training split.
        batch: rows of a global batch.

    Raises:
        DataError: with what to change.
    """
    count, rest = sharing.shards, rows % batch
    if batch < count:
        raise DataError(
            f"data.batch_size: a global batch of {batch} rows cannot be divided among {count} "
            f"devices or shards. Expected {count} at least."
        )
    if 0 < rest < count and not drop_remainder:
        raise DataError(
            f"data.batch_size: the last batch of an epoch has {rest} rows, fewer than {count} "
            "devices or shards. Use `data.drop_remainder: true` or another batch size."
        )


def shared_line(batch: int, sharing: Sharing) -> str:
    """How a global batch is shared, in words.

    >>> shared_line(32, Sharing(4, processes=2))
    '2 workers: a global batch of 32 rows is 16 rows a worker, in 2 shards each'
    """
    count, word = sharing.processes, "worker"
    if count == 1:
        count, word = max(1, len(sharing.devices)), "device"
    each = per_shard(batch, replace(sharing, shards=count, processes=count))
    text = f"{count} {word}{'s' * (count > 1)}: a global batch of {batch} rows is {each} rows"
    inner = sharing.shards // count
    return f"{text} a {word}" + (f", in {inner} shards each" if inner > 1 else "")


def per_shard(batch: int, sharing: Sharing) -> str:
    """The rows of a shard in words.

    >>> per_shard(32, Sharing(4)), per_shard(30, Sharing(4))
    ('8', '7 or 8')
    """
    least, most = batch // sharing.shards, -(-batch // sharing.shards)
    return str(least) if least == most else f"{least} or {most}"
