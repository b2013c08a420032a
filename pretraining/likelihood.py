"""p(v, h) of an RBM, and estimates of the gradient of its likelihood by Gibbs sampling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import keras
import tensorflow as tf
from tensorflow import Tensor

from ..arguments import check_bool
from ..schedules.arguments import Schedule, check_steps
from .hidden_units import Hidden
from .sampling import Key, Scalar, shape_of
from .saving import Configurable
from .units import Visible

# Purposes of a step's random numbers: dropout of the data's and of the chains' hidden units, the
# data's hidden units, swaps of chains, then two for each Gibbs step.
DROPOUT, CHAIN_DROPOUT, POSITIVE, SWAP, CHAIN = 0, 1, 2, 3, 8
# Up to this many Gibbs steps are unrolled in the graph, more are a loop.
UNROLLED = 2

# By name of the parameter, and by name of the estimator's variable.
Gradients: TypeAlias = "dict[str, Tensor]"
State: TypeAlias = "dict[str, Tensor]"


@dataclass(frozen=True)
class Distribution:
    """p(v, h) = exp(-beta E(v, h)) / Z with given parameters.

    Attributes:
        visible, hidden: the kinds of units.
        weights: W, visible by hidden.
        visible_bias, hidden_bias: a and b.
        variance: sigma^2 of the visible units.
        matmul_dtype: of the operands of matrix products.
        mask: 0 for hidden units that are dropped and 1 for others, by row; or None.
        beta: inverse temperature, a scalar or a column; None for 1.
    """

    visible: Visible
    hidden: Hidden
    weights: Tensor
    visible_bias: Tensor
    hidden_bias: Tensor
    variance: Tensor
    matmul_dtype: str = "float32"
    mask: Tensor | None = None
    beta: Tensor | None = None

    def hidden_input(self, v: Tensor) -> Tensor:
        """beta (b + c(v) W)."""
        product = self._matmul(self.coupled(v), self.weights)
        return self._tempered(tf.nn.bias_add(product, self.hidden_bias))

    def visible_input(self, h: Tensor) -> Tensor:
        """beta (a + h W')."""
        product = self._matmul(h, self.weights, transpose_b=True)
        return self._tempered(tf.nn.bias_add(product, self.visible_bias))

    def hidden_mean(self, v: Tensor) -> Tensor:
        """E[h | v]."""
        return self._masked(self.hidden.mean(self.hidden_input(v)))

    def sample_hidden(self, v: Tensor, key: Key, purpose: Scalar) -> tuple[Tensor, Tensor]:
        """E[h | v], and a draw of h given v."""
        inputs = self.hidden_input(v)
        mean = self.hidden.mean(inputs)
        return self._masked(mean), self._masked(self.hidden.sample(inputs, mean, key, purpose))

    def visible_mean(self, h: Tensor) -> Tensor:
        """E[v | h]."""
        return self.visible.mean(self.visible_input(h))

    def sample_visible(self, h: Tensor, key: Key, purpose: Scalar) -> Tensor:
        """A draw of v given h."""
        return self.visible.sample(self.visible_mean(h), self.variance, key, purpose)

    def free_energy(self, v: Tensor) -> Tensor:
        """F(v) = A(v) - sum_j cumulant(b_j + c(v) W_j), with p(v) = exp(-F(v)) / Z."""
        bias = self.visible.bias_term(v, self.visible_bias, self.variance)
        return -bias - tf.reduce_sum(self.hidden.cumulant(self.hidden_input(v)), -1)

    def hidden_free_energy(self, h: Tensor) -> Tensor:
        """G(h) = -b'h - cumulant(a + h W'), with p(h) = exp(-G(h)) / Z for binary h."""
        inputs = self.visible_input(h)
        cumulant = self.visible.cumulant(inputs, self.visible_bias, self.variance)
        return -tf.linalg.matvec(h, self.hidden_bias) - cumulant

    def energy(self, v: Tensor, h: Tensor) -> Tensor:
        """E(v, h) of binary hidden units."""
        bias = self.visible.bias_term(v, self.visible_bias, self.variance)
        return -bias - tf.reduce_sum(replace(self, beta=None).hidden_input(v) * h, -1)

    def coupled(self, v: Tensor) -> Tensor:
        """c(v)."""
        return self.visible.coupled(v, self.variance)

    def gradients(self, v: Tensor, h: Tensor, model_v: Tensor, model_h: Tensor) -> Gradients:
        """Of minus the log-likelihood: means over the model's chains minus means over the data.

        weights:      <c(v)' h>_model - <c(v)' h>_data
        visible_bias: <c(v)>_model - <c(v)>_data
        hidden_bias:  <h>_model - <h>_data
        log_variance: the same difference of -dE/d log sigma^2

        Each phase has its own mean, so that a short last batch, or another number of chains than
        rows, causes no bias. The weights' gradient is one product of both phases, one above the
        other: in bfloat16 the difference is rounded, not the two terms of which little remains.
        """
        data, model = self.coupled(v), self.coupled(model_v)
        states = tf.concat([_divided_by_rows(model_h), -_divided_by_rows(h)], 0)
        found = {
            "weights": self._matmul(tf.concat([model, data], 0), states, transpose_a=True),
            "visible_bias": tf.reduce_mean(model, 0) - tf.reduce_mean(data, 0),
            "hidden_bias": tf.reduce_mean(model_h, 0) - tf.reduce_mean(h, 0),
        }
        if self.visible.learned_variance:
            found["log_variance"] = self._log_variance_term(model_v, model_h)
            found["log_variance"] -= self._log_variance_term(v, h)
        return found

    def _log_variance_term(self, v: Tensor, h: Tensor) -> Tensor:
        """Mean of -dE/d log sigma^2 = (v - a)^2 / (2 sigma^2) - c(v) * (W h)."""
        spread = 0.5 * tf.square(v - self.visible_bias) / self.variance
        pull = self.coupled(v) * tf.matmul(h, self.weights, transpose_b=True)
        return tf.reduce_mean(spread - pull, 0)

    def _masked(self, h: Tensor) -> Tensor:
        return h if self.mask is None else h * self.mask

    def _tempered(self, inputs: Tensor) -> Tensor:
        return inputs if self.beta is None else inputs * self.beta

    def _matmul(
        self, a: Tensor, b: Tensor, *, transpose_a: bool = False, transpose_b: bool = False
    ) -> Tensor:
        if self.matmul_dtype == "float32":
            return tf.matmul(a, b, transpose_a, transpose_b)
        a, b = tf.cast(a, self.matmul_dtype), tf.cast(b, self.matmul_dtype)
        return tf.cast(tf.matmul(a, b, transpose_a, transpose_b), tf.float32)


def centred(gradients: Gradients, visible_offset: Tensor, hidden_offset: Tensor) -> Gradients:
    """The gradients of the same RBM written with v - mu and h - lambda for v and h.

    dW <- dW - mu db' - da lambda', da <- da - dW lambda, db <- db - dW' mu, with the new dW
    (Montavon & Muller 2012; Melchior, Fischer & Wiskott 2016).
    """
    weights = gradients["weights"]
    weights -= visible_offset[:, tf.newaxis] * gradients["hidden_bias"]
    weights -= gradients["visible_bias"][:, tf.newaxis] * hidden_offset
    return {
        **gradients,
        "weights": weights,
        "visible_bias": gradients["visible_bias"] - tf.linalg.matvec(weights, hidden_offset),
        "hidden_bias": gradients["hidden_bias"]
        - tf.linalg.matvec(weights, visible_offset, transpose_a=True),
    }


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


class Estimator(Configurable):
    """Estimates the model's half of the gradient: how its Gibbs chains start and run."""

    def state_shapes(self, visible: int, hidden: int) -> Mapping[str, tuple[int, ...]]:
        """Shapes of the variables that persist between updates, by name."""
        return {}

    def check(self, visible: Visible, hidden: Hidden) -> None:
        """Raise if the estimator cannot have these units."""

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
            # There is one mask a row of data; the chains have their own.
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


def _divided_by_rows(h: Tensor) -> Tensor:
    return h * (1.0 / tf.cast(tf.shape(h)[0], tf.float32))
