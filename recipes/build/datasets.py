"""The splits of a recipe as datasets, and a model that shares their batches."""

from typing import Any

import tensorflow as tf

from ...models.shards import Sharing
from ...models.training_step import TrainingStep
from ..data import Data, Split
from ..data.evaluation import evaluation_dataset
from ..data.order import TrainingDataset, training_dataset
from ..errors import DataError, RecipeError
from ..spec import Recipe
from . import task as tasks
from .augment import augmentation
from .execution import can_loop
from .heads import Ends, balance_for


def training_rows(
    recipe: Recipe, data: Data, task: tasks.Task | Ends, sharing: Sharing | None = None
) -> TrainingDataset:
    """The training split in batches, in the order of each epoch, augmented as the recipe says."""
    one = task if isinstance(task, tasks.Task) else None
    return training_dataset(
        Split(data.train.x, task.encode(data.train.y)),
        batch_size=recipe.data.batch_size,
        seed=recipe.seed,
        drop_remainder=recipe.data.drop_remainder,
        augment=augmentation(recipe, data, one),
        balance=balance_for(recipe, task, data.train.y),
        sharing=sharing,
    )


def fit_data_of(model: TrainingStep, training: TrainingDataset) -> TrainingDataset:
    """What `model.fit` takes: the numbers of rows where they are held, and else batches.

    Where XLA compiles single steps, it gets batches too: a loop of it would be slower.
    """
    if training.held is None or training.numbers is None:
        return training
    if model.jit_compile and not can_loop(model):
        return training
    model.hold_rows(training.held)
    return training.numbers(int(model.steps_per_execution))


def share_batches(
    recipe: Recipe, model: TrainingStep, training: TrainingDataset, sharing: Sharing
) -> None:
    """Let a compiled model train on its shards of each batch.

    Raises:
        RecipeError: a layer or an option of the recipe cannot be shared.
    """
    if recipe.jit_compile is True:
        text = "a step that devices or workers share is not compiled by XLA. Use `auto` or `false`."
        raise RecipeError([recipe.problem(("jit_compile",), text)])
    waits = [n.name for n in model._flatten_layers() if getattr(n, "synchronized", False)]
    if sharing.exact and waits:
        text = f"`{waits[0]}` is synchronized over shards, which are computed one by one."
        raise RecipeError([recipe.problem(("model",), f"--exact-shards: {text}")])
    spec: Any = training.dataset.element_spec
    model.share_batches(sharing, spec)


def evaluation(
    split: Split | None, task: tasks.Task | Ends, sharing: Sharing | None = None
) -> tf.data.Dataset | None:
    """A split in its order, in batches for evaluation; None for no split."""
    if split is None:
        return None
    try:
        encoded = task.encode(split.y)
    except IndexError as error:
        raise DataError(f"evaluation rows have a class that training lacks: {error}") from None
    return evaluation_dataset(Split(split.x, encoded), sharing=sharing)
