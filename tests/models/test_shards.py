"""A batch computed shard by shard is the batch: rows, sums, gradients and states."""

import math
from itertools import pairwise

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.models import AdversarialTraining, GradientClipping, TrainingModel
from keras_recipes.models.sharded_step import shard_gradients
from keras_recipes.models.shards import (
    ShardedBatch,
    Sharing,
    as_integers,
    bounds,
    from_integers,
    ring_sum,
    tree_sum,
)

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(10, 4)).astype("float32")
Y = RANDOM.normal(size=(10, 2)).astype("float32")


@pytest.mark.parametrize("shards", [1, 2, 3, 7])
def test_shards_divide_a_batch_evenly(shards):
    for rows in range(30):
        edges = bounds(rows, shards, 0, shards).numpy()
        sizes = np.diff(edges)
        assert (edges[0], edges[-1]) == (0, rows)
        assert sizes.max() - sizes.min() <= 1
        middle = shards // 2
        both = [*bounds(rows, shards, 0, middle).numpy(), *bounds(rows, shards, middle, shards)]
        assert sorted(set(map(int, both))) == sorted(set(edges.tolist()))


def test_a_sum_has_one_order():
    values = [tf.constant(v) for v in (1e8, 1.0, -1e8, 1.0)]
    # Left to right it would be 1.
    assert float(tree_sum(values)) == 0.0
    assert float(tree_sum([values[0], values[2], values[1], values[3]])) == 2.0


def test_rows_of_all_types_are_gathered_as_integers():
    leaves = [
        tf.constant(RANDOM.normal(size=(3, 2, 2))),
        tf.constant([[1.5], [-0.0], [np.nan]], tf.float16),
        tf.constant([2**40, -1, 0], tf.int64),
        tf.constant([True, False, True]),
        tf.constant([255, 0, 7], tf.uint8),
    ]
    for before, after in zip(leaves, from_integers(as_integers(leaves), leaves), strict=True):
        assert before.dtype == after.dtype
        np.testing.assert_array_equal(before, after)


def model(*, dropout=0.0, norm=False, **parts):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(5, activation="tanh", kernel_regularizer="l2")(inputs)
    if norm:
        hidden = keras.layers.BatchNormalization()(hidden)
    if dropout:
        hidden = keras.layers.Dropout(dropout)(hidden)
    made = TrainingModel(inputs, keras.layers.Dense(2)(hidden), **parts)
    made.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
    return made


def share(sharing):
    edges = sharing.bounds(len(X))
    batch = tf.constant(X[edges[0] : edges[-1]]), tf.constant(Y[edges[0] : edges[-1]])
    return ShardedBatch(batch, edges[1:] - edges[:-1])


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_uneven_shards_make_the_gradient_of_the_batch(shards):
    made = model()
    whole = made.loss_and_gradients(tf.constant(X), tf.constant(Y), None)
    found = shard_gradients(made, share(Sharing(shards)), Sharing(shards))
    assert int(found.rows) == len(X)
    np.testing.assert_allclose(found.loss, whole[1], rtol=1e-6)
    for ours, theirs in zip(found.gradients, whole[2], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(found.batch[0], Y)
    np.testing.assert_allclose(found.batch[1], whole[0], rtol=1e-6)


def test_a_row_bears_the_loss_scale_that_it_bears_on_one_device():
    inputs = keras.Input((4,))
    outputs = keras.layers.Dense(1, use_bias=False, dtype="mixed_float16")(inputs)
    made = TrainingModel(inputs, outputs)
    # Of a row: 2 * 1000 / 10 rows * 256, near the greatest number of float16. In a shard of 5 rows
    # it would be twice that.
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=256)
    made.compile(optimizer, "mse", run_eagerly=True)
    signs = np.tile([1.0, -1.0], 5)[:, None].astype("float32")
    x, y = tf.constant(0.01 * signs * np.ones((10, 4), "float32")), tf.fill((10, 1), 1000.0)
    (whole,) = made.loss_and_gradients(x, y, None)[2]
    found = shard_gradients(made, ShardedBatch((x, y), tf.constant([5, 5])), Sharing(2))
    assert np.isfinite(whole).all()
    np.testing.assert_allclose(found.gradients[0], whole, rtol=1e-2, atol=256 * 1e-2)
    np.testing.assert_allclose(found.loss, 1e6, rtol=1e-3)


