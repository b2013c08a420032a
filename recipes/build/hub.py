"""Backbones from presets of KerasHub: networks of pictures, with their scaling, or of text."""

from dataclasses import dataclass

import keras
import numpy as np

from ...models import pixels
from ..errors import RequestError
from ..spec.backbones import BackboneChoice
from .hub_preset import Preset, preset_of
from .hub_text import TAKEN, Behind, Front, text_network


@dataclass(frozen=True)
class HubNetwork:
    """The network of a preset, with what stands in front of it and behind it.

    Attributes:
        front: brings rows to its input.
        behind: makes one tensor of its output and the rows; None where the output is one already.
    """

    model: keras.Model
    front: Front
    behind: Behind | None = None


def hub_network(choice: BackboneChoice, name: str, tokens: str | None = None) -> HubNetwork:
    """The network of a preset. All of it trains.

    Pixels are scaled as the preset's image converter says; one without a converter, as a network
    that was saved alone, takes them as they are.

    Args:
        name: of the model that is made.
        tokens: the column of text whose tokens rows are; None for pictures.

    Raises:
        RequestError: KerasHub or the preset is not there, or the network takes something else.
        ValueError: the folder is no preset.
    """
    preset = preset_of(choice)
    weights = choice.arguments.get("weights", "preset") == "preset"
    network = preset.network(name, weights=weights)
    network.trainable = True
    found = [tensor.name for tensor in network.inputs]
    text = {*TAKEN, "segment_ids"} >= set(found) >= TAKEN
    shapes = [tuple(tensor.shape) for tensor in network.inputs]
    picture = len(shapes) == 1 and len(shapes[0]) == 4 and len(network.outputs) == 1
    takes = f"`{preset.name}` takes {', '.join(found)}"
    if tokens is not None:
        if not text:
            raise RequestError(
                f"{takes}; expected a network of text, as column `{tokens}` is to enter as tokens."
            )
        return HubNetwork(*text_network(preset, network, choice.arguments.get("output", "pooled")))
    if text:
        raise RequestError(
            f"{takes}, which is text. Name its column below `data`: "
            "`features: {'*': auto, COLUMN: {text: {output: tokens, length: 64}}}`."
        )
    if not picture:
        raise RequestError(f"{takes}; expected a network that takes one picture, or text.")
    return _picture_network(preset, network, choice.arguments.get("size"))


def _picture_network(
    preset: Preset, network: keras.Model, size: tuple[int, int] | None
) -> HubNetwork:
    shape = tuple(network.inputs[0].shape[1:])
    front = _front(preset.converter(), size, shape)
    if all(type(layer).__module__.startswith("keras.") for layer in network.layers):
        # A model of such layers alone loads without KerasHub. Others load as their network only.
        network = keras.Model(network.inputs[0], network.outputs[0], name=network.name)
    return HubNetwork(network, front)


def _front(converter: object, size: tuple[int, int] | None, shape: tuple[int | None, ...]) -> Front:
    scale = getattr(converter, "scale", None)
    offset = getattr(converter, "offset", None)

    def front(tensor: keras.KerasTensor) -> keras.KerasTensor:
        tensor = pixels.in_colour(tensor)
        if size is not None:
            tensor = keras.layers.Resizing(*size, name="size")(tensor)
        wrong = [side for side, own in zip(tensor.shape[1:], shape, strict=True) if own != side]
        if any(own is not None for own in shape[:2]) and wrong:
            raise ValueError(
                f"takes pictures of shape {shape}, and these have {tuple(tensor.shape[1:])}. Give "
                f"it a `size` to resize them to: `size: [{shape[0]}, {shape[1]}]`."
            )
        if scale is None and offset is None:
            return tensor
        factors = np.ones(1) if scale is None else np.asarray(scale)
        shifts = np.zeros(1) if offset is None else np.asarray(offset)
        return pixels.rescaled(tensor, factors, shifts)

    return front
