"""A deep belief network as a network to be trained by backpropagation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..schedules.arguments import flag, number, steps
from .dbn import DBN
from .initialize import initialize_from
from .rbm import RBM


def unroll(
    dbn: DBN | RBM,
    output: keras.layers.Layer | None = None,
    *,
    dropout: float = 0.0,
    input_dropout: float = 0.0,
) -> keras.Model:
    """The way up as a feed-forward network with the machines' weights.

    Args:
        dbn: a trained network or machine.
        output: a layer on top, or None.
        dropout: rate after every hidden layer, in [0, 1).
        input_dropout: rate on the inputs, in [0, 1).

    Raises:
        ValueError: a bad argument, or machines without weights.
    """
    rates = [_rate("input_dropout", input_dropout), _rate("dropout", dropout)]
    machines = _trained(dbn)
    tensor = inputs = keras.Input((machines[0].width,), name="visible")
    for index, machine in enumerate(machines):
        rate = rates[min(index, 1)]
        if rate:
            tensor = keras.layers.Dropout(rate, seed=machine.seed + index)(tensor)
        tensor = keras.layers.Dense(
            machine.units, activation=machine.hidden.activation, name=f"hidden_{index}"
        )(tensor)
    if output is not None:
        if rates[1]:
            tensor = keras.layers.Dropout(rates[1], seed=machines[0].seed + len(machines))(tensor)
        tensor = output(tensor)
    model = keras.Model(inputs, tensor)
    initialize_from(dbn, model)
    return model


def unroll_classifier(dbn: DBN | RBM, classes: int, **rates: float) -> keras.Model:
    """The way up with a softmax layer on top, whose weights start at zero.

    Args:
        dbn: a trained network or machine.
        classes: >= 2.
        rates: `dropout` and `input_dropout` of `unroll`.

    >>> rbm = RBM(3)
    >>> rbm.build((None, 4))
    >>> unroll_classifier(rbm, 2).output_shape
    (None, 2)
    """
    count = steps("classes", classes, ge=2)
    output = keras.layers.Dense(
        count, activation="softmax", kernel_initializer="zeros", name="classes"
    )
    return unroll(dbn, output, **rates)


def unroll_regressor(dbn: DBN | RBM, outputs: int = 1, **rates: float) -> keras.Model:
    """As `unroll_classifier`, with a linear layer on top."""
    count = steps("outputs", outputs)
    output = keras.layers.Dense(count, kernel_initializer="zeros", name="outputs")
    return unroll(dbn, output, **rates)


@keras.saving.register_keras_serializable(package="keras_recipes")
class Autoencoder(keras.Model):
    """Dense layers to a code, and dense layers of the same widths back.

    Args:
        width: of the data.
        units: of the encoder's layers, the code last.
        activations: of the encoder's layers.
        back: activations of the decoder's layers, in the order of the encoder's layers that they
            undo: the first is that of the reconstruction.
        tied: the decoder uses the encoder's kernels, transposed; the biases are its own.
        name: of the model.

    >>> model = Autoencoder(4, [3, 2], ["sigmoid", "linear"], ["sigmoid", "sigmoid"])
    >>> model(np.zeros((1, 4), "float32")).shape
    TensorShape([1, 4])
    """

    def __init__(
        self,
        width: int,
        units: Sequence[int],
        activations: Sequence[str],
        back: Sequence[str],
        *,
        tied: bool = False,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.width, self.units = steps("width", width), [steps("units", unit) for unit in units]
        self.activations, self.back = list(activations), list(back)
        for name in ("activations", "back"):
            if not self.units or len(getattr(self, name)) != len(self.units):
                raise ValueError(
                    f"Argument `{name}` must have one a layer. "
                    f"Received: {name}={getattr(self, name)!r}, units={self.units!r}"
                )
        self.tied = flag("tied", tied)
        dense = keras.layers.Dense
        self.up = [
            dense(unit, activation=act, name=f"encoder_{index}")
            for index, (unit, act) in enumerate(zip(self.units, activations, strict=True))
        ]
        downward = list(zip([self.width, *self.units[:-1]], self.back, strict=True))
        kind = _Transposed if tied else dense
        self.down = [
            kind(unit, activation=act, name=f"decoder_{index}")
            for index, (unit, act) in reversed(list(enumerate(downward)))
        ]
        self.build((None, self.width))

    def build(self, input_shape: Any) -> None:
        """All layers."""
        if self.built:
            return
        widths = [self.width, *self.units]
        for layer, width in zip(self.up, widths, strict=False):
            layer.build((None, width))
        for layer, width in zip(self.down, reversed(widths), strict=False):
            layer.build((None, width))
        self.built = True

    def encode(self, x: Any) -> Any:
        """The code of rows."""
        for layer in self.up:
            x = layer(x)
        return x

    def decode(self, code: Any) -> Any:
        """Rows from codes."""
        for layer, partner in zip(self.down, reversed(self.up), strict=True):
            code = layer(code, partner.kernel) if self.tied else layer(code)
        return code

    def call(self, inputs: Any) -> Any:
        """The reconstruction of rows."""
        return self.decode(self.encode(inputs))

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            "width": self.width,
            "units": list(self.units),
            "activations": list(self.activations),
            "back": list(self.back),
            "tied": self.tied,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Autoencoder:
        """The model that `get_config` described."""
        return cls(**config)


def unroll_autoencoder(dbn: DBN | RBM, *, tied: bool = False) -> Autoencoder:
    """The way up and the way down as one network (Hinton & Salakhutdinov 2006).

    Args:
        dbn: a trained network or machine.
        tied: let both ways share their weights.

    Raises:
        ValueError: machines without weights; or `tied` where sigma is not 1, since the way up
            divides by sigma^2 and the way down does not.
    """
    machines = _trained(dbn)
    bottom = machines[0]
    model = Autoencoder(
        bottom.width,
        [machine.units for machine in machines],
        [machine.hidden.activation for machine in machines],
        [machine.visible.activation for machine in machines],
        tied=tied,
    )
    for machine in machines:
        variance = machine.machine().variance
        if tied and variance is not None and not np.allclose(variance, 1):
            raise ValueError("Tied weights need Gaussian units of sigma 1.")
    encoder = keras.Sequential([keras.Input((bottom.width,)), *model.up])
    initialize_from(dbn, encoder)
    down: list[Any] = model.down
    for layer, machine in zip(down, reversed(machines), strict=True):
        layer.bias.assign(machine.visible_bias)
        if not tied:
            layer.kernel.assign(tf.transpose(machine.kernel.value))
    return model


class _Transposed(keras.layers.Layer):
    """A dense layer whose kernel is that of another layer, transposed."""

    def __init__(self, units: int, activation: str, name: str):
        super().__init__(name=name)
        self.count, self.activation = units, keras.activations.get(activation)

    def build(self, input_shape: Any) -> None:
        self.bias = self.add_weight(name="bias", shape=(self.count,), initializer="zeros")
        self.built = True

    def call(self, inputs: Any, kernel: Any) -> Any:
        product = tf.matmul(inputs, tf.convert_to_tensor(kernel), transpose_b=True)
        return self.activation(tf.nn.bias_add(product, self.bias))


def _trained(dbn: DBN | RBM) -> list[RBM]:
    machines = [dbn] if isinstance(dbn, RBM) else list(dbn.machines)
    for index, machine in enumerate(machines):
        if not machine.built:
            raise ValueError(f"Machine {index} has no weights yet: train it first.")
    return machines


def _rate(name: str, value: Any) -> float:
    rate = number(name, value, ge=0)
    if rate >= 1:
        raise ValueError(f"Argument `{name}` must be < 1. Received: {name}={value}")
    return rate
