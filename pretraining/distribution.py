"""p(v, h) of an RBM: its conditionals, free energy, and the gradient of its likelihood."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import tensorflow as tf
from tensorflow import Tensor

from .hidden_units import Hidden
from .sampling import Key, Scalar
from .units import Visible

# By name of the parameter.
Gradients: TypeAlias = "dict[str, Tensor]"


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

        Each phase is averaged by itself, so a short last batch, or a number of chains that differs
        from the batch size, causes no bias.
        """
        data, model = self.coupled(v), self.coupled(model_v)
        found = {
            "weights": self._outer(model, _divided_by_rows(model_h), data, _divided_by_rows(h)),
            "visible_bias": tf.reduce_mean(model, 0) - tf.reduce_mean(data, 0),
            "hidden_bias": tf.reduce_mean(model_h, 0) - tf.reduce_mean(h, 0),
        }
        if self.visible.learned_variance:
            found["log_variance"] = self._log_variance_term(model_v, model_h)
            found["log_variance"] -= self._log_variance_term(v, h)
        return found

    def _outer(self, model: Tensor, model_h: Tensor, data: Tensor, h: Tensor) -> Tensor:
        """model' model_h - data' h."""
        if self.matmul_dtype == "float32":
            return tf.matmul(model, model_h, True) - tf.matmul(data, h, True)
        # One product of the phases stacked, so that the difference is rounded, not the two terms.
        stacked = tf.concat([model, data], 0), tf.concat([model_h, -h], 0)
        return self._matmul(*stacked, transpose_a=True)

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


def _divided_by_rows(h: Tensor) -> Tensor:
    return h * (1.0 / tf.cast(tf.shape(h)[0], tf.float32))
