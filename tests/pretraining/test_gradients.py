"""Updates against plain NumPy transcriptions that use the same random numbers."""

import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.pretraining import (
    ContrastiveDivergence,
    FastPersistentCD,
    Gaussian,
    MomentumSGD,
    PersistentCD,
    Regularization,
    Softmax,
)
from keras_recipes.pretraining.sampling import Key
from keras_recipes.schedules import PiecewiseConstant

RATE, ROWS = 0.1, 10
# Purposes of the random numbers of a step: hidden units of the data, and the chain's first.
MASK, POSITIVE, CHAIN = 0, 2, 8


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def uniform(step, shape, purpose):
    return Key(3, step).uniform(shape, purpose).numpy().astype("float64")


def normal(step, shape, purpose):
    return Key(3, step).normal(shape, purpose).numpy().astype("float64")


def parameters(rbm):
    return [np.asarray(v, "float64") for v in (rbm.kernel, rbm.visible_bias, rbm.hidden_bias)]


def assert_equal(rbm, expected, rtol=2e-5):
    for ours, theirs in zip(parameters(rbm), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=2e-6)


def batches(rows):
    return [rows[i : i + ROWS].astype("float64") for i in range(0, len(rows), ROWS)]


def cd(rows, start, k, *, sample_visible=False):
    w, a, b = (p.copy() for p in start)
    for step, v in enumerate(batches(rows)):
        positive = sigmoid(v @ w + b)
        h = uniform(step, positive.shape, POSITIVE) < positive
        for sweep in range(k):
            again = sigmoid(h @ w.T + a)
            if sample_visible:
                again = 1.0 * (uniform(step, again.shape, CHAIN + 2 * sweep) < again)
            mean = sigmoid(again @ w + b)
            h = uniform(step, mean.shape, CHAIN + 2 * sweep + 1) < mean
        n = len(v)
        dw = v.T @ positive / n - again.T @ mean / n
        a, b = a + RATE * (v - again).mean(0), b + RATE * (positive - mean).mean(0)
        w = w + RATE * dw
    return w, a, b


@pytest.mark.parametrize("sample_visible", [False, True])
@pytest.mark.parametrize("k", [1, 2, 6])
def test_cd(binary, make_rbm, trained, k, sample_visible):
    expected = cd(binary, parameters(make_rbm()), k, sample_visible=sample_visible)
    estimator = ContrastiveDivergence(k, sample_visible=sample_visible)
    assert_equal(trained(binary, estimator=estimator), expected)


def test_k_by_schedule(binary, make_rbm, trained):
    """Two updates of one Gibbs step, then two of three."""
    rising = ContrastiveDivergence(PiecewiseConstant([1], [1, 3]))
    ours = trained(binary, estimator=rising)
    first = cd(binary[:20], parameters(make_rbm()), 1)
    w, a, b = first
    for step, v in list(enumerate(batches(binary)))[2:]:
        positive = sigmoid(v @ w + b)
        h = uniform(step, positive.shape, POSITIVE) < positive
        for sweep in range(3):
            again = sigmoid(h @ w.T + a)
            mean = sigmoid(again @ w + b)
            h = uniform(step, mean.shape, CHAIN + 2 * sweep + 1) < mean
        a, b = a + RATE * (v - again).mean(0), b + RATE * (positive - mean).mean(0)
        w = w + RATE * (v.T @ positive - again.T @ mean) / len(v)
    assert_equal(ours, (w, a, b))


def test_a_short_last_batch_has_its_own_mean(binary, make_rbm, trained):
    expected = cd(binary[:33], parameters(make_rbm()), 1)
    assert_equal(trained(binary[:33]), expected)


def pcd(rows, start, chains, k, *, fast=None):
    w, a, b = (p.copy() for p in start)
    h = np.zeros((chains, len(b)))
    moved = [np.zeros_like(p) for p in (w, a, b)]
    for step, v in enumerate(batches(rows)):
        used, used_a, used_b = w + moved[0], a + moved[1], b + moved[2]
        positive = sigmoid(v @ w + b)
        for sweep in range(k):
            again = sigmoid(h @ used.T + used_a)
            again = 1.0 * (uniform(step, again.shape, CHAIN + 2 * sweep) < again)
            mean = sigmoid(again @ used + used_b)
            purpose = CHAIN + 2 * sweep + 1
            if sweep + 1 == k:
                # The draw that the next update uses has a purpose of its own.
                purpose = CHAIN + 2 * k + 1
            h = 1.0 * (uniform(step, mean.shape, purpose) < mean)
        dw = v.T @ positive / len(v) - again.T @ mean / chains
        da, db = v.mean(0) - again.mean(0), positive.mean(0) - mean.mean(0)
        w, a, b = w + RATE * dw, a + RATE * da, b + RATE * db
        if fast:
            rate, decay = fast
            moved = [decay * m + rate * d for m, d in zip(moved, (dw, da, db), strict=True)]
    return w, a, b


