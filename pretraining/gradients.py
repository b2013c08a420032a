"""The gradient of minus the log-likelihood from a batch and the model's chains."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from .machine import Machine
from .penalties import Penalty

Gradients = dict[str, Any]


def of_likelihood(machine: Machine, v: Any, h: Any, model_v: Any, model_h: Any) -> Gradients:
    """Means over the model's chains minus means over the data, by name of the parameter.

    weights:      <c(v)' h>_model - <c(v)' h>_data
    visible_bias: <c(v)>_model - <c(v)>_data
    hidden_bias:  <h>_model - <h>_data

    Each phase has its own mean, so that a short last batch, or another number of chains than rows,
    leaves no bias.
    """
    data = machine.visible.coupled(v, machine.variance)
    model = machine.visible.coupled(model_v, machine.variance)
    found = {
        "weights": _difference_of_products(machine, data, h, model, model_h),
        "visible_bias": tf.reduce_mean(model, 0) - tf.reduce_mean(data, 0),
        "hidden_bias": tf.reduce_mean(model_h, 0) - tf.reduce_mean(h, 0),
    }
    if machine.visible.learned_variance:
        found["log_variance"] = _of_log_variance(machine, model_v, model_h)
        found["log_variance"] -= _of_log_variance(machine, v, h)
    return found


def centred(gradients: Gradients, visible_offset: Any, hidden_offset: Any) -> Gradients:
    """The gradient of the same machine written with v - mu and h - lambda for v and h.

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


def penalized(
    gradients: Gradients, machine: Machine, penalty: Penalty, v: Any, activity: Any
) -> Gradients:
    """The gradient with those of the penalties; `activity` is q of the sparsity penalty or None."""
    terms = [gradients["weights"], *penalty.of_weights(machine.weights)]
    hidden_bias = gradients["hidden_bias"]
    if activity is not None:
        of_inputs = penalty.of_inputs(activity)
        inputs = tf.reduce_mean(machine.visible.coupled(v, machine.variance), 0)
        terms.append(inputs[:, tf.newaxis] * of_inputs)
        hidden_bias = hidden_bias + of_inputs
    weights = tf.add_n(terms) if len(terms) > 1 else terms[0]
    return {**gradients, "weights": weights, "hidden_bias": hidden_bias}


def _difference_of_products(machine: Machine, data: Any, h: Any, model: Any, model_h: Any) -> Any:
    """<model' model_h> - <data' h> as one product of the two phases, one above the other.

    In bfloat16 the difference is rounded, not the two terms of which little remains.
    """
    rows = tf.concat([model, data], 0)
    states = tf.concat([_share(model_h), -_share(h)], 0)
    used = machine.product_weights
    if used is None or used.dtype == tf.float32:
        return tf.matmul(rows, states, transpose_a=True)
    product = tf.matmul(tf.cast(rows, used.dtype), tf.cast(states, used.dtype), transpose_a=True)
    return tf.cast(product, tf.float32)


def _share(h: Any) -> Any:
    return h * (1.0 / tf.cast(tf.shape(h)[0], tf.float32))


def _of_log_variance(machine: Machine, v: Any, h: Any) -> Any:
    """Mean of -dE/d log sigma^2 = (v - a)^2 / (2 sigma^2) - c(v) * (W h)."""
    spread = 0.5 * tf.square(v - machine.visible_bias) / machine.variance
    pull = machine.visible.coupled(v, machine.variance)
    pull *= tf.matmul(h, machine.weights, transpose_b=True)
    return tf.reduce_mean(spread - pull, 0)
