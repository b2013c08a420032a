"""The learning-rate range test of a recipe. Nothing is written, and nothing is left trained."""

import tempfile
from pathlib import Path
from typing import Any

from ...callbacks import LearningRateFinder
from ...callbacks.epoch_order import EpochOrder
from ..build.experiment import experiment
from ..data import Data
from ..errors import RequestError
from ..spec import Recipe
from .pretrain import pretrain_aside


def range_test(
    recipe: Recipe,
    data: Data,
    *,
    min_lr: float = 1e-6,
    max_lr: float = 10.0,
    steps: int = 200,
) -> LearningRateFinder:
    """Increase the learning rate step by step on a recipe's network and data.

    Momentum, decay and clipping are the recipe's; its learning rate, callbacks and validation are
    left out, and so is `gradient_accumulation`: every batch is an update.

    Args:
        min_lr: rate of the first step, > 0.
        max_lr: rate of the last step.
        steps: number of steps, >= 20.

    Raises:
        RequestError: the recipe or the arguments cannot be used.
    """
    try:
        finder = LearningRateFinder(min_lr, max_lr, steps)
    except ValueError as error:
        raise RequestError(f"find-lr: {error}") from None
    sweep = recipe.model_copy(
        update={"steps_per_execution": 1, "callbacks": [], "gradient_accumulation": 1}
    )
    with tempfile.TemporaryDirectory() as files:
        built = experiment(sweep, data, Path(files))
    pretrain_aside(built.pretraining, built.model)
    model: Any = built.model
    model.fit(
        built.training.dataset,
        epochs=-(-steps // built.training.steps),
        callbacks=[EpochOrder(built.training.epoch), finder],
        shuffle=False,  # the dataset has its order already
        verbose=0,
    )
    return finder
