"""Evaluate and predict with a finished run: its recipe, its model, its data."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack, cast

import keras
import numpy as np

from ...models.loss_weights import Term
from ..build.datasets import evaluation
from ..build.heads import (
    EMPTY,
    Ends,
    ends_of,
    loss_weights,
    losses_of,
    metrics_of,
    reached_terms,
)
from ..build.images import decodable, undecodable
from ..build.inputs import data_of
from ..build.objects import Builder
from ..build.raw_columns import raw
from ..build.task import Task
from ..build.windows import raw_windows
from ..data import Data, Split
from ..data.evaluation import batches_of
from ..data.frame import Frame
from ..data.order import Rows
from ..data.reading import OnError, Reading, array_names
from ..data.rows import rows_of
from ..data.windows import Windows
from ..errors import RequestError, consistent
from ..inputs import Arrays
from ..record import directory as files
from ..record.contents import JSONObject
from ..record.directory import RunDirectory, check_run_files, open_run, read_result
from ..spec import Recipe
from ..spec.loader import read
from ..spec.plugins import load_plugins
from .assess import quality_of
from .forecast import beside, forecast
from .given_rows import GivenRows, given_rows
from .predictions import Predictions, predictions
from .quiet import metrics_on, outputs_of
from .saved_model import open_model
from .stored_recipe import Overrides, recipe_of, require_plugins

SPLITS = ("train", "validation", "test")


def model_of(run: RunDirectory) -> keras.Model:
    """The model that a run saved, not compiled."""
    check_run_files(run.path)
    if not run.has(files.MODEL):
        raise RequestError(
            f"{run.path}: has no model yet; its status is {read_result(run).status}. "
            f"{run / files.CHECKPOINTS} may have the model of an earlier epoch."
        )
    require_plugins(run)
    return open_model(run.verified(files.MODEL))


@dataclass(frozen=True)
class Evaluation:
    """A run's model on some rows.

    Attributes:
        metrics: loss and metrics.
        quality: of its probabilities, see `quality.quality`; empty where it predicts none.
    """

    metrics: dict[str, float]
    quality: JSONObject


class GivenOptions(TypedDict, total=False):
    """Arguments of `evaluated` about the rows that a user gives and the classes a recipe names."""

    on_error: OnError
    plugins: Sequence[str]


def evaluate(
    run: str | os.PathLike,
    on: object = "test",
    overrides: Overrides = (),
    **more: Unpack[GivenOptions],
) -> dict[str, float]:
    """Metrics of a run's model on a split or on other rows; see `keras_recipes.evaluate`."""
    return evaluated(run, on, overrides, with_quality=False, **more).metrics


def evaluated(
    run: str | os.PathLike,
    on: object = "test",
    overrides: Overrides = (),
    *,
    on_error: OnError = "refuse",
    plugins: Sequence[str] = (),
    with_quality: bool = True,
) -> Evaluation:
    """Metrics of a run's model on a split or on other rows, and the quality of its probabilities.

    Arguments of `keras_recipes.evaluate`.
    """
    where = open_run(run)
    recipe = recipe_of(where, overrides, plugins=plugins)
    data: Data | GivenRows
    if isinstance(on, str) and on in SPLITS:
        splits = same_data(where, recipe)
        if getattr(splits, on) is None:
            parts = on == "validation" and bool(read_result(where).folds)
            hint = f" Each fold has one; evaluate {where / files.FOLDS}/1." if parts else ""
            raise RequestError(f"{where.path}: the recipe has no {on} split.{hint}")
        data, split = decodable(splits), on
    else:
        with consistent(f"{where / files.DATA}"):
            data, split = given_rows(where, recipe, on, on_error), "rows"
    model = model_of(where)
    metrics = measured(recipe, data, model, split, reached(where, recipe))
    ends = _as_trained(recipe, data)
    if not with_quality:
        return Evaluation(metrics, {})
    dataset = evaluation(as_given(data, getattr(data, split)), ends)
    assert dataset is not None
    described = where.read_json(files.DATA)
    return Evaluation(metrics, quality_of(ends, data, model, split, dataset, described))


def reached(run: RunDirectory, recipe: Recipe) -> dict[str, Term]:
    """The weights that losses of several outputs had at the end of a run."""
    return reached_terms(recipe, run.read_json(files.DATA)) if recipe.model.outputs else {}


def same_data(run: RunDirectory, recipe: Recipe, arrays: Arrays | None = None) -> Data:
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


