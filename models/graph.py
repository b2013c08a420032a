"""Named parts as a graph from inputs to outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras

from .network import LayerError, LayerOrBlock, Path, connect


@dataclass(frozen=True)
class Part:
    """A part of a graph: layers, after one tensor or several that are merged.

    Args:
        name: what others take its output by.
        sources: names of the tensors that it takes.
        layers: Keras layers and `Residual` blocks, in order.
        merge: a layer that makes one tensor of the sources; None where there is one.
        owner: the part that the layers stand in, if it is another one; they share weights.
    """

    name: str
    sources: tuple[str, ...]
    layers: Sequence[LayerOrBlock] = ()
    merge: keras.layers.Layer | None = None
    owner: str = ""


def connect_parts(
    inputs: Mapping[str, keras.KerasTensor], parts: Sequence[Part]
) -> dict[str, keras.KerasTensor]:
    """The output of each part, by name.

    Args:
        inputs: tensors by name.
        parts: each after those that it takes.

    Raises:
        LayerError: a layer cannot take what comes to it; its place begins with
            `("parts", name)`.

    >>> x = keras.Input((4,))
    >>> wide = Part("wide", ("x",), [keras.layers.Dense(8)])
    >>> both = Part("both", ("x", "wide"), merge=keras.layers.Concatenate())
    >>> connect_parts({"x": x}, [wide, both])["both"].shape
    (None, 12)
    """
    tensors = dict(inputs)
    for part in parts:
        merged = _merged(part, [tensors[name] for name in part.sources])
        owner = part.owner or part.name
        tensors[part.name] = connect(merged, part.layers, ("parts", owner, "layers"))
    return {part.name: tensors[part.name] for part in parts}


def _merged(part: Part, tensors: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
    layer = part.merge
    if layer is None:
        return tensors[0]
    place: Path = ("parts", part.name, "from")
    try:
        if isinstance(layer, keras.layers.MultiHeadAttention):
            # A single one attends to itself.
            return layer(*(tensors if len(tensors) > 1 else [*tensors, *tensors]))
        if isinstance(layer, (keras.layers.Attention, keras.layers.AdditiveAttention)):
            return layer(list(tensors) if len(tensors) > 1 else [*tensors, *tensors])
        return layer(list(tensors))
    except Exception as error:
        # Keras layers raise any kind of error, TensorFlow's among them.
        first = str(error).strip().split("\n\n")[0]
        shapes = " and ".join(str(tuple(tensor.shape)) for tensor in tensors)
        message = f"`{type(layer).__name__}` does not merge inputs of shapes {shapes}: {first}"
        raise LayerError(message, place) from error
