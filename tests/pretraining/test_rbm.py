"""The RBM as a model: what it learns, that it repeats, is saved, and refuses."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.pretraining import (
    RBM,
    Bernoulli,
    ContrastiveDivergence,
    FastPersistentCD,
    Gaussian,
    Initialization,
    MomentumSGD,
    ParallelTempering,
    PersistentCD,
    Regularization,
    Softmax,
    TrajectoryTempering,
    exact_log_partition,
)
from keras_recipes.pretraining.sampling import Key
from keras_recipes.schedules import Exponential, PiecewiseConstant

KINDS = {
    "cd": {},
    "cd by schedule": {"estimator": ContrastiveDivergence(PiecewiseConstant([1], [1, 3]))},
    "pcd": {"estimator": PersistentCD(7)},
    "fpcd": {"estimator": FastPersistentCD(7)},
    "tempering": {"estimator": ParallelTempering(3, 4)},
    "trajectory": {"estimator": TrajectoryTempering(3, snapshots=3, acceptance=0.9)},
    "gaussian": {"visible": Gaussian(0.8, learned=True), "centring": 0.1},
    "rectified": {"hidden": "rectified", "regularization": Regularization(dropout=0.3)},
    "penalties": {
        "regularization": Regularization(1e-3, 1e-3, sparsity_target=0.2),
        "initialization": Initialization(data_bias=True),
    },
    "bfloat16": {"matmul_precision": "bfloat16"},
}


def states(width):
    return np.array(list(itertools.product([0, 1], repeat=width)), "float32")


def exact_gradient(rbm, rows):
    """Of minus the mean log-likelihood, by automatic differentiation through all states."""
    variables = [rbm.kernel, rbm.visible_bias, rbm.hidden_bias]
    everything = tf.constant(states(rbm.width))
    with tf.GradientTape() as tape:
        energy = rbm.distribution().free_energy
        loss = tf.reduce_mean(energy(tf.constant(rows)))
        loss += tf.reduce_logsumexp(-energy(everything))
    return tape.gradient(loss, [variable.value for variable in variables])


def test_many_persistent_chains_approach_the_exact_gradient(binary, make_rbm):
    rbm = make_rbm(scale=1.0)
    exact = exact_gradient(rbm, binary)
    equations, v = rbm.distribution(), tf.constant(binary)
    h = equations.hidden_mean(v)
    errors = []
    for chains in (100, 10_000):
        estimator = PersistentCD(chains, 200)
        state = {"chain": tf.zeros((chains, rbm.units))}
        negative = estimator.negative_phase(equations, None, state, Key(1, 0))
        found = equations.gradients(v, h, negative.v, negative.h)
        errors.append(
            max(float(tf.norm(a - b)) for a, b in zip(found.values(), exact, strict=True))
        )
    # The error falls as one over the root of the number of chains.
    assert errors[1] < 0.03
    assert errors[1] < errors[0] / 3


@pytest.mark.parametrize(
    "estimator", [PersistentCD(500), ParallelTempering(100, 4), ContrastiveDivergence(5)]
)
def test_the_chains_of_each_estimator_sample_the_rbm(make_rbm, estimator):
    """Mean of v at the stationary distribution; for CD from a start far from it, after long."""
    rbm = make_rbm(width=5, units=3, scale=0.8)
    energy = rbm.distribution().free_energy(tf.constant(states(5))).numpy()
    p = np.exp(-energy - exact_log_partition(rbm).value)
    assert abs(p.sum() - 1) < 1e-5
    chains = estimator.state_shapes(5, 3).get("chain", (500, 3))
    state, drawn, h = {"chain": tf.zeros(chains)}, [], tf.zeros(chains)
    for step in range(60):
        negative = estimator.negative_phase(rbm.distribution(), h, state, Key(2, step))
        state = negative.state or state
        h = tf.cast(negative.h > Key(3, step).uniform(negative.h.shape), tf.float32)
        if step >= 20:
            drawn.append(negative.v.numpy().mean(0))
    np.testing.assert_allclose(np.mean(drawn, 0), p @ states(5), atol=0.03)


@pytest.mark.slow
def test_it_learns_a_small_distribution():
    """Kullback-Leibler divergence from data to RBM: near 0, from 1.4 at the start."""
    patterns = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0]], "float32")
    share = np.array([0.4, 0.3, 0.2, 0.1])
    rows = np.repeat(patterns, (share * 20_000).round().astype(int), 0)
    rbm = RBM(8, estimator=PersistentCD(500), initialization=Initialization(0.1), seed=1)
    rbm.compile(MomentumSGD(Exponential(0.3, 6000, 0.05), 0.5), steps_per_execution=200)

    def divergence():
        log_p = -rbm.free_energy(patterns) - exact_log_partition(rbm).value
        return float((share * (np.log(share) - log_p)).sum())

    rbm.build((None, 4))
    assert divergence() > 1.3
    rbm.fit(rows, batch_size=100, epochs=40, verbose=0, diagnostics=0)
    print("KL", divergence())
    assert divergence() < 0.05


@pytest.mark.parametrize("own", KINDS.values(), ids=KINDS)
def test_a_saved_rbm_continues_as_the_one_that_was_saved(binary, own, tmp_path):
    first = RBM(4, seed=5, **own)
    first.compile(MomentumSGD(Exponential(0.05, 10, 0.5), 0.5), run_eagerly=True)
    first.fit(binary, batch_size=10, epochs=2, verbose=0)
    first.save(tmp_path / "rbm.keras")
    second = keras.models.load_model(tmp_path / "rbm.keras")
    assert second.get_config() == first.get_config()
    for rbm in (first, second):
        rbm.fit(binary, batch_size=10, epochs=4, initial_epoch=2, verbose=0)
    for ours, theirs in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(first.transform(binary), second.transform(binary))


def test_the_same_seed_gives_the_same_bits_whatever_the_execution(binary, trained):
    def weights(per_execution, seed=5):
        rbm = RBM(4, seed=seed)
        rbm.compile("adam", steps_per_execution=per_execution)
        rbm.fit(binary, batch_size=9, epochs=2, verbose=0, diagnostics=0)
        return rbm.kernel.numpy()

    keras.utils.set_random_seed(1)
    first = weights(1)
    keras.utils.set_random_seed(2)
    np.testing.assert_array_equal(first, weights(100))
    assert not np.array_equal(first, weights(3, seed=6))


def test_every_epoch_has_another_order_and_every_row(binary):
    from keras_recipes.pretraining.rows import EpochBatches

    order = EpochBatches(binary, 9, seed=1, shuffle=True)
    seen = []
    for epoch in (0, 1, 0):
        order.on_epoch_begin(epoch)
        seen.append(order.order.numpy())
        assert sorted(seen[-1]) == list(range(40))
        executions = [order.next_steps(3) for _ in range(2)]
        assert executions == [[(0, 3, 9)], [(3, 1, 9), (4, 1, 4)]]
    assert (seen[0] == seen[2]).all()
    assert (seen[0] != seen[1]).any()


def test_xla_computes_the_same_update(binary, trained):
    """Apart from its random numbers: with no randomness in the update, the weights agree."""
    own = {"hidden": "gaussian", "visible": "gaussian", "scale": 0.1}
    plain, xla = (trained(binary, jit=jit, **own) for jit in (False, True))
    assert np.abs(plain.kernel - xla.kernel).max() < 0.2
    assert np.isfinite(xla.kernel).all()


@pytest.mark.parametrize(("rows", "asked", "expected"), [
    (200, "auto", True), (199, "auto", False), (2, True, True), (200, False, False),
])  # fmt: skip
def test_xla_compiles_by_itself_where_an_epoch_has_many_updates(
    make_rbm, rows, asked, expected, monkeypatch
):
    """For rows in memory; batches of a dataset come from outside of the program."""
    monkeypatch.setattr(keras.Model, "fit", lambda *arguments, **named: None)
    x = np.zeros((rows, 3), "float32")
    rbm = make_rbm(3)
    rbm.compile(jit_compile=asked)
    rbm.fit(x, batch_size=2)
    assert rbm.jit_compile is expected
    if asked == "auto":
        rbm.fit(tf.data.Dataset.from_tensors(x[:2]))
        assert rbm.jit_compile is False


def test_bfloat16_products_stay_close(binary, trained):
    full, short = (
        trained(binary, matmul_precision=kind, epochs=5) for kind in ("float32", "bfloat16")
    )
    np.testing.assert_allclose(full.kernel, short.kernel, atol=0.05)
    assert short.kernel.dtype == "float32"


def test_rows_of_0_and_1_train_the_same_when_they_are_drawn_as_probabilities(binary, trained):
    drawn, plain = trained(binary, visible=Bernoulli(sample_data=True)), trained(binary)
    np.testing.assert_array_equal(drawn.kernel, plain.kernel)


def test_each_update_draws_other_rows_from_the_probabilities(trained, monkeypatch):
    """Updates see 0 and 1, whose means are the values of the rows."""
    rows, seen = np.tile(np.array([[0.0, 0.25, 0.8, 1.0]], "float32"), (200, 1)), []
    exact = RBM._update_means
    monkeypatch.setattr(
        RBM,
        "_update_means",
        lambda rbm, p, v, *others: seen.append(v.numpy()) or exact(rbm, p, v, *others),
    )
    trained(rows, visible=Bernoulli(sample_data=True), batch_size=50, epochs=2)
    drawn = np.array(seen)
    assert set(np.unique(drawn)) == {0.0, 1.0}
    error = np.sqrt(rows[0] * (1 - rows[0]) / len(seen) / 50)
    assert (np.abs(drawn.mean((0, 1)) - rows[0]) <= 4 * error).all()
    assert not (drawn[0] == drawn[4]).all()


def test_a_data_set_trains_like_the_rows(binary):
    def train(rows, **how):
        rbm = RBM(4, seed=5)
        rbm.compile(MomentumSGD(0.1, 0.5))
        rbm.fit(rows, epochs=2, verbose=0, **how)
        return rbm.kernel.numpy()

    batches = tf.data.Dataset.from_tensor_slices(binary).batch(8)
    held = train(binary, batch_size=8, shuffle=False)
    np.testing.assert_allclose(train(batches), held, rtol=1e-6)


def test_epochs_log_how_it_is_doing(binary):
    rbm = RBM(4)
    rbm.compile(MomentumSGD(0.1, 0.5))
    stop = keras.callbacks.EarlyStopping("val_free_energy", mode="min", patience=100)
    logs = rbm.fit(
        binary[:30],
        batch_size=10,
        epochs=2,
        validation_data=binary[30:],
        callbacks=[stop],
        verbose=0,
    ).history
    gap = np.subtract(logs["val_free_energy"], logs["free_energy"])
    np.testing.assert_allclose(logs["free_energy_gap"], gap, rtol=1e-5)
    assert logs["weight_norm"][-1] == pytest.approx(float(np.linalg.norm(rbm.kernel)))
    own = rbm.free_energy(binary[:10]).mean(), rbm.free_energy(binary[30:]).mean()
    assert logs["free_energy"][-1] == pytest.approx(own[0], rel=1e-5)
    assert logs["val_free_energy"][-1] == pytest.approx(own[1], rel=1e-5)
    assert {"reconstruction_error", "val_reconstruction_error", "hidden_activity"} < set(logs)
    expected = np.square(rbm.reconstruct(binary[30:]) - binary[30:]).mean()
    assert logs["val_reconstruction_error"][-1] == pytest.approx(expected, rel=1e-5)


def test_the_pseudo_likelihood_is_the_sum_of_conditionals(binary, make_rbm):
    rbm = make_rbm()
    everything = states(6)
    p = np.exp(-rbm.free_energy(everything).astype("float64"))
    table = dict(zip(map(bytes, everything.astype("uint8")), p, strict=True))
    expected = []
    for row in binary.astype("uint8"):
        total = 0.0
        for unit in range(6):
            other = row.copy()
            other[unit] ^= 1
            total += np.log(table[bytes(row)] / (table[bytes(row)] + table[bytes(other)]))
        expected.append(total)
    exact = rbm.pseudo_likelihood(binary)
    np.testing.assert_allclose(exact, expected, rtol=1e-4)
    estimate = np.mean([rbm.score_samples(binary, seed=seed) for seed in range(400)], 0)
    np.testing.assert_allclose(estimate.mean(), exact.mean(), rtol=0.02)


def test_samples_follow_the_rbm_and_clamped_units_stay(make_rbm):
    rbm = make_rbm(width=4, units=3, scale=1.0)
    p = np.exp(-rbm.free_energy(states(4)) - exact_log_partition(rbm).value)
    drawn = rbm.sample(4000, sweeps=50, seed=1)
    np.testing.assert_allclose(drawn.mean(0), p @ states(4), atol=0.03)
    np.testing.assert_array_equal(drawn, rbm.sample(4000, sweeps=50, seed=1))
    start = np.tile(np.array([[1, 0, 0, 0]], "float32"), (4000, 1))
    held = np.array([True, True, False, False])
    drawn = rbm.sample(start=start, clamped=held, sweeps=50)
    np.testing.assert_array_equal(drawn[:, :2], start[:, :2])
    given = (states(4)[:, 0] == 1) & (states(4)[:, 1] == 0)
    expected = (p[given] / p[given].sum()) @ states(4)[given]
    np.testing.assert_allclose(drawn.mean(0), expected, atol=0.03)


ROWS = np.zeros((10, 6), "float32")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ROWS * np.nan, "must be finite"),
        (ROWS + np.inf, "must be finite"),
        (ROWS[:, :5], "must have 6 columns"),
        (ROWS[0], "must be a matrix"),
        (ROWS[:0], "must be a matrix"),
        (np.full((3, 6), "a"), "must hold numbers"),
    ],
)
def test_bad_rows_are_refused(make_rbm, rows, message):
    rbm = make_rbm()
    rbm.compile("sgd")
    for use in (lambda: rbm.fit(rows, verbose=0), lambda: rbm.transform(rows)):
        with pytest.raises(ValueError, match=message):
            use()


@pytest.mark.parametrize("rows", [ROWS + 2, ROWS - 1])
def test_rows_out_of_range_are_refused_in_training_and_clipped_after_it(make_rbm, rows):
    rbm = make_rbm()
    rbm.compile("sgd")
    with pytest.raises(ValueError, match="must lie in"):
        rbm.fit(rows, verbose=0)
    np.testing.assert_array_equal(rbm.transform(rows), rbm.transform(np.clip(rows, 0, 1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, "`units` must be >= 1"),
        ({"units": 2.5}, "`units`"),
        ({"units": True}, "`units`"),
        ({"visible": "poisson"}, "`visible` must be one of bernoulli, gaussian, softmax"),
        ({"visible": "softmax"}, "needs arguments"),
        ({"hidden": Gaussian()}, "`hidden` must be a `Hidden`"),
        ({"estimator": "cd"}, "`estimator` must be a `Estimator`"),
        ({"regularization": "l2"}, "`regularization` must be a `Regularization`"),
        ({"centring": 0.0}, "`centring` must be > 0"),
        ({"matmul_precision": "float16"}, "`matmul_precision` must be one of"),
        ({"seed": -1}, "`seed` must be >= 0"),
        ({"visible": "gaussian", "estimator": ParallelTempering()}, "Parallel tempering is for"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        RBM(**{"units": 3, **arguments})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ContrastiveDivergence(0), "`k` must be >= 1"),
        (lambda: ContrastiveDivergence("3"), "`k`"),
        (lambda: PersistentCD(0), "`chains` must be >= 1"),
        (lambda: FastPersistentCD(decay=1), "`decay` must be < 1"),
        (lambda: FastPersistentCD(rate=0), "`rate` must be > 0"),
        (lambda: ParallelTempering(temperatures=1), "`temperatures` must be >= 2"),
        (lambda: Regularization(dropout=1.0), "`dropout` must be < 1"),
        (lambda: Regularization(dropout=-0.1), "`dropout` must be >= 0"),
        (lambda: Initialization(float("nan")), "`stddev` must be finite"),
        (lambda: Regularization(l1=-1), "`l1` must be >= 0"),
        (lambda: Regularization(sparsity_target=1), "`sparsity_target` must be < 1"),
        (lambda: Gaussian(0), "`sigma` must be > 0"),
        (lambda: Softmax(1), "`categories` must be >= 2"),
        (lambda: MomentumSGD(0.1, 1.5), "`momentum` must be <= 1"),
        (lambda: MomentumSGD(-0.1), "`learning_rate` must be >= 0"),
    ],
)
def test_bad_parts_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_misuse_is_refused(make_rbm):
    with pytest.raises(ValueError, match="Compile the RBM"):
        RBM(3).fit(ROWS)
    with pytest.raises(ValueError, match="no weights yet"):
        RBM(3).transform(ROWS)
    rbm = make_rbm()
    with pytest.raises(ValueError, match="`h` must have 4 columns"):
        rbm.inverse_transform(ROWS)
    with pytest.raises(ValueError, match="`clamped` must be 6 booleans"):
        rbm.sample(2, clamped=np.ones(6, bool))
    with pytest.raises(ValueError, match="columns"):
        RBM(3, visible=Softmax(4)).build((None, 6))
    with pytest.raises(ValueError, match="must sum to 1"):
        softmax = RBM(3, visible=Softmax(3))
        softmax.compile("sgd")
        softmax.fit(ROWS)
    with pytest.raises(ValueError, match="pseudo-likelihood is of Bernoulli"):
        make_rbm(visible="gaussian").score_samples(ROWS)
