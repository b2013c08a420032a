"""Batches in an order that is a function of the seed and the epoch, and of nothing else."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from ...models.row_loop import HeldRows, StepRows
from ...models.shards import Sharing
from ..errors import DataError
from ..spec.batches import BatchSize, rows_an_update
from .arrays import placed
from .balance import Balance, Resampling
from .blocks import Block
from .loaded import Split
from .resample import resampled_order
from .sharded import check_shards, sharded

# Rows of one input, in memory or read when they are asked for, or of several inputs by name.
Part: TypeAlias = np.ndarray | tf.Tensor | Block
Rows: TypeAlias = Part | Mapping[str, Part]
_random: Any = tf.random.experimental  # type: ignore[attr-defined]
# For functions of a pipeline that do not branch on a tensor: AutoGraph takes 0.3 s of a short run
# to find that out.
do_not_convert = tf.autograph.experimental.do_not_convert
# Batches made ready while the processor trains on one.
AHEAD = 4
# Inputs, targets, rows of the training split (batch,) and the epoch, to inputs and targets.
Augment = Callable[[Any, tf.Tensor, tf.Tensor, tf.Tensor], tuple[object, tf.Tensor]]


@dataclass(frozen=True)
class TrainingDataset:
    """A dataset of one epoch's batches.

    Attributes:
        dataset: yields `(x, y)`; each pass over it is one epoch. That of `numbers` has one pass
            after another, so that Keras needs no new iterator for an epoch, which costs more than
            to train a small network for one.
        epoch: which epoch the next pass is; set by `callbacks.epoch_order.EpochOrder`.
        steps: batches an epoch.
        from_step: the same batches without those before a step, which are not made.
        held: rows in memory, from which a training step can make its batch by their numbers; None
            where batches are read or augmented.
        numbers: the numbers of the rows instead of the batches, as many steps an element.
    """

    dataset: tf.data.Dataset
    epoch: tf.Variable
    steps: int
    from_step: Callable[[int], tf.data.Dataset]
    held: HeldRows | None = None
    numbers: Callable[[int], "TrainingDataset"] | None = None


@dataclass(frozen=True)
class Order:
    """Which rows each step of an epoch takes.

    Attributes:
        rows: of the split.
        size: rows a batch.
        steps: batches an epoch.
        seed: decides the orders.
        epoch: which epoch the next pass is.
        drawn: how rows are drawn to balance classes; None for each row once.
    """

    rows: int
    size: int
    steps: int
    seed: int
    epoch: tf.Variable
    drawn: Resampling | None = None

    @property
    def full(self) -> int:
        """Steps whose batch is whole."""
        return self.rows // self.size

    def of(self, epoch: tf.Tensor) -> tf.Tensor:
        """The rows of an epoch, in their order."""
        if self.drawn is None:
            return order_of(self.rows, self.seed, epoch)
        return resampled_order(self.drawn, self.seed, epoch)

    def batches(self, start: tf.Tensor, with_epoch: bool) -> tf.data.Dataset:
        """The rows of each step from `start` on, (batch,); with the epoch beside them if asked."""
        current = self.epoch.read_value()
        order, full = self.of(current), self.full * self.size
        whole = tf.reshape(order[start * self.size : full], (-1, self.size))
        found = tf.data.Dataset.from_tensor_slices(whole)
        if self.steps > self.full:
            found = found.concatenate(tf.data.Dataset.from_tensors(order[full:]))
        if not with_epoch:
            return found
        return tf.data.Dataset.zip((found, tf.data.Dataset.from_tensors(current).repeat()))

    def executions(self, start: int, steps: int) -> tf.data.Dataset:
        """The rows of the steps from `start` on, `steps` of them an element."""
        count, full = -(-(self.steps - start) // steps), self.full * self.size

        def rows_of(order: tf.Tensor, index: tf.Tensor) -> StepRows:
            first = start + index * steps
            last = tf.minimum(first + steps, self.full)
            short = tf.logical_and(self.steps > self.full, index == count - 1)
            rest = order[tf.where(short, full, self.rows) :]
            chosen = order[first * self.size : last * self.size]
            return StepRows(tf.reshape(chosen, (-1, self.size)), rest)

        return (
            tf.data.Dataset.from_tensors(0)
            .map(do_not_convert(lambda _: self.of(self.epoch.read_value())))
            .flat_map(do_not_convert(lambda x: tf.data.Dataset.from_tensors(x).repeat(count)))
            .apply(lambda orders: tf.data.Dataset.zip((orders, tf.data.Dataset.range(count))))
            .map(do_not_convert(rows_of))
        )


def training_dataset(
    split: Split,
    *,
    batch_size: BatchSize | str,
    seed: int,
    drop_remainder: bool = False,
    start_step: int = 0,
    balance: Balance | None = None,
    augment: Augment | None = None,
    workers: int | None = None,
    sharing: Sharing | None = None,
) -> TrainingDataset:
    """Shuffled batches of a split, held in memory once, in raw form.

    Args:
        split: rows and encoded targets; arrays, or tensors, which are not copied.
        batch_size: rows a batch, or `all`.
        seed: decides the orders.
        drop_remainder: leave out the short last batch.
        start_step: batches at the beginning of each pass that are left out, to take up an epoch
            in its middle. Keras keeps the length of a dataset's first pass, so the epochs after
            it need a dataset and a `fit` of their own.
        balance: weights of the rows, which the dataset then yields after the targets, or how its
            rows are drawn; None for none.
        augment: changes the batches, as a function of their rows and the epoch alone.
        workers: batches that are augmented at once, by default one a processor; it changes none.
        sharing: processes and devices that share the batches; elements are then `ShardedBatch`.

    Raises:
        DataError: a batch is larger than the split, or cannot be shared.
    """
    rows = len(split)
    steps = steps_per_epoch(rows, batch_size, drop_remainder)
    _check(rows, steps, start_step)
    epoch = tf.Variable(tf.constant(0, tf.int64), trainable=False, name="epoch")
    drawn = None if balance is None else balance.resampling
    order = Order(rows, batch_rows(rows, batch_size), steps, seed, epoch, drawn)
    x, y = tensors(split.x), tensors(split.y)
    weights = None if balance is None or balance.weights is None else tensors(balance.weights)

    def gathered(chosen: tf.Tensor, *current: tf.Tensor) -> tuple[object, ...]:
        # The cast to the model's type here runs beside the training step rather than in it.
        def own(arrays: Any) -> Any:
            return tf.nest.map_structure(lambda t: tf.gather(t, chosen), arrays)

        found = _gathered(x, chosen), own(y)
        found = found if augment is None else augment(*found, chosen, *current)
        return found if weights is None else (*found, own(weights))

    made = gathered
    if sharing is not None:
        check_shards(rows, order.size, drop_remainder, sharing)
        made = sharded(gathered, sharing, apart=sharing.exact and augment is not None)
    parallel = readers(x) if augment is None else workers or os.cpu_count()

    def batches(start: int) -> tf.data.Dataset:
        found = tf.data.Dataset.from_tensors(tf.constant(start))
        # Outside of flat_map, which would make a function anew in each epoch (10 ms).
        with_epoch = augment is not None
        found = found.flat_map(do_not_convert(lambda step: order.batches(step, with_epoch)))
        return found.map(do_not_convert(made), num_parallel_calls=parallel)

    found = _passes(order, start_step, batches, ahead=AHEAD)
    shared = sharing is not None or tf.distribute.has_strategy()
    if shared or augment is not None or not _are_held(x):
        return found

    def numbers(each: int) -> TrainingDataset:
        # A pass reads which epoch it is when its first element is asked for.
        one_pass = _passes(order, start_step, lambda start: order.executions(start, each))
        endless = order.executions(start_step, each).repeat().with_options(pipeline_options())
        return replace(one_pass, dataset=endless)

    held = HeldRows(gathered, found.dataset.element_spec)
    return replace(found, held=held, numbers=numbers)


def _passes(
    order: Order, start_step: int, dataset: Callable[[int], tf.data.Dataset], ahead: int = 0
) -> TrainingDataset:
    """Passes over a dataset that can begin at any step."""

    def from_step(start: int) -> tf.data.Dataset:
        if start == order.steps:
            return from_step(0).take(0)
        # Without a known length Keras takes a phantom step at the end of each epoch. It counts
        # steps, of which an element may have several; none is asked for after the last.
        steps = tf.data.experimental.assert_cardinality(order.steps - start)
        found = dataset(start).apply(steps)
        return (found.prefetch(ahead) if ahead else found).with_options(pipeline_options())

    return TrainingDataset(from_step(start_step), order.epoch, order.steps - start_step, from_step)


def _are_held(x: Rows) -> bool:
    """Whether all blocks of rows are numbers in memory."""
    blocks = x.values() if isinstance(x, Mapping) else [x]
    return not any(isinstance(block, Block) or block.dtype == tf.string for block in blocks)


def _check(rows: int, steps: int, start_step: int) -> None:
    if rows >= 2**31:
        raise DataError(f"{rows} rows are more than one process can shuffle.")
    if not 0 <= start_step < steps:
        raise ValueError(f"`start_step` must be from 0 to {steps - 1}. Received: {start_step}")


def batch_rows(rows: int, batch_size: BatchSize | str) -> int:
    """Rows a batch; `all` is one batch of all rows."""
    if isinstance(batch_size, dict):
        batch_size = rows_an_update(batch_size)
    if batch_size == "all":
        return rows
    if type(batch_size) is not int or batch_size < 1:  # bool is an int
        raise DataError(f"`batch_size` must be `all` or a number from 1. Received {batch_size!r}.")
    if batch_size > rows:
        raise DataError(
            f"data.batch_size: a batch of {batch_size} rows is larger than the training split of "
            f"{rows}. Use `all`, or {rows} at most."
        )
    return batch_size


def steps_per_epoch(rows: int, batch_size: BatchSize | str, drop_remainder: bool) -> int:
    """Batches an epoch; the short last one counts unless it is dropped."""
    size = batch_rows(rows, batch_size)
    return rows // size if drop_remainder else -(-rows // size)


def order_of(rows: int, seed: int, epoch: tf.Tensor | int) -> tf.Tensor:
    """The order of an epoch: a permutation of the rows (rows,), a function of seed and epoch."""
    pair = tf.stack([tf.constant(seed, tf.int64), tf.cast(epoch, tf.int64)])
    return _random.stateless_shuffle(tf.range(rows, dtype=tf.int32), pair)


def readers(rows: Rows) -> int | None:
    """Batches that are read at the same time, in their order; None where rows are in memory."""
    blocks = rows.values() if isinstance(rows, Mapping) else [rows]
    return max(2, os.cpu_count() or 1) if any(isinstance(b, Block) for b in blocks) else None


def tensors(rows: Any) -> Any:
    """Rows, or blocks of them by name, as tensors; a `Block` stays one."""
    if isinstance(rows, Mapping):
        return {name: tensors(block) for name, block in rows.items()}
    return rows if isinstance(rows, Block) else tensor(rows)


def _gathered(x: Rows, chosen: tf.Tensor) -> Rows:
    """Some of the rows, in the type that a model takes."""
    if isinstance(x, Mapping):
        # Whole numbers in blocks are those of categories and words, which a network looks up.
        return {name: _rows_of(block, chosen) for name, block in x.items()}
    # Rows that need 64 bits are scaled in them, by the model's first layer.
    return tf.cast(_rows_of(x, chosen), tf.float64 if x.dtype == tf.float64 else tf.float32)


def _rows_of(block: Part, chosen: tf.Tensor) -> tf.Tensor:
    return block.gather(chosen) if isinstance(block, Block) else tf.gather(block, chosen)


def tensor(array: np.ndarray | tf.Tensor) -> tf.Tensor:
    """The array as a tensor, in its own type, in the memory of the array itself.

    `tf.convert_to_tensor` would copy it, and hold two copies while it does.
    """
    if isinstance(array, np.ndarray) and array.dtype.kind in "iuf":
        return tf.experimental.dlpack.from_dlpack(placed(array).__dlpack__())
    with tf.device("CPU:0"):
        return tf.convert_to_tensor(array)


def pipeline_options() -> tf.data.Options:
    options = tf.data.Options()
    options.deterministic = True
    # To optimize a pipeline TensorFlow writes it down, with a copy of the tensors in it. There is
    # nothing in these to optimize.
    options.experimental_optimization.apply_default_optimizations = False
    options.autotune.enabled = False
    # Keras would otherwise warn that it cannot shard a dataset by file.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return options
