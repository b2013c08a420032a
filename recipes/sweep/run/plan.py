"""What a trial asks of its worker: which recipe, from which epoch, to which."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from keras_tuner.engine.trial import Trial

from ...spec import Recipe
from ..engine.hyperparameters import active_values
from ..spec.load import trial_recipe
from ..spec.records import Sweep
from .stored import Damaged

# Keras takes no larger seed.
SEEDS = 2**32


@dataclass(frozen=True)
class Plan:
    """One trial, as its worker carries it out.

    Attributes:
        trial_id: name of the trial.
        values: name of a parameter -> its value.
        full: epochs that the recipe is written for, by which its schedules are measured; None for
            the recipe's own number.
        until: epoch after which the trial pauses; None for the last.
        parent: the trial that this one continues, or None.
        first: epochs that were trained in it.
    """

    trial_id: str
    values: dict[str, Any]
    full: int | None = None
    until: int | None = None
    parent: str | None = None
    first: int = 0


def plan_of(sweep: Sweep, trial: Trial) -> Plan:
    """The plan of a trial; `tuner/...` values are how keras-tuner's oracles ask for epochs."""
    given = trial.hyperparameters.values
    until = given.get("tuner/epochs")
    return Plan(
        trial.trial_id,
        active_values(sweep, trial.hyperparameters),
        full=sweep.algorithm.arguments.get("max_epochs", until),
        until=until,
        parent=given.get("tuner/trial_id"),
        first=given.get("tuner/initial_epoch", 0),
    )


def check_settings(sweep: Sweep, trials: Iterable[Trial]) -> None:
    """Refuse trials whose values are none of the space, as only a damaged state has them.

    Raises:
        Damaged: there is one.
    """
    for trial in trials:
        try:
            plan_of(sweep, trial)
        except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
            raise Damaged(
                f"trial {trial.trial_id} has values that are not in the space: {error!s:.100}"
            ) from None


def recipes_of(sweep: Sweep, plan: Plan) -> list[Recipe]:
    """The recipe of each training of a trial: one for each seed, all with the same split."""
    recipe = trial_recipe(sweep, plan.values, epochs=plan.full)
    if sweep.repeats == 1:
        return [recipe]
    return [
        trial_recipe(sweep, plan.values, epochs=plan.full, seed=(recipe.seed + index) % SEEDS)
        for index in range(sweep.repeats)
    ]
