"""Where the model's half of the likelihood gradient comes from: Gibbs chains of several kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from ..schedules.arguments import Schedule, flag, number, steps
from .machine import Machine
from .sampling import Key, shape_of

# Purposes of a step's random numbers: the dropout masks, the data's hidden units, then the chain.
MASK, CHAIN_MASK, POSITIVE, SWAP, CHAIN = 0, 1, 2, 3, 8
# A chain as short as this is unrolled in the graph, a longer one is a loop.
UNROLLED = 3
State = Mapping[str, Any]


@dataclass
class Negative:
    """What a model's chain gives to the gradient.

    Attributes:
        visible: v, a row a chain.
        hidden: E[h | v].
        state: the next state of the chains, by name.
        reconstruction: E[v] after one step from the data, or None.
    """

    visible: Any
    hidden: Any
    state: dict[str, Any] = field(default_factory=dict)
    reconstruction: Any = None


class Estimator:
    """What all share: persistent state, and a configuration of the arguments."""

    def state_shapes(self, visible: int, hidden: int) -> dict[str, tuple[int, ...]]:
        """Shapes of the state, by name; empty for an estimator without memory."""
        return {}

    def check(self, machine_units: tuple[Any, Any]) -> None:
        """Raise where the units do not suit."""

    def __call__(self, machine: Machine, positive: Any, state: State, key: Key) -> Negative:
        """Run the chains.

        Args:
            machine: the current parameters.
            positive: a draw of h given the data.
            state: what the last step left.
            key: the random numbers of this step.
        """
        raise NotImplementedError

    def learn(self, gradients: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
        """The state after the gradient of this step is known."""
        return state

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The estimator that `get_config` described."""
        revived = keras.saving.deserialize_keras_object
        return cls(**{k: revived(v) if isinstance(v, dict) else v for k, v in config.items()})


@keras.saving.register_keras_serializable(package="keras_recipes")
class ContrastiveDivergence(Estimator):
    """CD-k: k steps of Gibbs sampling that start at the data (Hinton 2002).

    h0 ~ P(h | data), then k times: v ~ P(v | h), h ~ P(h | v). The last h is its mean. Units are
    sampled or replaced by their means as `sample_visible` says; the default is what Hinton &
    Salakhutdinov (2006) did.

    Args:
        k: Gibbs steps, >= 1, or a schedule of them by optimizer updates, rounded.
        sample_visible: draw visible units instead of taking their means.

    Raises:
        ValueError: a bad argument.

    >>> ContrastiveDivergence(3).get_config()
    {'k': 3, 'sample_visible': False}
    """

    def __init__(self, k: int | Schedule = 1, *, sample_visible: bool = False):
        self.k = k if isinstance(k, Schedule) else steps("k", k)
        self.sample_visible = flag("sample_visible", sample_visible)

    def __call__(self, machine: Machine, positive: Any, state: State, key: Key) -> Negative:
        k = gibbs_steps(self.k, key.step)
        v, h = chain(machine, positive, k, key, sample_visible=self.sample_visible)
        known = isinstance(k, int) and k == 1 and not self.sample_visible
        return Negative(v, h, {}, v if known else None)

    def get_config(self) -> dict[str, Any]:
        return {"k": _plain(self.k), "sample_visible": self.sample_visible}


