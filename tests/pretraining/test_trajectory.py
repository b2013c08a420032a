"""Trajectory tempering, and log Z from both sides, against sums over all states."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy import special

from keras_recipes.pretraining import (
    RBM,
    Initialization,
    MomentumSGD,
    Trajectory,
    TrajectoryTempering,
    bracket_log_partition,
    exact_log_partition,
    log_partition,
)
from keras_recipes.pretraining.partition import LogPartition, bennett, mean_weight
from keras_recipes.pretraining.sampling import Key
from keras_recipes.pretraining.snapshots import Snapshots, exchange

WIDTH = 6
STATES = np.array(list(itertools.product([0, 1], repeat=WIDTH)), "float32")


def log_p(rbm):
    """log p(v) of every state, by the sum over all."""
    found = -rbm.free_energy(STATES).astype("float64")
    return found - special.logsumexp(found)


def frequencies(rows):
    codes = rows.astype(int) @ (1 << np.arange(WIDTH)[::-1])
    return np.bincount(codes, minlength=len(STATES)) / len(rows)


@pytest.fixture(scope="module")
def stored(binary):
    """An RBM trained with trajectory tempering, which stored snapshots and had to drop some."""
    estimator = TrajectoryTempering(50, snapshots=5, acceptance=0.8, every=2)
    rbm = RBM(4, estimator=estimator, initialization=Initialization(0.1, True), seed=1)
    rbm.compile(MomentumSGD(0.5, 0.0), jit_compile=False)
    rbm.fit(binary, batch_size=10, epochs=40, verbose=0, diagnostics=0)
    return rbm


def test_the_trajectory_begins_without_weights_and_ends_with_the_rbm(stored):
    snapshots = Trajectory(stored).snapshots
    assert 4 <= snapshots.count <= 6
    assert not np.any(snapshots.weights[0])
    np.testing.assert_array_equal(snapshots.weights[-1], stored.kernel)
    norms = np.linalg.norm(np.asarray(snapshots.weights), axis=(1, 2))
    assert (np.diff(norms) > 0).all()


def test_training_with_it_climbs_the_likelihood(stored, binary):
    """Nearer to the data than their independent units are."""
    own = log_p(stored)[binary.astype(int) @ (1 << np.arange(WIDTH)[::-1])].mean()
    mean = binary.mean(0)
    independent = (binary * np.log(mean) + (1 - binary) * np.log(1 - mean)).sum(1).mean()
    assert own > independent + 0.5


def test_log_z_along_the_trajectory_is_the_exact_one(stored):
    exact = exact_log_partition(stored).value
    found = Trajectory(stored).log_partition(chains=200, sweeps=100, burn_in=20)
    for one in (found.lower, found.upper, found.value):
        low, high = one.interval(0.999)
        assert low < exact < high
    assert found.value.error < 0.03
    assert abs(found.gap) < 0.1


def test_samples_have_the_exact_distribution(make_rbm):
    """Of a snapshot with two modes, between which plain Gibbs sampling does not change."""
    rbm = make_rbm(WIDTH, 4, scale=0.0)
    rbm.kernel.assign(np.full((WIDTH, 4), 6.0))
    rbm.visible_bias.assign(np.full(WIDTH, -12.0))
    rbm.hidden_bias.assign(np.full(4, -18.0))
    found = frequencies(Trajectory(rbm, between=8).sample(1000, sweeps=100))
    exact = np.exp(log_p(rbm))
    assert min(exact[0], exact[-1]) > 0.3
    assert abs(found - exact).sum() < 0.1


def test_swaps_keep_every_snapshot_s_distribution(make_rbm):
    """Chains that have the snapshots' distributions have them after an exchange."""
    snapshots = [make_rbm(WIDTH, 4, scale=scale) for scale in (0.2, 0.8, 1.2)]
    random, count = np.random.default_rng(2), 20_000
    v = np.stack([STATES[random.choice(64, count, p=np.exp(log_p(m)))] for m in snapshots])
    stacks = [
        tf.stack([m.parameters[name].value for m in snapshots])
        for name in ("weights", "visible_bias", "hidden_bias")
    ]
    ladder = Snapshots(snapshots[0].distribution(), *stacks, count=3)
    for number in (0, 1):
        partner = ladder.partners(number)
        assert partner.numpy().tolist() == [[1, 0, 2], [0, 2, 1]][number]
        own, other = ladder.energies(tf.constant(v), partner)
        swapped, probability = exchange(tf.constant(v), own, other, partner, Key(1, number), 0)
        assert 0.1 < probability.numpy().mean() < 1
        assert (np.asarray(swapped) != v).any()
        for rbm, rows in zip(snapshots, np.asarray(swapped), strict=True):
            assert abs(frequencies(rows) - np.exp(log_p(rbm))).sum() < 0.07


