"""What is exported: a run's model, or a plain one, with the rows that its file is checked on."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..build.heads import Ends, ends_of, loss_weights, losses_of, metrics_of
from ..build.images import decodable
from ..build.objects import Builder
from ..data.blocks import Block
from ..data.loaded import Data
from ..errors import RequestError
from ..inputs import Arrays
from ..record import directory as files
from ..record.directory import RunDirectory, open_run, read_result
from ..record.strict_json import strict
from ..run.evidence import spread
from ..run.quiet import SILENT
from ..run.reload import as_given, model_of, reached, same_data
from ..run.stored_recipe import Overrides, recipe_of
from ..spec import Recipe
from .cut import Cut, cut, input_names, predicted
from .described import Described
from .interface import Port
from .proof import ProofPart

# Rows that files are compared on, and that ranges of numbers are measured on, at most.
MOST_ROWS, CALIBRATION = 10_000, 200
SPLITS = ("test", "validation", "train")
# Rows of each input of a model; one input needs no name.
Samples = np.ndarray | list[np.ndarray] | tuple[np.ndarray, ...] | Mapping[str, np.ndarray]
# The cells of a column, in memory or made when they are read.
Column = Block | tf.Tensor | np.ndarray
Measure = Callable[[Mapping[str, np.ndarray]], dict[str, float]]


@dataclass(frozen=True)
class Subject:
    """What is exported.

    Attributes:
        cut: the model in two parts.
        columns: what users give.
        rows: raw rows to compare on, by column.
        split: where they come from.
        calibration: what goes into the network for some training rows, by name.
        measure: metrics from outputs for `rows`; None without targets.
        parts: of the proof, those that are known before the export.
        alike: whether all parts of a run have learned the same of the columns.
    """

    cut: Cut
    columns: tuple[Port, ...]
    rows: dict[str, np.ndarray]
    split: str
    calibration: dict[str, np.ndarray]
    measure: Measure | None
    parts: dict[ProofPart, Any] = field(default_factory=dict[ProofPart, Any])
    alike: bool = True

    def keras_outputs(self, rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of the Keras model for raw rows."""
        return predicted(self.cut.whole, keras_rows(self.cut.whole, rows))


def of_run(
    run: str | os.PathLike[str],
    overrides: Overrides = (),
    *,
    plugins: Sequence[str] = (),
    arrays: Arrays | None = None,
) -> Subject:
    """The model of a run, with rows of its test split, else of its validation split.

    Raises:
        RequestError: there is no run, or no model, or its data is not what it was trained on.
    """
    where = open_run(run)
    recipe = recipe_of(where, overrides, plugins=plugins)
    data = decodable(same_data(where, recipe, arrays))
    model = model_of(where)
    described = where.read_json(files.DATA)
    alike = same_features(where, described)
    division = cut(model, table=bool(data.features), same=alike)
    split = next(name for name in SPLITS if getattr(data, name) is not None)
    held = as_given(data, getattr(data, split))
    rows = arrays_of(held.x, model, np.arange(min(len(held), MOST_ROWS)))
    train = as_given(data, data.train)
    few = arrays_of(train.x, model, spread(len(train), CALIBRATION))
    result = read_result(where)
    manifest = where.read_json(files.MANIFEST)
    keys = ("created", "seed", "fingerprints", "versions", "git_commit")
    return Subject(
        division,
        columns_of(model),
        rows,
        split,
        network_inputs(division, few),
        measure(recipe, data, where, held.y[: len(next(iter(rows.values())))]),
        {
            ProofPart.RECIPE: where.read_text(files.RECIPE),
            ProofPart.DATA: strict(described),
            ProofPart.RUN: {"name": recipe.name, **{key: manifest.get(key) for key in keys}},
            ProofPart.METRICS: strict(
                {"validation": result.validation, "test": result.test, "quality": result.quality}
            ),
        },
        alike,
    )


