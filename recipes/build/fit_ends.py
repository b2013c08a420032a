"""Targets for all outputs of a model of the user's own: of one, or of several by name."""

from collections.abc import Iterable, Mapping

import keras
import numpy as np
import tensorflow as tf

from ..data.heads import records
from ..errors import RequestError
from ..spec import Recipe
from ..spec.heads import heads_of
from ..spec.parts import LEARNED
from ..spec.wording import did_you_mean, listed
from .fit_targets import Output, task_at, task_for
from .heads import End, Ends
from .task import Task


def ends_for(
    recipe: Recipe, model: keras.Model, y: object, x: object
) -> tuple[Task | Ends, np.ndarray]:
    """The form of the targets of each output, and the targets in it.

    Several outputs take a mapping of their names, or a list in their order. Each has the recipe's
    loss and metrics, or those of `model.outputs` of the recipe, or else what fits.

    Args:
        x: rows, to see the outputs of a model whose graph is not known.

    Returns:
        The task and its targets; of several outputs, records with a field for each.

    Raises:
        RequestError: targets are missing, or do not have the form that an output asks for.
        RecipeError: a loss does not fit, with its line.
    """
    outputs = _outputs(model, y, x)
    if outputs is None:
        return task_for(recipe, model, y)
    heads = heads_of(recipe)
    if heads and set(heads) != set(outputs):
        raise RequestError(
            f"the model {model.name!r} has the outputs {listed(outputs)}, and the recipe's "
            f"`model.outputs` are {listed(heads)}."
        )
    learned = [name for name, output in recipe.model.outputs.items() if output.weight == LEARNED]
    if learned:
        raise RequestError(
            f"model.outputs.{learned[0]}.weight: `learned` is a part of the recipe's own network. "
            "Use a number, or a schedule."
        )
    targets = _by_name(model, list(outputs), y)
    each: dict[str, End] = {}
    fields: dict[str, np.ndarray] = {}
    for name, output in outputs.items():
        own = heads.get(name, recipe)
        task, fields[name] = task_at(own, output, targets[name], f"y[{name!r}]")
        each[name] = End(own, task)
    lengths = {len(field) for field in fields.values()}
    if len(lengths) != 1:
        raise RequestError(f"y: the outputs have different numbers of rows, {listed(lengths)}.")
    return Ends(each), records(fields)


def _outputs(model: keras.Model, y: object, x: object) -> dict[str, Output] | None:
    """The ends of a model by name; None where there is one."""
    graph = getattr(model, "outputs", None)
    # A Sequential has outputs, and no `output`.
    output = getattr(model, "output", None)
    if graph and len(graph) == 1 and not isinstance(output, dict):
        return None
    if graph:
        named = (
            output
            if isinstance(output, dict)
            else dict(zip(model.output_names, graph, strict=True))
        )
        return {
            name: Output.ending(model, tuple(end.shape), end._keras_history.operation)
            for name, end in named.items()
        }
    if not isinstance(y, (Mapping, list, tuple)) or not _nested(y):
        return None
    found = model(tf.nest.map_structure(lambda rows: tf.convert_to_tensor(rows[:1]), x))
    if not isinstance(found, dict):
        raise RequestError(
            f"the model {model.name!r} gives a {type(found).__name__}. Let `call` return its "
            "outputs by name, as a dict."
        )
    shapes = {name: (None, *end.shape[1:]) for name, end in found.items()}
    return {name: Output.ending(model, shape, None) for name, shape in shapes.items()}


def _nested(y: Iterable[object]) -> bool:
    """Whether targets are arrays of several outputs, rather than numbers."""
    return isinstance(y, Mapping) or all(getattr(each, "shape", ()) for each in y)


def _by_name(model: keras.Model, names: list[str], y: object) -> Mapping[str, object]:
    """The targets of each output."""
    if isinstance(y, (list, tuple)) and len(y) == len(names):
        return dict(zip(names, y, strict=True))
    if not isinstance(y, Mapping):
        raise RequestError(
            f"y: the model {model.name!r} has the outputs {listed(names)}; give targets for each, "
            f"by name. Received {type(y).__name__}."
        )
    for name in names:
        if name not in y:
            hint = did_you_mean(name, list(y))
            raise RequestError(f"y: has no targets for the output `{name}`.{hint}")
    for name in y:
        if name not in names:
            hint = did_you_mean(name, names)
            raise RequestError(f"y: the model {model.name!r} has no output `{name}`.{hint}")
    return y
