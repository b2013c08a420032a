"""The partition function: exact for a small RBM, by annealed importance sampling for others."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from tensorflow import Tensor

from ..schedules.arguments import check_steps
from .distribution import Distribution
from .hidden_units import BernoulliHidden, Rectified
from .partition import Bracket, LogPartition, bennett, mean_weight
from .rbm import RBM
from .rows import as_rows
from .sampling import Key, Scalar
from .units import Bernoulli

# The most binary units of one layer whose states are enumerated.
MOST_UNITS = 20
CHUNK = 2**12


@dataclass(frozen=True)
class LogProbability:
    """Mean log-probability of rows, in nats, with the error bar of log Z.

    Attributes:
        value: mean over rows of -F(row) - log Z.
        low, high: the same with the ends of the error bar of log Z.
        partition: the log Z that was used.

    >>> from keras_recipes.pretraining import Initialization
    >>> rbm = RBM(3, initialization=Initialization(stddev=0.0))
    >>> rbm.build((None, 4))
    >>> found = log_probability(rbm, np.ones((2, 4), "float32"))
    >>> float(np.round(found.value / np.log(2), 4))
    -4.0
    """

    value: float
    low: float
    high: float
    partition: LogPartition


def exact_log_partition(rbm: RBM) -> LogPartition:
    """log Z as the sum over all states of the layer with fewer binary units.

    log Z = log sum_h exp(-G(h)), or log sum_v exp(-F(v))

    Raises:
        ValueError: neither layer is binary with at most 20 units.

    >>> from keras_recipes.pretraining import Initialization
    >>> rbm = RBM(3, initialization=Initialization(stddev=0.0))
    >>> rbm.build((None, 4))
    >>> float(np.round(exact_log_partition(rbm).value / np.log(2), 4))
    7.0
    """
    p = _float32(rbm)
    layers = []
    if isinstance(rbm.hidden, BernoulliHidden):
        layers.append((rbm.units, p.hidden_free_energy))
    if isinstance(rbm.visible, Bernoulli):
        layers.append((rbm.width, p.free_energy))
    layers = [layer for layer in layers if layer[0] <= MOST_UNITS]
    if not layers:
        raise ValueError(
            f"An exact partition function needs a layer of at most {MOST_UNITS} Bernoulli units. "
            f"Received: {rbm.width} {type(rbm.visible).__name__} and {rbm.units} "
            f"{type(rbm.hidden).__name__} units"
        )
    width, energy = min(layers, key=lambda layer: layer[0])
    total = -np.inf
    for begin in range(0, 2**width, CHUNK):
        codes = np.arange(begin, min(begin + CHUNK, 2**width))
        states = (codes[:, None] >> np.arange(width) & 1).astype("float32")
        terms = -np.asarray(energy(tf.constant(states)), "float64")
        total = np.logaddexp(total, np.logaddexp.reduce(terms))
    return LogPartition(float(total), float(total), float(total), 0)


def log_partition(
    rbm: RBM,
    data: ArrayLike | None = None,
    *,
    runs: int = 100,
    temperatures: int = 1000,
    seed: int = 0,
) -> LogPartition:
    """log Z by annealed importance sampling (Neal 2001; Salakhutdinov & Murray 2008).

    From an RBM A without weights, whose biases give the means of `data`, to the RBM B:

        p_k(v) ~ exp((1 - beta_k) a_A'v + beta_k a'v) prod_j (1 + exp(beta_k (b_j + v'W_j)))

    for Bernoulli units, and their other kinds likewise. A run's weight is the product over k of
    p_k+1(v_k) / p_k(v_k), with one Gibbs step of p_k+1 between; log Z_B = log Z_A + log of the
    mean weight. The betas are spaced as in the paper: 1/30 of them up to 0.5, 4/15 up to 0.9, and
    the rest up to 1.

    Args:
        rbm: the RBM.
        data: rows whose means give the biases of A; None for biases of 0.
        runs: independent runs, >= 2.
        temperatures: betas between 0 and 1, >= 10; about 14,500 in the paper.
        seed: of the runs.

    Raises:
        ValueError: a bad argument, or rectified hidden units, whose conditional distribution is
            an approximation.
    """
    annealing = _Annealing.of(rbm, data, temperatures)
    logs = annealing.up(check_steps("runs", runs, ge=2), seed)
    return mean_weight(logs).partition(annealing.known)


def bracket_log_partition(
    rbm: RBM,
    samples: ArrayLike,
    data: ArrayLike | None = None,
    *,
    temperatures: int = 1000,
    seed: int = 0,
) -> Bracket:
    """log Z from both sides: annealed importance sampling, and the same in reverse.

    The reverse runs start at samples of the RBM and go down the same temperatures to the RBM
    without weights; log Z_B = log Z_A - log of their mean weight. That is above log Z_B where the
    way up is below it (Grosse, Ghahramani & Adams 2015; Burda, Grosse & Salakhutdinov 2015): if
    both agree, both are right. Bennett's acceptance ratio unites them.

    Args:
        rbm: the RBM.
        samples: rows drawn from the RBM, as by `Trajectory.sample`: a run down from each, and as
            many up. Rows that are not from the RBM make the upper estimate wrong.
        data, temperatures, seed: as in `log_partition`.

    Raises:
        ValueError: a bad argument.
    """
    rows = as_rows(samples, rbm.visible, rbm.width, "samples", held_out=True)
    annealing = _Annealing.of(rbm, data, temperatures)
    check_steps("rows of `samples`", len(rows), ge=2)
    up, down = annealing.up(len(rows), seed), annealing.down(rows, seed)
    return Bracket(
        mean_weight(up).partition(annealing.known),
        (-mean_weight(down)).partition(annealing.known),
        bennett(up, -down).partition(annealing.known),
    )


def log_probability(
    rbm: RBM,
    x: ArrayLike,
    partition: LogPartition | None = None,
    *,
    data: ArrayLike | None = None,
    runs: int = 100,
    temperatures: int = 1000,
    seed: int = 0,
) -> LogProbability:
    """Mean log-probability of rows.

    Args:
        rbm: the RBM.
        x: rows.
        partition: a log Z; None to compute it, exactly if possible and else by `log_partition`.
        data, runs, temperatures, seed: of `log_partition`.
    """
    if partition is None:
        try:
            partition = exact_log_partition(rbm)
        except ValueError:
            partition = log_partition(rbm, data, runs=runs, temperatures=temperatures, seed=seed)
    mean = -float(np.mean(rbm.free_energy(x), dtype="float64"))
    return LogProbability(
        mean - partition.value, mean - partition.high, mean - partition.low, partition
    )


@dataclass(frozen=True)
class _Annealing:
    """The distributions p_k between the RBM without weights and the RBM.

    Attributes:
        p: the RBM.
        base: biases of the RBM without weights.
        betas: of the distributions between, from 0 to 1.
        seed: of the RBM.
        known: log Z of the RBM without weights.
    """

    p: Distribution
    base: Tensor
    betas: np.ndarray
    seed: int
    known: float

    @classmethod
    def of(cls, rbm: RBM, data: ArrayLike | None, temperatures: int) -> _Annealing:
        count = check_steps("temperatures", temperatures, ge=10)
        if isinstance(rbm.hidden, Rectified):
            raise ValueError("Annealed importance sampling is not for rectified hidden units.")
        p = _float32(rbm)
        bias = np.zeros(rbm.width, "float32")
        if data is not None:
            bias = rbm.visible.data_bias(as_rows(data, rbm.visible, rbm.width, "data").mean(0))
        base = tf.constant(bias, tf.float32)
        return cls(p, base, _betas(count), rbm.seed, _base_log_partition(p, base))

    def up(self, runs: int, seed: int) -> np.ndarray:
        """The log weights of runs from the RBM without weights to the RBM."""
        key = Key(self.seed + 2, check_steps("seed", seed, ge=0))
        start = self.p.visible.mean(tf.tile(self.base[tf.newaxis], [runs, 1]))
        return self._run(self.p.visible.sample(start, self.p.variance, key, 0), self.betas, key)

    def down(self, rows: np.ndarray, seed: int) -> np.ndarray:
        """The log weights of runs from samples of the RBM to the RBM without weights."""
        key = Key(self.seed + 5, check_steps("seed", seed, ge=0))
        return self._run(tf.constant(rows), self.betas[::-1], key)

    def _run(self, v: Tensor, betas: np.ndarray, key: Key) -> np.ndarray:
        levels = tf.constant(np.ascontiguousarray(betas))

        def step(index: Scalar, v: Tensor, logs: Tensor) -> tuple[Scalar, Tensor, Tensor]:
            beta, inputs = levels[index], self.p.hidden_input(v)
            logs += self._log_p(v, inputs, beta) - self._log_p(v, inputs, levels[index - 1])
            return index + 1, self._move(inputs, beta, key, 2 * tf.cast(index, tf.int64)), logs

        def run(v: Tensor) -> Tensor:
            start = (tf.constant(1), v, tf.zeros_like(v[:, 0]))
            return tf.while_loop(lambda index, *_: index < len(betas), step, start)[2]

        # Traced here and not in a call, of which TensorFlow warns when it sees several.
        run = tf.function(run, autograph=False).get_concrete_function(v)
        return run(v).numpy().astype("float64")

    def _log_p(self, v: Tensor, inputs: Tensor, beta: Tensor) -> Tensor:
        """log of the unnormalized p at beta, with the inputs of the hidden units at beta = 1."""
        p = self.p
        first = p.visible.bias_term(v, self.base, p.variance)
        last = p.visible.bias_term(v, p.visible_bias, p.variance)
        cumulant = tf.reduce_sum(p.hidden.cumulant(beta * inputs), -1)
        return (1 - beta) * first + beta * last + cumulant

    def _move(self, inputs: Tensor, beta: Tensor, key: Key, purpose: Tensor) -> Tensor:
        """v after a Gibbs step at beta, from the inputs of the hidden units at beta = 1."""
        p, inputs = self.p, beta * inputs
        h = p.hidden.sample(inputs, p.hidden.mean(inputs), key, purpose)
        mean = p.visible.mean((1 - beta) * self.base + beta * p.visible_input(h))
        return p.visible.sample(mean, p.variance, key, purpose + 1)


def _base_log_partition(p: Distribution, base: Tensor) -> float:
    """log Z of the RBM without weights, whose hidden units have the input 0."""
    visible = p.visible.cumulant(base[tf.newaxis], base, p.variance)[0]
    hidden = tf.reduce_sum(p.hidden.cumulant(tf.zeros_like(p.hidden_bias)))
    return float(visible) + float(hidden)


def _betas(count: int) -> np.ndarray:
    few, more = max(1, count // 30), max(1, 4 * count // 15)
    parts = [
        np.linspace(0, 0.5, few, endpoint=False),
        np.linspace(0.5, 0.9, more, endpoint=False),
        np.linspace(0.9, 1, count - few - more + 1),
    ]
    return np.concatenate(parts).astype("float32")


def _float32(rbm: RBM) -> Distribution:
    """The distribution with matrix products in full precision."""
    return replace(rbm.distribution(), matmul_dtype="float32")
