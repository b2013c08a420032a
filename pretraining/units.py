"""Kinds of visible units: their conditional distributions and their terms of the energy.

An RBM with visible units v, hidden units h, weights W and biases a and b has the energy

    E(v, h) = A(v) + B(h) - c(v)' W h - h'b

where c(v) is v, or v / sigma^2 for Gaussian units. Units of a layer are independent given the
other layer; the input of a unit is its bias plus the weighted sum of the other layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias, TypeVar, cast

import keras
import numpy as np
import tensorflow as tf
from tensorflow import Tensor

from ..arguments import check_bool, check_choice, check_instance, check_number
from ..schedules.arguments import check_steps
from .sampling import Key, Scalar, shape_of
from .saving import Serializable

LOG_2PI = math.log(2 * math.pi)
# How far values that were scaled to [0, 1] may lie outside of it.
ROUNDING = 1e-6
# An activation by the name that Keras has for it, or a function that Keras can save.
Activation: TypeAlias = str | Callable[[Tensor], Tensor]
T = TypeVar("T")


class Units(Serializable):
    """A kind of units."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Units) and (type(self), self.get_config()) == (
            type(other),
            other.get_config(),
        )

    def __hash__(self) -> int:
        return hash((type(self), *self.get_config().items()))

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


class Visible(Units):
    """A kind of visible units. The defaults are those of units whose c(v) is v.

    Attributes:
        activation: the Keras activation that turns the units' input into their mean.
        continuous: whether values may be any real numbers.
        learned_variance: whether sigma^2 is a parameter to learn.
    """

    activation: Activation = "linear"
    continuous = False
    learned_variance = False

    def check_width(self, width: int) -> None:
        """Raise if a layer of this width cannot have these units."""

    def check(self, rows: np.ndarray) -> None:
        """Raise if the units cannot have these values."""

    def clipped(self, rows: np.ndarray) -> np.ndarray:
        """Rows with each value replaced by the nearest that the units can have."""
        return rows

    def training_values(self, rows: Tensor, key: Key, purpose: Scalar) -> Tensor:
        """What an update sees of its rows."""
        return rows

    def decoder_activations(self, width: int) -> tuple[str, ...]:
        """Activations that a layer which reconstructs the units may have, as they print."""
        return (str(self.activation),)

    def start_variance(self, width: int) -> np.ndarray:
        """Initial sigma^2 of each unit; 1 for units without a variance."""
        return np.ones(width, "float32")

    def coupled(self, v: Tensor, variance: Tensor) -> Tensor:
        """c(v), what the weights multiply."""
        return v

    def bias_term(self, v: Tensor, bias: Tensor, variance: Tensor) -> Tensor:
        """-A(v) of each row."""
        return tf.linalg.matvec(v, bias)

    def mean(self, inputs: Tensor) -> Tensor:
        """E[v] given the input of every unit."""
        raise NotImplementedError

    def sample(self, mean: Tensor, variance: Tensor, key: Key, purpose: Scalar) -> Tensor:
        """A draw of v given its mean."""
        raise NotImplementedError

    def cumulant(self, inputs: Tensor, bias: Tensor, variance: Tensor) -> Tensor:
        """log of the sum, or integral, over all v of exp(-E) at this input, for each row."""
        raise NotImplementedError

    def data_bias(self, mean: np.ndarray) -> np.ndarray:
        """The bias that gives this mean if all weights are 0."""
        raise NotImplementedError


