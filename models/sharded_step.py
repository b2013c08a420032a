"""Loss, outputs and gradient of a batch that is computed shard by shard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import keras
import tensorflow as tf

from .keras_types import Batch, Tensors
from .norms import dense
from .shards import Packing, ShardedBatch, Sharing, as_integers, from_integers

if TYPE_CHECKING:
    from .training_step import TrainingStep

R = TypeVar("R")
# Added to seeds, so that shards draw different dropout masks; shard 0 draws what one device would.
SHARD_KEY = 0x1E3779B1


class Computed(NamedTuple):
    """The results of a global batch, the same in all processes.

    Attributes:
        loss: mean over the rows.
        batch: targets, outputs and weights of all rows, each None or with the rows first.
        gradients: of the loss as the optimizer scales it, one for each variable.
        rows: of the global batch.
    """

    loss: tf.Tensor
    batch: Batch
    gradients: list[tf.Tensor | None]
    rows: tf.Tensor


class _Shard(NamedTuple):
    outputs: Tensors
    loss: tf.Tensor
    gradients: list[tf.Tensor | None]
    states: dict[int, tf.Tensor]


def shard_gradients(
    model: TrainingStep, share: ShardedBatch, sharing: Sharing, *, gather: bool = True
) -> Computed:
    """Gradient of the mean loss over a global batch, and what its layers did to their states.

    Each shard's loss is the mean over its rows and counts by their number, so that uneven shards
    make the gradient that one device makes. The moving statistics of batch normalization become the
    mean of what each shard made of them.

    Args:
        model: a `TrainingStep`.
        share: what this process computes of the batch.
        gather: whether outputs and targets of the other processes are asked for.
    """
    states = list(model.non_trainable_variables)
    shards = _each(model, share, sharing, states)
    changed = sorted(set().union(*(shard.states for shard in shards)))
    floating = [i for i in changed if "float" in states[i].dtype]
    present = [i for i, gradient in enumerate(shards[0].gradients) if gradient is not None]
    sizes = tf.unstack(share.sizes, num=sharing.own)
    vectors: list[tf.Tensor] = []
    packing = None
    stop = None if sharing.stop is None else sharing.stop.asked.read_value() / sharing.own
    for shard, size in zip(shards, sizes, strict=True):
        tensors = [shard.loss, *(shard.gradients[i] for i in present)]
        tensors += [shard.states[i] for i in floating]
        packing = Packing(tensors)
        vectors.append(_times_rows(packing.packed(tensors), size, stop))
    total = sharing.summed(vectors)
    rows, stops = total[-2], total[-1]
    if sharing.stop is not None:
        sharing.stop.agreed.assign(tf.cast(stops, tf.float32))
    assert packing is not None
    loss, *means = packing.unpacked(total[:-2] / rows)
    gradients: list[tf.Tensor | None] = [None] * len(shards[0].gradients)
    for index, gradient in zip(present, means, strict=False):
        gradients[index] = gradient
    new = dict(zip(floating, means[len(present) :], strict=True))
    for index in changed:
        states[index].assign(new.get(index, shards[0].states[index]))
    whole: Batch = (None, None, None)
    if gather:
        whole = _gathered(share, [s.outputs for s in shards], sharing)
    return Computed(loss, whole, gradients, tf.cast(rows, tf.int32))


def shard_outputs(model: TrainingStep, share: ShardedBatch, sharing: Sharing) -> Batch:
    """Targets, outputs and weights of all rows of a global batch that is evaluated."""
    forward = _same_program(lambda x: model(x, training=False), sharing)
    parts = []
    for index, batch in enumerate(_split(share, sharing)):
        with tf.device(sharing.device(index)):
            parts.append(forward(batch[0]))
    return _gathered(share, parts, sharing)


def _each(
    model: TrainingStep, share: ShardedBatch, sharing: Sharing, states: Sequence[keras.Variable]
) -> list[_Shard]:
    """What each shard of this process computes, all from the same states."""
    before = [tf.convert_to_tensor(state.value) for state in states]
    seeds = _seeds(model)
    batches = _split(share, sharing)
    first = sharing.process * sharing.own

    def shard(number: tf.Tensor, batch: Batch, scale: tf.Tensor | float = 1.0) -> _Shard:
        keys = [_key(number, state) if id(state) in seeds else None for state in states]
        return _shard(model, batch, list(zip(states, before, keys, strict=True)), scale)

    if sharing.strategy is not None and _synchronizes(model):
        count = float(sharing.strategy.num_replicas_in_sync)

        def replica() -> _Shard:
            context: Any = tf.distribute.get_replica_context()
            number = int(tf.get_static_value(context.replica_id_in_sync_group))
            size = tf.cast(share.sizes[number - first], tf.float32)
            part = size / context.all_reduce(tf.distribute.ReduceOp.SUM, size)
            # A shard's loss counts by its rows before the gradient is taken, which goes through the
            # statistics of all shards. Keras divides it by the number of replicas.
            found = shard(tf.constant(number, tf.int64), batches[number - first], count * part)
            return _divided(found, part)

        return list(sharing.in_strategy(replica))
    compute, found = _same_program(shard, sharing), []
    scales = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    for index, batch in enumerate(batches):
        with tf.device(sharing.device(index)):
            number = tf.constant(first + index, tf.int64)
            if not scales:
                found.append(compute(number, batch))
                continue
            # The gradient of a row must be the one on a single device: in float16 another loss
            # scale would overflow at other updates.
            part = tf.constant(1.0 / sharing.shards)
            found.append(_divided(compute(number, batch, part), part))
    return found


def _divided(shard: _Shard, part: tf.Tensor) -> _Shard:
    """The mean over the rows of a shard, whose loss was multiplied by its part of the batch."""
    gradients = [g if g is None else g / tf.cast(part, g.dtype) for g in shard.gradients]
    loss = shard.loss / tf.cast(part, shard.loss.dtype)
    return shard._replace(loss=loss, gradients=gradients)


def _same_program(function: Callable[..., R], sharing: Sharing) -> Callable[..., R]:
    """A function that compiles to the same program for each shard, where bits must be equal."""
    if not sharing.exact:
        return function
    return tf.function(function, autograph=False, experimental_attributes={"_noinline": True})


class _States(keras.StatelessScope):
    """Holds the states of one shard; other variables are read as they are.

    Keras's regularizers ask the scope for the weights, and know no other place.
    """

    def get_current_value(self, variable: keras.Variable) -> tf.Tensor:
        """What a variable holds for this shard."""
        found = super().get_current_value(variable)
        return variable._value if found is None else found


def _shard(
    model: TrainingStep,
    batch: Batch,
    states: Sequence[tuple[keras.Variable, tf.Tensor, tf.Tensor | None]],
    scale: tf.Tensor | float,
) -> _Shard:
    """Forward and back, as a function of states with their values and keys: none is changed."""
    begin = [tf.identity(value) if key is None else value + key for _, value, key in states]
    mapping = [(state, value) for (state, _, _), value in zip(states, begin, strict=True)]
    with _States(mapping, collect_losses=True) as scope:
        outputs, loss, gradients = model.loss_and_gradients(*batch, scale)
    new: dict[int, tf.Tensor] = {}
    for index, ((state, _, key), value) in enumerate(zip(states, begin, strict=True)):
        found: Any = scope.get_current_value(state)
        if found is not value:
            new[index] = found if key is None else found - key
    return _Shard(outputs, loss, [dense(gradient) for gradient in gradients], new)


def _seeds(model: TrainingStep) -> set[int]:
    """Ids of the states of the generators that layers draw from."""
    layers = model._flatten_layers()
    return {id(generator.state) for layer in layers for generator in layer._seed_generators}


def _key(shard: tf.Tensor, state: keras.Variable) -> tf.Tensor:
    """What is added to a generator's seed for a shard; the count of draws stays."""
    return tf.cast(tf.stack([shard * SHARD_KEY, 0 * shard]), state.dtype)