@keras.saving.register_keras_serializable(package="keras_recipes")
class PersistentCD(Estimator):
    """PCD: chains that go on from update to update (Tieleman 2008; Younes 1999).

    The state is h of every chain: v ~ P(v | h), E[h | v] for the gradient, and a draw of h to
    go on. Chains start with all hidden units off.

    Args:
        chains: how many, >= 1; it need not be the batch size.
        k: Gibbs steps an update, >= 1, or a schedule of them.

    Raises:
        ValueError: a bad argument.

    >>> PersistentCD(50).state_shapes(784, 500)
    {'chain': (50, 500)}
    """

    def __init__(self, chains: int = 100, k: int | Schedule = 1):
        self.chains = steps("chains", chains)
        self.k = k if isinstance(k, Schedule) else steps("k", k)

    def state_shapes(self, visible: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return {"chain": (self.chains, hidden)}

    def __call__(self, machine: Machine, positive: Any, state: State, key: Key) -> Negative:
        k = gibbs_steps(self.k, key.step)
        h = state["chain"]
        if machine.kept is not None:
            # The masks of the data's rows are not those of the chains.
            share = tf.reduce_mean(machine.kept)
            machine = machine.with_rows_kept(
                tf.cast(key.uniform(shape_of(h), CHAIN_MASK) < share, tf.float32)
            )
        v, mean = chain(machine, h, k, key, sample_visible=True)
        _, following = machine.hidden_draw(v, key, CHAIN + 2 * tf.cast(k, tf.int64) + 1)
        return Negative(v, mean, {"chain": following})

    def get_config(self) -> dict[str, Any]:
        return {"chains": self.chains, "k": _plain(self.k)}


@keras.saving.register_keras_serializable(package="keras_recipes")
class FastPersistentCD(PersistentCD):
    """FPCD: persistent chains that run on W + F, where F learns fast and fades (Tieleman & Hinton
    2009).

    F <- decay F + rate * (gradient of the log-likelihood); its push away from where the chains
    are makes them mix. The biases have such fast parts too.

    Args:
        chains, k: as in `PersistentCD`.
        rate: learning rate of the fast weights, > 0.
        decay: share of the fast weights that stays, in (0, 1); 19/20 in the paper.

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
        self.rate = number("rate", rate, gt=0)
        self.decay = number("decay", decay, gt=0, le=1)
        if self.decay == 1:
            raise ValueError("Argument `decay` must be < 1. Received: decay=1")

    def state_shapes(self, visible: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return {
            "chain": (self.chains, hidden),
            "fast_weights": (visible, hidden),
            "fast_visible_bias": (visible,),
            "fast_hidden_bias": (hidden,),
        }

    def __call__(self, machine: Machine, positive: Any, state: State, key: Key) -> Negative:
        fast = [state[f"fast_{name}"] for name in ("weights", "visible_bias", "hidden_bias")]
        negative = super().__call__(machine.moved(*fast), positive, state, key)
        negative.state = {**state, **negative.state}
        return negative

    def learn(self, gradients: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
        learned = dict(state)
        for name, gradient in gradients.items():
            if f"fast_{name}" in state:
                # `gradient` is of what the optimizer makes smaller, minus the log-likelihood.
                learned[f"fast_{name}"] = self.decay * state[f"fast_{name}"] - self.rate * gradient
        return learned

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "decay": self.decay}


def chain(machine: Machine, h: Any, k: Any, key: Key, *, sample_visible: bool) -> tuple[Any, Any]:
    """v and E[h | v] after k Gibbs steps that start at hidden states h."""

    def visible(h: Any, step: Any) -> Any:
        if not sample_visible:
            return machine.visible_mean(h)
        return machine.visible_draw(h, key, CHAIN + 2 * tf.cast(step, tf.int64))

    def sweep(step: Any, h: Any) -> tuple[Any, Any]:
        v = visible(h, step)
        purpose = CHAIN + 2 * tf.cast(step, tf.int64) + 1
        return step + 1, machine.hidden_draw(v, key, purpose)[1]

    if isinstance(k, int) and k <= UNROLLED:
        for step in range(k - 1):
            _, h = sweep(step, h)
        last = k - 1
    else:
        last = tf.cast(k, tf.int32) - 1
        _, h = tf.while_loop(
            lambda step, _: step < last,
            sweep,
            (tf.constant(0), h),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, h.shape[-1]])),
        )
    v = visible(h, last)
    return v, machine.hidden_mean(v)


def gibbs_steps(k: Any, step: Any) -> Any:
    """k of an update: a whole number, or a scalar tensor where a schedule sets it, >= 1."""
    if isinstance(k, int):
        return k
    return tf.maximum(tf.cast(tf.round(tf.cast(k(step), tf.float32)), tf.int32), 1)


def _plain(k: Any) -> Any:
    return k if isinstance(k, int) else keras.saving.serialize_keras_object(k)