def of_model(model: keras.Model, samples: Samples) -> Subject:
    """A plain Keras model.

    Args:
        samples: some rows in the form that the model takes: an array, a list or a mapping.

    Raises:
        RequestError: the model is not built, or the samples do not fit.
    """
    if not model.built or not getattr(model, "inputs", None):
        raise RequestError("export: the model has no inputs yet. Build it, or call it on a row.")
    if isinstance(model, keras.Sequential):
        # It has no `output` of its own until another model calls it.
        model = keras.Model(model.inputs, model.outputs, name=model.name)
    names = input_names(model)
    given = (
        samples if isinstance(samples, Mapping) else dict(zip(names, listed(samples), strict=False))
    )
    if set(given) != set(names) or not all(len(each) for each in given.values()):
        raise RequestError(f"export: `samples` must have rows of the inputs {names}.")
    columns = columns_of(model)
    rows = {
        p.name: np.asarray(given[p.name], None if p.dtype == "string" else p.dtype) for p in columns
    }
    rows = {
        name: array.astype(object) if array.dtype.kind in "US" else array
        for name, array in rows.items()
    }
    rows = {p.name: squeezed(rows[p.name]) for p in columns}
    division = Cut(model, model, None)
    few = {name: array[:CALIBRATION] for name, array in rows.items()}
    parts = {
        ProofPart.RECIPE: "",
        ProofPart.DATA: {},
        ProofPart.RUN: {"name": model.name},
        ProofPart.METRICS: {},
    }
    return Subject(division, columns, rows, "sample", network_inputs(division, few), None, parts)


def listed(samples: np.ndarray | list[np.ndarray] | tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """The samples of each input."""
    return list(samples) if isinstance(samples, (list, tuple)) else [samples]


def columns_of(model: keras.Model) -> tuple[Port, ...]:
    """What users give: the inputs of the model."""
    return tuple(
        Port(name, name, tuple(tensor.shape[1:]), str(tensor.dtype))
        for name, tensor in zip(input_names(model), model.inputs, strict=True)
    )


def same_features(run: RunDirectory, described: Described) -> bool:
    """Whether all parts of a run have learned the same of the columns."""
    parts = files.parts_of(run)
    return all(each.read_json(files.DATA)["features"] == described["features"] for each in parts)


def arrays_of(
    x: Column | Mapping[str, Column], model: keras.Model, chosen: np.ndarray
) -> dict[str, np.ndarray]:
    """Chosen rows of a split as `reload.as_given` has it, by column."""
    named = x if isinstance(x, Mapping) else {input_names(model)[0]: x}
    return {name: squeezed(_gathered(part, chosen)) for name, part in named.items()}


def squeezed(array: np.ndarray) -> np.ndarray:
    """A column of one cell a row as (rows,)."""
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _gathered(part: Column, chosen: np.ndarray) -> np.ndarray:
    if isinstance(part, Block):
        found = part.gather(tf.constant(chosen))
    else:
        found = tf.gather(part, chosen) if isinstance(part, tf.Tensor) else part[chosen]
    array = np.asarray(found.numpy() if isinstance(found, tf.Tensor) else found)
    if array.dtype.kind not in "OS":
        return array
    words = [word.decode("utf-8") if isinstance(word, bytes) else word for word in array.flat]
    return np.array(words, dtype=object).reshape(array.shape)


def keras_rows(model: keras.Model, rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rows by column in the shapes that a Keras model takes."""
    return {
        name: rows[name].reshape(-1, 1) if tuple(tensor.shape[1:]) == (1,) else rows[name]
        for name, tensor in zip(input_names(model), model.inputs, strict=True)
    }


def network_inputs(division: Cut, rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What goes into the network for raw rows, by the names of its inputs."""
    given = keras_rows(division.whole, rows)
    if division.front is None:
        return given
    found = predicted(division.front, given)
    names = input_names(division.network)
    if len(names) == 1:
        return {names[0]: next(iter(found.values()))}
    return {name: found[name] for name in names}


def measure(recipe: Recipe, data: Data, run: RunDirectory, y: np.ndarray) -> Measure:
    """The recipe's loss and metrics as a function of outputs for rows with these targets."""
    task = ends_of(recipe, data)

    @cache
    def compiled(shapes: tuple[tuple[str, tuple[int, ...]], ...]) -> keras.Model:
        several = isinstance(task, Ends)
        inputs = {name: keras.Input(shape, name=name) for name, shape in shapes}
        same = {n: keras.layers.Identity(name=f"{n}_")(tensor) for n, tensor in inputs.items()}
        end = same if several else next(iter(same.values()))
        model = keras.Model(inputs, end)
        builder = Builder(recipe, steps_per_epoch=1)
        model.compile(
            loss=losses_of(recipe, task, builder, reached(run, recipe)),
            loss_weights=loss_weights(recipe) if several else None,
            metrics=metrics_of(recipe, task, builder),
        )
        return model

    def measured(outputs: Mapping[str, np.ndarray]) -> dict[str, float]:
        # Keras and each file are measured by one model, whose compilation takes seconds.
        model = compiled(tuple((name, array.shape[1:]) for name, array in sorted(outputs.items())))
        found = model.evaluate(dict(outputs), task.encode(y), return_dict=True, **SILENT)
        return {name: float(value) for name, value in found.items()}

    return measured
