"""Low-rank adapters (LoRA) of a network, by the paths of its layers, and their way to a file.

Keras's `enable_lora` adds two thin matrices a and b to the kernel W of a dense, einsum-dense or
embedding layer, which computes with W + alpha / rank a b; b is 0 at first (Hu et al. 2021).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import keras
import numpy as np

from ..layer_paths import layer_paths, own_variables

# Attribute of a layer with the matrix that is adapted, as it computes with it.
MATRIX = {
    keras.layers.Dense: "kernel",
    keras.layers.EinsumDense: "kernel",
    keras.layers.Embedding: "embeddings",
}
PREFIX = "lora_"


class NothingAdapted(ValueError):
    """A pattern that matches no layer which can have an adapter."""


def enable_lora(
    model: keras.Model,
    rank: int,
    patterns: Sequence[str],
    *,
    base: Callable[[str], bool],
    alpha: float | None = None,
) -> list[str]:
    """Add adapters to the layers that match, and freeze all other weights of the base.

    Args:
        model: a built model.
        rank: of the adapters, >= 1.
        patterns: regular expressions, searched for in the paths of layers: `backbone/dense_1`.
        base: whether a path is of the base, which is frozen but for its adapters.
        alpha: the adapter is added alpha / rank times; by default `rank`.

    Returns:
        Paths of the layers that have an adapter now.

    Raises:
        NothingAdapted: a pattern matches no such layer.
        ValueError: a layer cannot have one, as with a constraint on its kernel.
    """
    layers = {path: layer for path, layer in layer_paths(model) if base(path)}
    able = {path: layer for path, layer in layers.items() if isinstance(layer, tuple(MATRIX))}
    chosen: dict[str, keras.Layer] = {}
    for pattern in patterns:
        found = {path: layer for path, layer in able.items() if re.search(pattern, path)}
        if not found:
            raise NothingAdapted(
                f"`{pattern}` matches no dense, einsum-dense or embedding layer of the base. There "
                f"are: {', '.join(able) or 'none'}."
            )
        chosen |= found
    for layer in layers.values():
        own = own_variables(layer)
        if layer.__class__ not in MATRIX and own:
            # Not its children, which have paths of their own.
            layer._trainable = False
        for variable in own:
            variable.trainable = False
    for layer in chosen.values():
        layer.enable_lora(rank, lora_alpha=alpha)
    return list(chosen)


def adapters(model: keras.Model) -> dict[str, np.ndarray]:
    """The matrices of all adapters, by path of the layer and name: `dense/lora_kernel_a`."""
    return {
        f"{path}/{variable.name}": np.asarray(variable)
        for path, layer in layer_paths(model)
        if getattr(layer, "lora_enabled", False)
        for variable in layer._trainable_variables
        if variable.name.startswith(PREFIX)
    }


def save_adapters(model: keras.Model, file: str | Path | IO[bytes]) -> None:
    """Write the adapters of a model, and nothing else, to an `.npz` file."""
    found: dict[str, Any] = adapters(model)
    if not isinstance(file, (str, Path)):
        np.savez(file, **found)
        return
    # NumPy would add a suffix to another name.
    with open(file, "wb") as opened:
        np.savez(opened, **found)


def load_adapters(model: keras.Model, values: str | Path | Mapping[str, np.ndarray]) -> None:
    """Give a model with the same adapters their values.

    Args:
        values: an `.npz` file, or arrays by name as `adapters` gives them.

    Raises:
        ValueError: they are those of another model.
    """
    if not isinstance(values, Mapping):
        with np.load(values, allow_pickle=False) as file:
            values = {name: file[name] for name in file.files}
    own = adapters(model)
    shapes = [{name: value.shape for name, value in each.items()} for each in (own, values)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"The model has adapters {shapes[0]}, and the file {shapes[1]}.")
    for path, layer in layer_paths(model):
        for variable in layer._trainable_variables:
            found = values.get(f"{path}/{variable.name}")
            if found is not None:
                variable.assign(found)


def merged(model: keras.Model) -> keras.Model:
    """The model without adapters, which computes the same: each is added to its matrix.

    A model that has none is returned as it is.
    """
    if not adapters(model):
        return model
    plain = type(model).from_config(_without_lora(model.get_config()))
    for (_, new), (_, layer) in zip(layer_paths(plain), layer_paths(model), strict=True):
        for variable, value in zip(_own(new), _merged_values(layer), strict=True):
            variable.assign(value)
    return plain


def _own(layer: keras.layers.Layer) -> list[keras.Variable]:
    return [variable for variable in own_variables(layer) if not variable.name.startswith(PREFIX)]


def _merged_values(layer: keras.layers.Layer) -> list[keras.KerasTensor | keras.Variable]:
    """Values of a layer's own weights, with its adapter in them."""
    name = next((name for cls, name in MATRIX.items() if isinstance(layer, cls)), None)
    matrix = getattr(layer, f"_{name}", None) if getattr(layer, "lora_enabled", False) else None
    return [
        getattr(layer, str(name)) if variable is matrix else variable for variable in _own(layer)
    ]


def _without_lora(config: object) -> object:
    if isinstance(config, dict):
        return {
            key: _without_lora(value)
            for key, value in config.items()
            if not (isinstance(key, str) and key.startswith(PREFIX))
        }
    if isinstance(config, (list, tuple)):
        return type(config)(_without_lora(item) for item in config)
    return config
