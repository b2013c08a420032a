"""The quality of a trained model's probabilities, and the threshold that validation rows choose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from weakref import WeakKeyDictionary

import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import d2_tweedie_score, mean_poisson_deviance

from ..build.heads import Ends, ends_of
from ..build.task import Form, Task
from ..data import Data
from ..record import directory as files
from ..record.contents import JSONObject, Quality
from ..record.directory import RunDirectory
from ..spec import Recipe
from ..spec.targets import DEFAULT_THRESHOLD, Maximized
from .decisions import probabilities
from .evidence_files import can_show, write_evidence
from .given_rows import GivenRows
from .predictions import both_classes, label_names
from .quality import Answers, are_probabilities, quality
from .quiet import outputs_of
from .thresholds import best_threshold

# Thresholds that the recipe states, the metric to choose them by, or None for 0.5.
AskedThreshold = list[float] | dict[Literal["maximize"], Maximized] | None


def asked_threshold(recipe: Recipe, task: Task) -> AskedThreshold:
    """What `data.json` says before a threshold is chosen: numbers, `{maximize: ...}`, or None."""
    asked = recipe.data.threshold
    if isinstance(asked, dict):
        return asked
    if asked == DEFAULT_THRESHOLD:
        return None
    stated: float = asked
    return [stated] * (task.units if task.form is Form.MULTILABEL else 1)


# A model -> the one that predicts with its weights.
_PREDICTORS: WeakKeyDictionary[keras.Model, keras.Model] = WeakKeyDictionary()


def predictor(model: keras.Model, *, several: bool) -> keras.Model:
    """Another model with the same weights, compiled for prediction alone.

    Args:
        several: whether the model has several outputs.
    """
    if model not in _PREDICTORS:
        outputs = model.output if several else model.outputs[0]
        _PREDICTORS[model] = keras.Model(model.input, outputs)
    return _PREDICTORS[model]


@dataclass(frozen=True)
class Assessment:
    """What a result says of a model's probabilities.

    Attributes:
        quality: metrics by split; those of several outputs have the name of theirs before them.
        threshold: probabilities above which a class or label is decided on, of several outputs by
            name; None for 0.5.
    """

    quality: dict[str, dict[str, float]]
    threshold: list[float] | dict[str, list[float]] | None


def assess(
    recipe: Recipe,
    data: Data,
    model: keras.Model,
    splits: Mapping[str, tf.data.Dataset | None],
    directory: RunDirectory,
    raw: Data | None = None,
) -> Assessment:
    """Choose the threshold on the validation rows, and measure all splits with it.

    The model predicts each split once. Tables and pictures go to `quality.json`, what a report
    draws of single rows to `evidence.json`, the threshold to `data.json`.

    Args:
        splits: datasets of `(x, y)` by the names of the splits of `data`, in its order of rows.
        raw: the data before they were encoded, where `data` are blocks of numbers.
    """
    ends = ends_of(recipe, data)
    predicting = predictor(model, several=isinstance(ends, Ends))
    tasks = [end.task for _, end in ends.all] if isinstance(ends, Ends) else [ends]
    asked = any(task.counts or task.activation_of_probabilities is not None for task in tasks)
    outputs = {
        name: outputs_of(predicting, dataset)
        for name, dataset in splits.items()
        if dataset is not None and (asked or can_show(data, name))
    }
    if isinstance(ends, Ends):
        return _of_each(ends, outputs, directory, data if raw is None else raw)
    assessed = _of_one(recipe, ends, data, {name: each[""] for name, each in outputs.items()})
    write_evidence(
        directory,
        {"": (ends, assessed.answers)},
        outputs,
        data if raw is None else raw,
    )
    if assessed.details:
        directory.write_json(files.QUALITY, assessed.details)
    if assessed.threshold is not None:
        described = directory.read_json(files.DATA)
        directory.write_json(files.DATA, {**described, "threshold": assessed.threshold})
    return Assessment(assessed.figures, assessed.threshold)


@dataclass(frozen=True)
class _OfOutput:
    """What was measured of one output.

    Attributes:
        figures: metrics by split.
        details: tables and pictures by split, for `quality.json`; empty where there are none.
        threshold: probability above which a class is decided on, or None.
        answers: by split; empty where the outputs are no probabilities.
    """

    figures: dict[str, dict[str, float]]
    details: dict[str, Quality] = field(default_factory=dict[str, Quality])
    threshold: list[float] | None = None
    answers: dict[str, Answers] = field(default_factory=dict[str, Answers])


def _of_each(
    ends: Ends,
    outputs: Mapping[str, Mapping[str, np.ndarray]],
    directory: RunDirectory,
    raw: Data,
) -> Assessment:
    """The assessment of a network with several outputs.

    The figures have the name of their output before them; thresholds are by output, and so is
    `quality.json`, below `outputs`.
    """
    each = {
        name: _of_one(
            end.recipe,
            end.task,
            end.data,
            {split: output[name] for split, output in outputs.items()},
        )
        for name, end in ends.all
    }
    shown = {name: (end.task, each[name].answers) for name, end in ends.all}
    write_evidence(directory, shown, outputs, raw)
    details = {name: output.details for name, output in each.items() if output.details}
    if details:
        directory.write_json(files.QUALITY, {files.OUTPUTS: details})
    thresholds = {
        name: output.threshold for name, output in each.items() if output.threshold is not None
    }
    if thresholds:
        described = directory.read_json(files.DATA)
        for name, threshold in thresholds.items():
            described["heads"][name]["threshold"] = threshold
        directory.write_json(files.DATA, described)
    figures = {
        split: {
            f"{name}_{figure}": value
            for name, output in each.items()
            for figure, value in output.figures.get(split, {}).items()
        }
        for split in outputs
    }
    return Assessment(figures, thresholds or None)


def _of_one(recipe: Recipe, task: Task, data: Data, outputs: Mapping[str, np.ndarray]) -> _OfOutput:
    """Measure one output by its predictions for the rows of each split."""
    if task.counts:
        return _OfOutput(
            {name: _of_counts(getattr(data, name).y, rates) for name, rates in outputs.items()}
        )
    each = {name: _answers(task, data, name, array) for name, array in outputs.items()}
    answers = {name: answer for name, answer in each.items() if answer is not None}
    threshold = _threshold(recipe, task, answers.get("validation"))
    answers = {name: replace(answer, thresholds=threshold) for name, answer in answers.items()}
    details = {name: quality(answer) for name, answer in answers.items()}
    figures = {name: detail["figures"] for name, detail in details.items()}
    return _OfOutput(figures, details, threshold, answers)


def quality_of(
    ends: Task | Ends,
    data: Data | GivenRows,
    model: keras.Model,
    split: str,
    dataset: tf.data.Dataset,
    described: JSONObject,
) -> JSONObject:
    """What `quality.json` says of a split, for rows with targets of any kind.

    Args:
        data: rows of a recipe, or others in their form.
        split: name of the rows among those of `data`.
        dataset: these rows with their targets in their order, as the model takes them.
        described: the run's `data.json`, which has the thresholds that it decides by.

    Returns:
        The `figures`, and `confusion` or `labels`; empty where the outputs are no probabilities.
        Of several outputs these below `outputs`, by name.
    """
    tasks = [ends] if isinstance(ends, Task) else [end.task for _, end in ends.all]
    if not any(task.counts or task.activation_of_probabilities is not None for task in tasks):
        return {}
    outputs = outputs_of(model, dataset)
    if isinstance(ends, Task):
        return _quality_of_one(ends, data, split, outputs[""], described.get("threshold"))
    each = {
        name: _quality_of_one(
            end.task, end.data, split, outputs[name], described["heads"][name].get("threshold")
        )
        for name, end in ends.all
    }
    return {files.OUTPUTS: {name: content for name, content in each.items() if content}}


def _quality_of_one(
    task: Task, data: Data | GivenRows, split: str, outputs: np.ndarray, threshold: object
) -> JSONObject:
    if task.counts:
        return {"figures": _of_counts(getattr(data, split).y, outputs)}
    answers = _answers(task, data, split, outputs)
    # A run that has not ended may not have chosen its threshold yet.
    chosen: Sequence[float] | None = threshold if isinstance(threshold, list) else None
    return {} if answers is None else {**quality(replace(answers, thresholds=chosen))}


def _answers(task: Task, data: Data | GivenRows, split: str, outputs: np.ndarray) -> Answers | None:
    """Targets and probabilities of a split; None where the outputs are no probabilities."""
    if task.form is Form.VALUES:
        return None
    p = both_classes(probabilities(outputs, task.output_function), data.classes)
    labels = task.form is Form.MULTILABEL
    if not are_probabilities(p, labels=labels):
        return None
    names = label_names(data.target, p.shape[1]) if labels else data.classes
    return Answers(getattr(data, split).y, p, names, ordered=task.ordered)


def _threshold(recipe: Recipe, task: Task, validation: Answers | None) -> list[float] | None:
    asked = asked_threshold(recipe, task)
    if not isinstance(asked, dict):
        return asked
    if validation is None:
        return None
    columns = zip(*(values.T for values in validation.columns), strict=True)
    return [best_threshold(y, p, asked["maximize"]) for y, p in columns]


def _of_counts(y: np.ndarray, rates: np.ndarray) -> dict[str, float]:
    """Mean Poisson deviance, and the fraction of the deviance of a constant that is explained."""
    counts, predicted = y.reshape(-1), np.asarray(rates, "float64").reshape(-1)
    if not np.isfinite(predicted).all() or predicted.min() <= 0:
        return {}
    figures = {"poisson_deviance": float(mean_poisson_deviance(counts, predicted))}
    if counts.max() > 0 and len(counts) > 1:
        figures["d2"] = float(d2_tweedie_score(counts, predicted, power=1))
    return figures
