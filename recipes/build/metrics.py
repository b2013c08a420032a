"""The metrics of a recipe, each brought to the form of the task's targets or refused."""

from collections.abc import Callable

import keras
import numpy as np

from ...models import EncodedMetric, RankAccuracy, RankError
from ...models.encoded_metric import Form as Encoding
from ..errors import RecipeError
from ..spec import Choice, Recipe
from ..spec.tasks import (
    BINARY_METRICS,
    COLUMN_METRICS,
    DETECTION_METRICS,
    LABEL_METRICS,
    RANK_METRICS,
    ROW_METRICS,
    refused,
)
from .objects import Builder, first_paragraph
from .task import Form, Task

# Metrics that take the outputs themselves and not probabilities.
MARGINS = frozenset({"hinge", "squared_hinge", "categorical_hinge"})
F_SCORES = frozenset({"f1_score", "f_beta_score"})
OVERLAPS = frozenset({"io_u", "mean_io_u", "one_hot_io_u", "one_hot_mean_io_u"})
# Errors of targets of this size are squared and summed in 32 bits.
LARGEST_SQUARED = 1e15
# Rows that a metric is tried on before training.
TRIED = 4


def metrics(recipe: Recipe, task: Task, builder: Builder) -> list[keras.metrics.Metric]:
    """The recipe's metrics, or those that fit the task.

    By default accuracy for classes, accuracy and AUC of each label for several labels, RMSE and MAE
    for numbers.

    Raises:
        RecipeError: a metric cannot compare the task's targets with the outputs, with its line.
    """
    if recipe.metrics is not None:
        return [
            metric(recipe, choice, ("metrics", index), task, builder)
            for index, choice in enumerate(recipe.metrics)
        ]
    if task.form is Form.VALUES:
        return [
            keras.metrics.RootMeanSquaredError(name="rmse", dtype=_type_of_squares(task)),
            keras.metrics.MeanAbsoluteError(name="mae"),
        ]
    if task.form is Form.MULTILABEL:
        auc = Choice("metrics", "auc", {})
        return [accuracy(task), metric(recipe, auc, ("metrics",), task, builder)]
    return [accuracy(task), ranked(RankError(), task)] if task.ordered else [accuracy(task)]


def _type_of_squares(task: Task) -> str | None:
    """64 bits for targets whose squares are no 32-bit floats; None for what Keras computes in."""
    scaling = task.scaling
    if scaling is None:
        return None
    largest = np.max(np.abs(scaling.offset) + scaling.divisor)
    return "float64" if largest > LARGEST_SQUARED else None


def ranked(metric: keras.metrics.Metric, task: Task) -> keras.metrics.Metric:
    """A metric of ordered classes, for the form of the targets."""
    if task.form is Form.LABELS and not task.logits:
        return metric
    return EncodedMetric(
        metric,
        task.classes,
        form="class_numbers" if task.form is Form.LABELS else "columns",
        metric_form="class_numbers",
        outputs="logits" if task.logits else "probabilities",
    )


def accuracy(task: Task, name: str = "accuracy", **arguments: float) -> keras.metrics.Metric:
    """Accuracy for the form of the targets.

    `keras.metrics.Accuracy` itself asks for equality, which no probability ever shows; a recipe
    that says `accuracy` means the fraction of rows put in the right class, or of labels that are
    right. Of ordered classes the most central one is predicted.
    """
    if task.ordered:
        return ranked(RankAccuracy(name, **arguments), task)
    makers: dict[Form, Callable[..., keras.metrics.Metric]] = {
        Form.LABELS: keras.metrics.SparseCategoricalAccuracy,
        Form.ONE_HOT: keras.metrics.CategoricalAccuracy,
        Form.BINARY: keras.metrics.BinaryAccuracy,
        Form.MULTILABEL: keras.metrics.BinaryAccuracy,
    }
    if task.form in (Form.BINARY, Form.MULTILABEL) and task.logits:
        arguments.setdefault("threshold", 0.0)
    return makers[task.form](name=name, **arguments)


