"""The snapshots of a training as a ladder: samples and log Z of the last by way of all others."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from tensorflow import Tensor

from ..schedules.arguments import check_steps
from .partition import Bracket, bennett, mean_weight
from .rbm import RBM
from .rows import as_rows
from .sampling import Key, Scalar
from .snapshots import Snapshots, exchange, put
from .tempering import TrajectoryTempering, check_binary, stored_snapshots

# Purposes of the random numbers of a sweep.
SWAP, GIBBS, RESAMPLED = 0, 8, 2**14
# Gibbs steps of a snapshot with which its chains start from those of the snapshot before.
CLIMB = 5
# Steps of the keys of two seeds are so far apart.
MOST_SWEEPS = 2**24


@dataclass(frozen=True)
class Sweeps:
    """What sweeps of a trajectory gave.

    Attributes:
        v: states of the last snapshot's chains after the last sweep.
        forward: of each pair of neighbours t and t + 1, log p_t+1(v) / p_t(v), unnormalized, at
            states of t, chains by sweeps; a pair is looked at in every second sweep.
        reverse: the same at states of t + 1.
        acceptance: of each pair, the mean probability of a swap.
    """

    v: np.ndarray
    forward: list[np.ndarray]
    reverse: list[np.ndarray]
    acceptance: np.ndarray


class Trajectory:
    """RBMs from one without weights, whose log Z is known, to one that was trained.

    Each has chains. A sweep is a Gibbs step of every chain, then swaps of neighbours' states: see
    `TrajectoryTempering`. An RBM without weights gives independent draws, so states of the last
    RBM that have come from there are independent too, where plain Gibbs sampling would stay in one
    mode. On the way, log(Z_t+1 / Z_t) follows from log p_t+1(v) / p_t(v) at the states of both.

    Args:
        rbm: the last RBM.
        snapshots: those before, each with weights, visible and hidden biases; the weights of the
            first are 0. None for those that a `TrajectoryTempering` estimator stored, or else for
            one RBM without weights.
        data: rows whose means give the visible biases of that one RBM; None for biases of 0.
        between: snapshots to add between each two, on the straight line between their parameters.

    Raises:
        ValueError: a bad argument, or units that are not binary.

    >>> rbm = RBM(3, seed=1)
    >>> rbm.build((None, 4))
    >>> found = Trajectory(rbm, between=2).log_partition(chains=50, sweeps=20)
    >>> float(np.round(found.value.value / np.log(2), 1))
    7.0
    """

    def __init__(
        self,
        rbm: RBM,
        snapshots: Sequence[Sequence[ArrayLike]] | None = None,
        *,
        data: ArrayLike | None = None,
        between: int = 0,
    ):
        check_binary(rbm.visible, rbm.hidden)
        self.seed = rbm.seed
        p = replace(rbm.distribution(), matmul_dtype="float32")
        before = _before(rbm, data) if snapshots is None else snapshots
        rows = [*before, (p.weights, p.visible_bias, p.hidden_bias)]
        stacks = [
            np.stack([np.asarray(part) for part in parts]) for parts in zip(*rows, strict=True)
        ]
        if len(rows) < 2 or np.any(stacks[0][0]):
            raise ValueError(
                "Argument `snapshots` must begin with one whose weights are all 0. Received: "
                f"{len(rows) - 1} snapshots"
            )
        count = check_steps("between", between, ge=0) + 1
        stacks = [tf.constant(_on_lines(stack, count)) for stack in stacks]
        self.snapshots = Snapshots(p, *stacks, count=len(stacks[0]))

    def sweep(
        self, chains: int = 100, sweeps: int = 500, *, burn_in: int = 100, seed: int = 0
    ) -> Sweeps:
        """Run the chains.

        Args:
            chains: of each snapshot, >= 2; they are independent of each other.
            sweeps: that count, >= 2.
            burn_in: sweeps before them, >= 0.
            seed: of the draws.
        """
        chains, sweeps = check_steps("chains", chains, ge=2), check_steps("sweeps", sweeps, ge=2)
        burn_in = check_steps("burn_in", burn_in, ge=0)
        begin = check_steps("seed", seed, ge=0) * MOST_SWEEPS
        step = tf.function(self._step, autograph=False)
        v = self._start(chains, begin)
        found, pairs = [], range(self.snapshots.count - 1)
        for number in range(1, burn_in + sweeps + 1):
            v, own, other, probability = step(v, tf.constant(begin + number, tf.int64))
            if number > burn_in:
                found.append((number % 2, own.numpy(), other.numpy(), probability.numpy()))

        def of_pair(pair: int, own: int, other: int) -> np.ndarray:
            """F_t(v) - F_t+1(v), where `own` says of which snapshot v is."""
            sign = 1 if own == pair else -1
            values = [sign * (f[own] - g[other]) for odd, f, g, _ in found if odd == pair % 2]
            return np.stack(values, 1).astype("float64")

        return Sweeps(
            np.asarray(v[-1]),
            [of_pair(pair, pair, pair + 1) for pair in pairs],
            [of_pair(pair, pair + 1, pair) for pair in pairs],
            np.array([np.mean([p[t] for odd, *_, p in found if odd == t % 2]) for t in pairs]),
        )

    def sample(self, count: int = 100, *, sweeps: int = 500, seed: int = 0) -> np.ndarray:
        """Rows drawn from the RBM by sweeps of the ladder, independent of each other."""
        return self.sweep(max(count, 2), 2, burn_in=sweeps, seed=seed).v[:count]

    def log_partition(
        self, chains: int = 100, sweeps: int = 500, *, burn_in: int = 100, seed: int = 0
    ) -> Bracket:
        """log Z of the RBM along the trajectory.

        The lower estimate takes each log(Z_t+1 / Z_t) from the states of t, the upper one from
        those of t + 1, and the value from both by Bennett's acceptance ratio. Errors are those
        between chains, which are independent, whatever the correlation within them.

        Args:
            chains, sweeps, burn_in, seed: as in `sweep`.
        """
        return self.bracket(self.sweep(chains, sweeps, burn_in=burn_in, seed=seed))

    def bracket(self, found: Sweeps) -> Bracket:
        """log Z from the weights that sweeps gave."""
        pairs = list(zip(found.forward, found.reverse, strict=True))
        ratios = (
            [mean_weight(up) for up, _ in pairs],
            [-mean_weight(-down) for _, down in pairs],
            [bennett(up, down, paired=True) for up, down in pairs],
        )
        known = self.first_log_partition
        return Bracket(*(reduce(operator.add, each).partition(known) for each in ratios))

    @property
    def first_log_partition(self) -> float:
        """log Z of the snapshot without weights."""
        p = self.snapshots[0]
        visible = p.visible.cumulant(p.visible_bias[tf.newaxis], p.visible_bias, p.variance)
        return float(visible[0]) + float(tf.reduce_sum(p.hidden.cumulant(p.hidden_bias)))

    def _step(self, v: Tensor, number: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """States after a sweep; energies before its swaps; probabilities of the swaps."""
        key = Key(self.seed + 6, number)
        v = self.snapshots.gibbs(v, key, GIBBS, self.snapshots.count)
        partner = self.snapshots.partners(number)
        own, other = self.snapshots.energies(v, partner)
        v, probability = exchange(v, own, other, partner, key, SWAP)
        return v, own, other, probability

    def _start(self, chains: int, step: int) -> Tensor:
        """States of the first snapshot up: those before, resampled by weight, after some steps."""
        key = Key(self.seed + 6, step)

        def climb(index: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
            before = tf.maximum(index - 1, 0)
            p, state = self.snapshots[index], v[before]
            logs = self.snapshots[before].free_energy(state) - p.free_energy(state)
            state = tf.gather(state, resampled(logs, chains, key, 2 * tf.cast(index, tf.int64)))
            for number in range(CLIMB):
                purpose = RESAMPLED + 2 * tf.cast(CLIMB * index + number, tf.int64)
                _, h = p.sample_hidden(state, key, purpose)
                state = p.sample_visible(h, key, purpose + 1)
            return index + 1, put(v, index, state)

        count, width = self.snapshots.count, self.snapshots.visible_bias.shape[1]
        start = (tf.constant(0), tf.zeros((count, chains, width)))
        return tf.while_loop(lambda index, _: index < count, climb, start)[1]


def resampled(logs: Tensor, count: int, key: Key, purpose: Scalar) -> Tensor:
    """Indices, each drawn as often as its weight exp(logs) says, by one random number."""
    places = (tf.range(count, dtype=tf.float32) + key.fine_uniform([], purpose)) / count
    found = tf.searchsorted(tf.cumsum(tf.nn.softmax(logs)), places)
    return tf.minimum(found, count - 1)


def _before(rbm: RBM, data: ArrayLike | None) -> list[tuple[np.ndarray, ...]]:
    """The snapshots that an RBM's estimator stored, or one without weights."""
    stored = isinstance(rbm.estimator, TrajectoryTempering) and stored_snapshots(rbm.state)
    if stored:
        return stored
    bias = np.zeros(rbm.width, "float32")
    if data is not None:
        bias = rbm.visible.data_bias(as_rows(data, rbm.visible, rbm.width, "data").mean(0))
    return [(np.zeros((rbm.width, rbm.units), "float32"), bias, np.zeros(rbm.units, "float32"))]


def _on_lines(stack: np.ndarray, count: int) -> np.ndarray:
    """A stack with each step from one part to the next divided into `count` equal ones."""
    shares = np.arange(count, dtype="float32").reshape(-1, *[1] * (stack.ndim - 1)) / count
    parts = [low + shares * (high - low) for low, high in itertools.pairwise(stack)]
    return np.concatenate([*parts, stack[-1:]]).astype("float32")
