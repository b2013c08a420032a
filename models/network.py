"""A list of layers as a network from input to output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import keras

# The place of a layer in the list: `("layers", 2, "residual", 0)`.
Path: TypeAlias = tuple[str | int, ...]
LayerOrBlock: TypeAlias = "keras.Layer | Residual"


class LayerError(ValueError):
    """A layer does not accept the output of the one before it.

    Attributes:
        index_path: its place: `("layers", 2)`, `("layers", 2, "residual", 0)`, `("output",)`.
    """

    def __init__(self, message: str, index_path: Path):
        super().__init__(message)
        self.index_path = index_path


@dataclass(frozen=True)
class Residual:
    """Layers whose output is added to their input (He et al. 2016).

    Args:
        layers: the layers inside.
        shortcut: `identity`, or `projection`: a linear layer on the way around, which brings the
            input to the output's shape.
        inner: how an error names the way from the block to its layers.
        made: what it has made of its own, which it uses again where it is called again.
    """

    layers: Sequence[LayerOrBlock]
    shortcut: Literal["identity", "projection"] = "identity"
    inner: tuple[str, ...] = ("residual",)
    made: dict[str, keras.layers.Layer] = field(default_factory=dict, compare=False)


def build_network(
    input_shape: Sequence[int],
    layers: Sequence[LayerOrBlock],
    output: keras.layers.Layer | None = None,
    *,
    scaling: Callable[[keras.KerasTensor], keras.KerasTensor] | None = None,
    target_scale: keras.layers.Layer | None = None,
    dtype: str | None = None,
    start: tuple[Any, keras.KerasTensor] | None = None,
    beside: keras.KerasTensor | None = None,
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Connect layers from an input to an output.

    Args:
        input_shape: shape of one row.
        layers: Keras layers and `Residual` blocks, in order.
        output: the last layer, or None.
        scaling: a layer in front of all others, or several of them as a function of a tensor.
        target_scale: a layer after the output that brings it to the unit of the targets, or None.
        dtype: type of the rows; by default that of the layers. Rows of `float64` reach the layers
            behind `scaling` in the type of the layers.
        start: inputs of any structure and the tensor that the first layer takes, in place of one
            input of `input_shape`.
        beside: one vector a row, which is joined to the output of the first of the layers that
            gives one vector a row: what comes with an image enters behind its convolutions, and
            what comes with a text behind the network of it.

    Returns:
        Input and output tensors, as `keras.Model` takes them.

    Raises:
        LayerError: a layer cannot take what the one before it gives.

    >>> inputs, outputs = build_network((4,), [keras.layers.Dense(3)], keras.layers.Dense(1))
    >>> outputs.shape
    (None, 1)
    """
    if start is None:
        inputs: Any = keras.Input(tuple(input_shape), name="rows", dtype=dtype)
        tensor = inputs
    else:
        inputs, tensor = start
    tensor = tensor if scaling is None else scaling(tensor)
    if dtype is not None and dtype != keras.config.floatx():
        tensor = keras.layers.Identity(name="rounding")(tensor)
    if beside is None:
        tensor = connect(tensor, layers, ("layers",))
    else:
        tensor = _connect_beside(tensor, layers, beside)
    if output is not None:
        tensor = apply(output, tensor, ("output",))
    if target_scale is not None:
        tensor = apply(target_scale, tensor, ("output",))
    return inputs, tensor


def connect(
    tensor: keras.KerasTensor, layers: Sequence[LayerOrBlock], path: Path, first: int = 0
) -> keras.KerasTensor:
    """The output of layers for a tensor.

    Args:
        path: the place of their list.
        first: the index of the first of them in it.

    Raises:
        LayerError: a layer cannot take what comes to it.
    """
    for index, layer in enumerate(layers, start=first):
        place = (*path, index)
        if isinstance(layer, Residual):
            tensor = _residual(tensor, layer, place)
        else:
            tensor = apply(layer, tensor, place)
    return tensor


def _connect_beside(
    tensor: keras.KerasTensor, layers: Sequence[LayerOrBlock], beside: keras.KerasTensor
) -> keras.KerasTensor:
    for index in range(len(layers) + 1):
        if len(tensor.shape) == 2:
            tensor = keras.layers.Concatenate(name="beside")([tensor, beside])
            return connect(tensor, layers[index:], ("layers",), index)
        tensor = connect(tensor, layers[index : index + 1], ("layers",), index)
    raise LayerError(
        f"the layers end in shape {tuple(tensor.shape)}, and the other columns are joined to the "
        "image where it has become one vector a row. Put `flatten` or a global pooling layer into "
        "the list.",
        ("layers",),
    )


def _residual(tensor: keras.KerasTensor, block: Residual, path: Path) -> keras.KerasTensor:
    changed = connect(tensor, block.layers, (*path, *block.inner))
    shortcut = tensor
    if block.shortcut == "projection":
        shortcut = _projection(block, tensor, changed, path)
    if tuple(shortcut.shape) != tuple(changed.shape):
        raise LayerError(
            f"a residual block adds its input of shape {tuple(tensor.shape)} to its output of "
            f"shape {tuple(changed.shape)}. Make them equal, or use `shortcut: projection`.",
            path,
        )
    added = block.made.setdefault("add", keras.layers.Add(name=_name(path)))
    return added([shortcut, changed])


def _projection(
    block: Residual, tensor: keras.KerasTensor, changed: keras.KerasTensor, path: Path
) -> keras.KerasTensor:
    """The input brought to the output's shape by a linear layer; 1 x 1 convolution for images."""
    if "projection" in block.made:
        return block.made["projection"](tensor)
    units, name = changed.shape[-1], f"{_name(path)}_projection"
    before, after = tuple(tensor.shape[1:-1]), tuple(changed.shape[1:-1])
    if before == after:
        layer = keras.layers.Dense(units, use_bias=False, name=name)
        return block.made.setdefault("projection", layer)(tensor)
    strides = tuple(-(-b // a) for b, a in zip(before, after, strict=False) if a)
    if len(before) != 2 or len(after) != 2:
        raise LayerError(
            f"a projection cannot bring shape {tuple(tensor.shape)} to {tuple(changed.shape)}: "
            "only the last axis, and the height and width of images, may differ.",
            path,
        )
    layer = keras.layers.Conv2D(units, 1, strides=strides, use_bias=False, name=name)
    return block.made.setdefault("projection", layer)(tensor)


def _name(path: Path) -> str:
    """A name by the place of the block; Keras would count all blocks made in the process."""
    part = [str(path[1])] if path[0] in ("parts", "outputs") else []
    return "_".join([*part, "residual", *(str(step) for step in path if isinstance(step, int))])


def apply(layer: keras.Layer, tensor: keras.KerasTensor, path: Path) -> keras.KerasTensor:
    """The output of a layer for a tensor.

    Raises:
        LayerError: it cannot take it.
    """
    try:
        return layer(tensor)
    except Exception as error:
        # Keras layers raise any kind of error, TensorFlow's among them.
        first = str(error).strip().split("\n\n")[0]
        raise LayerError(
            f"`{type(layer).__name__}` does not take input of shape {tuple(tensor.shape)}: {first}",
            path,
        ) from error