def metric(
    recipe: Recipe, choice: Choice, place: tuple, task: Task, builder: Builder
) -> keras.metrics.Metric:
    """One metric, tried on a few rows of the task's form."""

    def wrong(reason: str) -> RecipeError:
        return RecipeError([recipe.problem(place, reason)])

    kind = "ordinal" if task.ordered else task.kind
    reason = refused(choice.name, kind, probabilities=task.probabilities is not None)
    reason = reason or _misfit(choice, task)
    if reason:
        raise wrong(reason)
    if choice.name == "accuracy":
        return accuracy(task, **choice.arguments)
    if choice.name in RANK_METRICS:
        return ranked(builder.make("metrics", choice, place), task)
    fitted = choice.with_arguments(**_arguments(choice, task))
    made = _encoded(builder.make("metrics", fitted, place), choice, task)
    try:
        made.update_state(*task.examples(TRIED))
        shape = np.shape(made.result())
    # Metrics raise errors of any type, those of TensorFlow among them.
    except Exception as error:
        text = first_paragraph(str(error))
        raise wrong(f"`{choice.name}` cannot compare {task.words}: {text}") from error
    if shape != ():
        raise wrong(
            f"`{choice.name}` gives {np.prod(shape)} numbers, and a log takes one. Average them: "
            "`average: macro`, or `class_aggregation: uniform_average`."
        )
    made.reset_state()
    return made


def _misfit(choice: Choice, task: Task) -> str:
    """Why a metric does not fit the number of classes or outputs; empty where it does."""
    name, given = choice.name, choice.arguments
    several = task.kind == "classification" and task.classes > 2
    if several and name in BINARY_METRICS:
        return (
            f"`{name}` decides between two classes, and there are {task.classes}. `accuracy` fits "
            "every number of classes."
        )
    if task.units == 1 and name in ROW_METRICS:
        return f"`{name}` compares the numbers of a row with each other, and a row has only one."
    if task.kind == "multilabel" and name in ROW_METRICS - {"cosine_similarity"}:
        return f"`{name}` has no value where the labels of a row are all equal."
    if name in OVERLAPS:
        forms = {"sparse_y_true", "sparse_y_pred"} & set(given)
        if forms:
            return f"the form of the targets decides `{min(forms)}`; leave it out."
        if given.get("num_classes", task.classes) != task.classes:
            return f"`num_classes` must be {task.classes}, as in the data."
    if name in F_SCORES and "average" in given and given["average"] is None:
        return f"`{name}` without an `average` gives a number a class, and a log takes one."
    return ""


def _arguments(choice: Choice, task: Task) -> dict[str, object]:
    """Arguments that follow from the task where the recipe does not give them."""
    name, given = choice.name, choice.arguments
    # Keras would count the metrics that the process has made: `auc_1`.
    found: dict[str, object] = {"name": given.get("name", name)}
    metric_form = _metric_form(choice, task)
    if name == "auc" and metric_form == "columns":
        found["multi_label"] = given.get("multi_label", True)
        if found["multi_label"]:
            found["num_labels"] = given.get("num_labels", task.units)
    if name in F_SCORES:
        found["average"] = given.get("average", "macro")
        if metric_form == "one_column" or task.kind == "multilabel":
            # Without a threshold the largest column of a row is 1, and of a single one always.
            found["threshold"] = 0.5 if given.get("threshold") is None else given["threshold"]
    if name in OVERLAPS:
        found["sparse_y_pred"] = False
    return found


def _metric_form(choice: Choice, task: Task) -> Encoding:
    name = choice.name
    if task.kind != "classification" or name in COLUMN_METRICS:
        return "columns"
    if name in LABEL_METRICS:
        return "class_numbers"
    if name in DETECTION_METRICS | BINARY_METRICS:
        # Of two classes the second is the one to detect.
        chosen = {"class_id", "top_k"} & set(choice.arguments)
        return "one_column" if task.classes == 2 and not chosen else "columns"
    return "one_column" if task.form is Form.BINARY else "columns"


def _encoded(made: keras.metrics.Metric, choice: Choice, task: Task) -> keras.metrics.Metric:
    """The metric, wrapped in a conversion where it needs another form than the task has."""
    forms: dict[Form, Encoding] = {Form.LABELS: "class_numbers", Form.BINARY: "one_column"}
    given, metric_form = forms.get(task.form, "columns"), _metric_form(choice, task)
    raw = choice.name in MARGINS or choice.arguments.get("from_logits", False)
    logits = task.logits and not raw and task.activation_of_probabilities is not None
    if given == metric_form and not logits:
        return made
    return EncodedMetric(
        made,
        task.classes,
        form=given,
        metric_form=metric_form,
        outputs="logits" if logits else "probabilities",
        multi_label=task.activation_of_probabilities == "sigmoid",
    )
