"""A finished run, taken up again: its recipe, its model, its data."""

import os
from pathlib import Path
from typing import Any

from ..errors import RequestError
from ..spec import Recipe, load
from . import directory as files
from .backend import use_tensorflow
from .directory import RunDirectory, opened
from .plugins import require_plugins


def recipe_of(run: RunDirectory) -> Recipe:
    """The resolved recipe that a run was made from."""
    require_plugins(run)
    return load(run / files.RECIPE)


def model_of(run: RunDirectory) -> Any:
    """The network that a run saved, not compiled."""
    path = run / files.MODEL
    if not path.is_file():
        status = run.read_json(files.RESULT).get("status")
        raise RequestError(
            f"{run.path}: holds no model yet; its status is {status}. "
            f"{run / files.CHECKPOINTS} may hold one of an epoch."
        )
    require_plugins(run)
    use_tensorflow()
    import keras

    return keras.models.load_model(path, compile=False)


def evaluate(run: str | os.PathLike, split: str = "test") -> dict[str, float]:
    """Metrics of a run's model on one of the splits that its recipe makes.

    Raises:
        RequestError: no run there, no such split, or the data is not what the run was trained on.
    """
    where = opened(run)
    recipe = recipe_of(where)
    from ..build.inputs import data_of

    data = data_of(recipe)
    trained_on = where.read_json(files.MANIFEST)["fingerprints"]["data"]
    if data.fingerprint != trained_on:
        raise RequestError(
            f"{where.path}: the data has changed since this run. Its fingerprint was "
            f"{trained_on[:12]}, now it is {data.fingerprint[:12]}; splits would not be the same."
        )
    if getattr(data, split) is None:
        raise RequestError(f"{where.path}: the recipe makes no {split} split.")
    return measured(recipe, data, model_of(where), split)


def measured(recipe: Recipe, data: Any, model: Any, split: str) -> dict[str, float]:
    """Loss and metrics of a network on a split; empty where there is no such split."""
    chosen = getattr(data, split)
    if chosen is None:
        return {}
    from ..build import task as tasks
    from ..build.experiment import evaluation
    from ..build.objects import Builder

    task = tasks.task_of(recipe, data.task, len(data.classes), data.num_outputs)
    builder = Builder(recipe, steps_per_epoch=1)
    model.compile(
        loss=tasks.loss(recipe, task, builder), metrics=tasks.metrics(recipe, task, builder)
    )
    values = model.evaluate(evaluation(chosen, task), verbose=0, return_dict=True)
    return {name: float(value) for name, value in values.items()}


def members(run: str | os.PathLike, split: str = "test") -> list[dict[str, float]]:
    """Metrics of each member of an ensemble, in order; none where the run is no ensemble."""
    where = opened(run)
    count = len(where.read_json(files.RESULT).get("members") or [])
    return [evaluate(where / files.MEMBERS / str(index + 1), split) for index in range(count)]


def predict(run: str | os.PathLike, file: str | os.PathLike) -> tuple[list[str], list[list]]:
    """Predictions for the raw rows of a file.

    Returns:
        The column names and a row for each row of the file: for classes the predicted one and the
        probability of each, for numbers the predicted numbers.
    """
    where = opened(run)
    described = where.read_json(files.DATA)
    from ..build.data import read_rows

    rows = read_rows(Path(file), described)
    values = model_of(where).predict(rows, verbose=0)
    return table(values, described["classes"])


def table(values: Any, classes: list) -> tuple[list[str], list[list]]:
    """Network outputs (rows, units) as a table for people."""
    if not classes:
        header = (
            ["prediction"]
            if values.shape[1] == 1
            else [f"prediction_{index}" for index in range(values.shape[1])]
        )
        return header, [[float(value) for value in row] for row in values]
    header = ["prediction", *(f"output_{name}" for name in classes)]
    if values.shape[1] == 1:  # one sigmoid unit: the probability of the second class
        values = _two_columns(values)
    best = values.argmax(axis=1)
    return header, [
        [classes[index], *(float(value) for value in row)]
        for index, row in zip(best, values, strict=True)
    ]


def _two_columns(values: Any) -> Any:
    import numpy as np

    return np.concatenate([1 - values, values], axis=1)
