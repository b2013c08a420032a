"""What is known of a recipe's task before its data is read, and which metrics fit it."""

from collections.abc import Iterator
from typing import Literal

from .schema import Recipe

# `several`: those of several outputs, each of which has one of the others.
Task = Literal["classification", "ordinal", "multilabel", "regression", "count", "several"]
# Tasks whose targets are one class a row, and those whose targets are numbers.
CLASSES = frozenset({"classification", "ordinal"})
NUMBERS = frozenset({"regression", "count"})

REGRESSION_SOURCES = frozenset({"diabetes", "california_housing"})
CLASS_SOURCES = frozenset(
    {"digits", "iris", "wine", "breast_cancer", "mnist", "fashion_mnist", "cifar10", "cifar100"}
)
# Losses that compare each probability with 0 or 1, apart from the others.
BINARY_LOSSES = frozenset({"binary_crossentropy", "binary_focal_crossentropy"})
FOCAL_LOSSES = frozenset({"binary_focal_crossentropy", "categorical_focal_crossentropy"})
CLASS_LOSSES = BINARY_LOSSES | {
    "sparse_categorical_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
}
# Losses of numbers that depend on their unit only by a factor, for which targets are standardized.
UNIT_LOSSES = frozenset(
    {
        "mean_squared_error", "mean_absolute_error", "root_mean_squared_error", "sum_of_squares",
        "huber", "log_cosh",
    }
)  # fmt: skip
# Metrics by what they compare. Class numbers with a probability for each class:
LABEL_METRICS = frozenset(
    {
        "sparse_categorical_accuracy", "sparse_categorical_crossentropy",
        "sparse_top_k_categorical_accuracy", "io_u", "mean_io_u",
    }
)  # fmt: skip
# One column a class with a probability for each class:
COLUMN_METRICS = frozenset(
    {
        "categorical_accuracy", "categorical_crossentropy", "categorical_hinge",
        "top_k_categorical_accuracy", "one_hot_io_u", "one_hot_mean_io_u",
    }
)  # fmt: skip
# 0 and 1 with a probability, where that is all there is to decide:
BINARY_METRICS = frozenset(
    {"binary_accuracy", "binary_crossentropy", "binary_io_u", "hinge", "squared_hinge"}
)
# 0 and 1 with a probability, for one class or each of several:
DETECTION_METRICS = frozenset(
    {
        "auc", "f1_score", "f_beta_score", "false_negatives", "false_positives", "precision",
        "precision_at_recall", "recall", "recall_at_precision", "sensitivity_at_specificity",
        "specificity_at_sensitivity", "true_negatives", "true_positives",
    }
)  # fmt: skip
# Several numbers of a row with each other:
ROW_METRICS = frozenset({"concordance_correlation", "cosine_similarity", "pearson_correlation"})
# Ordered classes with a probability for each:
RANK_METRICS = frozenset({"rank_mae"})
# Metrics of values that are given to them, not of targets and predictions.
NO_METRICS = frozenset({"mean", "sum"})
CLASS_METRICS = LABEL_METRICS | COLUMN_METRICS | BINARY_METRICS | DETECTION_METRICS | {"accuracy"}


def known_task(recipe: Recipe) -> Task | None:
    """The task where the recipe alone decides it; None where the targets do."""
    source = recipe.data.source
    if recipe.data.targets == "inputs" or recipe.data.window is not None:
        return "regression"
    asked = recipe.data.task if recipe.data.task != "auto" else source.arguments.get("task")
    if asked is not None:
        return asked
    if source.name in REGRESSION_SOURCES:
        return "regression"
    return "classification" if source.name in CLASS_SOURCES else None


def metrics_fit_task(recipe: Recipe) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """A metric must be able to compare the task's targets with the network's outputs."""
    task = known_task(recipe)
    for index, metric in enumerate(recipe.metrics or []):
        reason = refused(metric.name, task, probabilities=_probabilities(recipe))
        if reason:
            yield ("metrics", index), reason


def _probabilities(recipe: Recipe) -> bool:
    """Whether numbers to predict are compared as probabilities."""
    return recipe.loss is not None and recipe.loss.name in CLASS_LOSSES


def refused(metric: str, task: Task | None, *, probabilities: bool = False) -> str:
    """Why a metric does not fit a task; empty where it does, or where the task is not known.

    >>> refused("auc", "regression")[:44]
    '`auc` compares classes with probabilities, a'
    """
    if metric in NO_METRICS:
        return (
            f"`{metric}` is a metric of given values; it does not compare targets with "
            "predictions. Leave it out."
        )
    if metric in RANK_METRICS and task not in (None, "ordinal"):
        return (
            f"`{metric}` is the error in ranks of ordered classes. Say their order: "
            "`task: ordinal` and `classes: [...]` below `data`, or use `accuracy`."
        )
    if task in NUMBERS and metric in CLASS_METRICS:
        if probabilities and metric in ("binary_crossentropy", *COLUMN_METRICS):
            return ""
        return (
            f"`{metric}` compares classes with probabilities, and the targets are numbers to "
            "predict. Use `mean_absolute_error`, `root_mean_squared_error` or `r2_score`."
        )
    if task == "multilabel" and metric in LABEL_METRICS | COLUMN_METRICS:
        return (
            f"`{metric}` needs a single class a row, and a row has several labels. Use "
            "`binary_accuracy`, `auc` or `f1_score`."
        )
    return ""


def describe(recipe: Recipe) -> str:
    """The task in words, as far as the recipe decides it.

    A comment for `show`; `train --dry-run` reads the data and knows all.
    """
    task = known_task(recipe)
    if task is None:
        return "task: decided by the targets; `train --dry-run` reads them and prints it"
    return f"task: {task}; `train --dry-run` prints classes, loss and output"
