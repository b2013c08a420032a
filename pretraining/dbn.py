"""A deep belief network: a stack of RBMs, trained from the bottom to the top."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias, TypedDict, Unpack

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from tensorflow import Tensor

from ..arguments import check_bool, check_choice
from ..schedules.arguments import check_steps
from .momentum import MomentumSGD
from .rbm import RBM
from .sampling import Key
from .saving import Serializable

Callbacks: TypeAlias = Sequence[keras.callbacks.Callback]


class Clamping(TypedDict, total=False):
    """Arguments of `RBM.sample` that say where chains start, and which units are fixed."""

    start: ArrayLike | None
    clamped: ArrayLike | None


@keras.saving.register_keras_serializable(package="keras_recipes")
class Layer(Serializable):
    """An RBM of a stack, and how it is trained.

    Args:
        rbm: an `RBM`, or the number of hidden units of one with Bernoulli units.
        optimizer: of Keras, or None for `MomentumSGD(0.1, 0.5)`.
        epochs: >= 0.
        batch_size: rows an update, >= 1.
        output: what the layer above is trained on: `mean` E[h | v], or a `sample` of h.
        jit_compile: compile the updates with XLA, as in `RBM.compile`.

    Raises:
        ValueError: a bad argument.

    >>> Layer(500, epochs=20).rbm.units
    500
    """

    def __init__(
        self,
        rbm: RBM | int,
        optimizer: keras.optimizers.Optimizer | None = None,
        *,
        epochs: int = 10,
        batch_size: int = 100,
        output: Literal["mean", "sample"] = "mean",
        jit_compile: bool | Literal["auto"] = "auto",
    ):
        self.rbm = rbm if isinstance(rbm, RBM) else RBM(rbm)
        self.optimizer = optimizer or MomentumSGD(0.1, 0.5)
        if not isinstance(self.optimizer, keras.optimizers.Optimizer):
            raise ValueError(
                f"Argument `optimizer` must be one of Keras. Received: optimizer={optimizer!r}"
            )
        self.epochs = check_steps("epochs", epochs, ge=0)
        self.batch_size = check_steps("batch_size", batch_size)
        self.output = check_choice("output", output, ("mean", "sample"))
        if jit_compile != "auto":
            check_bool("jit_compile", jit_compile)
        self.jit_compile: bool | Literal["auto"] = jit_compile


@keras.saving.register_keras_serializable(package="keras_recipes")
class DBN(Serializable, keras.Model):
    """Deep belief network (Hinton, Osindero & Teh 2006).

    The first RBM learns the data, the next the hidden units of the first, and so on. As a function
    it gives the means of the topmost hidden units.

    Args:
        layers: from the bottom to the top: a `Layer`, an `RBM`, or a number of hidden units.
        name: of the network.

    Raises:
        ValueError: no layers, the same RBM twice, or one that cannot be on top of another.

    Attributes:
        stack: the layers, each a `Layer`.
        rbms: the RBM of each layer.

    >>> rows = (np.arange(32).reshape(8, 4) % 3 == 0).astype("float32")
    >>> dbn = DBN([Layer(3, epochs=1, batch_size=4), Layer(2, epochs=1, batch_size=4)])
    >>> histories = dbn.pretrain(rows, verbose=0)
    >>> dbn.transform(rows).shape
    (8, 2)
    """

    def __init__(self, layers: Sequence[Layer | RBM | int], *, name: str | None = None):
        super().__init__(name=name)
        if not isinstance(layers, (list, tuple)) or not layers:
            raise ValueError(f"Argument `layers` must be a list. Received: layers={layers!r}")
        self.stack = tuple(_layer(index, layer) for index, layer in enumerate(layers))
        self.rbms = [layer.rbm for layer in self.stack]
        if len({id(rbm) for rbm in self.rbms}) < len(self.rbms):
            raise ValueError("Argument `layers` holds the same RBM twice.")
        for index, (below, above) in enumerate(zip(self.rbms, self.rbms[1:], strict=False)):
            _check_on_top_of(index + 1, below, above)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Build every RBM, with as many visible units as the one below has hidden units."""
        width = input_shape[-1]
        for rbm in self.rbms:
            if not rbm.built:
                rbm.build((None, width))
            elif rbm.width != width:
                raise ValueError(
                    f"`{rbm.name}` has {rbm.width} visible units and must have {width}, as many as "
                    "the layer below has units."
                )
            width = rbm.units
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """E[h] of the topmost layer, each layer fed the means of the one below."""
        for rbm in self.rbms:
            inputs = rbm(inputs)
        return inputs

    def pretrain(
        self,
        x: ArrayLike,
        *,
        validation_data: ArrayLike | None = None,
        callbacks: Callbacks | Callable[[int], Callbacks] = (),
        verbose: str | int = "auto",
        first: int = 0,
    ) -> list[dict[str, list[float]]]:
        """Train layer by layer.

        Args:
            x: rows.
            validation_data: validation rows, or None; each layer sees them through those below.
            callbacks: for every layer; or a function from a layer's index to its callbacks.
            verbose: as in `keras.Model.fit`.
            first: index of the first layer to train; those below are trained already.

        Returns:
            The history of every layer that was trained, from the bottom up.
        """
        histories = []
        for index, layer in enumerate(self.stack):
            if index >= check_steps("first", first, ge=0):
                layer_callbacks = callbacks(index) if callable(callbacks) else callbacks
                self.compile_layer(index)
                histories.append(
                    self.fit_layer(index, x, validation_data, layer_callbacks, verbose=verbose)
                )
            if index + 1 < len(self.stack):
                x = self.layer_output(index, x)
                if validation_data is not None:
                    validation_data = layer.rbm.transform(validation_data)
        self.built = True
        return histories

    def compile_layer(self, index: int) -> None:
        """Compile the RBM of a layer, and create its optimizer's variables."""
        layer = self.stack[index]
        layer.rbm.compile(layer.optimizer, jit_compile=layer.jit_compile)
        if layer.rbm.built:
            layer.optimizer.build(layer.rbm.trainable_variables)

    def fit_layer(
        self,
        index: int,
        x: ArrayLike,
        validation_data: ArrayLike | None = None,
        callbacks: Callbacks = (),
        *,
        verbose: str | int = "auto",
        initial_epoch: int = 0,
    ) -> dict[str, list[float]]:
        """Train the compiled RBM of a layer on the output of the layer below; gives the history."""
        layer = self.stack[index]
        return layer.rbm.fit(
            x,
            batch_size=layer.batch_size,
            epochs=layer.epochs,
            validation_data=validation_data,
            callbacks=callbacks,
            verbose=verbose,
            initial_epoch=initial_epoch,
        ).history

    def layer_output(self, index: int, x: ArrayLike) -> np.ndarray:
        """What the layer above is trained on: means or draws of the layer's hidden units."""
        layer = self.stack[index]
        means = layer.rbm.transform(x)
        if layer.output == "mean":
            return means
        p, key = layer.rbm.distribution(), Key(layer.rbm.seed + 4, 0)
        rows = np.asarray(x, "float32")
        draws = [
            np.asarray(p.sample_hidden(tf.constant(part), replace(key, step=number), 0)[1])
            for number, part in enumerate(np.array_split(rows, -(-len(rows) // 2000)))
        ]
        return np.concatenate(draws)

    def transform(self, x: ArrayLike) -> np.ndarray:
        """E[h] of the topmost layer."""
        for rbm in self.rbms:
            x = rbm.transform(x)
        return np.asarray(x)

    def inverse_transform(self, h: ArrayLike) -> np.ndarray:
        """Means of the visible units, down from states of the topmost layer."""
        for rbm in reversed(self.rbms):
            h = rbm.inverse_transform(h)
        return np.asarray(h)

    def reconstruct(self, x: ArrayLike) -> np.ndarray:
        """Up to the top and down again, by means."""
        return self.inverse_transform(self.transform(x))

    def sample(
        self, count: int = 1, *, sweeps: int = 1000, seed: int = 0, **arguments: Unpack[Clamping]
    ) -> np.ndarray:
        """Draw rows: Gibbs sampling of the topmost RBM, then samples of each layer below.

        Args:
            count, sweeps, seed: as in `RBM.sample`, of the topmost RBM.
            arguments: `start` and `clamped`, of the topmost RBM.

        Returns:
            Means of the visible units given a draw of the layer above.
        """
        top, *others = reversed(self.rbms)
        states = top.sample(count, sweeps=sweeps, seed=seed, means=not others, **arguments)
        for index, rbm in enumerate(others):
            if index + 1 == len(others):
                return rbm.inverse_transform(states)
            key = Key(rbm.seed + 3, seed)
            h = tf.convert_to_tensor(states)
            states = np.asarray(rbm.distribution().sample_visible(h, key, index))
        return states

    def get_config(self) -> dict[str, object]:
        """The arguments."""
        serialized = keras.saving.serialize_keras_object
        return {"layers": [serialized(layer) for layer in self.stack], "name": self.name}


def _layer(index: int, value: Layer | RBM | int) -> Layer:
    if isinstance(value, Layer):
        return value
    if isinstance(value, (RBM, int)) and not isinstance(value, bool):
        return Layer(value)
    raise ValueError(
        f"Argument `layers[{index}]` must be a `Layer`, an `RBM` or a number of hidden units. "
        f"Received: {value!r}"
    )


def _check_on_top_of(index: int, below: RBM, above: RBM) -> None:
    """Raise if the visible units of an RBM cannot be the hidden ones below."""
    if above.visible.continuous == (below.hidden.activation == "sigmoid"):
        raise ValueError(
            f"Argument `layers[{index}]` has {type(above.visible).__name__} visible units, which "
            f"cannot be the {type(below.hidden).__name__} units below. Bernoulli units go on top "
            "of Bernoulli units, Gaussian units on top of rectified or Gaussian ones."
        )
