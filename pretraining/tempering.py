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
    ContrastiveDivergence,
    Estimator,
    FastPersistentCD,
    NegativePhase,
    ParallelTempering,
    PersistentCD,
    State,
    k_at,
    run_chain,
)
from .hidden_units import BernoulliHidden, Hidden
from .machines import Machines, exchange, put
from .sampling import Key
from .units import Visible

# Purpose of the random numbers of the stored machines' Gibbs steps; an update's own lie below.
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
    machine has chains as the RBM has. A sweep is a Gibbs step of every chain, then swaps of
    neighbours' states, with the probability

        min(1, exp(F_t(v_t) + F_s(v_s) - F_t(v_s) - F_s(v_t)))

    of machines t and s; the RBM as it is, is the last (Béreux, Decelle, Furtlehner, Rosset & Seoane
    2025, arXiv 2405.15376). When swaps with the machine stored last become rare, the RBM is stored
    again. If there is no room, every second stored machine is dropped first. `Trajectory` uses the
    machines for samples and log Z.

    Args:
        chains: of each machine, >= 1.
        k: Gibbs steps an update of the RBM's own chains, >= 1, or a schedule of them.
        machines: the most to store, >= 3; each takes as much memory as the RBM.
        acceptance: mean probability of a swap with the machine stored last below which the RBM is
            stored again, in (0, 1).
        every: updates from one sweep of the stored machines to the next, >= 1.

    Raises:
        ValueError: a bad argument.

    >>> TrajectoryTempering(10, machines=5).state_shapes(4, 3)["stored_weights"]
    (6, 4, 3)
    """

    # The loops over machines took XLA more than a minute of processor time to compile.
    quick_by_xla = False

    def __init__(
        self,
        chains: int = 100,
        k: int | Schedule = 1,
        *,
        machines: int = 40,
        acceptance: float = 0.4,
        every: int = 1,
    ):
        super().__init__(chains, k)
        self.machines = check_steps("machines", machines, ge=3)
        self.acceptance = check_number("acceptance", acceptance, gt=0, lt=1)
        self.every = check_steps("every", every)

    def state_shapes(self, visible: int, hidden: int) -> Mapping[str, tuple[int, ...]]:
        # The RBM itself is behind the stored ones during a sweep.
        slots = self.machines + 1
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
        """A Gibbs step of the stored machines, and swaps with them and among them."""
        count = tf.cast(state["stored_count"], tf.int32)
        machines = _machines(p, state, count).with_last(p)
        states = machines.gibbs(put(state["stored_chain"], count, v), key, STORED, count)
        partner = machines.partners(tf.cast(key.step, tf.int64) // self.every)
        own, other = machines.energies(states, partner)
        states, probability = exchange(states, own, other, partner, key, SWAP)
        v, state = states[count], {**state, "stored_chain": states}
        rare = tf.reduce_mean(probability[count]) < self.acceptance
        store = (rare & (partner[count] < count)) | (count == 0)
        return v, tf.cond(store, lambda: self._store(p, v, state, count), lambda: state)

    def _store(self, p: Distribution, v: Tensor, state: State, count: Tensor) -> State:
        """The state with the RBM behind the machines that are stored."""
        full = count == self.machines
        kept = tf.minimum(tf.range(self.machines + 1) * tf.where(full, 2, 1), self.machines)
        count = tf.where(full, (self.machines + 1) // 2, count)
        state = {
            name: value if name == "stored_count" else tf.gather(value, kept)
            for name, value in state.items()
        }
        weights = p.weights * tf.cast(count > 0, tf.float32)
        machines = _machines(p, state, count).with_last(replace(p, weights=weights))
        return {
            "stored_chain": put(state["stored_chain"], count, v),
            "stored_weights": machines.weights,
            "stored_visible_bias": machines.visible_bias,
            "stored_hidden_bias": machines.hidden_bias,
            "stored_count": tf.cast(count + 1, tf.float32),
        }


def stored_machines(state: Mapping[str, keras.Variable]) -> list[tuple[np.ndarray, ...]]:
    """Weights, visible and hidden biases of the machines that an RBM's state has."""
    count = int(state["stored_count"].numpy())
    names = ("stored_weights", "stored_visible_bias", "stored_hidden_bias")
    parts = [np.asarray(state[name])[:count] for name in names]
    return list(zip(*parts, strict=True))


def _machines(p: Distribution, state: State, count: Tensor) -> Machines:
    biases = state["stored_visible_bias"], state["stored_hidden_bias"]
    return Machines(p, state["stored_weights"], *biases, count)


ESTIMATORS: dict[str, type[Estimator]] = {
    "contrastive_divergence": ContrastiveDivergence,
    "persistent_cd": PersistentCD,
    "fast_persistent_cd": FastPersistentCD,
    "parallel_tempering": ParallelTempering,
    "trajectory_tempering": TrajectoryTempering,
}
