"""The output layers of a network, of one output or of several, and whether they fit the targets."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras

from ...models import CumulativeLink
from ...models.loss_weights import LossWeight
from ...models.network import LayerOrBlock, apply, connect
from ..errors import RecipeError
from ..spec import Recipe
from ..spec.parts import LEARNED
from .heads import Ends, weight_name
from .last_layer import activation_problem, last_activation
from .layer_lists import made_layers
from .objects import Builder
from .precision import computing_in
from .scaling_layers import unscaling_layer
from .task import Task


def output_layer(recipe: Recipe, task: Task, builder: Builder) -> keras.layers.Layer:
    """The recipe's last layer, or the one that fits the task."""
    if recipe.model.output is not None:
        return builder.make("layers", recipe.model.output, ("model", "output"))
    name = f"{builder.prefix}output"
    if task.ordered:
        return CumulativeLink(task.units, name=name)
    return keras.layers.Dense(task.units, activation=task.activation, name=name)


def scale_of(task: Task, name: str) -> keras.layers.Layer | None:
    """A layer that brings standardized outputs back to the unit of the targets."""
    return task.scaling and unscaling_layer(task.scaling, name)


def check_ends(
    recipe: Recipe,
    task: Task | Ends,
    outputs: Any,
    tails: Mapping[str, "Tail"],
    output: keras.Layer | None,
) -> None:
    """Raise where an output does not fit its targets or its loss, with the line."""
    if not isinstance(task, Ends):
        check_end(recipe, outputs, task, output)
        return
    for name, end in task.all:
        check_end(end.recipe, outputs[name], end.task, tails[name].output)


def check_end(
    recipe: Recipe, outputs: keras.KerasTensor, task: Task, output: keras.Layer | None
) -> None:
    """Raise where an output layer does not fit its targets or its loss, with the line."""
    check_output(recipe, outputs, task)
    place = ("loss",) if recipe.loss is not None else ("model", "output")
    problem = activation_problem(task, last_activation(output))
    if problem:
        raise RecipeError([recipe.problem(place, problem)])


@dataclass(frozen=True)
class Tail:
    """The layers of one of several outputs, the last and its unit apart from the others."""

    layers: list[LayerOrBlock]
    output: keras.layers.Layer
    scale: keras.layers.Layer | None


def made_tails(recipe: Recipe, ends: Ends, builder: Builder) -> dict[str, Tail]:
    """The layers of each output, which are called after it."""
    found: dict[str, Tail] = {}
    for name, end in ends.all:
        own, place = builder.within(name), ("model", "outputs", name)
        layers = made_layers(own, recipe.model.outputs[name].layers, (*place, "layers"))
        with computing_in("float32"):
            output = output_layer(end.recipe, end.task, replace(own, recipe=end.recipe))
            scale = scale_of(end.task, f"{name}_target_scale")
        found[name] = Tail(layers, output, scale)
    return found


def with_tails(
    recipe: Recipe, behind: Mapping[str | None, keras.KerasTensor], tails: Mapping[str, Tail]
) -> dict[str, keras.KerasTensor]:
    """Each output by name.

    Args:
        behind: the output of each part, of which None is the last.
    """
    found: dict[str, keras.KerasTensor] = {}
    for name, tail in tails.items():
        place = ("outputs", name)
        tensor = behind[recipe.model.outputs[name].source]
        tensor = connect(tensor, tail.layers, (*place, "layers"))
        tensor = apply(tail.output, tensor, (*place, "output"))
        tensor = tensor if tail.scale is None else apply(tail.scale, tensor, place)
        learned = recipe.model.outputs[name].weight == LEARNED
        weight = (
            LossWeight(name=weight_name(name), dtype=keras.config.floatx()) if learned else None
        )
        found[name] = tensor if weight is None else weight(tensor)
    return found


def check_output(recipe: Recipe, outputs: keras.KerasTensor, task: Task) -> None:
    """The network must end in as many numbers as the task has."""
    shape = tuple(outputs.shape)
    if shape == (None, task.units):
        return
    if len(shape) != 2:
        problem = (
            f"the network ends in rank {len(shape)}, shape {shape}; a row of the data has one "
            f"target of {task.units}. Put `flatten` or a global pooling layer before the output."
        )
    else:
        problem = f"the network ends in {shape[-1]} units where the data needs {task.units}."
    last = "parts" if recipe.model.parts else "layers"
    place = ("model", last) if recipe.model.output is None else ("model", "output")
    raise RecipeError([recipe.problem(place, problem)])
