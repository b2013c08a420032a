"""The equations of a restricted Boltzmann machine, for given parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

from .hidden_units import Hidden
from .sampling import Key
from .units import Visible


@dataclass(frozen=True)
class Machine:
    """Parameters and units of one machine, and what follows from them.

    Attributes:
        visible, hidden: the kinds of units.
        weights: W, visible by hidden.
        visible_bias, hidden_bias: a and b.
        variance: sigma^2 of the visible units, or None for units without.
        product_weights: W in the type in which matrix products are computed.
        kept: 1 for hidden units that take part and 0 for those dropped, a row a case; or None.
        beta: inverse temperature, a scalar or a column; or None for 1.
    """

    visible: Visible
    hidden: Hidden
    weights: Any
    visible_bias: Any
    hidden_bias: Any
    variance: Any = None
    product_weights: Any = None
    kept: Any = None
    beta: Any = None

    def hidden_input(self, v: Any) -> Any:
        """beta (b + c(v) W)."""
        weights = self.weights if self.product_weights is None else self.product_weights
        product = self._product(self.visible.coupled(v, self.variance), weights)
        return self._tempered(tf.nn.bias_add(product, self.hidden_bias))

    def visible_input(self, h: Any) -> Any:
        """beta (a + h W')."""
        weights = self.weights if self.product_weights is None else self.product_weights
        product = self._product(h, weights, transpose_b=True)
        return self._tempered(tf.nn.bias_add(product, self.visible_bias))

    def hidden_mean(self, v: Any) -> Any:
        """E[h | v]."""
        return self._masked(self.hidden.mean(self.hidden_input(v)))

    def hidden_draw(self, v: Any, key: Key, purpose: Any) -> tuple[Any, Any]:
        """E[h | v] and a draw of h given v."""
        inputs = self.hidden_input(v)
        mean = self.hidden.mean(inputs)
        sample = self.hidden.sample(inputs, mean, key, purpose)
        return self._masked(mean), self._masked(sample)

    def visible_mean(self, h: Any) -> Any:
        """E[v | h]."""
        return self.visible.mean(self.visible_input(h))

    def visible_draw(self, h: Any, key: Key, purpose: Any) -> Any:
        """A draw of v given h."""
        return self.visible.sample(self.visible_mean(h), self.variance, key, purpose)

    def free_energy(self, v: Any) -> Any:
        """F(v) = A(v) - sum_j cumulant(b_j + c(v) W_j), with p(v) = exp(-F(v)) / Z."""
        bias = self.visible.bias_term(v, self.visible_bias, self.variance)
        return -bias - tf.reduce_sum(self.hidden.cumulant(self.hidden_input(v)), -1)

    def hidden_free_energy(self, h: Any) -> Any:
        """G(h) = -b'h - cumulant(a + h W'), with p(h) = exp(-G(h)) / Z for binary h."""
        inputs = self.visible_input(h)
        summed = self.visible.cumulant(inputs, self.visible_bias, self.variance)
        return -tf.linalg.matvec(h, self.hidden_bias) - summed

    def energy(self, v: Any, h: Any) -> Any:
        """E(v, h) of binary hidden units, at inverse temperature 1."""
        own = replace(self, beta=None)
        bias = self.visible.bias_term(v, self.visible_bias, self.variance)
        return -bias - tf.reduce_sum(own.hidden_input(v) * h, -1)

    def with_rows_kept(self, kept: Any) -> Machine:
        """The same machine with some hidden units dropped."""
        return replace(self, kept=kept)

    def at(self, beta: Any) -> Machine:
        """The same machine at another temperature: p(v, h) is proportional to exp(-beta E)."""
        return replace(self, beta=beta)

    def moved(self, weights: Any, visible_bias: Any, hidden_bias: Any) -> Machine:
        """The same machine with something added to its parameters."""
        moved = self.weights + weights
        used = self.product_weights
        return replace(
            self,
            weights=moved,
            product_weights=None if used is None else tf.cast(moved, used.dtype),
            visible_bias=self.visible_bias + visible_bias,
            hidden_bias=self.hidden_bias + hidden_bias,
        )

    def _masked(self, h: Any) -> Any:
        return h if self.kept is None else h * self.kept

    def _tempered(self, inputs: Any) -> Any:
        return inputs if self.beta is None else inputs * self.beta

    def _product(self, rows: Any, weights: Any, transpose_b: bool = False) -> Any:
        """rows W or rows W', in the type of the weights, given back as float32."""
        if weights.dtype == tf.float32:
            return tf.matmul(rows, weights, transpose_b=transpose_b)
        product = tf.matmul(tf.cast(rows, weights.dtype), weights, transpose_b=transpose_b)
        return tf.cast(product, tf.float32)
