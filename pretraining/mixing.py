"""Persistent chains that mix faster: on fast weights, or at several temperatures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import keras
import tensorflow as tf
from tensorflow import Tensor

from ..arguments import check_number
from ..schedules.arguments import Schedule, check_steps
from .hidden_units import BernoulliHidden, Hidden
from .likelihood import (
    CHAIN,
    SWAP,
    ContrastiveDivergence,
    Distribution,
    Estimator,
    Gradients,
    NegativePhase,
    PersistentCD,
    State,
)
from .sampling import Key
from .units import Visible


@keras.saving.register_keras_serializable(package="keras_recipes")
class FastPersistentCD(PersistentCD):
    """FPCD: persistent chains that run on W + F, where F learns fast and decays (Tieleman & Hinton
    2009).

    F <- decay F + rate * (gradient of the log-likelihood); it drives the chains away from where
    they are, which makes them mix. The biases have such fast parts too.

    Args:
        chains, k: as in `PersistentCD`.
        rate: learning rate of the fast weights, > 0.
        decay: fraction of the fast weights that an update keeps, in (0, 1); 19/20 in the paper.

    Raises:
        ValueError: a bad argument.

    >>> sorted(FastPersistentCD(10).state_shapes(4, 3))
    ['chain', 'fast_hidden_bias', 'fast_visible_bias', 'fast_weights']
    """

    def __init__(
        self,
        chains: int = 100,
        k: int | Schedule = 1,
        *,
        rate: float = 0.05,
        decay: float = 0.95,
    ):
        super().__init__(chains, k)
        self.rate = check_number("rate", rate, gt=0)
        self.decay = check_number("decay", decay, gt=0, lt=1)

    def state_shapes(self, visible: int, hidden: int) -> Mapping[str, tuple[int, ...]]:
        return {
            "chain": (self.chains, hidden),
            "fast_weights": (visible, hidden),
            "fast_visible_bias": (visible,),
            "fast_hidden_bias": (hidden,),
        }

    def negative_phase(self, p: Distribution, h: Tensor, state: State, key: Key) -> NegativePhase:
        fast = replace(
            p,
            weights=p.weights + state["fast_weights"],
            visible_bias=p.visible_bias + state["fast_visible_bias"],
            hidden_bias=p.hidden_bias + state["fast_hidden_bias"],
        )
        negative = super().negative_phase(fast, h, state, key)
        return replace(negative, state={**state, **negative.state})

    def update_state(self, gradients: Gradients, state: State) -> State:
        updated = dict(state)
        for name, gradient in gradients.items():
            if f"fast_{name}" in state:
                # `gradients` are those of minus the log-likelihood.
                updated[f"fast_{name}"] = self.decay * state[f"fast_{name}"] - self.rate * gradient
        return updated


@keras.saving.register_keras_serializable(package="keras_recipes")
class ParallelTempering(Estimator):
    """Persistent chains at inverse temperatures from 1 to 0, neighbours of which swap states.

    Chain m samples p(v, h) proportional to exp(-beta_m E(v, h)), beta_m = 1 - m / (M - 1). After
    each Gibbs step neighbours swap their states with the probability

        min(1, exp((beta_m - beta_m') (E_m - E_m')))

    (Desjardins et al. 2010; Cho, Raiko & Ilin 2010), the pairs (0, 1), (2, 3), ... after even
    updates and (1, 2), (3, 4), ... after odd ones. The chains at beta = 1 give the gradient.

    Args:
        chains: at each temperature, >= 1.
        temperatures: M, >= 2.
        k: Gibbs steps an update, >= 1.

    Raises:
        ValueError: a bad argument.

    >>> ParallelTempering(10, 5).state_shapes(4, 3)
    {'chain': (50, 3)}
    """

    def __init__(self, chains: int = 20, temperatures: int = 10, k: int = 1):
        self.chains = check_steps("chains", chains)
        self.temperatures = check_steps("temperatures", temperatures, ge=2)
        self.k = check_steps("k", k)

    def state_shapes(self, visible: int, hidden: int) -> Mapping[str, tuple[int, ...]]:
        return {"chain": (self.temperatures * self.chains, hidden)}

    def check(self, visible: Visible, hidden: Hidden) -> None:
        if visible.continuous or not isinstance(hidden, BernoulliHidden):
            raise ValueError(
                "Parallel tempering is for Bernoulli or Softmax visible and Bernoulli hidden "
                f"units. Received: {type(visible).__name__} and {type(hidden).__name__}"
            )

    def negative_phase(self, p: Distribution, h: Tensor, state: State, key: Key) -> NegativePhase:
        if p.mask is not None:
            raise ValueError("Parallel tempering cannot be used with dropout of hidden units.")
        tempered = replace(p, beta=tf.repeat(self.betas(), self.chains)[:, tf.newaxis])
        v = h = state["chain"]
        for step in range(self.k):
            v = tempered.sample_visible(h, key, CHAIN + 2 * step)
            _, h = tempered.sample_hidden(v, key, CHAIN + 2 * step + 1)
        v, h = self._swap(p, v, h, key)
        v = v[: self.chains]
        return NegativePhase(v, p.hidden_mean(v), {"chain": h})

    def betas(self) -> Tensor:
        """Inverse temperatures, from 1 to 0."""
        return tf.linspace(1.0, 0.0, self.temperatures)

    def _swap(self, p: Distribution, v: Tensor, h: Tensor, key: Key) -> tuple[Tensor, Tensor]:
        energy = tf.reshape(p.energy(v, h), (self.temperatures, self.chains))
        level = tf.range(self.temperatures)
        parity = tf.math.floormod(tf.cast(key.step, tf.int32), 2)
        # With parity 0 the partner of 0 is 1; with parity 1 that of 1 is 2, and 0 has none.
        partner = tf.where((level + parity) % 2 == 0, level + 1, level - 1)
        partner = tf.where((partner < 0) | (partner >= self.temperatures), level, partner)
        betas = self.betas()
        gain = (betas - tf.gather(betas, partner))[:, tf.newaxis]
        gain *= energy - tf.gather(energy, partner)
        # Both of a pair look at the same random number.
        uniform = key.fine_uniform((self.temperatures, self.chains), SWAP)
        uniform = tf.gather(uniform, tf.minimum(level, partner))
        source = tf.where(uniform < tf.exp(gain), partner[:, tf.newaxis], level[:, tf.newaxis])
        index = tf.reshape(source * self.chains + tf.range(self.chains), [-1])
        return tf.gather(v, index), tf.gather(h, index)


ESTIMATORS: dict[str, type[Estimator]] = {
    "contrastive_divergence": ContrastiveDivergence,
    "persistent_cd": PersistentCD,
    "fast_persistent_cd": FastPersistentCD,
    "parallel_tempering": ParallelTempering,
}
