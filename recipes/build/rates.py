"""What a learning rate must be over the run it is for."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from ..errors import RecipeError
from ..spec import Choice, Recipe
from .objects import Builder

# A rate that is not zero at one of so many updates of the run is taken to be none that is.
LOOKED_AT = 1000
# Schedules that begin with a climb, and the argument that is its length.
CLIMBS = {"warmup": "steps", "warmup_stable_decay": "warmup_steps"}


def check_rate(recipe: Recipe, rate: Any, builder: Builder) -> None:
    """Raise where the run would learn nothing, or where it ends before its warm-up does.

    Raises:
        RecipeError: with the line of the learning rate or of the climb.
    """
    if recipe.learning_rate is None:
        return
    if not (over_the_run(rate, builder) > 0).any():
        message = "the rate is 0 in every update of the run: nothing would be learnt."
        raise RecipeError([recipe.problem(("learning_rate",), message)])
    if isinstance(recipe.learning_rate, Choice):
        check_climb(recipe, recipe.learning_rate, builder)


def over_the_run(schedule: Any, builder: Builder) -> np.ndarray:
    """The values of a schedule, or a constant, at updates all over the run."""
    if not isinstance(schedule, Callable):
        # `float` cannot read a variable that several devices hold.
        return np.array([float(np.asarray(keras.ops.convert_to_numpy(schedule)))])
    steps = np.unique(np.linspace(0, builder.updates - 1, LOOKED_AT).astype("int64"))
    return np.asarray(schedule(steps))


def check_climb(recipe: Recipe, choice: Choice, builder: Builder) -> None:
    """A climb at the beginning of the run must end within it."""
    argument = CLIMBS.get(choice.name)
    if argument is None or argument not in choice.arguments:
        return
    steps = builder.value(choice.arguments[argument], ())
    if steps >= builder.updates > 1:
        place = ("learning_rate", choice.name, argument)
        message = (
            f"the warm-up takes {steps} optimizer updates, and the whole run has {builder.updates}."
        )
        raise RecipeError([recipe.problem(place, message)])
