"""The unit that numbers to predict are learned in, fitted on the training targets."""

import numpy as np

from ..data import Data
from ..data.scale import Scaling
from ..errors import RecipeError
from ..spec import Recipe
from ..spec.tasks import UNIT_LOSSES


def refuse_standardized(recipe: Recipe, why: str) -> None:
    """Raise where targets are to be standardized that are no plain numbers, with the line."""
    if recipe.data.target_scale == "standardize":
        place = ("data", "target_scale")
        raise RecipeError([recipe.problem(place, f"{why}; only numbers can be standardized.")])


def target_scaling(recipe: Recipe, data: Data) -> Scaling | None:
    """Mean and deviation of the training targets, if the network learns them standardized.

    By default it does where nothing of the recipe speaks against it: a loss that depends on the
    unit only by a factor, the default output layer, and targets that are not the scaled rows.

    Raises:
        RecipeError: it is asked for with a loss that needs the targets as they are.
    """
    asked = recipe.data.target_scale
    if data.task == "count":
        return _rate_scaling(recipe, data)
    name = recipe.loss.name if recipe.loss is not None else "mean_squared_error"
    if asked == "standardize" and name not in UNIT_LOSSES:
        place, fitting = ("data", "target_scale"), ", ".join(sorted(UNIT_LOSSES))
        message = f"`{name}` needs the targets as they are; `standardize` goes with {fitting}."
        raise RecipeError([recipe.problem(place, message)])
    own = recipe.model.output is not None or recipe.data.targets == "inputs"
    if asked == "none" or (asked == "auto" and (own or name not in UNIT_LOSSES)):
        return None
    return Scaling.fit("standardize", data.train.y.reshape(len(data.train.y), -1))


def _rate_scaling(recipe: Recipe, data: Data) -> Scaling | None:
    """The mean of counts, which the network learns multiples of; None where it learns the rates.

    A Poisson loss of counts and rates divided by m is that of themselves, divided by m, but for a
    constant: the network begins at the mean rate, and the gradient does not grow with it.
    """
    name = recipe.loss.name if recipe.loss is not None else "poisson"
    if recipe.data.target_scale == "standardize":
        refuse_standardized(recipe, "the targets are counts, which are divided by their mean")
    own = recipe.model.output is not None
    if recipe.data.target_scale == "none" or own or name not in UNIT_LOSSES | {"poisson"}:
        return None
    mean = data.train.y.reshape(len(data.train.y), -1).mean(axis=0, dtype="float64")
    return Scaling("mean", np.zeros_like(mean), np.where(mean > 0, mean, 1.0))
