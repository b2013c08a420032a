"""Parallel trajectory tempering as estimator of the gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf
from tensorflow import Tensor

from ..arguments import check_number
from ..schedules.arguments import Schedule, check_steps
from .distribution import Distribution
from .estimators import (
    CHAIN,
    SWAP,
    NegativePhase,
    PersistentCD,
    State,
    k_at,
    run_chain,
)
from .hidden_units import BernoulliHidden, Hidden
from .sampling import Key
from .snapshots import Snapshots, exchange, put
from .units import Visible

# Purpose of the random numbers of the stored snapshots' Gibbs steps; an update's own lie below.
STORED = 2**14


def check_binary(visible: Visible, hidden: Hidden) -> None:
    """Raise if swaps by free energy are not for these units."""
    if visible.continuous or not isinstance(hidden, BernoulliHidden):
        raise ValueError(
            "Trajectory tempering is for Bernoulli or Softmax visible and Bernoulli hidden units. "
            f"Received: {type(visible).__name__} and {type(hidden).__name__}"
        )


@keras.saving.register_keras_serializable(package="keras_recipes")
class TrajectoryTempering(PersistentCD):
    """Persistent chains that swap states with those of the RBM as it was earlier in its training.

    The RBM is stored from time to time, first as it begins but with weights of 0. Each stored
    snapshot has chains as the RBM has. A sweep is a Gibbs step of every chain, then swaps of
    neighbours' states, with the probability

        min(1, exp(F_t(v_t) + F_s(v_s) - F_t(v_s) - F_s(v_t)))

    of snapshots t and s; the RBM as it is, is the last (Béreux, Decelle, Furtlehner, Rosset and
    Seoane 2025, arXiv 2405.15376). When swaps with the snapshot stored last become rare, the RBM
    is stored again. If there is no room, every second stored snapshot is dropped first.
    `Trajectory` uses the snapshots for samples and log Z.

    Args:
        chains: of each snapshot, >= 1.
        k: Gibbs steps an update of the RBM's own chains, >= 1, or a schedule of them.
        snapshots: the most to store, >= 3; each takes as much memory as the RBM.
        acceptance: mean probability of a swap with the snapshot stored last below which the RBM is
            stored again, in (0, 1).
        every: updates from one sweep of the stored snapshots to the next, >= 1.

    Raises:
        ValueError: a bad argument.

    >>> TrajectoryTempering(10, snapshots=5).state_shapes(4, 3)["stored_weights"]
    (6, 4, 3)
    """

    # The loops over snapshots took XLA more than a minute of processor time to compile.
    quick_by_xla = False

    def __init__(
        self,
        chains: int = 100,
        k: int | Schedule = 1,
        *,
        snapshots: int = 40,
        acceptance: float = 0.4,
        every: int = 1,
    ):
        super().__init__(chains, k)
        self.snapshots = check_steps("snapshots", snapshots, ge=3)
        self.acceptance = check_number("acceptance", acceptance, gt=0, lt=1)
        self.every = check_steps("every", every)

    def state_shapes(self, visible: int, hidden: int) -> Mapping[str, tuple[int, ...]]:
        # The RBM itself is behind the stored ones during a sweep.
        slots = self.snapshots + 1
        return {
            **super().state_shapes(visible, hidden),
            "stored_chain": (slots, self.chains, visible),
            "stored_weights": (slots, visible, hidden),
            "stored_visible_bias": (slots, visible),
            "stored_hidden_bias": (slots, hidden),
            "stored_count": (),
        }

    def check(self, visible: Visible, hidden: Hidden) -> None:
        check_binary(visible, hidden)

    def negative_phase(self, p: Distribution, h: Tensor, state: State, key: Key) -> NegativePhase:
        if p.mask is not None:
            raise ValueError("Trajectory tempering cannot be used with dropout of hidden units.")
        k, step = k_at(self.k, key), tf.cast(key.step, tf.int64)
        v = run_chain(p, state["chain"], k, key, sample_visible=True)
        stored = {name: value for name, value in state.items() if name.startswith("stored_")}
        due = tf.equal(tf.math.floormod(step, self.every), 0)
        v, stored = tf.cond(due, lambda: self._sweep(p, v, stored, key), lambda: (v, stored))
        mean, h = p.sample_hidden(v, key, CHAIN + 2 * tf.cast(k, tf.int64) + 1)
        return NegativePhase(v, mean, {"chain": h, **stored})

    def _sweep(self, p: Distribution, v: Tensor, state: State, key: Key) -> tuple[Tensor, State]:
        """A Gibbs step of the stored snapshots, and swaps with them and among them."""
        count = tf.cast(state["stored_count"], tf.int32)
        snapshots = _snapshots(p, state, count).with_last(p)
        states = snapshots.gibbs(put(state["stored_chain"], count, v), key, STORED, count)
        partner = snapshots.partners(tf.cast(key.step, tf.int64) // self.every)
        own, other = snapshots.energies(states, partner)
        states, probability = exchange(states, own, other, partner, key, SWAP)
        v, state = states[count], {**state, "stored_chain": states}
        rare = tf.reduce_mean(probability[count]) < self.acceptance
        store = (rare & (partner[count] < count)) | (count == 0)
        return v, tf.cond(store, lambda: self._store(p, v, state, count), lambda: state)

    def _store(self, p: Distribution, v: Tensor, state: State, count: Tensor) -> State:
        """The state with the RBM behind the snapshots that are stored."""
        full = count == self.snapshots
        kept = tf.minimum(tf.range(self.snapshots + 1) * tf.where(full, 2, 1), self.snapshots)
        count = tf.where(full, (self.snapshots + 1) // 2, count)
        state = {
            name: value if name == "stored_count" else tf.gather(value, kept)
            for name, value in state.items()
        }
        weights = p.weights * tf.cast(count > 0, tf.float32)
        snapshots = _snapshots(p, state, count).with_last(replace(p, weights=weights))
        return {
            "stored_chain": put(state["stored_chain"], count, v),
            "stored_weights": snapshots.weights,
            "stored_visible_bias": snapshots.visible_bias,
            "stored_hidden_bias": snapshots.hidden_bias,
            "stored_count": tf.cast(count + 1, tf.float32),
        }


def stored_snapshots(state: Mapping[str, keras.Variable]) -> list[tuple[np.ndarray, ...]]:
    """Weights, visible and hidden biases of the snapshots that an RBM's state has."""
    count = int(state["stored_count"].numpy())
    names = ("stored_weights", "stored_visible_bias", "stored_hidden_bias")
    parts = [np.asarray(state[name])[:count] for name in names]
    return list(zip(*parts, strict=True))


def _snapshots(p: Distribution, state: State, count: Tensor) -> Snapshots:
    biases = state["stored_visible_bias"], state["stored_hidden_bias"]
    return Snapshots(p, state["stored_weights"], *biases, count)