@keras.saving.register_keras_serializable(package="keras_recipes")
class Bernoulli(Visible):
    """Visible units that are 0 or 1; data between them count as probabilities.

    P(v = 1) = 1 / (1 + exp(-input)), A(v) = -a'v

    Training rows must lie in [0, 1]. Other rows, which may have been scaled by the range of the
    training rows, may lie outside of it: such a value counts as the nearer of 0 and 1.

    Args:
        sample_data: draw 0 and 1 anew in each update, with the values of the rows as probabilities
            (dynamic binarization), instead of training on the values themselves.

    >>> float(Bernoulli().mean(tf.constant(0.0)))
    0.5
    """

    activation = "sigmoid"

    def __init__(self, *, sample_data: bool = False):
        self.sample_data = check_bool("sample_data", sample_data)

    def training_values(self, rows: Tensor, key: Key, purpose: Scalar) -> Tensor:
        return key.bernoulli(rows, purpose) if self.sample_data else rows

    def check(self, rows: np.ndarray) -> None:
        _check_finite(rows)
        if rows.size and (rows.min() < -ROUNDING or rows.max() > 1 + ROUNDING):
            raise ValueError(
                "Data of Bernoulli units must lie in [0, 1]. Received values from "
                f"{rows.min():g} to {rows.max():g}. Scale them, or use Gaussian units."
            )

    def clipped(self, rows: np.ndarray) -> np.ndarray:
        _check_finite(rows)
        # Large data that is in range needs no second copy.
        inside = not rows.size or (rows.min() >= 0 and rows.max() <= 1)
        return rows if inside else np.clip(rows, 0, 1)

    def mean(self, inputs: Tensor) -> Tensor:
        return tf.sigmoid(inputs)

    def sample(self, mean: Tensor, variance: Tensor, key: Key, purpose: Scalar) -> Tensor:
        return key.bernoulli(mean, purpose)

    def cumulant(self, inputs: Tensor, bias: Tensor, variance: Tensor) -> Tensor:
        return tf.reduce_sum(tf.math.softplus(inputs), -1)

    def data_bias(self, mean: np.ndarray) -> np.ndarray:
        # Hinton's guide to training (2010), section 8; a pixel that is never on gets -5, not -inf.
        return np.clip(np.log(np.maximum(mean, 1e-9)) - np.log(np.maximum(1 - mean, 1e-9)), -5, 5)


@keras.saving.register_keras_serializable(package="keras_recipes")
class Gaussian(Visible):
    """Visible units with real values, for data of mean 0 and variance 1.

    p(v) = N(input, sigma^2), A(v) = sum (v - a)^2 / (2 sigma^2), c(v) = v / sigma^2

    A learned sigma is stored as log sigma^2, so that no gradient step can make it negative (Cho,
    Ilin & Raiko 2011).

    Args:
        sigma: standard deviation of every unit, > 0; the initial one if it is learned.
        learned: learn a sigma for every unit.

    Raises:
        ValueError: a bad argument.

    >>> Gaussian(0.5).start_variance(2)
    array([0.25, 0.25], dtype=float32)
    """

    continuous = True

    def __init__(self, sigma: float = 1.0, learned: bool = False):
        self.sigma = check_number("sigma", sigma, gt=0)
        self.learned = self.learned_variance = check_bool("learned", learned)

    def check(self, rows: np.ndarray) -> None:
        _check_finite(rows)

    def start_variance(self, width: int) -> np.ndarray:
        return np.full(width, self.sigma**2, "float32")

    def coupled(self, v: Tensor, variance: Tensor) -> Tensor:
        return v / variance

    def bias_term(self, v: Tensor, bias: Tensor, variance: Tensor) -> Tensor:
        return tf.reduce_sum(-0.5 * tf.square(v - bias) / variance, -1)

    def mean(self, inputs: Tensor) -> Tensor:
        return inputs

    def sample(self, mean: Tensor, variance: Tensor, key: Key, purpose: Scalar) -> Tensor:
        return mean + tf.sqrt(variance) * key.normal(shape_of(mean), purpose)

    def cumulant(self, inputs: Tensor, bias: Tensor, variance: Tensor) -> Tensor:
        quadratic = (tf.square(inputs) - tf.square(bias)) / (2 * variance)
        return tf.reduce_sum(quadratic + 0.5 * (LOG_2PI + tf.math.log(variance)), -1)

    def data_bias(self, mean: np.ndarray) -> np.ndarray:
        return mean