def test_a_shard_counts_by_its_rows_in_moving_statistics():
    made, alone = model(norm=True), model(norm=True)
    sharing = Sharing(3)
    shard_gradients(made, share(sharing), sharing)
    edges = bounds(len(X), 3, 0, 3).numpy()
    before = [np.array(w) for w in alone.non_trainable_weights]
    total = [np.zeros_like(w) for w in before]
    for first, last in pairwise(edges):
        for weight, value in zip(alone.non_trainable_weights, before, strict=True):
            weight.assign(value)
        alone(X[first:last], training=True)
        for index, weight in enumerate(alone.non_trainable_weights):
            total[index] += (last - first) / len(X) * np.array(weight)
    for weight, expected in zip(made.non_trainable_weights, total, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-5, atol=1e-7)


def test_shards_draw_other_masks_and_count_one_draw():
    made, sharing = model(dropout=0.5), Sharing(2)
    made.layers[1].set_weights([np.ones((4, 5)), np.full(5, 9.0)])
    made.layers[-1].set_weights([np.eye(5, 2), np.zeros(2)])
    same = tf.zeros((8, 4)), tf.zeros((8, 2))
    found = shard_gradients(made, ShardedBatch(same, tf.constant([4, 4])), sharing)
    first, second = np.split(found.batch[1].numpy(), 2)
    assert not np.array_equal(first, second)
    seeds = next(layer for layer in made.layers if layer.name.startswith("dropout"))
    assert seeds.seed_generator.state.numpy().tolist()[1] == 1
    # The first shard draws what one device would.
    again = model(dropout=0.5)
    again.set_weights(made.get_weights())
    np.testing.assert_array_equal(again(same[0][:4], training=True), first)


def test_exact_shards_are_the_same_bits_for_one_process_as_for_its_half():
    made, sharing = model(dropout=0.3), Sharing(4, exact=True)
    whole = shard_gradients(made, share(sharing), sharing)
    half = model(dropout=0.3)
    second = Sharing(4, exact=True, processes=2, process=1)
    kept = []
    object.__setattr__(second, "gathered", lambda rows: kept.append(rows) or rows)
    object.__setattr__(second, "summed", lambda vectors: kept.extend(vectors) or vectors[0])
    shard_gradients(half, share(second), second, gather=False)
    # Outputs of the third and fourth shard stand at the end of the whole batch.
    edges = bounds(len(X), 4, 0, 4).numpy()
    assert len(kept) == 2
    assert [int(v[-2]) for v in kept] == np.diff(edges)[2:].tolist()
    assert float(whole.loss) > 0


@pytest.mark.parametrize(
    "parts",
    [
        {"gradient_clipping": GradientClipping(global_norm=0.5)},
        {"gradient_clipping": GradientClipping(global_norm=0.5), "gradient_accumulation": 2},
        {"adversarial_training": AdversarialTraining(0.3)},
    ],
    ids=["clipping", "accumulation", "adversarial"],
)
def test_fit_and_evaluate_on_shards_equal_those_on_batches(parts):
    one = model(**parts)
    batches = tf.data.Dataset.from_tensors((X, Y)).repeat(2)
    history = one.fit(batches, validation_data=batches, verbose=0).history
    two, sharing = model(**parts), Sharing(3)
    shares = tf.data.Dataset.from_tensors(share(sharing)).repeat(2)
    two.share_batches(sharing, shares.element_spec)
    shared = two.fit(shares, validation_data=shares, verbose=0).history
    assert history.keys() == shared.keys()
    for name in history:
        np.testing.assert_allclose(shared[name], history[name], rtol=1e-5, err_msg=name)
    for ours, theirs in zip(two.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("size", [1, 16, 40, 100])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_ring_adds_each_part_from_another_vector_on(count, size):
    """Parts are multiples of 64 bytes, so of 16 numbers."""
    vectors = np.random.default_rng(size).normal(size=(count, size)).astype("float32")
    part = 16 * math.ceil(math.ceil(size / count) / 16)
    expected = np.empty(size, "float32")
    for place in range(size):
        first = place // part
        expected[place] = vectors[first, place]
        for step in range(1, count):
            expected[place] += vectors[(first + step) % count, place]
    found = tf.function(ring_sum)([tf.constant(vector) for vector in vectors])
    np.testing.assert_array_equal(found, expected)
