"""The layers of a list in a recipe, made, and where each of them stands."""

from collections.abc import Sequence
from contextlib import nullcontext

import keras

from ...models import Residual
from ...models.network import LayerOrBlock, Path
from ..spec import Choice, Recipe, choices
from ..spec.choices import Layers
from ..spec.network import layer_names
from .backbone import NAME
from .objects import Builder
from .precision import SENSITIVE, computing_in


def made_layers(builder: Builder, items: Layers, path: Path) -> list[LayerOrBlock]:
    """The layers and residual blocks of a list that stands at a place."""
    return [layer(builder, item, (*path, index)) for index, item in enumerate(items)]


def place_of(
    recipe: Recipe, name: str, layers: Sequence[LayerOrBlock], output: keras.Layer | None
) -> tuple[str | int, ...]:
    """Where the layer of a name stands in the recipe; one inside of a block stands at the block."""
    if name == NAME:
        return ("model", "backbone")
    if recipe.model.parts or recipe.model.outputs:
        for path, known in layer_names(recipe.model):
            if name == known:
                return ("model", *path)
    for index, item in enumerate(layers):
        if name in _names(item):
            return ("model", "layers", index)
    if output is not None and name == output.name:
        return ("model", "output")
    return ("model", "parts" if recipe.model.parts else "layers")


def _names(item: LayerOrBlock) -> set[str]:
    if isinstance(item, Residual):
        return set().union(*(_names(inner) for inner in item.layers))
    return {item.name}


def layer(builder: Builder, item: Choice | choices.Residual, path: Path) -> LayerOrBlock:
    """A layer, or a residual block of layers."""
    if isinstance(item, Choice):
        sensitive = item.name in SENSITIVE
        with computing_in("float32") if sensitive else nullcontext():
            return builder.make("layers", item, path)
    inner = [
        layer(builder, child, (*path, "residual", index)) for index, child in enumerate(item.layers)
    ]
    return Residual(inner, shortcut=item.shortcut)
