"""From a recipe and its data to a compiled model, its datasets and its callbacks."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal, NotRequired, TypedDict

import keras
import tensorflow as tf

from ...callbacks.curves import ConstantPredictor
from ...callbacks.loss_weights_log import LossWeightsLog
from ...models.loss_weights import Term
from ...models.shards import Sharing
from ...models.training_step import TrainingStep
from ..data import Data
from ..data.order import TrainingDataset
from ..errors import RecipeError
from ..spec import Recipe
from . import task as tasks
from .compiling import compile_model
from .constant import baseline_loss, constant_guess
from .datasets import evaluation, fit_data_of, share_batches, training_rows
from .encoding import encoded
from .feature_cache import Features, cached_features
from .heads import (
    check_thresholds,
    ends_of,
    summary_of,
)
from .hub_text import tokenizer_of
from .network import network
from .objects import Builder
from .phases import phases_of
from .precision import Precision, TimedStep, computing_in, decide
from .preprocessing import Preprocessing
from .pretraining import Pretraining, pretraining


class FitArguments(TypedDict):
    """Arguments of `model.fit`."""

    x: tf.data.Dataset
    steps_per_epoch: int | None
    epochs: int
    validation_data: tf.data.Dataset | None
    validation_steps: NotRequired[int]
    shuffle: bool
    verbose: Literal[0, 1, 2]


@dataclass(frozen=True)
class Experiment:
    """Everything that `model.fit` needs, built and checked.

    Attributes:
        data: with the columns of tables as numbers.
        training: batches of the training split.
        fit_data: what `model.fit` takes: the batches, or the numbers of their rows where the model
            holds the rows.
        precision: what layers compute in, and why if that was decided here.
        baseline: loss of a network that knows nothing, where that is known.
        constant: what a network that predicts the same for every row reaches.
        summary: a line about the task, its loss and output.
        terms: for each output whose weight is a schedule or learned, how its loss enters the sum.
        shared_validation: the validation split as the processes and devices of a training share it
            while it runs; None for one device.
    """

    data: Data
    model: TrainingStep
    training: TrainingDataset
    fit_data: TrainingDataset
    validation: tf.data.Dataset | None
    test: tf.data.Dataset | None
    callbacks: tuple[keras.callbacks.Callback, ...]
    epochs: int
    precision: Precision
    baseline: float | None = None
    pretraining: Pretraining | None = None
    constant: ConstantPredictor | None = None
    summary: str = ""
    terms: Mapping[str, Term] = field(default_factory=dict)
    shared_validation: tf.data.Dataset | None = None

    @property
    def fit_arguments(self) -> FitArguments:
        """What `model.fit` takes, beside its callbacks.

        Given the number of steps, Keras makes one iterator for each pass over the data, else two.
        """
        arguments: FitArguments = {
            "x": self.fit_data.dataset,
            "steps_per_epoch": self.fit_data.steps,
            "epochs": self.epochs,
            "validation_data": self.shared_validation or self.validation,
            "shuffle": False,  # the dataset has its order already
            "verbose": 0,
        }
        if self.validation is not None and self.training.held is not None:
            # Only for rows in memory: the prefetched batch belongs to the next pass, and may be
            # expensive to make of other rows.
            arguments["validation_data"] = self.validation.repeat()
            arguments["validation_steps"] = int(self.validation.cardinality())
        return arguments


def experiment(
    recipe: Recipe,
    data: Data,
    files: Path,
    *,
    decided: str | None = None,
    sharing: Sharing | None = None,
    single_steps: bool = False,
) -> Experiment:
    """Build what the recipe describes.

    Args:
        data: the recipe's data, split, in raw form.
        files: directory that callbacks write to.
        decided: what `precision: auto` stands for, if it was decided before; other recipes say it.
        sharing: the processes and devices that train together; None for one device.
        single_steps: whether an execution is one step where the recipe says `auto`, as with
            `sharing`.

    Raises:
        RecipeError: a class refuses its arguments, or layers do not fit, with the line of it.
    """
    if recipe.precision == "auto" and decided is None:
        return with_measured_precision(recipe, data, files, sharing)
    # Initial weights and dropout masks follow from the seed alone.
    keras.utils.set_random_seed(recipe.seed)
    task = ends_of(recipe, data)
    check_thresholds(recipe, task, data)
    precision = recipe.precision if decided is None or recipe.precision != "auto" else decided
    data, prepared, cached = prepared_data(recipe, data, precision)
    training = training_rows(recipe, data, task, sharing)
    builder = Builder(recipe, training.steps, files)
    model = network(recipe, data, task, builder, prepared, precision)
    terms = compile_model(
        model,
        recipe,
        task,
        builder,
        len(data.train.y),
        looped=training.held is not None,
        sharing=sharing,
        single=single_steps or sharing is not None,
    )
    if sharing is not None:
        share_batches(recipe, model, training, sharing)
    recipe_callbacks = callbacks(recipe, builder)
    single = isinstance(task, tasks.Task)
    baseline = baseline_loss(recipe, task, data.train.y) if single else None
    return Experiment(
        data=data,
        model=model,
        training=training,
        fit_data=fit_data_of(model, training),
        validation=evaluation(data.validation, task),
        test=evaluation(data.test, task),
        callbacks=(
            *phases_of(recipe, model, recipe_callbacks, cached=cached),
            *recipe_callbacks,
            *weight_logs(terms),
        ),
        epochs=recipe.epochs,
        precision=Precision(precision),
        baseline=baseline,
        pretraining=pretraining(recipe, data, model),
        constant=constant_guess(task, data, baseline, recipe.data.balance) if single else None,
        summary=summary_of(recipe, task, data),
        terms=terms,
        shared_validation=None if sharing is None else evaluation(data.validation, task, sharing),
    )


def prepared_data(
    recipe: Recipe, data: Data, precision: str
) -> tuple[Data, Preprocessing | Features | None, bool]:
    """Data as the network takes them, what encodes columns, and whether features are cached."""
    data, prepared = encoded(data, tokenizer_of(recipe))
    with computing_in(precision):
        cached = cached_features(recipe, data, prepared)
    return (data, prepared, False) if cached is None else (*cached, True)


def with_measured_precision(
    recipe: Recipe, data: Data, files: Path, sharing: Sharing | None = None
) -> Experiment:
    """The experiment in the precision that makes its training step faster on this machine."""
    if sharing is not None and sharing.processes > 1:
        text = (
            "each worker would measure it and might decide differently. Write `float32` or another "
            "policy."
        )
        raise RecipeError([recipe.problem(("precision",), text)])
    build = partial(experiment, recipe, data, files)

    def step_of(precision: str) -> TimedStep:
        built = build(decided=precision)
        return TimedStep(built.model, built.training.dataset)

    decision = decide(step_of)
    return replace(build(decided=decision.name, sharing=sharing), precision=decision)


def callbacks(recipe: Recipe, builder: Builder) -> list[keras.callbacks.Callback]:
    """The recipe's callbacks, in its order."""
    return [
        builder.make("callbacks", choice, ("callbacks", index))
        for index, choice in enumerate(recipe.callbacks)
    ]


def weight_logs(terms: Mapping[str, Term]) -> list[keras.callbacks.Callback]:
    """Callbacks that log the weights of losses which are schedules or learned."""
    weights = {name: lambda term=term: term.values()[0] for name, term in terms.items()}
    return [LossWeightsLog(weights)] if weights else []