def measured(
    recipe: Recipe,
    data: Data | GivenRows,
    model: keras.Model,
    split: str,
    terms: Mapping[str, Term] = EMPTY,
) -> dict[str, float]:
    """Loss and metrics of a model on a split; empty if there is no such split.

    Args:
        terms: weights of the losses of several outputs that are not plain numbers.
    """
    chosen = getattr(data, split)
    if chosen is None:
        return {}
    task = _as_trained(recipe, data)
    builder = Builder(recipe, steps_per_epoch=1)
    model.compile(
        loss=losses_of(recipe, task, builder, terms),
        loss_weights=loss_weights(recipe) if isinstance(task, Ends) else None,
        metrics=metrics_of(recipe, task, builder),
    )
    windows = chosen.x
    dataset = evaluation(as_given(data, chosen), task)
    assert dataset is not None
    metrics = metrics_on(model, dataset)
    if data.forecasting is None:
        return metrics
    outputs = outputs_of(model, dataset)[""]
    return beside(metrics, data.forecasting.errors(windows.starts, outputs))


def _as_trained(recipe: Recipe, data: Data | GivenRows) -> Task | Ends:
    """The outputs with what was learned from the training targets, for rows without these."""
    # Given rows have every attribute of `Data` from which the outputs follow.
    ends = ends_of(recipe, cast(Data, data))
    if isinstance(ends, Ends):
        each = {
            name: replace(end, task=_task_as_trained(end.task, end.data)) for name, end in ends.all
        }
        return Ends(each)
    return _task_as_trained(ends, data)


def _task_as_trained(task: Task, data: Data | GivenRows) -> Task:
    if not isinstance(data, GivenRows):
        return task
    return replace(task, scaling=data.target_scaling, alpha=data.focal_alpha)


def as_given(data: Data | GivenRows, split: Split) -> Split:
    """A split in the form that a saved model takes: raw columns of a table, or windows of them."""
    rows = split.x
    if isinstance(rows, Frame):
        return Split(raw(data.features, rows), split.y)
    if isinstance(rows, Windows):
        return Split(raw_windows(raw(data.features, rows.frame), data.features, rows), split.y)
    return split


def members(
    run: str | os.PathLike,
    on: object = "test",
    overrides: Overrides = (),
    **more: Unpack[GivenOptions],
) -> list[dict[str, float]]:
    """Metrics of each member of an ensemble, or of each fold; empty for any other run.

    Arguments of `evaluate`.
    """
    parts = files.parts_of(open_run(run))
    return [evaluate(part.path, on, overrides, **more) for part in parts]


def predict(
    run: str | os.PathLike,
    rows: object,
    *,
    on_error: OnError = "refuse",
    plugins: Sequence[str] = (),
    all_windows: bool = False,
    keep: Sequence[str] = (),
) -> Predictions:
    """Predictions for raw rows; see `keras_recipes.predict`."""
    where = open_run(run)
    described = where.read_json(files.DATA, "classes", "features", "input_shape", "scaling")
    load_plugins(plugins)
    written = read(where.verified(files.RECIPE))
    reading = Reading(
        described,
        on_error=on_error,
        arrays=array_names(written),
        undecodable=undecodable,
        keep=tuple(keep),
    )
    if all_windows and described.get("window") is None:
        raise RequestError(f"{where.path}: the run has no windows; leave `all_windows` out.")
    model = model_of(where)
    with consistent(f"{where / files.DATA}"):
        parsed = rows_of(rows, reading)
        if described.get("window") is not None:
            made = forecast(model, parsed.x, reading, every=all_windows)
            return replace(made, notes=parsed.notes)
        made = predicted(where, model, parsed.x, usable=parsed.usable)
    notes = (*parsed.notes, *made.notes)
    return replace(made, errors=parsed.errors, notes=notes, files=parsed.files, kept=parsed.kept)


def predicted(
    run: RunDirectory, model: keras.Model, rows: Rows | Frame, *, usable: np.ndarray | None = None
) -> Predictions:
    """Predictions of a run's model for rows in the form that it takes.

    Args:
        usable: for each row that was given, whether it is among `rows`; by default all.
    """
    described = run.read_json(files.DATA, "classes", "features")
    reading = Reading(described)
    # A dataset and not an array, which Keras would round to 32 bits for a model that takes 64.
    x = raw(reading.features, rows) if isinstance(rows, Frame) else rows
    outputs = outputs_of(model, batches_of(x))
    return predictions(outputs.get("", outputs), described, usable=usable)
