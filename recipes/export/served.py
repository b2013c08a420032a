"""A Keras model as a function of arrays by name, which the formats are written from."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf

from .cut import input_names, output_names, packed
from .interface import Port


@dataclass(frozen=True)
class Served:
    """A model with named ports.

    Attributes:
        model: what computes.
        batch: rows at a time; None for any number.
        inputs: in the order of `model.inputs`.
        outputs: of the model.
    """

    model: keras.Model
    batch: int | None
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    @property
    def specs(self) -> list[tf.TensorSpec]:
        """Types and shapes of the inputs."""
        return [
            tf.TensorSpec((self.batch, *port.shape), port.dtype, name=port.port)
            for port in self.inputs
        ]

    def function(self) -> Callable[..., dict[str, tf.Tensor]]:
        """The model as a function of tensors, one for each input."""

        def serve(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
            found = self.model(packed(self.model, tensors), training=False)
            named = found if isinstance(found, Mapping) else None
            each = [named[p.name] for p in self.outputs] if named else keras.tree.flatten(found)
            return {port.port: tensor for port, tensor in zip(self.outputs, each, strict=True)}

        return serve


def served(model: keras.Model, batch: int | None = None) -> Served:
    """A model with ports named after its inputs and outputs."""
    names, ends = input_names(model), output_names(model)
    inputs = [
        Port(name, port, tuple(tensor.shape[1:]), str(tensor.dtype))
        for name, port, tensor in zip(names, port_names(names), model.inputs, strict=True)
    ]
    tensors = [model.output[e] for e in ends] if isinstance(model.output, dict) else model.outputs
    # A port of an output is never called as one of an input.
    ports = [f"out_{name}" if name in port_names(names) else name for name in port_names(ends)]
    outputs = [
        Port(name, port, tuple(tensor.shape[1:]), str(tensor.dtype))
        for name, port, tensor in zip(ends, ports, tensors, strict=True)
    ]
    return Served(model, batch, tuple(inputs), tuple(outputs))


def port_names(names: Sequence[str]) -> list[str]:
    """Different names that every format takes, as near to these as they can be.

    >>> port_names(["Time of day", "Time_of_day", "1st"])
    ['Time_of_day', 'Time_of_day_2', 'x1st']
    """
    found: list[str] = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name)[:60] or "x"
        plain = plain if plain[0].isalpha() else f"x{plain}"
        number, unique = 1, plain
        while unique.lower() in (other.lower() for other in found):
            number += 1
            unique = f"{plain}_{number}"
        found.append(unique)
    return found
