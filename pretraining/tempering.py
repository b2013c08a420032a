"""Parallel tempering: chains at several temperatures that change places."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from ..schedules.arguments import steps
from .estimators import CHAIN, SWAP, Estimator, Negative, State
from .hidden_units import BernoulliHidden
from .machine import Machine
from .sampling import Key


@keras.saving.register_keras_serializable(package="keras_recipes")
class ParallelTempering(Estimator):
    """Persistent chains at inverse temperatures from 1 to 0, neighbours of which change places.

    Chain m samples p(v, h) proportional to exp(-beta_m E(v, h)), beta_m = 1 - m / (M - 1). After
    each Gibbs step neighbours swap their states with the probability

        min(1, exp((beta_m - beta_m') (E_m - E_m')))

    (Desjardins et al. 2010; Cho, Raiko & Ilin 2010), the pairs (0, 1), (2, 3), ... after even
    updates and (1, 2), (3, 4), ... after odd ones. The chains at beta = 1 give the gradient.

    Args:
        chains: rows of chains, >= 1; each row has one chain a temperature.
        temperatures: M, >= 2.
        k: Gibbs steps an update, >= 1.

    Raises:
        ValueError: a bad argument.

    >>> ParallelTempering(10, 5).state_shapes(4, 3)
    {'chain': (50, 3)}
    """

    def __init__(self, chains: int = 20, temperatures: int = 10, k: int = 1):
        self.chains = steps("chains", chains)
        self.temperatures = steps("temperatures", temperatures, ge=2)
        self.k = steps("k", k)

    def state_shapes(self, visible: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return {"chain": (self.temperatures * self.chains, hidden)}

    def check(self, machine_units: tuple[Any, Any]) -> None:
        visible, hidden = machine_units
        if visible.start_variance(1) is not None or not isinstance(hidden, BernoulliHidden):
            raise ValueError(
                "Parallel tempering is for Bernoulli or Softmax visible and Bernoulli hidden "
                f"units. Received: {type(visible).__name__} and {type(hidden).__name__}"
            )

    def __call__(self, machine: Machine, positive: Any, state: State, key: Key) -> Negative:
        if machine.kept is not None:
            raise ValueError("Parallel tempering cannot be used with dropout of hidden units.")
        column = tf.repeat(self.betas(), self.chains)[:, tf.newaxis]
        tempered = machine.at(column)
        h = state["chain"]
        v: Any = None
        for step in range(self.k):
            v = tempered.visible_draw(h, key, CHAIN + 2 * step)
            _, h = tempered.hidden_draw(v, key, CHAIN + 2 * step + 1)
        v, h = self._swapped(machine, v, h, key)
        own = v[: self.chains]
        return Negative(own, machine.hidden_mean(own), {"chain": h})

    def betas(self) -> tf.Tensor:
        """Inverse temperatures, from 1 to 0."""
        return tf.linspace(1.0, 0.0, self.temperatures)

    def _swapped(self, machine: Machine, v: Any, h: Any, key: Key) -> tuple[Any, Any]:
        """The states after neighbours had their chance to change places."""
        energy = tf.reshape(machine.energy(v, h), (self.temperatures, self.chains))
        level = tf.range(self.temperatures)
        parity = tf.cast(key.step, tf.int32) % 2
        # With parity 0 the partner of 0 is 1; with parity 1 that of 1 is 2, and 0 has none.
        partner = tf.where((level + parity) % 2 == 0, level + 1, level - 1)
        partner = tf.where((partner < 0) | (partner >= self.temperatures), level, partner)
        betas = self.betas()
        gain = (betas - tf.gather(betas, partner))[:, tf.newaxis]
        gain *= energy - tf.gather(energy, partner)
        uniform = key.fine_uniform((self.temperatures, self.chains), SWAP)
        # Both of a pair look at the same random number.
        uniform = tf.gather(uniform, tf.minimum(level, partner))
        source = tf.where(uniform < tf.exp(gain), partner[:, tf.newaxis], level[:, tf.newaxis])
        index = tf.reshape(source * self.chains + tf.range(self.chains), [-1])
        return tf.gather(v, index), tf.gather(h, index)

    def get_config(self) -> dict[str, Any]:
        return {"chains": self.chains, "temperatures": self.temperatures, "k": self.k}
