"""The quality of a trained model's probabilities, and the threshold that validation rows choose."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import d2_tweedie_score, mean_poisson_deviance

from ..build.heads import Ends, ends_of
from ..build.task import Form, Task
from ..data import Data
from ..record import directory as files
from ..record.directory import RunDirectory
from ..spec import Recipe
from ..spec.targets import DEFAULT_THRESHOLD
from .predictions import both_classes, label_names, probabilities
from .quality import Answers, are_probabilities, quality
from .thresholds import best_threshold


def asked_threshold(recipe: Recipe, task: Task) -> Any:
    """What `data.json` says before a threshold is chosen: numbers, `{maximize: ...}`, or None."""
    asked = recipe.data.threshold
    if asked == DEFAULT_THRESHOLD or isinstance(asked, dict):
        return None if asked == DEFAULT_THRESHOLD else asked
    return [asked] * (task.units if task.form is Form.MULTILABEL else 1)


def assess(
    recipe: Recipe,
    data: Data,
    model: keras.Model,
    splits: Mapping[str, tf.data.Dataset | None],
    directory: RunDirectory,
) -> dict[str, Any]:
    """Choose the threshold on the validation rows, and measure all splits with it.

    The model predicts each split once. Tables and pictures go to `quality.json`, the threshold to
    `data.json`.

    Args:
        splits: datasets of `(x, y)` by the names of the splits of `data`, in its order of rows.

    Returns:
        The fields `quality` and `threshold` of a result.
    """
    ends = ends_of(recipe, data)
    # A model of its own: compiling is for training, and the weights are the same.
    several = isinstance(ends, Ends)
    predicting: Any = keras.Model(model.input, model.output if several else model.outputs[0])
    tasks = [end.task for _, end in ends.all] if isinstance(ends, Ends) else [ends]
    asked = any(task.counts or task.activation_of_probabilities is not None for task in tasks)
    outputs = {
        name: predicting.predict(dataset, verbose=0)
        for name, dataset in splits.items()
        if dataset is not None and asked
    }
    if isinstance(ends, Ends):
        return {"quality": _of_each(ends, outputs), "threshold": None}
    return _of_one(recipe, ends, data, outputs, directory)


def _of_each(
    ends: Ends, outputs: Mapping[str, Mapping[str, np.ndarray]]
) -> dict[str, dict[str, float]]:
    """The figures of several outputs by split, each with the name of its output before it."""
    found: dict[str, dict[str, float]] = {split: {} for split in outputs}
    for split, predicted in outputs.items():
        for name, end in ends.all:
            if end.task.counts:
                figures = _of_counts(getattr(end.data, split).y, predicted[name])
            else:
                answers = _answers(end.task, end.data, split, predicted[name])
                figures = {} if answers is None else quality(answers)["figures"]
            found[split] |= {f"{name}_{figure}": value for figure, value in figures.items()}
    return found


def _of_one(
    recipe: Recipe,
    task: Task,
    data: Data,
    outputs: Mapping[str, np.ndarray],
    directory: RunDirectory,
) -> dict[str, Any]:
    """The fields of a network with one output; its tables go to `quality.json`."""
    if task.counts:
        return {
            "quality": {
                name: _of_counts(getattr(data, name).y, found) for name, found in outputs.items()
            }
        }
    answers = {name: _answers(task, data, name, found) for name, found in outputs.items()}
    answers = {name: found for name, found in answers.items() if found is not None}
    threshold = _threshold(recipe, task, answers.get("validation"))
    details = {
        name: quality(replace(found, thresholds=threshold)) for name, found in answers.items()
    }
    if details:
        directory.write_json(files.QUALITY, details)
    if threshold is not None:
        described = directory.read_json(files.DATA)
        directory.write_json(files.DATA, {**described, "threshold": threshold})
    figures = {name: found["figures"] for name, found in details.items()}
    return {"quality": figures, "threshold": threshold}


def quality_of(
    task: Task,
    data: Any,
    model: Any,
    split: str,
    dataset: tf.data.Dataset,
    threshold: Sequence[float] | None,
) -> dict[str, Any]:
    """What `quality.json` says of a split, for rows with targets of any kind.

    Args:
        data: rows of a recipe, or others in their form.
        split: name of the rows among those of `data`.
        dataset: these rows with their targets in their order, as the model takes them.
        threshold: that the run decides by, or None.

    Returns:
        The `figures`, and `confusion` or `labels`; empty where the outputs are no probabilities.
    """
    if not task.counts and task.activation_of_probabilities is None:
        return {}
    outputs = model.predict(dataset, verbose=0)
    if task.counts:
        return {"figures": _of_counts(getattr(data, split).y, outputs)}
    answers = _answers(task, data, split, outputs)
    return {} if answers is None else quality(replace(answers, thresholds=threshold))


def _answers(task: Task, data: Any, split: str, outputs: np.ndarray) -> Answers | None:
    """Targets and probabilities of a split; None where the outputs are no probabilities."""
    if task.form is Form.VALUES:
        return None
    found = both_classes(probabilities(outputs, task.output_function), data.classes)
    labels = task.form is Form.MULTILABEL
    if not are_probabilities(found, labels=labels):
        return None
    names = label_names(data.target, found.shape[1]) if labels else data.classes
    return Answers(getattr(data, split).y, found, names, ordered=task.ordered)


def _threshold(recipe: Recipe, task: Task, validation: Answers | None) -> list[float] | None:
    asked = recipe.data.threshold
    if not isinstance(asked, dict):
        return asked_threshold(recipe, task)
    if validation is None:
        return None
    columns = zip(*(values.T for values in validation.columns), strict=True)
    return [best_threshold(y, found, asked["maximize"]) for y, found in columns]


def _of_counts(y: np.ndarray, rates: np.ndarray) -> dict[str, float]:
    """Mean Poisson deviance, and the fraction of that of the mean that is explained."""
    counts, found = y.reshape(-1), np.asarray(rates, "float64").reshape(-1)
    if not np.isfinite(found).all() or found.min() <= 0:
        return {}
    figures = {"poisson_deviance": float(mean_poisson_deviance(counts, found))}
    if counts.max() > 0 and len(counts) > 1:
        figures["d2"] = float(d2_tweedie_score(counts, found, power=1))
    return figures
