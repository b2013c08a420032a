"""What a learning rate must be over the run it is for."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from ..errors import RecipeError
from ..spec import Recipe
from ..spec.climbs import climbs
from .objects import Builder

# A rate that is not zero at one of so many updates of the run is taken to be none that is.
LOOKED_AT = 1000


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
    check_climb(recipe, builder)


def over_the_run(schedule: Any, builder: Builder) -> np.ndarray:
    """The values of a schedule, or a constant, at updates all over the run."""
    if not isinstance(schedule, Callable):
        # `float` cannot read a variable that several devices hold.
        return np.array([float(np.asarray(keras.ops.convert_to_numpy(schedule)))])
    steps = np.unique(np.linspace(0, builder.updates - 1, LOOKED_AT).astype("int64"))
    return np.asarray(schedule(steps))


def check_climb(recipe: Recipe, builder: Builder) -> None:
    """A warm-up, however deep inside of the schedule, must end before the run does."""
    for climb in climbs(recipe.learning_rate, ("learning_rate",)):
        steps, *before = (
            duration.to_steps(builder.updates_per_epoch, builder.epochs)
            for duration in (climb.steps, *climb.before)
        )
        start = sum(before)
        if start < builder.updates <= start + steps and builder.updates > 1:
            begins = f", begins after {start}" if start else ""
            message = (
                f"the warm-up takes {steps} optimizer updates{begins}, and the whole run has "
                f"{builder.updates}."
            )
            raise RecipeError([recipe.problem(climb.place, message)])
