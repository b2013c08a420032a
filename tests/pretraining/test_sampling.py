"""Random numbers of an RBM: uniform down to rare events, and independent within a row."""

import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.pretraining.hidden_units import BernoulliHidden
from keras_recipes.pretraining.sampling import Key
from keras_recipes.pretraining.units import Bernoulli, Softmax

ROWS, WIDTH = 2000, 500


@pytest.fixture(scope="module")
def draws():
    """Three million numbers."""
    return np.stack([Key(3, step).uniform((ROWS, WIDTH)).numpy() for step in range(3)])


@pytest.mark.parametrize("probability", [2e-6, 5e-6, 1e-5, 1.5e-5, 4e-5, 1e-3, 0.3])
@pytest.mark.parametrize("side", ["low", "high"])
def test_probabilities_are_what_they_are(draws, probability, side):
    """Within five deviations, at both ends."""
    hits = draws < probability if side == "low" else draws >= 1 - probability
    expected = draws.size * probability
    assert abs(hits.sum() - expected) < 5 * np.sqrt(expected) + 1


def test_never_an_end(draws):
    assert draws.min() > 0
    assert draws.max() < 1


def test_rare_units_are_drawn():
    """Units that are on once in 200,000 rows, in each kind of layer."""
    rare, count = 5e-6, 6
    mean = tf.fill((ROWS, WIDTH), rare)
    groups = tf.repeat([[rare, 1 - rare]], 20_000, 0)
    bernoulli, hidden, softmax = 0, 0, 0
    for step in range(count):
        key = Key(1, step)
        bernoulli += int(tf.reduce_sum(Bernoulli().sample(mean, None, key, 0)))
        hidden += int(tf.reduce_sum(BernoulliHidden().sample(None, mean, key, 1)))
    for found in (bernoulli, hidden):
        expected = rare * ROWS * WIDTH * count
        assert abs(found - expected) < 5 * np.sqrt(expected)
    for step in range(60):
        softmax += int(tf.reduce_sum(Softmax(2).sample(groups, None, Key(1, step), 0)[:, 0]))
    assert 0 < softmax < 17  # six are expected


def test_numbers_of_a_row_are_independent(draws):
    correlations = np.corrcoef(draws[0], rowvar=False)
    np.fill_diagonal(correlations, 0)
    assert np.abs(correlations).max() < 6 / np.sqrt(ROWS)
    # Where one is rare, its neighbours are as they are.
    rows = (draws < 1e-3).any(-1)
    others = draws[rows]
    assert others[others >= 1e-3].mean() == pytest.approx(0.5005, abs=5 / np.sqrt(12 * others.size))


@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (2, 3, 5), (4, 1), (0, 3)])
def test_any_shape_known_or_not(shape):
    key = Key(1, 2)
    known = key.uniform(shape).numpy()
    assert known.shape == shape
    np.testing.assert_array_equal(key.uniform(tf.constant(shape, tf.int32)).numpy(), known)
    jitted = tf.function(lambda: key.uniform(shape), jit_compile=True)
    np.testing.assert_array_equal(jitted().numpy(), known)
