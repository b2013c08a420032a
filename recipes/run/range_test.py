"""The learning-rate range test of a recipe. Nothing is written, and nothing is left trained."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RequestError
from ..spec import Recipe
from .backend import use_tensorflow

if TYPE_CHECKING:
    from ...callbacks import LearningRateFinder


def range_test(
    recipe: Recipe, *, min_lr: float = 1e-6, max_lr: float = 10.0, steps: int = 200
) -> "LearningRateFinder":
    """Sweep the learning rate up on a recipe's network and data.

    Momentum, decay and clipping are the recipe's; its learning rate, callbacks and validation are
    left out, and so is `gradient_accumulation`: every batch is an update.

    Args:
        min_lr: rate of the first step, > 0.
        max_lr: rate of the last step.
        steps: steps of the sweep, >= 20.

    Raises:
        RequestError: the recipe or the arguments cannot be used.
    """
    from ..build.inputs import data_of

    data = data_of(recipe)
    use_tensorflow()
    from ...callbacks import LearningRateFinder
    from ..build.experiment import experiment
    from ..data.order import EpochOrder
    from .pretrain import pretrain_aside

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
    built.model.fit(
        built.training.dataset,
        epochs=-(-steps // built.training.steps),
        callbacks=[EpochOrder(built.training.epoch), finder],
        shuffle=False,  # the dataset has its order already
        verbose=0,  # type: ignore[arg-type]
    )
    return finder
