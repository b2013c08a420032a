"""Kinds of hidden units: their conditional distributions, and the sums over their states."""

from __future__ import annotations

import math

import keras
import tensorflow as tf
from tensorflow import Tensor

from .sampling import Key, Scalar, shape_of
from .units import LOG_2PI, Units


class Hidden(Units):
    """A kind of hidden units.

    Attributes:
        activation: the Keras activation that turns the units' input into their mean.
    """

    activation = "linear"

    def mean(self, inputs: Tensor) -> Tensor:
        """E[h] given the input of every unit; the slope of `cumulant`."""
        raise NotImplementedError

    def sample(self, inputs: Tensor, mean: Tensor, key: Key, purpose: Scalar) -> Tensor:
        """A draw of h."""
        raise NotImplementedError

    def cumulant(self, inputs: Tensor) -> Tensor:
        """log of the sum, or integral, over h of exp(input h - B(h)), unit by unit."""
        raise NotImplementedError


@keras.saving.register_keras_serializable(package="keras_recipes")
class BernoulliHidden(Hidden):
    """Hidden units that are 0 or 1: P(h = 1) = 1 / (1 + exp(-input)), B = 0.

    >>> float(BernoulliHidden().mean(tf.constant(0.0)))
    0.5
    """

    activation = "sigmoid"

    def mean(self, inputs: Tensor) -> Tensor:
        return tf.sigmoid(inputs)

    def sample(self, inputs: Tensor, mean: Tensor, key: Key, purpose: Scalar) -> Tensor:
        return key.bernoulli(mean, purpose)

    def cumulant(self, inputs: Tensor) -> Tensor:
        return tf.math.softplus(inputs)


@keras.saving.register_keras_serializable(package="keras_recipes")
class Rectified(Hidden):
    """Noisy rectified units (NReLU): h = max(0, input + N(0, sigmoid(input))).

    They approximate infinitely many binary units with the same weights and the biases b - 1/2,
    b - 3/2, ... (Nair & Hinton 2010), of which log(1 + exp(input)) are on in the mean. The cumulant
    is the integral of that mean, -Li2(-exp(input)).

    >>> round(float(Rectified().mean(tf.constant(0.0))), 6)
    0.693147
    """

    activation = "softplus"

    def mean(self, inputs: Tensor) -> Tensor:
        return tf.math.softplus(inputs)

    def sample(self, inputs: Tensor, mean: Tensor, key: Key, purpose: Scalar) -> Tensor:
        noise = key.normal(shape_of(inputs), purpose)
        return tf.nn.relu(inputs + tf.sqrt(tf.sigmoid(inputs)) * noise)

    def cumulant(self, inputs: Tensor) -> Tensor:
        # Li2(-y) = spence(1 + y), and Li2(-y) + Li2(-1/y) = -pi^2/6 - log(y)^2/2 keeps y below 1.
        below = tf.where(inputs > 0, -inputs, inputs)
        small = -tf.math.special.spence(1 + tf.exp(below))
        large = math.pi**2 / 6 + 0.5 * tf.square(inputs) - small
        return tf.where(inputs > 0, large, small)


@keras.saving.register_keras_serializable(package="keras_recipes")
class GaussianHidden(Hidden):
    """Hidden units with real values of variance 1: h = N(input, 1), B(h) = h'h / 2.

    The cumulant has the constant log sqrt(2 pi) of the integral.

    >>> float(GaussianHidden().mean(tf.constant(2.0)))
    2.0
    """

    def mean(self, inputs: Tensor) -> Tensor:
        return inputs

    def sample(self, inputs: Tensor, mean: Tensor, key: Key, purpose: Scalar) -> Tensor:
        return mean + key.normal(shape_of(mean), purpose)

    def cumulant(self, inputs: Tensor) -> Tensor:
        return 0.5 * (tf.square(inputs) + LOG_2PI)


HIDDEN: dict[str, type[Hidden]] = {
    "bernoulli": BernoulliHidden,
    "rectified": Rectified,
    "gaussian": GaussianHidden,
}
