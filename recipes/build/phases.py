"""The phases of a recipe: a callback, and a learning rate made of those of the phases."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate

import keras

from ...arguments import MAX_STEPS
from ...callbacks import EarlyStopping, Phase, PhaseError, Phases
from ...schedules import Phased
from ..errors import RecipeError
from ..spec import Choice, Recipe, catalog
from ..spec.backbone_checks import freezes_backbone
from .objects import Builder, first_paragraph
from .parts import Rate, check_warmups, over_the_run


def phased_rate(recipe: Recipe, rate: Rate | None, builder: Builder) -> Rate | None:
    """The rate of the whole training, from the recipe's own and those of its phases.

    Args:
        rate: the recipe's, as an object; None for the optimizer's own.

    Raises:
        RecipeError: a phase's schedule cannot be made, with its line.
    """
    own = [_rate_of(recipe, index, builder) for index in range(len(recipe.phases))]
    # A fresh optimizer counts its updates from 0, and the schedule remembers those before.
    fresh = any(phase.optimizer == "fresh" for phase in recipe.phases)
    if all(one is None for one in own) and not fresh:
        return rate
    if rate is None:
        arguments = catalog.entry("optimizers", recipe.optimizer.name).arguments
        rate = arguments["learning_rate"].default
    return Phased(rate, own, starts(recipe, builder))


def _rate_of(recipe: Recipe, index: int, builder: Builder) -> Rate | None:
    phase, place = recipe.phases[index], ("phases", index, "learning_rate")
    if not isinstance(phase.learning_rate, Choice):
        return phase.learning_rate
    within = replace(builder, span=phase.epochs)
    made = within.value(phase.learning_rate, place)
    if builder.knows_length:
        if not (over_the_run(made, within) > 0).any():
            message = "the rate is 0 in every update of the phase: nothing would be learned."
            raise RecipeError([recipe.problem(place, message)])
        check_warmups(recipe, phase.learning_rate, place, within, "phase")
    return made


def starts(recipe: Recipe, builder: Builder) -> list[int]:
    """The first optimizer update of each phase, as planned."""
    before = [0, *accumulate(phase.epochs for phase in recipe.phases[:-1])]
    if not builder.knows_length:
        # Known only when the phase begins.
        return [0 if not epochs else MAX_STEPS for epochs in before]
    return [int(builder.updates_per_epoch * epochs) for epochs in before]


def phases_of(
    recipe: Recipe,
    model: keras.Model,
    callbacks: Iterable[keras.callbacks.Callback],
    *,
    cached: bool = False,
) -> list[keras.callbacks.Callback]:
    """The callback of a recipe's phases, prepared for a compiled model; none without phases.

    Args:
        callbacks: the recipe's; early stopping among them learns of the phases.
        cached: whether the features of the backbone, which all phases freeze, take its place.

    Raises:
        RecipeError: a pattern that matches no layer, with its line.
    """
    if not recipe.phases:
        return []
    made = Phases(
        [
            Phase(
                p.epochs,
                _without_backbone(p.freeze) if cached else p.freeze,
                p.gradual,
                p.optimizer,
            )
            for p in recipe.phases
        ],
        [one for one in callbacks if isinstance(one, EarlyStopping)],
    )
    try:
        made.prepare(model)
    except PhaseError as error:
        place = ("phases", error.phase, error.key)
        raise RecipeError([recipe.problem(place, first_paragraph(str(error)))]) from None
    return [made]


def _without_backbone(freeze: bool | str | list[str]) -> bool | list[str]:
    """The layers that are frozen besides the backbone."""
    if isinstance(freeze, bool):
        return freeze
    patterns = [freeze] if isinstance(freeze, str) else freeze
    return [pattern for pattern in patterns if not freezes_backbone(pattern)]
