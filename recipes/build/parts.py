"""The parts of the training step that a recipe asks for, and what its schedules must be."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras.optimizers.schedules import LearningRateSchedule

from ...models import TrainingModel, TrainingParts
from ...models.momentum import NAMES
from ...models.training_parts import PART_NAMES
from ..errors import RecipeError
from ..spec import Choice, Recipe
from ..spec.rate_checks import warmups
from .objects import Builder, first_paragraph

# A schedule, or a constant; of a compiled optimizer its variable.
Rate = LearningRateSchedule | keras.Variable | float
# Updates of the run, spread over all of it, at which the value of a schedule is checked.
CHECKED_UPDATES = 1000


def training_parts(recipe: Recipe, builder: Builder) -> TrainingParts:
    """Clipping, decay and the rest: what the recipe's key of each part says."""
    parts = {name: part(recipe, builder, name) for name in PART_NAMES if name != "momentum"}
    return TrainingParts(**parts, momentum=momentum(recipe, builder))


def part(recipe: Recipe, builder: Builder, name: str) -> Any:
    """The part of a key: an object from a section or from each item of a list, or a plain value."""
    value = getattr(recipe, name)
    if isinstance(value, Choice):
        return builder.make(name, value, ())
    return builder.value(value, (name,))


def momentum(recipe: Recipe, builder: Builder) -> LearningRateSchedule | None:
    """The schedule of the optimizer's momentum, or None where it is constant."""
    for name, value in scheduled(recipe).items():
        place = ("optimizer", recipe.optimizer.name, name)
        made = builder.make("schedules", value, place)
        highest = float(over_the_run(made, builder).max())
        if highest >= 1:
            message = f"a momentum must stay below 1. This schedule reaches {highest:g}."
            raise RecipeError([recipe.problem(place, message)])
        return made
    return None


def scheduled(recipe: Recipe) -> dict[str, Choice]:
    """The optimizer's arguments that follow a schedule."""
    given = recipe.optimizer.arguments
    return {name: given[name] for name in NAMES if isinstance(given.get(name), Choice)}


def check_parts(recipe: Recipe, model: TrainingModel) -> None:
    """Raise where a part does not fit the compiled model: a rule that matches nothing, say.

    Raises:
        RecipeError: with the line of the part.
    """
    clipping = recipe.gradient_clipping
    adaptive = clipping is not None and "adaptive" in clipping.arguments
    checks = {
        "weight_decay": model.decay_table,
        "layer_rates": model.rate_table,
        "adversarial_training": model.adversarial_ends,
        # Makes the state of the step, which all parts and the optimizer must allow.
        ("gradient_clipping" if adaptive else "optimizer"): model.make_train_function,
    }
    for name, check in checks.items():
        try:
            check()
        except ValueError as error:
            problem = recipe.problem((name,), first_paragraph(str(error)))
            raise RecipeError([problem]) from error


def check_rate(recipe: Recipe, rate: Rate, builder: Builder) -> None:
    """Raise where the run would learn nothing, or where it ends before its warm-up does.

    Raises:
        RecipeError: with the line of the learning rate or of the warmup.
    """
    if recipe.learning_rate is None or not builder.knows_length:
        return
    if not (over_the_run(rate, builder) > 0).any():
        message = "the rate is 0 in every update of the run: nothing would be learned."
        raise RecipeError([recipe.problem(("learning_rate",), message)])
    check_warmup(recipe, builder)


def over_the_run(schedule: Rate, builder: Builder) -> np.ndarray:
    """The values of a schedule, or a constant, at updates all over the run."""
    if not isinstance(schedule, Callable):
        # `float` cannot read a variable that several devices hold.
        return np.array([float(np.asarray(keras.ops.convert_to_numpy(schedule)))])
    steps = np.unique(np.linspace(0, builder.updates - 1, CHECKED_UPDATES).astype("int64"))
    return np.asarray(schedule(steps))


def check_warmup(recipe: Recipe, builder: Builder) -> None:
    """A warm-up, however deep inside of the schedule, must end before the run does."""
    check_warmups(recipe, recipe.learning_rate, ("learning_rate",), builder, "run")


def check_warmups(
    recipe: Recipe, rate: float | Choice | None, place: tuple, builder: Builder, stretch: str
) -> None:
    """The same of a schedule anywhere, and of a phase.

    Args:
        stretch: what the epochs of the builder make up: `run` or `phase`.
    """
    for warmup in warmups(rate, place):
        steps, *before = (
            duration.to_steps(builder.updates_per_epoch, builder.epochs)
            for duration in (warmup.steps, *warmup.before)
        )
        start = sum(before)
        if start < builder.updates <= start + steps and builder.updates > 1:
            begins = f", begins after {start}" if start else ""
            message = (
                f"the warm-up takes {steps} optimizer updates{begins}, and the whole {stretch} has "
                f"{builder.updates}."
            )
            raise RecipeError([recipe.problem(warmup.place, message)])
