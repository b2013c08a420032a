"""Annealed importance sampling against sums over all states."""

import itertools

import numpy as np
import pytest

from keras_recipes.pretraining import (
    RBM,
    Gaussian,
    Initialization,
    Softmax,
    exact_log_partition,
    log_partition,
    log_probability,
)


def test_the_exact_log_partition_is_the_sum_over_both_layers(make_rbm):
    rbm = make_rbm(width=5, units=4, scale=0.7)
    w, a, b = (np.asarray(v, "float64") for v in (rbm.kernel, rbm.visible_bias, rbm.hidden_bias))
    visible, hidden = (np.array(list(itertools.product([0, 1], repeat=n))) for n in (5, 4))
    energy = -(visible @ a)[:, None] - hidden @ b - visible @ w @ hidden.T
    assert exact_log_partition(rbm).value == pytest.approx(np.log(np.exp(-energy).sum()), rel=1e-6)


def test_either_layer_may_be_the_small_one(make_rbm):
    wide, high = make_rbm(width=30, units=6), make_rbm(width=6, units=30)
    high.kernel.assign(np.transpose(wide.kernel))
    high.visible_bias.assign(wide.hidden_bias)
    high.hidden_bias.assign(wide.visible_bias)
    assert exact_log_partition(wide).value == pytest.approx(exact_log_partition(high).value)


@pytest.mark.parametrize(
    "own",
    [{"scale": 1.0}, {"visible": Gaussian(0.8)}, {"visible": Softmax(5, binary=10)}],
    ids=["bernoulli", "gaussian", "softmax"],
)
def test_ais_is_within_a_tenth_of_a_nat_of_exact(make_rbm, own):
    rbm = make_rbm(width=30, units=10, **own)
    exact = exact_log_partition(rbm).value
    found = log_partition(rbm, runs=200, temperatures=2000)
    assert abs(found.value - exact) < 0.1
    assert found.low <= exact <= found.high
    assert found.high - found.low < 0.5


def test_ais_of_a_gaussian_rbm_is_its_determinant(make_rbm):
    rbm = RBM(5, visible="gaussian", hidden="gaussian", initialization=Initialization(0.15), seed=2)
    rbm.build((None, 4))
    w = np.asarray(rbm.kernel, "float64")
    precision = np.block([[np.eye(4), -w], [-w.T, np.eye(5)]])
    expected = 0.5 * (9 * np.log(2 * np.pi) - np.linalg.slogdet(precision)[1])
    assert log_partition(rbm, temperatures=500).value == pytest.approx(expected, abs=0.05)


def test_biases_from_the_data_make_the_error_smaller(binary, make_rbm):
    rbm = make_rbm()
    rbm.visible_bias.assign(np.array([3, -3, 3, -3, 3, -3], "float32"))
    data = (np.array([3, -3] * 3) > 0)[None] * np.ones((20, 1))
    flat, fitted = (log_partition(rbm, rows, temperatures=20) for rows in (None, data))
    assert fitted.high - fitted.low < flat.high - flat.low


def test_log_probabilities_sum_to_one(make_rbm):
    rbm = make_rbm(width=5, units=4)
    states = np.array(list(itertools.product([0, 1], repeat=5)), "float32")
    each = [log_probability(rbm, states[i : i + 1]).value for i in range(32)]
    assert np.exp(each).sum() == pytest.approx(1, abs=1e-4)
    assert log_probability(rbm, states).value == pytest.approx(np.mean(each), rel=1e-5)


def test_large_rbms_are_estimated(make_rbm):
    rbm = make_rbm(width=25, units=24, scale=0.1)
    rows = np.zeros((3, 25), "float32")
    found = log_probability(rbm, rows, runs=20, temperatures=100)
    assert found.partition.runs == 20
    assert found.low < found.value < found.high


def test_bad_requests_are_refused(make_rbm):
    with pytest.raises(ValueError, match="at most 20 Bernoulli units"):
        exact_log_partition(make_rbm(width=25, units=24))
    with pytest.raises(ValueError, match="not for rectified"):
        log_partition(make_rbm(hidden="rectified"))
    with pytest.raises(ValueError, match="`runs` must be >= 2"):
        log_partition(make_rbm(), runs=1)
    with pytest.raises(ValueError, match="`temperatures` must be >= 10"):
        log_partition(make_rbm(), temperatures=5)
    with pytest.raises(ValueError, match="`data` must have 6 columns"):
        log_partition(make_rbm(), np.zeros((3, 5)))
    with pytest.raises(ValueError, match="no weights yet"):
        log_partition(RBM(3))
