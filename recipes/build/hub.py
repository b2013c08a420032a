"""Backbones from presets of KerasHub, by name or from a folder, with the scaling of pixels."""

import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ...models import pixels
from ..errors import RequestError
from ..record.model_file import check_weights
from ..spec.backbones import BackboneChoice
from ..spec.fields import did_you_mean
from .hub_library import library
from .objects import first_paragraph
from .saved_model import check_config

CONFIG, CONVERTER, WEIGHTS = "config.json", "image_converter.json", "model.weights.h5"


def hub_backbone(choice: BackboneChoice, name: str) -> tuple[keras.Model, Callable[[Any], Any]]:
    """The network of a preset, and what brings pictures from 0 to 255 to its input.

    Pixels are scaled as the preset's image converter says; one without a converter, as a network
    that was saved alone, takes them as they are.

    Args:
        name: of the model that is made.

    Raises:
        RequestError: KerasHub or the preset is not there, or is no network of pictures.
        ValueError: the folder is no preset.
    """
    hub = library()
    given = choice.arguments
    folder = None if given.get("path") is None else Path(given["path"])
    if folder is not None:
        _check_folder(folder)
    preset = _known(hub, given["name"]) if folder is None else str(folder)
    weights = given.get("weights", "preset") == "preset"
    dtype = keras.config.dtype_policy().name
    network = _fetched(
        hub,
        preset,
        lambda: hub.models.Backbone.from_preset(
            preset, load_weights=weights, dtype=dtype, name=name
        ),
    )
    shapes = [tuple(tensor.shape) for tensor in network.inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4 or len(network.outputs) != 1:
        raise RequestError(
            f"`{preset}` takes {', '.join(tensor.name for tensor in network.inputs)}; expected a "
            "network that takes one picture. Networks of text are not backbones here."
        )
    converter: Any = None
    if folder is None or (folder / CONVERTER).exists():
        converter = _fetched(hub, preset, lambda: hub.layers.ImageConverter.from_preset(preset))
    if all(type(layer).__module__.startswith("keras.") for layer in network.layers):
        # A model of such layers alone loads without KerasHub. Others load as their network only.
        network = keras.Model(network.inputs[0], network.outputs[0], name=name)
    network.trainable = True
    return network, _front(converter, given.get("size"), shapes[0][1:])


def _front(converter: Any, size: Any, shape: tuple[int | None, ...]) -> Callable[[Any], Any]:
    scale = getattr(converter, "scale", None)
    offset = getattr(converter, "offset", None)

    def front(tensor: Any) -> Any:
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


def _known(hub: Any, preset: str) -> str:
    presets = hub.models.Backbone.presets
    if preset not in presets:
        hint = did_you_mean(preset, list(presets))
        raise RequestError(f"KerasHub has no preset `{preset}`.{hint}")
    return preset


def _check_folder(folder: Path) -> None:
    """Raise where a folder is no preset, or names classes that are not of Keras or KerasHub."""
    if not (folder / CONFIG).is_file():
        raise ValueError(f"{folder}: is no preset of KerasHub, which has a `{CONFIG}`.")
    for name in (CONFIG, CONVERTER):
        if (folder / name).is_file():
            try:
                check_config(json.loads((folder / name).read_text(encoding="utf-8")))
            except (ValueError, RecursionError) as error:
                raise ValueError(f"{folder / name}: {first_paragraph(str(error))}") from None
    if (folder / WEIGHTS).is_file():
        check_weights(folder / WEIGHTS)


def _fetched(hub: Any, preset: str, load: Callable[[], Any]) -> Any:
    """What a preset has, from KerasHub's cache or from its server."""
    try:
        # Downloads are reported on stdout, which belongs to results.
        with contextlib.redirect_stdout(sys.stderr):
            return load()
    # Of a socket, a server's answer, or a damaged file: the libraries below raise anything.
    except Exception as error:
        why = f"{type(error).__name__}: {first_paragraph(str(error))[:300]}"
        known = hub.models.Backbone.presets.get(preset)
        if known is None:
            raise RequestError(f"{preset}: cannot be read as a preset ({why}).") from None
        place = str(known.get("kaggle_handle", "")).removeprefix("kaggle://")
        raise RequestError(
            f"the preset `{preset}` is not in the cache and cannot be fetched ({why}). Download "
            f"https://www.kaggle.com/models/{place} where there is a network, and name its folder: "
            "`hub: {path: FOLDER}`."
        ) from None
