"""Optional packages that a recipe needs, looked for without importing them."""

import importlib.util
from collections.abc import Iterator

from ..errors import Problem
from . import catalog
from .choices import Choice, Layers, Residual
from .network import WRAPPED, lists_of_layers, outputs_of
from .nodes import Path
from .schema import Recipe

HUB = "keras_hub"


def missing_extras(recipe: Recipe) -> list[Problem]:
    """A problem for each layer of KerasHub that is named, where KerasHub is not installed."""
    named = [(path, layer) for path, layer in _layers(recipe) if layer.name in _of_hub()]
    if not named or importlib.util.find_spec(HUB) is not None:
        return []
    wrong = f"needs the package `{HUB}`: `pip install 'keras-recipes[hub]'`."
    return [recipe.problem(("model", *path, layer.name), wrong) for path, layer in named]


def _of_hub() -> set[str]:
    return {name for name, entry in catalog.tables()["layers"].items() if entry.of_hub}


def _layers(recipe: Recipe) -> Iterator[tuple[Path, Choice]]:
    for path, layers in lists_of_layers(recipe.model):
        yield from _in_list(layers, path)
    for path, output in outputs_of(recipe.model):
        yield from _with_inner(output, path)


def _in_list(layers: Layers, path: Path) -> Iterator[tuple[Path, Choice]]:
    for index, layer in enumerate(layers):
        place = (*path, index)
        if isinstance(layer, Residual):
            yield from _in_list(layer.layers, (*place, *layer.inner))
        else:
            yield from _with_inner(layer, place)


def _with_inner(layer: Choice, path: Path) -> Iterator[tuple[Path, Choice]]:
    """A layer, and those that it wraps."""
    yield path, layer
    for name in WRAPPED:
        inner = layer.arguments.get(name)
        if isinstance(inner, Choice):
            yield from _with_inner(inner, (*path, layer.name, name))
