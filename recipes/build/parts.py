"""The parts of the training step that a recipe asks for."""

from typing import Any

from keras.optimizers.schedules import LearningRateSchedule

from ...models import TrainingModel, TrainingParts
from ...models.momentum import NAMES
from ...models.training_parts import PART_NAMES
from ..errors import RecipeError
from ..spec import Choice, Recipe
from .objects import Builder, first_paragraph
from .rates import over_the_run


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
        # Makes the state of the step, which all parts and the optimizer must allow.
        ("gradient_clipping" if adaptive else "optimizer"): model.make_train_function,
    }
    for name, check in checks.items():
        try:
            check()
        except ValueError as error:
            problem = recipe.problem((name,), first_paragraph(str(error)))
            raise RecipeError([problem]) from error
