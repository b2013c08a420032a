"""The network of a recipe: its layers between scaled rows and the output layer."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from ...models import CumulativeLink, LayerError, Residual, TrainingModel, build_network
from ...models.loss_weights import LossWeight
from ...models.network import LayerOrBlock, Path, apply, connect
from ..data import Data
from ..data.order import batch_rows
from ..data.scale import Scaling
from ..errors import RecipeError
from ..spec import Choice, Recipe, choices
from ..spec.choices import Layers
from ..spec.graph import ends
from ..spec.network import layer_names
from ..spec.parts import LEARNED
from .adapters import add_adapters
from .backbone import NAME, backbone
from .capacity import TooLarge, check_memory, copies, unallocated_weights
from .feature_blocks import Tensors, inputs_for
from .feature_cache import Features
from .graph import column_inputs, connected, rows_input
from .heads import Ends, weight_name
from .objects import Builder, first_paragraph
from .parts import training_parts
from .precision import SENSITIVE, computing_in
from .preprocessing import Preprocessing
from .task import Task, activation_problem, last_activation

# Divisors that Keras's Normalization layer takes: it divides by no less than 1e-7, and their
# squares must be 32-bit floats.
DIVISORS = (1e-6, 1e18)


def network(
    recipe: Recipe,
    data: Data,
    task: Task | Ends,
    builder: Builder,
    prepared: Preprocessing | Features | None = None,
    precision: str = "float32",
) -> keras.Model:
    """The recipe's layers between the scaling of raw rows and the output layer.

    The scaling, the output layer and those in `precision.SENSITIVE` compute in 32 bits.

    Args:
        prepared: what makes numbers of the raw columns of a table, or features of rows; the saved
            model begins with it.
        precision: what the other layers compute in, a policy of Keras.
    """
    with computing_in(precision):
        # First, as where its features are cached: initial weights follow from the order.
        front = None
        if not isinstance(prepared, Features):
            shape = data.input_shape if prepared is None else prepared.first_shape
            front = backbone(recipe, shape)
        layers = made_layers(builder, recipe.model.layers, ("model", "layers"))
        tails = made_tails(recipe, task, builder) if isinstance(task, Ends) else {}
    x = data.train.x
    dtype = "float64" if isinstance(x, np.ndarray) and x.dtype == np.float64 else None
    with computing_in("float32"):
        output = None if isinstance(task, Ends) else output_layer(recipe, task, builder)
        scaling = scaling_layer(data.scaling, dtype) if front is None else front
        target_scale = None if isinstance(task, Ends) else scale_of(task, "target_scale")
    behind: dict[str | None, keras.KerasTensor] = {}
    try:
        with computing_in(precision), unallocated_weights():
            if recipe.model.parts:
                assert not isinstance(prepared, Features)  # which need a backbone
                inputs, behind = graph(recipe, data, builder, prepared, dtype)
                start = inputs, behind[None]
            else:
                start = None if prepared is None else prepared.head(x, scaled=front is None)
            inputs, outputs = build_network(
                data.input_shape,
                layers,
                output,
                scaling=None if recipe.model.parts else scaling,
                target_scale=target_scale,
                dtype=None if recipe.model.parts else dtype,
                start=start,
                beside=_beside(recipe, prepared, start),
            )
            if isinstance(task, Ends):
                outputs = with_tails(recipe, {None: outputs, **behind}, tails)
            connected = keras.Model(inputs, outputs, name="network")
            rows = batch_rows(len(data.train), recipe.data.batch_size)
            check_memory(connected, copies(recipe), rows)
    except LayerError as error:
        place = ("model", *error.index_path)
        raise RecipeError([recipe.problem(place, first_paragraph(str(error)))]) from error
    except TooLarge as error:
        place = place_of(recipe, error.layer, layers, output)
        raise RecipeError([recipe.problem(place, str(error))]) from error
    check_ends(recipe, task, outputs, tails, output)
    parts = training_parts(recipe, builder).active()
    with computing_in(precision):  # by which Keras decides whether to scale the loss
        model = TrainingModel(inputs, outputs, name=recipe.name, **parts)
    add_adapters(recipe, model)
    model.saves_network = True
    model.preprocessing = None if prepared is None else prepared.model
    return model


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


def graph(
    recipe: Recipe,
    data: Data,
    builder: Builder,
    prepared: Preprocessing | None,
    dtype: str | None,
) -> tuple[Tensors, dict[str | None, keras.KerasTensor]]:
    """Inputs of a network of named parts, and the output of each of these; of the last, None."""
    if prepared is None:
        with computing_in("float32"):
            scaling = scaling_layer(data.scaling, dtype)
        inputs, rows = build_network(data.input_shape, [], scaling=scaling, dtype=dtype)
        given = rows_input(rows)
    else:
        inputs = inputs_for(data.train.x)
        window = recipe.data.window
        known = () if window is None else window.known
        given = column_inputs(prepared.features, inputs, known)
    tensors = connected(recipe, builder, given, made_layers)
    return inputs, {**tensors, None: tensors[ends(recipe.model.parts)[-1]]}


def _beside(
    recipe: Recipe,
    prepared: Preprocessing | Features | None,
    start: tuple[Tensors, keras.KerasTensor] | None,
) -> keras.KerasTensor | None:
    """What comes beside a picture, in a list of layers."""
    if prepared is None or start is None or recipe.model.parts:
        return None
    return prepared.beside(start[0])


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


def scaling_layer(scaling: Scaling, dtype: str | None = None) -> keras.layers.Layer | None:
    """A layer that scales raw rows, or None where there is nothing to do.

    Args:
        dtype: what it computes in; by default what all layers do.
    """
    offset, divisor = scaling.offset, scaling.divisor
    if scaling.kind == "none":
        return None
    if offset.ndim == 0:
        factor = 1.0 / float(divisor)
        return keras.layers.Rescaling(factor, -float(offset) * factor, name="scaling")
    if dtype == "float64":
        # As arrays: Keras would read lists as 32-bit numbers.
        return _rescaling(1.0 / divisor, -offset / divisor, "scaling", dtype)
    if divisor.min() < DIVISORS[0] or divisor.max() > DIVISORS[1]:
        factors, shifts = (1.0 / divisor).astype("float32"), (-offset / divisor).astype("float32")
        return _rescaling(factors, shifts, "scaling")
    return keras.layers.Normalization(
        axis=tuple(range(1, offset.ndim + 1)),  # type: ignore[arg-type]
        mean=offset.astype("float32"),
        variance=np.square(divisor).astype("float32"),
        name="scaling",
    )


def unscaling_layer(scaling: Scaling, name: str) -> keras.layers.Layer:
    """A layer that brings scaled numbers (rows, columns) back to their unit."""
    if scaling.offset.size == 1:
        return keras.layers.Rescaling(
            float(scaling.divisor[0]), float(scaling.offset[0]), name=name
        )
    return _rescaling(scaling.divisor.astype("float32"), scaling.offset.astype("float32"), name)


def _rescaling(
    factors: np.ndarray, shifts: np.ndarray, name: str, dtype: str | None = None
) -> keras.layers.Layer:
    # Keras takes arrays too, which its annotations do not say.
    return keras.layers.Rescaling(factors, shifts, name=name, dtype=dtype)  # type: ignore[arg-type]
