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


def test_uniform_numbers_are_uniform_and_never_0_or_1():
    drawn = Key(5, 9).uniform((401, 501)).numpy()
    assert 0 < drawn.min() < drawn.max() < 1
    counts = np.histogram(drawn, 50, (0, 1))[0]
    expected = drawn.size / 50
    # Chi-square with 49 degrees of freedom exceeds 95 once in ten thousand.
    assert ((counts - expected) ** 2 / expected).sum() < 95
    assert abs(np.corrcoef(drawn.ravel()[:-1], drawn.ravel()[1:])[0, 1]) < 0.01
