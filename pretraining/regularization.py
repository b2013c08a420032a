"""Groups of an RBM's arguments: how it is regularized, and how it is initialized."""

from __future__ import annotations

import keras
import tensorflow as tf
from tensorflow import Tensor

from ..arguments import check_bool, check_number, optional
from .distribution import Distribution, Gradients
from .saving import Serializable


@keras.saving.register_keras_serializable(package="keras_recipes")
class Regularization(Serializable):
    """Dropout of hidden units, and penalties that are added to minus the log-likelihood.

    - `l2`: l2 / 2 * sum W^2, on the weights alone; its gradient is l2 W (the "weight cost").
    - `l1`: l1 * sum |W|, on the weights alone; its gradient is l1 sign(W).
    - `sparsity_cost`: cost * sum_j KL(target || q_j), where q_j is the activity of hidden unit j,
      averaged over updates as q <- decay q + (1 - decay) mean(h). Its gradient with respect to
      the unit's input is cost * (q_j - target) (Hinton 2010, section 11).

    Args:
        l1, l2: >= 0.
        dropout: probability with which a hidden unit is dropped for a row, in [0, 1) (Srivastava
            et al. 2014, section 8).
        sparsity_target: mean activity of hidden units to aim at, in (0, 1); None for no penalty.
        sparsity_cost: >= 0.
        sparsity_decay: in [0, 1).

    Raises:
        ValueError: a bad argument.

    >>> Regularization(l2=2e-4).l2
    0.0002
    """

    def __init__(
        self,
        l1: float = 0.0,
        l2: float = 0.0,
        *,
        dropout: float = 0.0,
        sparsity_target: float | None = None,
        sparsity_cost: float = 0.1,
        sparsity_decay: float = 0.9,
    ):
        self.l1 = check_number("l1", l1, ge=0)
        self.l2 = check_number("l2", l2, ge=0)
        self.dropout = check_number("dropout", dropout, ge=0, lt=1)
        self.sparsity_target = optional(
            check_number, "sparsity_target", sparsity_target, gt=0, lt=1
        )
        self.sparsity_cost = check_number("sparsity_cost", sparsity_cost, ge=0)
        self.sparsity_decay = check_number("sparsity_decay", sparsity_decay, ge=0, lt=1)

    def mean_activity(self, previous: Tensor, h: Tensor) -> Tensor:
        """q of this update, from that of the last and the batch's E[h]."""
        decay = self.sparsity_decay
        return decay * previous + (1 - decay) * tf.reduce_mean(h, 0)

    def add_gradients(
        self, gradients: Gradients, p: Distribution, v: Tensor, activity: Tensor | None
    ) -> Gradients:
        """Those of the likelihood and of the penalties; `activity` is q, or None without target."""
        terms, hidden_bias = [gradients["weights"]], gradients["hidden_bias"]
        if self.l2:
            terms.append(self.l2 * p.weights)
        if self.l1:
            terms.append(self.l1 * tf.sign(p.weights))
        if activity is not None and self.sparsity_target is not None:
            input_gradient = self.sparsity_cost * (activity - self.sparsity_target)
            terms.append(tf.reduce_mean(p.coupled(v), 0)[:, tf.newaxis] * input_gradient)
            hidden_bias = hidden_bias + input_gradient
        weights = tf.add_n(terms) if len(terms) > 1 else terms[0]
        return {**gradients, "weights": weights, "hidden_bias": hidden_bias}


@keras.saving.register_keras_serializable(package="keras_recipes")
class Initialization(Serializable):
    """How an RBM's parameters start.

    Args:
        stddev: of the normal distribution of the weights, >= 0.
        data_bias: start the visible biases at the values that give the means of the data, instead
            of at 0.

    Raises:
        ValueError: a bad argument.

    >>> Initialization().stddev
    0.01
    """

    def __init__(self, stddev: float = 0.01, data_bias: bool = False):
        self.stddev = check_number("stddev", stddev, ge=0)
        self.data_bias = check_bool("data_bias", data_bias)
