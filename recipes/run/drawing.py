"""The network of a recipe as boxes of its inputs, parts and outputs."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras

from ..data import Data
from ..record.boxes import Box
from ..spec import Choice, Recipe
from ..spec.choices import Residual
from ..spec.graph import ROWS, ends, in_order, merge_of
from ..spec.parts import OTHERS, input_names
from .analysis import built

# The one part of a list of layers, and its input where columns are many.
LIST, COLUMNS = "layers", "columns"
# Arguments of a layer that are written beside its name.
MOST_ARGUMENTS = 2


def boxes_of(recipe: Recipe, data: Data) -> list[Box]:
    """Inputs, parts in order, and outputs, with the shape that each gives.

    Raises:
        RequestError: the recipe cannot be used.
    """
    return boxes_in(recipe, data, built(recipe, data).model)


def boxes_in(recipe: Recipe, data: Data, model: keras.Model) -> list[Box]:
    """The boxes of a recipe whose model is built."""
    shapes = _shapes(model, list(recipe.model.parts))
    boxes = [*_inputs(recipe, data), *_parts(recipe, shapes)]
    return [*boxes, *_outputs(recipe, model)]


def _inputs(recipe: Recipe, data: Data) -> Iterator[Box]:
    if not recipe.model.parts:
        columns = tuple(feature.name for feature in data.features)
        yield Box(COLUMNS, columns) if columns else Box(ROWS, (str(data.input_shape),))
        return
    named = dict.fromkeys(name for _, name in input_names(recipe.model.parts))
    kinds = {feature.name: feature.kind for feature in data.features}
    for name in named:
        others = [column for column in kinds if column not in named] if name == OTHERS else []
        kind = () if not kinds or name == OTHERS else (str(kinds[name]),)
        yield Box(name, tuple(others) or kind or (str(data.input_shape),))


def _parts(recipe: Recipe, shapes: dict[str, str]) -> Iterator[Box]:
    parts = recipe.model.parts
    if not parts:
        yield Box(LIST, words_of(recipe.model.layers), (_first(recipe),))
    for name in in_order(parts) if parts else ():
        part, merge = parts[name], merge_of(parts, name)
        lines = () if merge is None else words_of([merge])
        lines += (f"layers of {part.use}",) if part.use else words_of(part.layers)
        shape = shapes.get(part.use or name)
        yield Box(name, lines + ((shape,) if shape else ()), part.sources)


def _first(recipe: Recipe) -> str:
    return ROWS if recipe.data.target is None and recipe.data.features is None else COLUMNS


def _outputs(recipe: Recipe, model: Any) -> Iterator[Box]:
    last = ends(recipe.model.parts)[-1] if recipe.model.parts else LIST
    if not recipe.model.outputs:
        output = recipe.model.output
        lines = () if output is None else words_of([output])
        yield Box("output", (*lines, _shown(model.outputs[0].shape)), (last,))
    for name, head in recipe.model.outputs.items():
        lines = words_of([*head.layers, *([] if head.output is None else [head.output])])
        weight = head.weight.name if isinstance(head.weight, Choice) else head.weight
        shape = _shown(model.output[name].shape)
        yield Box(f"{name}: output", (*lines, shape, f"weight {weight}"), (head.source or last,))


def words_of(layers: Sequence[Choice | Residual]) -> tuple[str, ...]:
    """Layers in a line each, with their first arguments.

    >>> words_of([Choice("layers", "dense", {"units": 4})])
    ('dense units=4',)
    """
    lines: list[str] = []
    for layer in layers:
        if not isinstance(layer, Choice):
            lines += ["residual:", *(f"  {line}" for line in words_of(layer.layers))]
            continue
        arguments = list(layer.arguments.items())[:MOST_ARGUMENTS]
        words = [f"{key}={v.name if isinstance(v, Choice) else v}" for key, v in arguments]
        lines.append(" ".join([layer.name, *words]))
    return tuple(lines)


def _shapes(model: keras.Model, parts: Sequence[str]) -> dict[str, str]:
    """What each part gives, by the last of the layers that are called after it."""
    shapes: dict[str, str] = {}
    for layer in model.layers:
        owners = [name for name in parts if layer.name.startswith(f"{name}_")]
        if owners:
            shapes[max(owners, key=len)] = _shown(layer.output.shape)
    return shapes


def _shown(shape: Sequence[int | None]) -> str:
    """A shape of one row."""
    return f"gives {tuple(shape[1:])}"