@pytest.mark.parametrize(("chains", "k"), [(7, 1), (25, 3)])
def test_pcd(binary, make_rbm, trained, chains, k):
    expected = pcd(binary, parameters(make_rbm()), chains, k)
    assert_equal(trained(binary, estimator=PersistentCD(chains, k)), expected)


def test_fast_pcd(binary, make_rbm, trained):
    expected = pcd(binary, parameters(make_rbm()), 7, 1, fast=(0.3, 0.9))
    ours = trained(binary, estimator=FastPersistentCD(7, rate=0.3, decay=0.9))
    assert_equal(ours, expected)


def test_gaussian_units_with_learned_sigma(make_rbm, trained):
    rows = np.random.default_rng(4).normal(size=(40, 6)).astype("float32")
    units = {"visible": Gaussian(0.7, learned=True)}
    w, a, b = parameters(make_rbm(**units))
    z = np.full(6, np.log(0.49))
    for step, v in enumerate(batches(rows)):
        s = np.exp(z)
        positive = sigmoid((v / s) @ w + b)
        h = 1.0 * (uniform(step, positive.shape, POSITIVE) < positive)
        again = a + h @ w.T + np.sqrt(s) * normal(step, v.shape, CHAIN)
        mean = sigmoid((again / s) @ w + b)

        def of_z(v, h, s=s, w=w, a=a):
            return ((v - a) ** 2 / (2 * s) - v / s * (h @ w.T)).mean(0)

        dz = of_z(v, positive) - of_z(again, mean)
        dw = (v / s).T @ positive / len(v) - (again / s).T @ mean / len(v)
        da = ((v - a) / s).mean(0) - ((again - a) / s).mean(0)
        w, a, b = w + RATE * dw, a + RATE * da, b + RATE * (positive - mean).mean(0)
        z = z + RATE * dz
    ours = trained(rows, estimator=ContrastiveDivergence(sample_visible=True), **units)
    assert_equal(ours, (w, a, b), rtol=1e-4)
    np.testing.assert_allclose(ours.log_variance, z, rtol=1e-4, atol=1e-5)


def test_softmax_units(make_rbm, trained):
    """Two binary columns and two groups of three."""
    random = np.random.default_rng(5)
    groups = [np.eye(3)[random.integers(0, 3, 40)] for _ in range(2)]
    rows = np.concatenate([random.random((40, 2)) < 0.5, *groups], 1).astype("float32")
    units = {"visible": Softmax(3, binary=2)}
    w, a, b = parameters(make_rbm(8, **units))
    for step, v in enumerate(batches(rows)):
        positive = sigmoid(v @ w + b)
        h = 1.0 * (uniform(step, positive.shape, POSITIVE) < positive)
        x, u = h @ w.T + a, uniform(step, v.shape, CHAIN)
        again = np.zeros_like(v)
        again[:, :2] = u[:, :2] < sigmoid(x[:, :2])
        for row in range(len(v)):
            for begin in (2, 5):
                p = np.exp(x[row, begin : begin + 3])
                total = np.cumsum(p / p.sum())
                again[row, begin + (u[row, begin] >= total[:2]).sum()] = 1
        mean = sigmoid(again @ w + b)
        w = w + RATE * (v.T @ positive - again.T @ mean) / len(v)
        a, b = a + RATE * (v - again).mean(0), b + RATE * (positive - mean).mean(0)
    estimator = ContrastiveDivergence(sample_visible=True)
    assert_equal(trained(rows, estimator=estimator, **units), (w, a, b))


def test_rectified_hidden_units(binary, make_rbm, trained):
    w, a, b = parameters(make_rbm(hidden="rectified"))
    softplus = lambda x: np.log1p(np.exp(x))  # noqa: E731
    for step, v in enumerate(batches(binary)):
        x = v @ w + b
        h = np.maximum(0, x + np.sqrt(sigmoid(x)) * normal(step, x.shape, POSITIVE))
        again = sigmoid(h @ w.T + a)
        positive, mean = softplus(x), softplus(again @ w + b)
        w = w + RATE * (v.T @ positive - again.T @ mean) / len(v)
        a, b = a + RATE * (v - again).mean(0), b + RATE * (positive - mean).mean(0)
    assert_equal(trained(binary, hidden="rectified"), (w, a, b))


