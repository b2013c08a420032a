"""A saved model divided into what makes numbers of raw columns, and the network behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..run.several import averaged


@dataclass(frozen=True)
class Cut:
    """A model in two parts.

    Attributes:
        whole: the model; it takes raw columns.
        network: it takes numbers; the model itself where that has no preprocessing.
        front: makes these numbers of raw columns; None where there is nothing to do.
    """

    whole: keras.Model
    network: keras.Model
    front: keras.Model | None

    @property
    def divided(self) -> bool:
        """Whether there are two parts."""
        return self.front is not None


def cut(model: keras.Model, *, table: bool, same: bool = True) -> Cut:
    """Divide a run's model.

    Args:
        table: whether it takes the columns of a table.
        same: whether all members of an ensemble have learned the same of the columns.
    """
    if not table:
        return Cut(model, model, None)
    members = [part for part in _models(model) if part.name.startswith("member_")]
    if members and same:
        cuts = [cut(member, table=True) for member in members]
        if all(each.divided for each in cuts):
            network = averaged([each.network for each in cuts], model.name)
            return Cut(model, network, cuts[0].front)
    parts = _models(model)
    fronts = [part for part in parts if part.name != "network"]
    if len(parts) == 2 and len(fronts) == 1:
        network = next(part for part in parts if part.name == "network")
        return Cut(model, network, fronts[0])
    return Cut(model, model, None)


def _models(model: keras.Model) -> list[keras.Model]:
    return [layer for layer in model.layers if isinstance(layer, keras.Model)]


def takes_words(model: keras.Model) -> bool:
    """Whether an input holds strings."""
    return any(str(each.dtype) == "string" for each in model.inputs)


def input_names(model: keras.Model) -> list[str]:
    """The name of each input, in the order of `model.inputs`."""
    return [tensor.name for tensor in model.inputs]


def output_names(model: keras.Model) -> list[str]:
    """The name of each output, in the order of `flat`."""
    if isinstance(model.output, Mapping):
        return list(model.output)
    several = len(model.outputs) > 1
    return [f"output_{index}" if several else "output" for index in range(len(model.outputs))]


def packed(model: keras.Model, tensors: Sequence[tf.Tensor | np.ndarray]) -> Any:
    """Tensors in the order of a model's inputs, in the structure that it takes."""
    return keras.tree.pack_sequence_as(model.input, list(tensors))


def flat(found: object) -> list[Any]:
    """What a model gives as a list, of several by name in their order."""
    if isinstance(found, Mapping):
        return list(found.values())
    return list(found) if isinstance(found, (list, tuple)) else [found]


def predicted(model: keras.Model, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The outputs of a model for arrays by the names of its inputs."""
    names = input_names(model)
    tensors = [
        tf.constant(inputs[name]) if inputs[name].dtype.kind == "O" else inputs[name]
        for name in names
    ]
    found = model.predict_on_batch(packed(model, tensors))
    by_name = found if isinstance(found, Mapping) else None
    outputs = output_names(model)
    arrays = [by_name[name] for name in outputs] if by_name is not None else flat(found)
    return dict(zip(outputs, map(np.asarray, arrays), strict=True))
