"""The parts of a recipe as a graph, from the columns of a table or the rows of an array."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import keras

from ...models.graph import Part, connect_parts
from ...models.network import LayerOrBlock, Path
from ..data.array_feature import FittedArray
from ..data.fitted import Fitted
from ..data.image_feature import FittedImage
from ..spec import Choice, Recipe, choices
from ..spec.graph import ROWS, in_order, merge_of
from ..spec.parts import OTHERS, PartSection, input_names
from .feature_blocks import (
    MATRIX,
    Tensors,
    array_block,
    by_name,
    looked_up,
    picture_block,
    pixels_scaled,
)
from .objects import Builder

# Makes the layers of a list, whose place in the recipe it is given.
Layers = Callable[[Builder, choices.Layers, Path], list[LayerOrBlock]]


@dataclass(frozen=True)
class Inputs:
    """The tensors that parts take by name.

    Attributes:
        names: of all of them, in order.
        alone: those that have a tensor of their own.
        matrix: the others side by side (rows, width).
        spans: where each of them begins and ends in it.
    """

    names: tuple[str, ...]
    alone: Mapping[str, keras.KerasTensor]
    matrix: keras.KerasTensor | None = None
    spans: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def joined(self, names: Sequence[str], layer: str) -> keras.KerasTensor:
        """Some of the inputs as one tensor.

        Args:
            layer: name of the layer that joins them, if one is needed.
        """
        runs: list[list[str]] = []
        for name in names:
            if runs and self._adjacent(runs[-1][-1], name):
                runs[-1].append(name)
            else:
                runs.append([name])
        found = [self._tensor(run) for run in runs]
        return found[0] if len(found) == 1 else keras.layers.Concatenate(name=layer)(found)

    def _adjacent(self, one: str, other: str) -> bool:
        spans = self.spans
        return one in spans and other in spans and spans[one][1] == spans[other][0]

    def _tensor(self, run: Sequence[str]) -> keras.KerasTensor:
        if run[0] in self.alone:
            return self.alone[run[0]]
        assert self.matrix is not None  # which the columns with spans are of
        first, last = self.spans[run[0]][0], self.spans[run[-1]][1]
        whole = (first, last) == (0, self.matrix.shape[-1])
        return self.matrix if whole else columns(self.matrix, first, last)


def columns(matrix: keras.KerasTensor, first: int, last: int) -> keras.KerasTensor:
    """Some columns of a matrix, or of the matrix of each window."""
    found: Any = matrix[..., first:last]
    return found


def rows_input(rows: keras.KerasTensor) -> Inputs:
    """The one input of data that is an array."""
    return Inputs((ROWS,), {ROWS: rows})


def column_inputs(
    features: Sequence[Fitted], inputs: Tensors, known: Collection[str] = ()
) -> Inputs:
    """The columns of a table among the blocks that a network takes.

    Args:
        features: what was learned of each column.
        inputs: Keras tensors of the blocks, of rows or of windows.
        known: columns that the matrix has a second time behind all others, as windows have what is
            known of the horizon.
    """
    blocks = by_name(features, inputs)
    alone: dict[str, keras.KerasTensor] = {
        feature.name: part for feature, part in looked_up(features, blocks)
    }
    spans: dict[str, tuple[int, int]] = {}
    column = 0
    for index, feature in enumerate(features):
        if isinstance(feature, FittedImage):
            alone[feature.name] = pixels_scaled(blocks[picture_block(index)], f"pixels_{index}")
        elif isinstance(feature, FittedArray) and not feature.is_vector:
            alone[feature.name] = blocks[array_block(index)]
        elif feature.name not in alone:
            spans[feature.name] = column, column + feature.width
            column += feature.width
    matrix = blocks.get(MATRIX)
    for feature in features:
        if feature.name in known:
            assert matrix is not None  # which the columns with spans are of
            first, last = spans.pop(feature.name)
            ahead = columns(matrix, column, column + feature.width)
            column += feature.width
            joined = keras.layers.Concatenate(name=f"ahead_{column}")
            alone[feature.name] = joined([columns(matrix, first, last), ahead])
    names = tuple(feature.name for feature in features)
    return Inputs(names, alone, matrix, spans)


def connected(
    recipe: Recipe, builder: Builder, inputs: Inputs, layers: Layers
) -> dict[str, keras.KerasTensor]:
    """The output of each part of a recipe, by name.

    Args:
        layers: makes the layers of a list.

    Raises:
        LayerError: a layer cannot take what comes to it.
    """
    parts = recipe.model.parts
    bodies: dict[str, tuple[keras.Layer | None, list[LayerOrBlock]]] = {}
    for name, part in parts.items():
        if part.use is None:
            place, own = ("model", "parts", name), builder.within(name)
            merge = part.merge and own.make("layers", part.merge, (*place, "merge"))
            bodies[name] = merge, layers(own, part.layers, (*place, "layers"))
    named = {name for _, name in input_names(parts)}
    others = [name for name in inputs.names if name not in named]
    tensors: dict[str, keras.KerasTensor] = {}
    made: list[Part] = []
    for name in in_order(parts):
        owner = parts[name].use or name
        merge, body = bodies[owner]
        joins = is_joined(merge_of(parts, name))
        sources: list[str] = []
        for taken in _taken(parts[name].sources, parts, joins):
            if taken[0] in parts:
                sources.append(taken[0])
                continue
            columns = [c for word in taken for c in (others if word == OTHERS else [word])]
            sources.append(f"{name}: {', '.join(taken)}")
            tensors[sources[-1]] = inputs.joined(columns, f"{name}_columns_{len(sources)}")
        if joins:
            several = len(sources) > 1
            merge = keras.layers.Concatenate(name=f"{name}_concatenate") if several else None
        made.append(Part(name, tuple(sources), body, merge, owner))
    return connect_parts(tensors, made)


def is_joined(merge: Choice | None) -> bool:
    """Whether inputs are put side by side, so that it does not matter which are before."""
    return merge is not None and merge.name == "concatenate" and not merge.arguments


def _taken(
    sources: Sequence[str], parts: Mapping[str, PartSection], joins: bool
) -> Iterator[list[str]]:
    """Sources one by one; inputs that follow one another together, if they are joined anyway."""
    for _, run in groupby(sources, key=lambda name: joins and name not in parts):
        found = list(run)
        yield from ([found] if joins and found[0] not in parts else ([name] for name in found))
