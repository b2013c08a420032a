"""Numbers by key: independent of the batch, uniform, and without a relation between keys."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from keras_recipes.recipes.build.keyed_random import KeyedSeed, RowBackend, RowRandom


def keys(rows, seed=0, epoch=0):
    rows = np.asarray(rows)
    return tf.constant(
        np.stack([np.full_like(rows, seed), np.full_like(rows, epoch), rows], axis=1)
    )


def drawn(rows, shape=(), calls=3, method="uniform", **key):
    """What is drawn for rows in a graph in which their number is not known (calls, rows, ...)."""

    @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.int64)])
    def draw(keys):
        random = RowRandom(keys)
        return [getattr(random, method)((tf.shape(keys)[0], *shape)) for _ in range(calls)]

    return np.stack([part.numpy() for part in draw(keys(rows, **key))])


@pytest.mark.parametrize("method", ["uniform", "normal"])
@pytest.mark.parametrize("shape", [(), (4, 2), (9, 9, 3)])
def test_a_row_has_its_numbers_in_every_batch(method, shape):
    whole = drawn(range(40), shape, method=method)
    for rows in ([7], [33, 7, 2], range(20, 40)):
        np.testing.assert_array_equal(drawn(rows, shape, method=method), whole[:, list(rows)])
    assert len(np.unique(whole)) > 0.99 * whole.size


def test_uniform_and_unrelated():
    numbers = np.stack([drawn(range(500), calls=4, epoch=epoch) for epoch in range(10)])
    assert 0 <= numbers.min() < numbers.max() < 1
    assert stats.kstest(numbers.ravel(), "uniform").pvalue > 0.001
    for axis in range(3):  # epochs, calls, rows
        first = np.take(numbers, range(numbers.shape[axis] - 1), axis).ravel()
        second = np.take(numbers, range(1, numbers.shape[axis]), axis).ravel()
        assert abs(np.corrcoef(first, second)[0, 1]) * len(first) ** 0.5 < 4


def test_wide_draws_have_their_distributions():
    assert stats.kstest(drawn(range(9), (300,), calls=1).ravel(), "uniform").pvalue > 0.001
    normal = drawn(range(9), (300,), calls=1, method="normal").ravel()
    assert stats.kstest(normal, "norm").pvalue > 0.001


def test_ranges():
    random = None

    @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.int64)])
    def draw(keys):
        nonlocal random
        random = RowRandom(keys)
        rows = tf.shape(keys)[0]
        return random.uniform((rows,), -2.0, 3.0), random.randint([rows, 2], 1, 5, dtype="uint8")

    numbers, whole = draw(keys(range(400)))
    assert -2 <= numbers.numpy().min() < -1.9
    assert 2.9 < numbers.numpy().max() < 3
    assert whole.dtype == tf.uint8
    assert set(np.unique(whole)) == {1, 2, 3, 4}


def test_a_number_for_all_rows_is_refused():
    with pytest.raises(NotImplementedError, match="drawn once for all rows"):
        RowRandom(keys([1, 2])).uniform(())


def test_seeds_follow_from_the_key():
    one, again, other = (KeyedSeed(tf.constant(key, tf.int64)) for key in ([1, 2], [1, 2], [1, 3]))
    first = [one.next().numpy().tolist() for _ in range(3)]
    assert [again.next().numpy().tolist() for _ in range(3)] == first
    assert len({tuple(seed) for seed in first}) == 3
    assert other.next().numpy().tolist() != first[0]


def test_a_backend_keeps_all_but_its_random_numbers():
    class Given:
        random, name = "old", "tensorflow"

    backend = RowBackend(Given())
    backend.random = "new"
    assert (backend.random, backend.name) == ("new", "tensorflow")
