"""Feed-forward networks and autoencoders made of a deep belief network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import keras
import numpy as np
import tensorflow as tf
from tensorflow import Tensor

from ..arguments import check_bool, check_number
from ..schedules.arguments import check_steps
from .dbn import DBN
from .initialize import built_rbms, initialize_from
from .rbm import RBM
from .saving import Serializable
from .units import Activation


def unroll(
    dbn: DBN | RBM,
    output: keras.layers.Layer | None = None,
    *,
    dropout: float = 0.0,
    input_dropout: float = 0.0,
) -> keras.Model:
    """A feed-forward network with the RBMs' weights.

    Args:
        dbn: a trained network or RBM.
        output: a layer on top, or None.
        dropout: rate after every hidden layer, in [0, 1).
        input_dropout: rate on the inputs, in [0, 1).

    Raises:
        ValueError: a bad argument, or RBMs without weights.
    """
    first = check_number("input_dropout", input_dropout, ge=0, lt=1)
    rest = check_number("dropout", dropout, ge=0, lt=1)
    rbms = built_rbms(dbn)
    tensor = inputs = keras.Input((rbms[0].width,), name="visible")
    for index, rbm in enumerate(rbms):
        rate = rest if index else first
        if rate:
            tensor = keras.layers.Dropout(rate, seed=rbm.seed + index)(tensor)
        tensor = keras.layers.Dense(
            rbm.units, activation=rbm.hidden.activation, name=f"hidden_{index}"
        )(tensor)
    if output is not None:
        if rest:
            tensor = keras.layers.Dropout(rest, seed=rbms[0].seed + len(rbms))(tensor)
        tensor = output(tensor)
    model = keras.Model(inputs, tensor)
    initialize_from(dbn, model)
    return model


def unroll_classifier(dbn: DBN | RBM, classes: int, **rates: float) -> keras.Model:
    """A feed-forward network with a softmax layer on top, whose weights start at zero.

    Args:
        dbn: a trained network or RBM.
        classes: >= 2.
        rates: `dropout` and `input_dropout` of `unroll`.

    >>> rbm = RBM(3)
    >>> rbm.build((None, 4))
    >>> unroll_classifier(rbm, 2).output_shape
    (None, 2)
    """
    count = check_steps("classes", classes, ge=2)
    output = keras.layers.Dense(
        count, activation="softmax", kernel_initializer="zeros", name="classes"
    )
    return unroll(dbn, output, **rates)


def unroll_regressor(dbn: DBN | RBM, outputs: int = 1, **rates: float) -> keras.Model:
    """As `unroll_classifier`, with a linear layer on top."""
    count = check_steps("outputs", outputs)
    output = keras.layers.Dense(count, kernel_initializer="zeros", name="outputs")
    return unroll(dbn, output, **rates)


@keras.saving.register_keras_serializable(package="keras_recipes")
class Autoencoder(Serializable, keras.Model):
    """Dense layers to a code, and dense layers of the same widths back.

    Args:
        width: of the data.
        units: of the encoder's layers, the code last.
        activations: of the encoder's layers; names of Keras, or functions that it can save.
        back: activations of the decoder's layers, in the order of the encoder's layers that they
            undo: the first is that of the reconstruction.
        tied: the decoder uses the encoder's kernels, transposed; it has separate biases.
        name: of the model.

    >>> model = Autoencoder(4, [3, 2], ["sigmoid", "linear"], ["sigmoid", "sigmoid"])
    >>> model(np.zeros((1, 4), "float32")).shape
    TensorShape([1, 4])
    """

    def __init__(
        self,
        width: int,
        units: Sequence[int],
        activations: Sequence[Activation],
        back: Sequence[Activation],
        *,
        tied: bool = False,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.width = check_steps("width", width)
        self.units = [check_steps("units", unit) for unit in units]
        self.activations, self.back = list(activations), list(back)
        for name in ("activations", "back"):
            if not self.units or len(getattr(self, name)) != len(self.units):
                raise ValueError(
                    f"Argument `{name}` must have one item a layer. "
                    f"Received: {name}={getattr(self, name)!r}, units={self.units!r}"
                )
        self.tied = check_bool("tied", tied)
        dense = keras.layers.Dense
        self.encoder = [
            dense(unit, activation=act, name=f"encoder_{index}")
            for index, (unit, act) in enumerate(zip(self.units, activations, strict=True))
        ]
        downward = list(zip([self.width, *self.units[:-1]], self.back, strict=True))
        kind = _Transposed if tied else dense
        self.decoder = [
            kind(unit, activation=act, name=f"decoder_{index}")
            for index, (unit, act) in reversed(list(enumerate(downward)))
        ]
        self.build((None, self.width))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Build all layers."""
        if self.built:
            return
        widths = [self.width, *self.units]
        for layer, width in zip(self.encoder, widths, strict=False):
            layer.build((None, width))
        for layer, width in zip(self.decoder, reversed(widths), strict=False):
            layer.build((None, width))
        self.built = True

    def encode(self, x: Tensor) -> Tensor:
        """The code of rows."""
        for layer in self.encoder:
            x = layer(x)
        return x

    def decode(self, code: Tensor) -> Tensor:
        """Rows from codes."""
        for layer, partner in zip(self.decoder, reversed(self.encoder), strict=True):
            code = layer(code, partner.kernel) if self.tied else layer(code)
        return code

    def call(self, inputs: Tensor) -> Tensor:
        """The reconstruction of rows."""
        return self.decode(self.encode(inputs))


def unroll_autoencoder(dbn: DBN | RBM, *, tied: bool = False) -> Autoencoder:
    """Encoder and decoder as one network (Hinton & Salakhutdinov 2006).

    The decoder reconstructs `Softmax` units by a softmax over each group.

    Args:
        dbn: a trained network or RBM.
        tied: the decoder uses the encoder's weights.

    Raises:
        ValueError: RBMs without weights; or `tied` although a sigma is not 1, since the encoder
            divides by sigma^2 and the decoder does not.
    """
    rbms = built_rbms(dbn)
    if tied and not all(np.allclose(rbm.distribution().variance, 1) for rbm in rbms):
        raise ValueError("Tied weights need Gaussian units of sigma 1.")
    width = rbms[0].width
    model = Autoencoder(
        width,
        [rbm.units for rbm in rbms],
        [rbm.hidden.activation for rbm in rbms],
        [rbm.visible.activation for rbm in rbms],
        tied=tied,
    )
    initialize_from(dbn, keras.Sequential([keras.Input((width,)), *model.encoder]))
    for layer, rbm in zip(model.decoder, reversed(rbms), strict=True):
        bias = rbm.visible_bias.numpy()
        layer.set_weights([bias] if tied else [rbm.kernel.numpy().T, bias])
    return model


class _Transposed(keras.layers.Layer):
    """A dense layer whose kernel is that of another layer, transposed."""

    def __init__(self, units: int, activation: Activation, name: str):
        super().__init__(name=name)
        self.count = units
        self.activation = cast("Callable[[Tensor], Tensor]", keras.activations.get(activation))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.bias = self.add_weight(name="bias", shape=(self.count,), initializer="zeros")
        self.built = True

    def call(self, inputs: Tensor, kernel: keras.Variable) -> Tensor:
        product = tf.matmul(inputs, tf.convert_to_tensor(kernel), transpose_b=True)
        return self.activation(tf.nn.bias_add(product, self.bias))
