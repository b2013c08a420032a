"""Evaluate and predict with a finished run: its recipe, its model, its data."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ...messages import logger
from ..build import task as tasks
from ..build.experiment import evaluation
from ..build.inputs import data_of
from ..build.loss import loss_of
from ..build.metrics import metrics
from ..build.objects import Builder
from ..build.preprocessing import raw
from ..data import Data, Split
from ..data.features import Fitted
from ..data.frame import Frame
from ..data.order import batches_of
from ..data.rows import Reading, rows_of
from ..data.scale import Scaling
from ..errors import RequestError, legible
from ..record import directory as files
from ..record.directory import RunDirectory, check_run_files, open_run, read_result
from ..spec import Recipe
from ..spec.loader import read
from ..spec.nodes import Node
from ..spec.plugins import load_plugins
from .predictions import Predictions, predictions
from .saved_model import open_model
from .stored_recipe import Overrides, recipe_of, require_plugins

OnError = Literal["refuse", "skip"]
SPLITS = ("train", "validation", "test")
# Rows whose error is printed.
MOST_PRINTED = 20


def model_of(run: RunDirectory) -> Any:
    """The model that a run saved, not compiled."""
    check_run_files(run.path)
    if not run.has(files.MODEL):
        raise RequestError(
            f"{run.path}: has no model yet; its status is {read_result(run).status}. "
            f"{run / files.CHECKPOINTS} may have the model of an earlier epoch."
        )
    require_plugins(run)
    return open_model(run.verified(files.MODEL))


def evaluate(
    run: str | os.PathLike,
    on: Any = "test",
    overrides: Overrides = (),
    *,
    on_error: OnError = "refuse",
    plugins: Sequence[str] = (),
) -> dict[str, float]:
    """Metrics of a run's model on a split or on other rows; see `keras_recipes.evaluate`."""
    where = open_run(run)
    recipe = recipe_of(where, overrides, plugins=plugins)
    if isinstance(on, str) and on in SPLITS:
        splits = same_data(where, recipe)
        if getattr(splits, on) is None:
            raise RequestError(f"{where.path}: the recipe has no {on} split.")
        return measured(recipe, splits, model_of(where), on)
    data = _given_rows(where, recipe, on, on_error)
    return measured(recipe, data, model_of(where), "rows")


def same_data(run: RunDirectory, recipe: Recipe, arrays: tuple[Any, Any] | None = None) -> Data:
    """The data of a run, which must be what it was trained on.

    Raises:
        RequestError: it is not.
    """
    data = data_of(recipe, arrays)
    trained_on = run.read_json(files.MANIFEST, "fingerprints")["fingerprints"]["data"]
    if data.fingerprint != trained_on:
        raise RequestError(
            f"{run.path}: the data has changed since this run. Its fingerprint was "
            f"{trained_on[:12]}, now it is {data.fingerprint[:12]}; splits would not be the same."
        )
    return data


@dataclass(frozen=True)
class _GivenRows:
    """Rows that are not a split of the recipe, in the form of `Data`.

    Attributes:
        target_scaling: that of the training targets, which the loss is computed with.
        focal_alpha: weights of the classes in a focal loss, from the training targets.
    """

    task: Any
    classes: tuple[Any, ...]
    num_outputs: int
    rows: Any
    features: tuple[Fitted, ...] = ()
    target_scaling: Any = None
    focal_alpha: Any = None
    validation: Any = None
    test: Any = None

    @property
    def train(self) -> Any:
        """The rows, as the split that the task is inferred from."""
        return self.rows