def test_annealing_up_and_down_bracket_the_exact_log_z(make_rbm):
    rbm = make_rbm(WIDTH, 5, scale=1.5)
    exact = exact_log_partition(rbm).value
    rows = STATES[np.random.default_rng(0).choice(64, 400, p=np.exp(log_p(rbm)))]
    found = bracket_log_partition(rbm, rows, temperatures=20)
    for one in (found.lower, found.upper, found.value):
        low, high = one.interval(0.999)
        assert low < exact < high
    assert found.value.error < min(found.lower.error, found.upper.error)
    assert found.lower == log_partition(rbm, runs=400, temperatures=20)


def test_bennett_s_ratio_of_gaussians():
    """Of work with the distribution N(-s^2/2 + c, s^2), which is N(s^2/2 + c, s^2) backwards."""
    random, spread, c = np.random.default_rng(0), 1.5, 0.7
    up = random.normal(c - spread**2 / 2, spread, 4000)
    down = random.normal(c + spread**2 / 2, spread, 1000)
    for ratio in (bennett(up, down), mean_weight(up), -mean_weight(-down)):
        found = ratio.partition(2.0)
        assert abs(found.value - 2.7) < 3 * found.error
        assert found.error < 0.15


@pytest.mark.parametrize("spread", [0.5, 1.5])
def test_intervals_hold_the_value_as_often_as_they_say(spread):
    """Bennett's ratio, of 100 runs up and 100 down."""
    random, held = np.random.default_rng(3), []
    for _ in range(600):
        up, down = (random.normal(sign * spread**2 / 2, spread, 100) for sign in (-1, 1))
        low, high = bennett(up, down).partition(0).interval(0.95)
        held.append(low <= 0 <= high)
    assert 0.93 <= np.mean(held) <= 0.97


def test_the_error_of_a_mean_weight_is_that_between_runs():
    """Ten equal values a run count once."""
    logs = np.random.default_rng(1).normal(0, 0.5, 200)
    single = mean_weight(logs).partition(0)
    again = mean_weight(np.repeat(logs[:, None], 10, 1)).partition(0)
    assert again.error == pytest.approx(single.error)
    weights = np.exp(logs)
    expected = weights.std(ddof=1) / np.sqrt(200) / weights.mean()
    assert single.error == pytest.approx(expected, rel=1e-6)


def test_an_exact_value_has_no_error():
    assert LogPartition(3.0, 3.0, 3.0, 0).interval() == (3.0, 3.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rbm: Trajectory(rbm, [[*rbm.parameters.values()]]), "are all 0"),
        (lambda rbm: Trajectory(rbm, between=-1), "`between` must be >= 0"),
        (lambda rbm: Trajectory(rbm).sweep(1), "`chains` must be >= 2"),
        (lambda rbm: Trajectory(rbm).sweep(sweeps=1), "`sweeps` must be >= 2"),
        (lambda rbm: bracket_log_partition(rbm, np.zeros((5, 3))), "`samples` must have 6 columns"),
        (lambda rbm: TrajectoryTempering(snapshots=2), "`snapshots` must be >= 3"),
        (lambda rbm: TrajectoryTempering(acceptance=1), "`acceptance` must be < 1"),
        (lambda rbm: TrajectoryTempering(every=0), "`every` must be >= 1"),
    ],
    ids=["weights", "between", "chains", "sweeps", "columns", "snapshots", "acceptance", "every"],
)
def test_bad_arguments_are_refused(make_rbm, call, message):
    with pytest.raises(ValueError, match=message):
        call(make_rbm())


def test_other_units_are_refused(make_rbm):
    with pytest.raises(ValueError, match="Trajectory tempering is for"):
        make_rbm(visible="gaussian", estimator=TrajectoryTempering())
    with pytest.raises(ValueError, match="Trajectory tempering is for"):
        Trajectory(make_rbm(visible="gaussian"))
