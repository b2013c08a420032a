"""The network of a recipe: its layers between scaled rows and the output layer."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from ...models import CumulativeLink, LayerError, Residual, TrainingModel, build_network
from ..data import Data
from ..data.order import batch_rows
from ..data.scale import Scaling
from ..errors import RecipeError
from ..spec import Choice, Recipe
from .adapters import add_adapters
from .backbone import NAME, backbone
from .capacity import TooLarge, check_memory, copies, unallocated_weights
from .feature_cache import Features
from .objects import Builder, first_paragraph
from .parts import training_parts
from .preprocessing import Preprocessing
from .task import Task, activation_problem, last_activation

# Divisors that Keras's Normalization layer takes: it divides by no less than 1e-7, and their
# squares must be 32-bit floats.
DIVISORS = (1e-6, 1e18)


def network(
    recipe: Recipe,
    data: Data,
    task: Task,
    builder: Builder,
    prepared: Preprocessing | Features | None = None,
) -> keras.Model:
    """The recipe's layers between the scaling of raw rows and the output layer.

    Args:
        prepared: what makes numbers of the raw columns of a table, or features of rows; the saved
            model begins with it.
    """
    # First, as where its features are cached: initial weights follow from the order.
    front = None
    if not isinstance(prepared, Features):
        front = backbone(recipe, data.input_shape if prepared is None else prepared.picture_shape)
    layers = [
        layer(builder, item, ("model", "layers", index))
        for index, item in enumerate(recipe.model.layers)
    ]
    if recipe.model.output is not None:
        output = builder.make("layers", recipe.model.output, ("model", "output"))
    elif task.ordered:
        output = CumulativeLink(task.units, name="output")
    else:
        output = keras.layers.Dense(task.units, activation=task.activation, name="output")
    x = data.train.x
    dtype = "float64" if isinstance(x, np.ndarray) and x.dtype == np.float64 else None
    start = None if prepared is None else prepared.head(x, scaled=front is None)
    try:
        with unallocated_weights():
            inputs, outputs = build_network(
                data.input_shape,
                layers,
                output,
                scaling=scaling_layer(data.scaling, dtype) if front is None else front,
                target_scale=task.scaling and unscaling_layer(task.scaling, "target_scale"),
                dtype=dtype,
                start=start,
                beside=None if prepared is None or start is None else prepared.beside(start[0]),
            )
            connected = keras.Model(inputs, outputs, name="network")
            rows = batch_rows(len(data.train.y), recipe.data.batch_size)
            check_memory(connected, copies(recipe), rows)
    except LayerError as error:
        place = ("model", *error.index_path)
        raise RecipeError([recipe.problem(place, first_paragraph(str(error)))]) from error
    except TooLarge as error:
        place = place_of(error.layer, [*layers, output])
        raise RecipeError([recipe.problem(place, str(error))]) from None
    check_output(recipe, outputs, task)
    place = ("loss",) if recipe.loss is not None else ("model", "output")
    problem = activation_problem(task, last_activation(output))
    if problem:
        raise RecipeError([recipe.problem(place, problem)])
    model = TrainingModel(
        inputs,
        outputs,
        name=recipe.name,
        **training_parts(recipe, builder).active(),
    )
    add_adapters(recipe, model)
    model.saves_network = True
    model.preprocessing = None if prepared is None else prepared.model
    return model


def place_of(name: str, layers: Sequence[Any]) -> tuple[str | int, ...]:
    """Where the layer of a name stands in the recipe; one inside of a block stands at the block."""
    if name == NAME:
        return ("model", "backbone")
    for index, item in enumerate(layers[:-1]):
        if name in _names(item):
            return ("model", "layers", index)
    return ("model", "output") if name == layers[-1].name else ("model", "layers")


def _names(item: Any) -> set[str]:
    if isinstance(item, Residual):
        return set().union(*(_names(inner) for inner in item.layers))
    return {item.name}


def layer(builder: Builder, item: Any, path: tuple) -> Any:
    """A layer, or a residual block of layers."""
    if isinstance(item, Choice):
        return builder.make("layers", item, path)
    inner = [
        layer(builder, child, (*path, "residual", index)) for index, child in enumerate(item.layers)
    ]
    return Residual(inner, shortcut=item.shortcut)


def check_output(recipe: Recipe, outputs: Any, task: Task) -> None:
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
    place = ("model", "layers") if recipe.model.output is None else ("model", "output")
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