def _given_rows(run: RunDirectory, recipe: Recipe, given: Any, on_error: OnError) -> _GivenRows:
    described = run.read_json(files.DATA)
    own = recipe.data.targets == "dataset"
    reading = Reading(described, own, on_error, _arrays(read(run.verified(files.RECIPE))))
    found = rows_of(given, reading)
    log_rows(found.notes, found.errors)
    y = found.y
    if y is None:  # an autoencoder: the scaled rows themselves
        y = Scaling.from_json(described["scaling"]).apply(found.x).reshape(len(found.x), -1)
    outputs = 1 if y.ndim == 1 else y.shape[1]
    classes = tuple(described["classes"])
    learned = described.get("target_scaling")
    scaling = None if learned is None else Scaling.from_json(learned)
    return _GivenRows(
        described["task"],
        classes,
        outputs,
        Split(found.x, y),
        reading.features,
        scaling,
        alpha_of(described),
    )


def alpha_of(described: Mapping[str, Any]) -> float | tuple[float, ...] | None:
    """Weights of the classes in the focal loss of a run, as its `data.json` has them."""
    alpha = described.get("focal_alpha")
    return tuple(alpha) if isinstance(alpha, list) else alpha


def _arrays(recipe: Node) -> tuple[str, str]:
    """Names of the arrays of rows and targets in the recipe's `.npz` file, and in others.

    They are read from the text: checking a recipe needs its plugins, and a prediction does not.
    """
    node: Node | None = recipe
    for key in ("data", "source", "npz"):
        node = None if node is None else node.child(key)
    arguments = {} if node is None else node.plain()
    if not isinstance(arguments, dict):
        arguments = {}
    return str(arguments.get("x", "x")), str(arguments.get("y", "y"))


def log_rows(notes: Sequence[str], errors: Mapping[int, str]) -> None:
    """Log the notes and the first errors about rows."""
    lines = [*notes, *list(errors.values())[:MOST_PRINTED]]
    if len(errors) > MOST_PRINTED:
        lines.append(f"and {len(errors) - MOST_PRINTED} more rows that are skipped.")
    for line in lines:
        logger.warning(legible(line))


def measured(recipe: Recipe, data: Any, model: Any, split: str) -> dict[str, float]:
    """Loss and metrics of a model on a split; empty if there is no such split."""
    chosen = getattr(data, split)
    if chosen is None:
        return {}
    task = tasks.task_of(recipe, data)
    if isinstance(data, _GivenRows):
        task = replace(task, scaling=data.target_scaling, alpha=data.focal_alpha)
    builder = Builder(recipe, steps_per_epoch=1)
    model.compile(loss=loss_of(recipe, task, builder), metrics=metrics(recipe, task, builder))
    if isinstance(chosen.x, Frame):
        chosen = Split(raw(data.features, chosen.x), chosen.y)
    values: Any = model.evaluate(evaluation(chosen, task), verbose=0, return_dict=True)
    return {name: float(value) for name, value in values.items()}


def members(
    run: str | os.PathLike, on: Any = "test", overrides: Overrides = (), **more: Any
) -> list[dict[str, float]]:
    """Metrics of each member of an ensemble; empty for any other run. Arguments of `evaluate`."""
    where = open_run(run)
    count = len(read_result(where).members)
    folders = [where / files.MEMBERS / str(index + 1) for index in range(count)]
    return [evaluate(folder, on, overrides, **more) for folder in folders]


def predict(
    run: str | os.PathLike,
    rows: Any,
    *,
    on_error: OnError = "refuse",
    plugins: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> Predictions:
    """Predictions for raw rows; see `keras_recipes.predict`."""
    where = open_run(run)
    described = where.read_json(files.DATA, "classes", "features", "input_shape", "scaling")
    load_plugins(plugins)
    written = read(where.verified(files.RECIPE))
    arrays = _arrays(written)
    reading = Reading(described, on_error=on_error, arrays=arrays, keep=tuple(keep))
    found = rows_of(rows, reading)
    # A dataset and not an array, which Keras would round to 32 bits for a model that takes 64.
    x = raw(reading.features, found.x) if isinstance(found.x, Frame) else found.x
    outputs = model_of(where).predict(batches_of(x), verbose=0)
    made = predictions(outputs, described, usable=found.usable)
    notes = (*found.notes, *made.notes)
    return replace(made, errors=found.errors, notes=notes, kept=found.kept)
