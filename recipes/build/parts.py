"""The parts of the training step that a recipe asks for."""

from typing import Any

from ..errors import RecipeError
from ..spec import Choice, Recipe, catalog
from .objects import Builder, first_paragraph
from .rates import over_the_run

# What an optimizer calls its momentum.
MOMENTA = ("momentum", "beta_1")


def training_parts(recipe: Recipe, builder: Builder) -> dict[str, Any]:
    """Clipping, decay and the rest, by the names of `TrainingModel`'s arguments."""
    transforms = [
        builder.make("gradient_transforms", choice, ("gradient_transforms", index))
        for index, choice in enumerate(recipe.gradient_transforms)
    ]
    return {
        **{name: section(recipe, builder, name) for name in catalog.PARTS},
        "gradient_accumulation": recipe.gradient_accumulation,
        "gradient_transforms": transforms,
        "momentum": momentum(recipe, builder),
    }


def section(recipe: Recipe, builder: Builder, name: str) -> Any:
    """The object of a section, or None where the recipe has no such section."""
    choice = getattr(recipe, name)
    return None if choice is None else builder.make(name, choice, ())


def momentum(recipe: Recipe, builder: Builder) -> Any:
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
    return {name: given[name] for name in MOMENTA if isinstance(given.get(name), Choice)}


def check_parts(recipe: Recipe, model: Any) -> None:
    """Raise where a part does not fit the compiled model: a rule that matches nothing, say.

    Raises:
        RecipeError: with the line of the part.
    """
    clipping = recipe.gradient_clipping
    adaptive = clipping is not None and "adaptive" in clipping.arguments
    checks = {
        "weight_decay": model.decay_table,
        "layer_rates": model.rate_table,
        # Makes the state of the step, which needs all parts to fit the optimizer.
        ("gradient_clipping" if adaptive else "optimizer"): model.make_train_function,
    }
    for name, check in checks.items():
        try:
            check()
        except ValueError as error:
            problem = recipe.problem((name,), first_paragraph(str(error)))
            raise RecipeError([problem]) from error