def _synchronizes(model: TrainingStep) -> bool:
    """Whether a layer waits for the other shards: synchronized batch normalization."""
    return any(getattr(layer, "synchronized", False) for layer in model._flatten_layers())


def _split(share: ShardedBatch, sharing: Sharing) -> list[Batch]:
    """Inputs, targets and weights of each shard of this process."""
    x, y, weight = keras.utils.unpack_x_y_sample_weight(share.batch)
    if sharing.own == 1 and not sharing.exact:
        return [(x, y, weight)]
    # A single shard is sliced too: for a known number of rows TensorFlow compiles divisions by it
    # to products.
    ends = tf.unstack(tf.cumsum(share.sizes), num=sharing.own)
    begins = [tf.constant(0), *ends[:-1]]
    return [
        tf.nest.map_structure(lambda t, a=a, b=b: None if t is None else t[a:b], (x, y, weight))
        for a, b in zip(begins, ends, strict=True)
    ]


def _times_rows(vector: tf.Tensor, size: tf.Tensor, stop: tf.Tensor | None) -> tf.Tensor:
    """A vector times the rows of its shard, followed by their number and the wish to stop."""
    rows = tf.cast(size, vector.dtype)
    last = tf.zeros_like(rows) if stop is None else tf.cast(stop, vector.dtype)
    return tf.concat([vector * rows, tf.stack([rows, last])], axis=0)


def _gathered(share: ShardedBatch, outputs: Sequence[Tensors], sharing: Sharing) -> Batch:
    """Targets, outputs and weights of all rows of a global batch."""
    _, y, weight = keras.utils.unpack_x_y_sample_weight(share.batch)
    whole = tf.nest.map_structure(lambda *parts: tf.concat(parts, axis=0), *outputs)
    everything = (y, whole, weight)
    if sharing.processes == 1:
        return everything
    leaves = tf.nest.flatten(everything)
    present = [leaf for leaf in leaves if leaf is not None]
    found = iter(from_integers(sharing.gathered(as_integers(present)), present))
    filled = [None if leaf is None else next(found) for leaf in leaves]
    return tf.nest.pack_sequence_as(everything, filled)
