"""A deep belief network: machines stacked one on another, trained from the bottom to the top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from ..schedules.arguments import flag, one_of, steps
from .momentum import MomentumSGD
from .rbm import RBM
from .sampling import Key

UPS = ("mean", "sample")


@keras.saving.register_keras_serializable(package="keras_recipes")
class Layer:
    """A machine of a stack, and how it is trained.

    Args:
        rbm: the machine, or how many hidden units one of Bernoulli units shall have.
        optimizer: of Keras, or None for `MomentumSGD(0.1, 0.5)`.
        epochs: >= 0.
        batch_size: rows an update, >= 1.
        up: what the layer above is trained on: `mean` E[h | v], or a `sample` of h.
        jit_compile: compile the updates with XLA.

    Raises:
        ValueError: a bad argument.

    >>> Layer(500, epochs=20).rbm.units
    500
    """

    def __init__(
        self,
        rbm: RBM | int,
        optimizer: Any = None,
        *,
        epochs: int = 10,
        batch_size: int = 100,
        up: Literal["mean", "sample"] = "mean",
        jit_compile: bool = False,
    ):
        self.rbm = rbm if isinstance(rbm, RBM) else RBM(rbm)
        self.optimizer = optimizer or MomentumSGD(0.1, 0.5)
        if not isinstance(self.optimizer, keras.optimizers.Optimizer):
            raise ValueError(
                f"Argument `optimizer` must be one of Keras. Received: optimizer={optimizer!r}"
            )
        self.epochs = steps("epochs", epochs, ge=0)
        self.batch_size = steps("batch_size", batch_size)
        self.up = one_of("up", up, UPS)
        self.jit_compile = flag("jit_compile", jit_compile)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        serialized = keras.saving.serialize_keras_object
        return {
            "rbm": serialized(self.rbm),
            "optimizer": serialized(self.optimizer),
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "up": self.up,
            "jit_compile": self.jit_compile,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        """The layer that `get_config` described."""
        revived = keras.saving.deserialize_keras_object
        return cls(**{k: revived(v) if isinstance(v, dict) else v for k, v in config.items()})


@keras.saving.register_keras_serializable(package="keras_recipes")
class DBN(keras.Model):
    """Deep belief network (Hinton, Osindero & Teh 2006).

    The first machine learns the data, the next the hidden units of the first, and so on. As a
    function it gives the means of the topmost hidden units.

    Args:
        layers: from the bottom to the top: a `Layer`, a `RBM`, or a number of hidden units.
        name: of the network.

    Raises:
        ValueError: no layers, the same machine twice, or one that cannot stand on another.

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
        self.settings = tuple(_layer(index, layer) for index, layer in enumerate(layers))
        self.machines = [layer.rbm for layer in self.settings]
        if len({id(rbm) for rbm in self.machines}) < len(self.machines):
            raise ValueError("Argument `layers` holds the same machine twice.")
        for index, (below, above) in enumerate(zip(self.machines, self.machines[1:], strict=False)):
            _check_stands_on(index + 1, below, above)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Every machine, as wide as the one below is high."""
        width = input_shape[-1]
        for rbm in self.machines:
            if not rbm.built:
                rbm.build((None, width))
            elif rbm.width != width:
                raise ValueError(
                    f"`{rbm.name}` has {rbm.width} visible units and must have {width}, as many as "
                    "the layer below has units."
                )
            width = rbm.units
        self.built = True

    def call(self, inputs: Any) -> Any:
        """E[h] of the topmost layer, each layer fed the means of the one below."""
        for rbm in self.machines:
            inputs = rbm(inputs)
        return inputs

    def pretrain(
        self,
        x: Any,
        *,
        validation_data: Any = None,
        callbacks: Sequence[Any] = (),
        verbose: Any = "auto",
        first: int = 0,
    ) -> list[dict[str, list[float]]]:
        """Train layer by layer.

        Args:
            x: rows.
            validation_data: rows held out, or None; each layer sees them through those below.
            callbacks: for every layer; or a function from a layer's index to its callbacks.
            verbose: as in `keras.Model.fit`.
            first: the layer to begin with; those below are taken as trained.

        Returns:
            The history of every layer that was trained, from the bottom up.
        """
        histories = []
        for index, layer in enumerate(self.settings):
            if index >= steps("first", first, ge=0):
                own = callbacks(index) if callable(callbacks) else callbacks
                self.compile_layer(index)
                histories.append(self.fit_layer(index, x, validation_data, own, verbose=verbose))
            if index + 1 < len(self.settings):
                x = self.up(index, x)
                if validation_data is not None:
                    validation_data = layer.rbm.transform(validation_data)
        self.built = True
        return histories

    def compile_layer(self, index: int) -> None:
        """Make a machine ready to train; its optimizer has its variables from then on."""
        layer = self.settings[index]
        layer.rbm.compile(layer.optimizer, jit_compile=layer.jit_compile)
        if layer.rbm.built:
            layer.optimizer.build(layer.rbm.trainable_variables)

    def fit_layer(
        self,
        index: int,
        x: Any,
        validation_data: Any = None,
        callbacks: Sequence[Any] = (),
        *,
        verbose: Any = "auto",
        initial_epoch: int = 0,
    ) -> dict[str, list[float]]:
        """Train one compiled machine on rows of its own visible units, which `up` makes.

        Returns:
            Its history.
        """
        layer = self.settings[index]
        return layer.rbm.fit(
            x,
            batch_size=layer.batch_size,
            epochs=layer.epochs,
            validation_data=validation_data,
            callbacks=callbacks,
            verbose=verbose,
            initial_epoch=initial_epoch,
        ).history

    def up(self, index: int, x: Any) -> np.ndarray:
        """What the layer above a layer is trained on: means or draws of its hidden units."""
        layer = self.settings[index]
        means = layer.rbm.transform(x)
        if layer.up == "mean":
            return means
        machine, key = layer.rbm.machine(), Key(layer.rbm.seed + 4, 0)
        rows = np.asarray(x, "float32")
        draws = [
            np.asarray(machine.hidden_draw(tf.constant(part), replace(key, step=number), 0)[1])
            for number, part in enumerate(np.array_split(rows, -(-len(rows) // 2000)))
        ]
        return np.concatenate(draws)

    def transform(self, x: Any) -> np.ndarray:
        """E[h] of the topmost layer."""
        for rbm in self.machines:
            x = rbm.transform(x)
        return np.asarray(x)

    def inverse_transform(self, h: Any) -> np.ndarray:
        """Means of the visible units, down from states of the topmost layer."""
        for rbm in reversed(self.machines):
            h = rbm.inverse_transform(h)
        return np.asarray(h)

    def reconstruct(self, x: Any) -> np.ndarray:
        """Up to the top and down again, by means."""
        return self.inverse_transform(self.transform(x))

    def sample(
        self, count: int = 1, *, sweeps: int = 1000, seed: int = 0, **how: Any
    ) -> np.ndarray:
        """Rows that the network makes up: Gibbs sampling at the top, then down by samples.

        Args:
            count, sweeps, seed: as in `RBM.sample`, of the topmost machine.
            how: `start` and `clamped`, of the topmost machine.

        Returns:
            Means of the visible units given a draw of the layer above.
        """
        top, *others = reversed(self.machines)
        states = top.sample(count, sweeps=sweeps, seed=seed, means=not others, **how)
        for index, rbm in enumerate(others):
            if index + 1 == len(others):
                return rbm.inverse_transform(states)
            key = Key(rbm.seed + 3, seed)
            states = np.asarray(rbm.machine().visible_draw(states, key, index))
        return states

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        serialized = keras.saving.serialize_keras_object
        return {"layers": [serialized(layer) for layer in self.settings], "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> DBN:
        """The network that `get_config` described."""
        revived = keras.saving.deserialize_keras_object
        return cls([revived(layer) for layer in config["layers"]], name=config["name"])


def _layer(index: int, value: Any) -> Layer:
    if isinstance(value, Layer):
        return value
    if isinstance(value, (RBM, int)) and not isinstance(value, bool):
        return Layer(value)
    raise ValueError(
        f"Argument `layers[{index}]` must be a `Layer`, a `RBM` or a number of hidden units. "
        f"Received: {value!r}"
    )


def _check_stands_on(index: int, below: RBM, above: RBM) -> None:
    """Raise where the visible units of a machine cannot be the hidden ones below."""
    binary = above.visible.start_variance(1) is None
    if binary != (below.hidden.activation == "sigmoid"):
        raise ValueError(
            f"Argument `layers[{index}]` has {type(above.visible).__name__} visible units, which "
            f"cannot be the {type(below.hidden).__name__} units below. Bernoulli units stand on "
            "Bernoulli units, Gaussian units on rectified or Gaussian ones."
        )
