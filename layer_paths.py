"""The layers of a model by path, and the variables that are a layer's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras


def layer_paths(model: keras.Model) -> Iterator[tuple[str, Any]]:
    """Every layer below a model, nested ones included, with its path: `backbone/block_1_expand`.

    >>> inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="a")], name="inner")
    >>> outer = keras.Sequential([inner, keras.layers.Dense(1, name="b")])
    >>> [path for path, _ in layer_paths(outer)]
    ['inner', 'inner/a', 'b']
    """
    # A model around a subclassed one adds nothing to the paths.
    inner = getattr(model, "inner", None)
    yield from _below(inner if isinstance(inner, keras.Model) else model, "")


def _below(layer: keras.layers.Layer, prefix: str) -> Iterator[tuple[str, Any]]:
    for child in layer._flatten_layers(include_self=False, recursive=False):
        if isinstance(child, keras.layers.InputLayer):
            continue
        path = f"{prefix}{child.name}"
        yield path, child
        yield from _below(child, f"{path}/")


def own_variables(layer: keras.layers.Layer) -> list[Any]:
    """Variables of a layer itself, and not of layers inside it."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]
