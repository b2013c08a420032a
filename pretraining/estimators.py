"""Estimates of the gradient of an RBM's likelihood: how the Gibbs chains start and run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import keras
import tensorflow as tf
from tensorflow import Tensor

from ..arguments import check_bool, check_number
from ..schedules.arguments import Schedule, check_steps
from .distribution import Distribution, Gradients
from .hidden_units import BernoulliHidden, Hidden
from .sampling import Key, Scalar, shape_of
from .saving import Serializable
from .units import Visible

# Purposes of the random numbers of an update: dropout of hidden units for the data and for the
# chains, hidden units given the data, swaps of chains, visible units of the data, then two for each
# Gibbs step.
DROPOUT, CHAIN_DROPOUT, POSITIVE, SWAP, DATA, CHAIN = 0, 1, 2, 3, 4, 8
# Up to this many Gibbs steps are unrolled in the graph, more are a loop.
UNROLLED = 2

# Variables of an estimator, by name.
State: TypeAlias = "dict[str, Tensor]"


def gibbs(
    p: Distribution,
    h: Tensor,
    count: Scalar,
    visible: Callable[[Tensor, Scalar], Tensor],
    key: Key,
    purpose: int,
) -> Tensor:
    """Hidden states after `count` Gibbs steps from h; `visible(h, step)` gives v of a step."""

    def gibbs_step(step: Scalar, h: Tensor) -> tuple[Scalar, Tensor]:
        number = purpose + 2 * tf.cast(step, tf.int64) + 1
        return step + 1, p.sample_hidden(visible(h, step), key, number)[1]

    if isinstance(count, int) and count <= UNROLLED:
        for step in range(count):
            _, h = gibbs_step(step, h)
        return h
    shapes = (tf.TensorShape([]), tf.TensorShape([None, h.shape[-1]]))
    start = (tf.constant(0), h)
    return tf.while_loop(lambda step, _: step < count, gibbs_step, start, shapes)[1]


@dataclass
class NegativePhase:
    """What the model's chains give to the gradient.

    Attributes:
        v: visible states, one row a chain.
        h: E[h | v].
        state: of the chains for the next update, by name.
        reconstruction: E[v] after one step from the data, if it was computed.
    """

    v: Tensor
    h: Tensor
    state: State = field(default_factory=dict)
    reconstruction: Tensor | None = None


class Estimator(Serializable):
    """Estimates the model's half of the gradient: how its Gibbs chains start and run.

    Attributes:
        quick_by_xla: whether XLA compiles an update in seconds, so that it may be the default.
    """

    quick_by_xla = True

    def state_shapes(self, visible: int, hidden: int) -> Mapping[str, tuple[int, ...]]:
        """Shapes of the variables that persist between updates, by name."""
        return {}

    def check(self, visible: Visible, hidden: Hidden) -> None:
        """Raise if the estimator does not work for these units."""

    def negative_phase(self, p: Distribution, h: Tensor, state: State, key: Key) -> NegativePhase:
        """Run the chains.

        Args:
            p: the distribution with the current parameters.
            h: a draw of h given the data.
            state: that of the last update.
            key: the random numbers of this update.
        """
        raise NotImplementedError

    def update_state(self, gradients: Gradients, state: State) -> State:
        """The state after the gradients of this update are known."""
        return state


@keras.saving.register_keras_serializable(package="keras_recipes")
class ContrastiveDivergence(Estimator):
    """CD-k: k steps of Gibbs sampling that start at the data (Hinton 2002).

    h0 ~ P(h | data), then k times: v ~ P(v | h), h ~ P(h | v), the last h replaced by its mean.
    With `sample_visible=False`, v is replaced by its mean too, as in Hinton & Salakhutdinov (2006).

    Args:
        k: Gibbs steps, >= 1, or a schedule of them by optimizer updates, rounded.
        sample_visible: draw visible units instead of taking their means.

    Raises:
        ValueError: a bad argument.

    >>> ContrastiveDivergence(3).get_config()
    {'k': 3, 'sample_visible': False}
    """

    def __init__(self, k: int | Schedule = 1, *, sample_visible: bool = False):
        self.k = k if isinstance(k, Schedule) else check_steps("k", k)
        self.sample_visible = check_bool("sample_visible", sample_visible)

    def negative_phase(self, p: Distribution, h: Tensor, state: State, key: Key) -> NegativePhase:
        v = run_chain(p, h, k_at(self.k, key), key, sample_visible=self.sample_visible)
        reconstruction = v if self.k == 1 and not self.sample_visible else None
        return NegativePhase(v, p.hidden_mean(v), {}, reconstruction)


@keras.saving.register_keras_serializable(package="keras_recipes")
class PersistentCD(Estimator):
    """PCD: chains that continue from update to update (Tieleman 2008; Younes 1999).

    The state is h of every chain: v ~ P(v | h), E[h | v] for the gradient, and a draw of h for the
    next update. Chains start with all hidden units off.

    Args:
        chains: how many, >= 1; it need not be the batch size.
        k: Gibbs steps an update, >= 1, or a schedule of them.

    Raises:
        ValueError: a bad argument.

    >>> PersistentCD(50).state_shapes(784, 500)
    {'chain': (50, 500)}
    """

    def __init__(self, chains: int = 100, k: int | Schedule = 1):
        self.chains = check_steps("chains", chains)
        self.k = k if isinstance(k, Schedule) else check_steps("k", k)

    def state_shapes(self, visible: int, hidden: int) -> Mapping[str, tuple[int, ...]]:
        return {"chain": (self.chains, hidden)}

    def negative_phase(self, p: Distribution, h: Tensor, state: State, key: Key) -> NegativePhase:
        h, k = state["chain"], k_at(self.k, key)
        if p.mask is not None:
            # The mask has a row for each row of data; the chains need a different one.
            kept = key.uniform(shape_of(h), CHAIN_DROPOUT) < tf.reduce_mean(p.mask)
            p = replace(p, mask=tf.cast(kept, tf.float32))
        v = run_chain(p, h, k, key, sample_visible=True)
        mean = p.hidden_mean(v)
        _, h = p.sample_hidden(v, key, CHAIN + 2 * tf.cast(k, tf.int64) + 1)
        return NegativePhase(v, mean, {"chain": h})


def run_chain(p: Distribution, h: Tensor, k: Scalar, key: Key, *, sample_visible: bool) -> Tensor:
    """v after k Gibbs steps from hidden states h."""

    def visible(h: Tensor, step: Scalar) -> Tensor:
        if not sample_visible:
            return p.visible_mean(h)
        return p.sample_visible(h, key, CHAIN + 2 * tf.cast(step, tf.int64))

    return visible(gibbs(p, h, k - 1, visible, key, CHAIN), k - 1)


def k_at(k: int | Schedule, key: Key) -> Scalar:
    """Gibbs steps of an update, >= 1."""
    if isinstance(k, int):
        return k
    return tf.maximum(tf.cast(tf.round(tf.cast(k(key.step), tf.float32)), tf.int32), 1)


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
            **super().state_shapes(visible, hidden),
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
