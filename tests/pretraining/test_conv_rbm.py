"""A convolutional RBM against sums over all states of a tiny one."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.pretraining import ConvRBM
from keras_recipes.pretraining.sampling import Key

SIDE, FILTERS = 3, 2
V = np.array(list(itertools.product([0, 1], repeat=SIDE**2)), "float32").reshape(-1, SIDE, SIDE, 1)
# A block of 2 by 2 units is one map of a filter of 2 by 2: off, or one of four units on.
BLOCK = np.concatenate([np.zeros((1, 4)), np.eye(4)])
H = np.stack(
    [np.stack(pair, -1).reshape(2, 2, FILTERS) for pair in itertools.product(BLOCK, repeat=2)]
)


@pytest.fixture(scope="module")
def tiny():
    rbm = ConvRBM(FILTERS, 2, pool=2, seed=3)
    rbm.build((4, SIDE, SIDE, 1))
    random = np.random.default_rng(0)
    for weight in rbm.weights:
        weight.assign(random.normal(size=weight.shape))
    return rbm


@pytest.fixture(scope="module")
def joint(tiny):
    """-E of every pair of states, by loops over pixels."""
    w, b, a = (np.asarray(part, "float64") for part in tiny.weights)
    maps = np.zeros((len(V), 2, 2, FILTERS))
    for i, j in itertools.product(range(2), repeat=2):
        maps[:, i, j] = np.einsum("nijc,ijck->nk", V[:, i : i + 2, j : j + 2], w) + b
    return np.einsum("nijk,mijk->nm", maps, H) + a[0] * V.sum((1, 2, 3))[:, None]


def test_the_free_energy_is_the_sum_over_hidden_states(tiny, joint):
    expected = -np.log(np.exp(joint).sum(1))
    np.testing.assert_allclose(tiny.free_energy(tf.constant(V)), expected, rtol=1e-4, atol=1e-4)


def test_means_of_each_layer_given_the_other(tiny, joint):
    p = np.exp(joint)
    hidden = np.einsum("nm,mijk->nijk", p / p.sum(1, keepdims=True), H)
    np.testing.assert_allclose(tiny(tf.constant(V)), hidden, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        tiny.pooled(tf.constant(V))[:, 0, 0], hidden.sum((1, 2)), rtol=1e-4, atol=1e-5
    )
    visible = np.einsum("nm,nijc->mijc", p / p.sum(0), V)
    found = tiny.visible_mean(tf.constant(H, tf.float32))
    np.testing.assert_allclose(found, visible, rtol=1e-4, atol=1e-5)


def test_draws_have_at_most_one_unit_on_and_the_mean(tiny):
    v = tf.repeat(tf.constant(V[300:301]), 20_000, axis=0)
    h = tiny.sample_hidden(v, Key(1, 0), 0).numpy()
    assert set(h.sum((1, 2)).ravel()) == {0.0, 1.0}
    np.testing.assert_allclose(h.mean(0), tiny(v[:1])[0], atol=0.015)


def test_gibbs_steps_keep_the_distribution(tiny, joint):
    p = np.exp(joint).sum(1)
    rows = np.random.default_rng(1).choice(len(V), 40_000, p=p / p.sum())
    after = tiny.gibbs(tf.constant(V[rows]), Key(2, 0)).numpy()
    exact = np.einsum("n,nijc->ijc", p / p.sum(), V)
    np.testing.assert_allclose(after.mean(0), exact, atol=0.015)
    assert (after != V[rows]).any()


@pytest.mark.parametrize("persistent", [False, True], ids=["cd", "pcd"])
def test_training_raises_the_exact_likelihood(persistent):
    """Of bars, in three quarters of all the rows."""
    bars = np.zeros((4, SIDE, SIDE, 1), "float32")
    bars[0, 0], bars[1, 1], bars[2, :, 0], bars[3, :, 2] = 1, 1, 1, 1
    rows = np.tile(bars, (300, 1, 1, 1))
    rbm = ConvRBM(FILTERS, 2, persistent=persistent, stddev=0.3, seed=1)

    def likelihood():
        energy = rbm.free_energy(tf.constant(V))
        own = rbm.free_energy(tf.constant(bars))
        return float(-tf.reduce_mean(own) - tf.reduce_logsumexp(-energy))

    rbm.compile(keras.optimizers.SGD(0.1))
    rbm.build((20, SIDE, SIDE, 1))
    before = likelihood()
    history = rbm.fit(rows, batch_size=20, verbose=0).history
    assert likelihood() > before + 0.5
    assert set(history) == {"reconstruction_error", "hidden_activity"}


def test_sparsity_moves_the_activity_to_the_target():
    rows = np.random.default_rng(0).integers(0, 2, (1000, 5, 5, 1)).astype("float32")
    activities = []
    for target in (None, 0.02):
        rbm = ConvRBM(2, 2, sparsity_target=target, sparsity_cost=5.0)
        rbm.compile(keras.optimizers.SGD(0.5))
        rbm.fit(rows, batch_size=20, shuffle=False, verbose=0)
        activities.append(float(tf.reduce_mean(rbm(tf.constant(rows[:100])))))
    assert abs(activities[1] - 0.02) < 0.01 < activities[0] - 0.02


def test_filters_go_to_a_convolution(tiny):
    layer = keras.layers.Conv2D(FILTERS, 2, activation="sigmoid")
    layer.build((None, SIDE, SIDE, 1))
    tiny.initialize(layer)
    one = ConvRBM(FILTERS, 2, pool=1)
    one.build((4, SIDE, SIDE, 1))
    one.set_weights(tiny.get_weights())
    # Blocks of one unit are units on their own: sigmoid units.
    np.testing.assert_allclose(layer(V), one(tf.constant(V)), rtol=1e-5, atol=1e-6)


def test_what_does_not_fit_is_refused(tiny):
    with pytest.raises(ValueError, match="divide into blocks of 2 by 2"):
        ConvRBM(2, 2).build((None, 4, 4, 1))
    with pytest.raises(ValueError, match="known number of rows"):
        ConvRBM(2, 2, persistent=True).build((None, 5, 5, 1))
    with pytest.raises(ValueError, match="must have weights of the shapes"):
        tiny.initialize(keras.layers.Conv2D(FILTERS, 2))
    with pytest.raises(ValueError, match="`filters` must be >= 1"):
        ConvRBM(0, 3)
