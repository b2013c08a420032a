"""Kinds of visible units: their conditional distributions and their terms of the energy.

A machine with visible units v, hidden units h, weights W and biases a and b has the energy

    E(v, h) = A(v) + B(h) - c(v)' W h - h'b

where c(v) is v, or v / sigma^2 for Gaussian units. Units of a layer are independent given the
other layer; what reaches a layer through weights and bias is called its input.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..schedules.arguments import flag, number, steps
from .sampling import Key, shape_of

LOG_2PI = math.log(2 * math.pi)
# How far rows that were scaled to [0, 1] may lie outside of it.
ROUNDING = 1e-6


class Units:
    """What all kinds share: a configuration of their constructor's arguments.

    Attributes:
        activation: the Keras activation that makes the mean of the units of their input.
    """

    activation = "linear"
    learned_variance = False

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The units that `get_config` described."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.get_config() == other.get_config()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), *self.get_config().items()))


class Visible(Units):
    """A kind of visible units. The defaults are those of units whose c(v) is v."""

    def check_width(self, width: int) -> None:
        """Raise where so many units cannot be of this kind."""

    def check(self, rows: np.ndarray) -> None:
        """Raise where values are none that these units can have."""

    def clipped(self, rows: np.ndarray) -> np.ndarray:
        """Rows with every value at the nearest that these units can have."""
        return rows

    def start_variance(self, width: int) -> np.ndarray | None:
        """Initial variances, or None for units without."""
        return None

    def coupled(self, v: Any, variance: Any) -> Any:
        """c(v), what the weights multiply."""
        return v

    def bias_term(self, v: Any, bias: Any, variance: Any) -> Any:
        """-A(v), a number a row."""
        return tf.linalg.matvec(v, bias)

    def mean(self, inputs: Any) -> Any:
        """E[v] given the input of every unit."""
        raise NotImplementedError

    def sample(self, mean: Any, variance: Any, key: Key, purpose: Any) -> Any:
        """A draw of v given its mean."""
        raise NotImplementedError

    def cumulant(self, inputs: Any, bias: Any, variance: Any) -> Any:
        """log of the sum, or integral, over all v of exp(-E) at this input, a number a row."""
        raise NotImplementedError

    def data_bias(self, mean: np.ndarray) -> np.ndarray:
        """The bias whose mean without any hidden unit is that of the data."""
        raise NotImplementedError


@keras.saving.register_keras_serializable(package="keras_recipes")
class Bernoulli(Visible):
    """Visible units that are 0 or 1; data between them count as probabilities.

    P(v = 1) = 1 / (1 + exp(-input)), A(v) = -a'v

    Rows to train on must lie in [0, 1]. Rows held out, which were scaled by the range of others,
    may lie outside of it: such a value counts as the nearer of 0 and 1.

    >>> float(Bernoulli().mean(tf.constant(0.0)))
    0.5
    """

    activation = "sigmoid"

    def check(self, rows: np.ndarray) -> None:
        _finite(rows)
        if rows.size and (rows.min() < -ROUNDING or rows.max() > 1 + ROUNDING):
            raise ValueError(
                "Data of Bernoulli units must lie in [0, 1]. Received values from "
                f"{rows.min():g} to {rows.max():g}. Scale them, or use Gaussian units."
            )

    def clipped(self, rows: np.ndarray) -> np.ndarray:
        _finite(rows)
        # Large data that is in range needs no second copy.
        inside = not rows.size or (rows.min() >= 0 and rows.max() <= 1)
        return rows if inside else np.clip(rows, 0, 1)

    def mean(self, inputs: Any) -> Any:
        return tf.sigmoid(inputs)

    def sample(self, mean: Any, variance: Any, key: Key, purpose: Any) -> Any:
        return tf.cast(key.uniform(shape_of(mean), purpose) < mean, mean.dtype)

    def cumulant(self, inputs: Any, bias: Any, variance: Any) -> Any:
        return tf.reduce_sum(tf.math.softplus(inputs), -1)

    def data_bias(self, mean: np.ndarray) -> np.ndarray:
        # Hinton's guide to training (2010), section 8; a pixel that is never on gets -5, not -inf.
        return np.clip(np.log(np.maximum(mean, 1e-9)) - np.log(np.maximum(1 - mean, 1e-9)), -5, 5)


@keras.saving.register_keras_serializable(package="keras_recipes")
class Gaussian(Visible):
    """Visible units with real values, for data of mean 0 and variance 1.

    p(v) = N(input, sigma^2), A(v) = sum (v - a)^2 / (2 sigma^2), c(v) = v / sigma^2

    A learned sigma is kept as log sigma^2, which no gradient step can make negative (Cho, Ilin &
    Raiko 2011).

    Args:
        sigma: standard deviation of every unit, > 0; where it is learned, the first value.
        learned: learn a sigma for every unit.

    Raises:
        ValueError: a bad argument.

    >>> Gaussian(0.5).start_variance(2)
    array([0.25, 0.25], dtype=float32)
    """

    def __init__(self, sigma: float = 1.0, learned: bool = False):
        self.sigma = number("sigma", sigma, gt=0)
        self.learned_variance = flag("learned", learned)

    def check(self, rows: np.ndarray) -> None:
        _finite(rows)

    def start_variance(self, width: int) -> np.ndarray:
        return np.full(width, self.sigma**2, "float32")

    def coupled(self, v: Any, variance: Any) -> Any:
        return v / variance

    def bias_term(self, v: Any, bias: Any, variance: Any) -> Any:
        return tf.reduce_sum(-0.5 * tf.square(v - bias) / variance, -1)

    def mean(self, inputs: Any) -> Any:
        return inputs

    def sample(self, mean: Any, variance: Any, key: Key, purpose: Any) -> Any:
        return mean + tf.sqrt(variance) * key.normal(shape_of(mean), purpose)

    def cumulant(self, inputs: Any, bias: Any, variance: Any) -> Any:
        quadratic = (tf.square(inputs) - tf.square(bias)) / (2 * variance)
        return tf.reduce_sum(quadratic + 0.5 * (LOG_2PI + tf.math.log(variance)), -1)

    def data_bias(self, mean: np.ndarray) -> np.ndarray:
        return mean

    def get_config(self) -> dict[str, Any]:
        return {"sigma": self.sigma, "learned": self.learned_variance}


@keras.saving.register_keras_serializable(package="keras_recipes")
class Softmax(Visible):
    """Groups of units of which exactly one is on, such as a label; binary units may stand before.

    P(unit k of its group is on) = exp(input_k) / sum_j exp(input_j), A(v) = -a'v

    Args:
        categories: units in a group, >= 2.
        binary: Bernoulli units before the first group, >= 0.

    Raises:
        ValueError: a bad argument.

    >>> Softmax(2).mean(tf.constant([[0.0, 0.0]])).numpy().tolist()
    [[0.5, 0.5]]
    """

    def __init__(self, categories: int, binary: int = 0):
        self.categories = steps("categories", categories, ge=2)
        self.binary = steps("binary", binary, ge=0)

    def check_width(self, width: int) -> None:
        if width <= self.binary or (width - self.binary) % self.categories:
            raise ValueError(
                f"Softmax units with categories={self.categories}, binary={self.binary} need "
                f"{self.binary} + a multiple of {self.categories} columns. "
                f"Received: {width} columns"
            )

    def check(self, rows: np.ndarray) -> None:
        Bernoulli().check(rows)
        sums = self._grouped(rows[:, self.binary :]).sum(-1)
        if rows.size and not np.allclose(sums, 1, atol=1e-3):
            raise ValueError(
                "Each group of Softmax units must sum to 1. Received sums from "
                f"{sums.min():g} to {sums.max():g}"
            )

    def clipped(self, rows: np.ndarray) -> np.ndarray:
        # A value of a group that is no probability is a mistake, and not an unusual measurement.
        binary = Bernoulli().clipped(rows[:, : self.binary])
        return np.concatenate([binary, rows[:, self.binary :]], axis=1)

    def mean(self, inputs: Any) -> Any:
        return self._joined(inputs, tf.sigmoid, tf.nn.softmax)

    def sample(self, mean: Any, variance: Any, key: Key, purpose: Any) -> Any:
        uniform = key.uniform(shape_of(mean), purpose)

        def one_of_each(groups: Any) -> Any:
            # Inverse distribution function, with the group's first random number.
            below = tf.cumsum(groups, axis=-1)[..., :-1]
            first = self._grouped(uniform[:, self.binary :])[..., :1]
            chosen = tf.reduce_sum(tf.cast(first >= below, tf.int32), -1)
            return tf.one_hot(chosen, self.categories, dtype=mean.dtype)

        def on(binary: Any) -> Any:
            return tf.cast(uniform[:, : self.binary] < binary, mean.dtype)

        return self._joined(mean, on, one_of_each)

    def cumulant(self, inputs: Any, bias: Any, variance: Any) -> Any:
        groups = self._grouped(inputs[..., self.binary :])
        total = tf.reduce_sum(tf.reduce_logsumexp(groups, -1), -1)
        return total + tf.reduce_sum(tf.math.softplus(inputs[..., : self.binary]), -1)

    def data_bias(self, mean: np.ndarray) -> np.ndarray:
        binary, groups = mean[: self.binary], mean[self.binary :]
        # Logits that are equal up to a constant a group; that constant cancels.
        return np.concatenate(
            [Bernoulli().data_bias(binary), np.clip(np.log(np.maximum(groups, 1e-9)), -5, 0)]
        )

    def get_config(self) -> dict[str, Any]:
        return {"categories": self.categories, "binary": self.binary}

    def _grouped(self, columns: Any) -> Any:
        groups = columns.shape[-1] // self.categories
        if isinstance(columns, np.ndarray):
            return columns.reshape(len(columns), groups, self.categories)
        return tf.reshape(
            columns, tf.concat([tf.shape(columns)[:-1], [groups, self.categories]], 0)
        )

    def _joined(self, rows: Any, binary: Any, groups: Any) -> Any:
        """Binary columns and groups, each through its function, side by side again."""
        changed = groups(self._grouped(rows[..., self.binary :]))
        changed = tf.reshape(changed, tf.shape(rows[..., self.binary :]))
        if not self.binary:
            return changed
        return tf.concat([binary(rows[..., : self.binary]), changed], -1)


VISIBLE: dict[str, type[Visible]] = {
    "bernoulli": Bernoulli,
    "gaussian": Gaussian,
    "softmax": Softmax,
}


def _finite(rows: np.ndarray) -> None:
    if not np.isfinite(rows).all():
        raise ValueError("Data must be finite. Received: rows with NaN or infinity")