def test_penalties_touch_what_they_say(binary, make_rbm, trained):
    """L1 and L2 on the weights alone; sparsity on the input of every hidden unit."""
    l1, l2, target, cost, decay = 0.01, 0.05, 0.2, 0.5, 0.8
    w, a, b = parameters(make_rbm())
    q = np.full(4, target)
    for step, v in enumerate(batches(binary)):
        positive = sigmoid(v @ w + b)
        h = uniform(step, positive.shape, POSITIVE) < positive
        again = sigmoid(h @ w.T + a)
        mean = sigmoid(again @ w + b)
        q = decay * q + (1 - decay) * positive.mean(0)
        push = cost * (q - target)
        dw = (v.T @ positive - again.T @ mean) / len(v) - l2 * w - l1 * np.sign(w)
        dw -= np.outer(v.mean(0), push)
        w, a = w + RATE * dw, a + RATE * (v - again).mean(0)
        b = b + RATE * ((positive - mean).mean(0) - push)
    penalty = Regularization(
        l1, l2, sparsity_target=target, sparsity_cost=cost, sparsity_decay=decay
    )
    assert_equal(trained(binary, regularization=penalty), (w, a, b))


def test_dropped_hidden_units_are_left_out_of_both_phases(binary, make_rbm, trained):
    w, a, b = parameters(make_rbm())
    for step, v in enumerate(batches(binary)):
        kept = uniform(step, (len(v), 4), MASK) >= 0.4
        positive = sigmoid(v @ w + b) * kept
        h = uniform(step, positive.shape, POSITIVE) < positive
        again = sigmoid(h @ w.T + a)
        mean = sigmoid(again @ w + b) * kept
        w = w + RATE * (v.T @ positive - again.T @ mean) / len(v)
        a, b = a + RATE * (v - again).mean(0), b + RATE * (positive - mean).mean(0)
    assert_equal(trained(binary, regularization=Regularization(dropout=0.4)), (w, a, b))


def test_momentum_by_schedule(binary, make_rbm, trained):
    """The second half of the updates has more momentum."""
    start = w, a, b = parameters(make_rbm())
    moving = [np.zeros_like(p) for p in start]
    for step, v in enumerate(batches(binary)):
        positive = sigmoid(v @ w + b)
        h = uniform(step, positive.shape, POSITIVE) < positive
        again = sigmoid(h @ w.T + a)
        mean = sigmoid(again @ w + b)
        n = len(v)
        found = ((v.T @ positive - again.T @ mean) / n, (v - again).mean(0))
        found = (*found, (positive - mean).mean(0))
        momentum = 0.5 if step < 2 else 0.9
        moving = [momentum * m + RATE * g for m, g in zip(moving, found, strict=True)]
        w, a, b = w + moving[0], a + moving[1], b + moving[2]
    schedule = PiecewiseConstant([1], [0.5, 0.9])
    assert_equal(trained(binary, optimizer=MomentumSGD(RATE, schedule)), (w, a, b))


def test_centring_is_gradient_descent_of_the_centred_rbm(binary, make_rbm):
    """The centred RBM, written with its own biases, moves to where ours does."""
    from keras_recipes.pretraining.distribution import centred

    random = np.random.default_rng(6)
    mu, lam = random.random(6), random.random(4)
    w, a, b = parameters(make_rbm())
    v, h, v2, h2 = (random.random((5, n)) for n in (6, 4, 6, 4))
    # E = -(v - mu)'a' - (h - lam)'b' - (v - mu)'W(h - lam), so a = a' - W lam, b = b' - W'mu.
    dw = ((v2 - mu).T @ (h2 - lam) - (v - mu).T @ (h - lam)) / 5
    da, db = (v2 - v).mean(0), (h2 - h).mean(0)
    w2 = w - RATE * dw
    a2 = (a + w @ lam - RATE * da) - w2 @ lam
    b2 = (b + w.T @ mu - RATE * db) - w2.T @ mu
    plain = {"weights": (v2.T @ h2 - v.T @ h) / 5, "visible_bias": da, "hidden_bias": db}
    plain = {name: tf.constant(value, tf.float32) for name, value in plain.items()}
    found = centred(plain, tf.constant(mu, tf.float32), tf.constant(lam, tf.float32))
    for name, before, after in (
        ("weights", w, w2),
        ("visible_bias", a, a2),
        ("hidden_bias", b, b2),
    ):
        np.testing.assert_allclose(before - RATE * found[name].numpy(), after, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("estimator", [ContrastiveDivergence(3), PersistentCD(7)])
def test_eager_steps_are_the_compiled_ones(binary, trained, estimator):
    compiled, eager = (trained(binary, estimator=estimator, jit=jit) for jit in (False, None))
    assert_equal(eager, parameters(compiled), rtol=1e-6)
