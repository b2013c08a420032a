"""Laws of the units: means are slopes of the cumulants, draws have the means they should."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.pretraining import (
    Bernoulli,
    BernoulliHidden,
    Gaussian,
    GaussianHidden,
    Rectified,
    Softmax,
)
from keras_recipes.pretraining.sampling import Key

HIDDEN = [BernoulliHidden(), Rectified(), GaussianHidden()]
VISIBLE = [(Bernoulli(), None), (Gaussian(0.5), 0.25), (Softmax(3), None), (Softmax(2, 4), None)]


@pytest.mark.parametrize("units", HIDDEN, ids=lambda units: type(units).__name__)
def test_the_mean_of_hidden_units_is_the_slope_of_their_cumulant(units):
    inputs = tf.constant([-30.0, -3.0, -0.5, 0.0, 0.5, 3.0, 30.0])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        total = units.cumulant(inputs)
    slope = tape.gradient(total, inputs)
    np.testing.assert_allclose(slope, units.mean(inputs), rtol=2e-5, atol=1e-6)


def test_the_cumulant_of_rectified_units_is_that_of_a_row_of_binary_ones():
    inputs = np.linspace(-6, 20, 27)
    shifts = np.arange(0.5, 400)
    summed = np.logaddexp(0, inputs[:, None] - shifts).sum(1)
    # The integral is within the error of the midpoint rule, f'(0) / 24, of the sum.
    cumulant = Rectified().cumulant(tf.constant(inputs, tf.float32))
    np.testing.assert_allclose(cumulant, summed, atol=1 / 24)


@pytest.mark.parametrize(("units", "variance"), VISIBLE)
def test_the_mean_of_visible_units_is_the_slope_of_their_cumulant(units, variance):
    random = np.random.default_rng(0)
    inputs = tf.constant(random.normal(size=(5, 6)), tf.float32)
    bias = tf.zeros(6)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        total = units.cumulant(inputs, bias, variance)
    mean = units.coupled(units.mean(inputs), 1 if variance is None else variance)
    np.testing.assert_allclose(tape.gradient(total, inputs), mean, rtol=1e-5)


@pytest.mark.parametrize(("units", "variance"), VISIBLE)
def test_draws_of_visible_units_have_their_mean(units, variance):
    inputs = tf.tile(tf.constant([[-2.0, 0.3, 1.0, 0.0, -0.5, 2.0]]), [20_000, 1])
    mean = units.mean(inputs)
    drawn = units.sample(mean, variance, Key(1, 0), 0)
    np.testing.assert_allclose(tf.reduce_mean(drawn, 0), mean[0], atol=0.015)


def test_each_group_of_softmax_units_has_one_on():
    units = Softmax(3, binary=2)
    inputs = tf.random.stateless_normal((500, 8), (1, 2))
    drawn = units.sample(units.mean(inputs), None, Key(1, 0), 0).numpy()
    assert set(np.unique(drawn)) == {0, 1}
    np.testing.assert_array_equal(drawn[:, 2:].reshape(500, 2, 3).sum(-1), 1)


def test_random_numbers_are_a_function_of_seed_step_and_purpose():
    kinds = ("uniform", "fine_uniform", "normal")
    seen = set()
    for kind, seed, step, purpose in itertools.product(kinds, (1, 2), (0, 1), (0, 1)):
        first, again = (getattr(Key(seed, step), kind)((3, 5), purpose).numpy() for _ in range(2))
        np.testing.assert_array_equal(first, again)
        seen.add(first.tobytes())
    assert len(seen) == len(kinds) * 8


def uniform(algorithm, seed, step, shape, purpose=0):
    """As an update of an RBM draws them, compiled by XLA or not."""
    key = Key(seed, tf.constant(step, tf.int64), algorithm)
    draw = tf.function(lambda: key.uniform(shape, purpose), jit_compile=algorithm == "threefry")
    return draw().numpy()


ALGORITHMS = pytest.mark.parametrize("algorithm", ["philox", "threefry"])


@ALGORITHMS
def test_uniform_numbers_are_uniform_and_never_0_or_1(algorithm):
    drawn = uniform(algorithm, 5, 9, (401, 501))
    assert 0 < drawn.min() < drawn.max() < 1
    counts = np.histogram(drawn, 50, (0, 1))[0]
    expected = drawn.size / 50
    # Chi-square with 49 degrees of freedom exceeds 95 once in ten thousand.
    assert ((counts - expected) ** 2 / expected).sum() < 95
    assert abs(np.corrcoef(drawn.ravel()[:-1], drawn.ravel()[1:])[0, 1]) < 0.01


@ALGORITHMS
def test_no_bit_of_a_number_depends_on_another_or_on_its_neighbour(algorithm):
    """Correlations of single bits, within numbers and between places, steps, seeds and purposes."""
    shape = (512, 2048)
    draws = [(3, 0, 0), (3, 1, 0), (4, 0, 0), (3, 0, 1)]
    bits = []
    for seed, step, purpose in draws:
        numbers = (uniform(algorithm, seed, step, shape, purpose) * 2**16).astype("uint16").ravel()
        ones = (numbers[:, None] >> np.arange(16, dtype="uint16")) & 1
        # Sums of a million signs are whole numbers, which float32 holds.
        bits.append(1 - 2 * ones.astype("float32"))
    first, count = bits[0], bits[0].shape[0]
    tables = [first.T @ first / count - np.eye(16)]
    tables += [first[:-lag].T @ first[lag:] / (count - lag) for lag in (1, 2, 3, 2048)]
    tables += [first.T @ other / count for other in bits[1:]]
    # 2,048 means of a million signs: one beyond six standard errors in a quarter million tests.
    largest = max(np.abs(table).max() for table in tables)
    assert largest < 6 / np.sqrt(count - 2048)
    assert np.abs(first.mean(0)).max() < 6 / np.sqrt(count)


@ALGORITHMS
def test_numbers_fill_a_plane_and_the_large_ones_come_as_often_as_they_should(algorithm):
    drawn = uniform(algorithm, 7, 2, (1024, 1024))
    pairs = drawn.reshape(-1, 2)
    counts = np.histogram2d(pairs[:, 0], pairs[:, 1], 32, ((0, 1), (0, 1)))[0]
    expected = len(pairs) / counts.size
    # Chi-square with 1,023 degrees of freedom exceeds 1,200 once in ten thousand.
    assert 850 < ((counts - expected) ** 2 / expected).sum() < 1200
    rare = (drawn < 2e-4).sum()
    assert abs(rare - 2e-4 * drawn.size) < 5 * np.sqrt(2e-4 * drawn.size)