@keras.saving.register_keras_serializable(package="keras_recipes")
class Softmax(Visible):
    """Groups of units of which exactly one is on, such as a label; binary units may come first.

    P(unit k of its group is on) = exp(input_k) / sum_j exp(input_j), A(v) = -a'v

    As a function it is the activation of a layer that reconstructs such units: a softmax over each
    group, and a sigmoid for the binary units.

    Args:
        categories: units in a group, >= 2.
        binary: Bernoulli units before the first group, >= 0.

    Raises:
        ValueError: a bad argument.

    >>> Softmax(2).mean(tf.constant([[0.0, 0.0]])).numpy().tolist()
    [[0.5, 0.5]]
    """

    def __init__(self, categories: int, binary: int = 0):
        self.categories = check_steps("categories", categories, ge=2)
        self.binary = check_steps("binary", binary, ge=0)
        self.activation = self

    def __call__(self, inputs: Tensor) -> Tensor:
        """E[v] given the input of every unit."""
        return self.mean(inputs)

    def check_width(self, width: int) -> None:
        if width <= self.binary or (width - self.binary) % self.categories:
            raise ValueError(
                f"Softmax units with categories={self.categories}, binary={self.binary} need "
                f"{self.binary} + a multiple of {self.categories} columns. "
                f"Received: {width} columns"
            )

    def decoder_activations(self, width: int) -> tuple[str, ...]:
        # In Keras `softmax` is over all columns: over one group if there are no others.
        keras_names = ("softmax",) if width == self.categories else ()
        return (*keras_names, str(self))

    def check(self, rows: np.ndarray) -> None:
        Bernoulli().check(rows)
        sums = rows[:, self.binary :].reshape(len(rows), -1, self.categories).sum(-1)
        if rows.size and not np.allclose(sums, 1, atol=1e-3):
            raise ValueError(
                "Each group of Softmax units must sum to 1. Received sums from "
                f"{sums.min():g} to {sums.max():g}"
            )

    def clipped(self, rows: np.ndarray) -> np.ndarray:
        # A group whose values are no probabilities is an error, not an unusual measurement.
        binary = Bernoulli().clipped(rows[:, : self.binary])
        return np.concatenate([binary, rows[:, self.binary :]], axis=1)

    def mean(self, inputs: Tensor) -> Tensor:
        return self._apply(inputs, tf.sigmoid, tf.nn.softmax)

    def sample(self, mean: Tensor, variance: Tensor, key: Key, purpose: Scalar) -> Tensor:
        uniform = key.uniform(shape_of(mean), purpose)

        def draw_groups(probabilities: Tensor) -> Tensor:
            # Inverse distribution function at the group's first random number.
            below = tf.cumsum(probabilities, axis=-1)[:, :, :-1]
            first = self._grouped(uniform[:, self.binary :])[:, :, :1]
            chosen = tf.reduce_sum(tf.cast(first >= below, tf.int32), -1)
            return tf.one_hot(chosen, self.categories, dtype=mean.dtype)

        def draw_binary(probabilities: Tensor) -> Tensor:
            return tf.cast(uniform[:, : self.binary] < probabilities, mean.dtype)

        return self._apply(mean, draw_binary, draw_groups)

    def cumulant(self, inputs: Tensor, bias: Tensor, variance: Tensor) -> Tensor:
        binary, columns = tf.split(inputs, [self.binary, -1], -1)
        total = tf.reduce_sum(tf.reduce_logsumexp(self._grouped(columns), -1), -1)
        return total + tf.reduce_sum(tf.math.softplus(binary), -1)

    def data_bias(self, mean: np.ndarray) -> np.ndarray:
        binary, groups = mean[: self.binary], mean[self.binary :]
        # A constant added to all logits of a group changes nothing.
        return np.concatenate(
            [Bernoulli().data_bias(binary), np.clip(np.log(np.maximum(groups, 1e-9)), -5, 0)]
        )

    def _grouped(self, columns: Tensor) -> Tensor:
        groups = cast("int", columns.shape[-1]) // self.categories
        shape = tf.concat([tf.shape(columns)[:-1], [groups, self.categories]], 0)
        return tf.reshape(columns, shape)

    def _apply(
        self,
        rows: Tensor,
        binary: Callable[[Tensor], Tensor],
        groups: Callable[[Tensor], Tensor],
    ) -> Tensor:
        """One function of the binary columns, and one of the groups, concatenated."""
        first, columns = tf.split(rows, [self.binary, -1], -1)
        changed = tf.reshape(groups(self._grouped(columns)), tf.shape(columns))
        if not self.binary:
            return changed
        return tf.concat([binary(first), changed], -1)


VISIBLE: dict[str, type[Visible]] = {
    "bernoulli": Bernoulli,
    "gaussian": Gaussian,
    "softmax": Softmax,
}


def _check_finite(rows: np.ndarray) -> None:
    if not np.isfinite(rows).all():
        raise ValueError("Data must be finite. Received: rows with NaN or infinity")


def units_of(name: str, value: str | T, table: Mapping[str, type[T]], base: type[T]) -> T:
    """Units from their name in a table, or as they are."""
    if not isinstance(value, str):
        return check_instance(name, value, base)
    cls = table[check_choice(name, value, list(table))]
    try:
        return cls()
    except TypeError:
        raise ValueError(
            f"Argument `{name}` needs arguments for {value!r}; give a {cls.__name__}."
        ) from None
