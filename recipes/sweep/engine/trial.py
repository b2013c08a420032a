"""A trial: what it asks of its worker, how it stands, how it ends. Nothing of keras-tuner's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any

from ...spec import Recipe
from ...spec.folds import each_fold
from ..spec.load import trial_recipe
from ..spec.records import Sweep
from .hyperparameters import EPOCHS, INITIAL_EPOCH, PARENT, active_of

# Keras takes no larger seed.
SEEDS = 2**32


class TrialOutcome(StrEnum):
    """How a worker's work on a trial has ended."""

    COMPLETED = "completed"
    # The search ended the training early, as it is worse than others.
    STOPPED = "stopped"
    # Another attempt would end the same way.
    FAILED = "failed"
    # Another attempt may succeed: an error from outside of the training.
    CRASHED = "crashed"
    # A signal, or a lease that was lost. The next worker that gets the trial continues it.
    INTERRUPTED = "interrupted"
    # The disk stayed full. The sweep ends, and continues the trial later.
    OUT_OF_SPACE = "out of space"


class Decision(Enum):
    """What a training does after an epoch."""

    CONTINUE = "continue"
    # End for good.
    STOP = "stop"
    # Store the whole state and end, to be continued later.
    PAUSE = "pause"


class NoTrial(Enum):
    """Why a worker that asks for a trial gets none."""

    WAIT = "wait"
    DONE = "done"


@dataclass(frozen=True)
class Trial:
    """The present state of a trial.

    Attributes:
        trial_id: its name, a number.
        settings: values as keras-tuner keeps them, with what an oracle asks for beside them.
        outcome: how it ended; None while it runs or waits for a worker.
        score: best value of the objective; None without one.
        message: why it failed or was stopped; empty otherwise.
        reported: epoch, from 1 -> value of the objective.
    """

    trial_id: str
    settings: Mapping[str, Any]
    outcome: TrialOutcome | None = None
    score: float | None = None
    message: str = ""
    reported: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What a trial asks of its worker.

    Attributes:
        trial_id: name of the trial.
        values: name of a parameter -> its value.
        full: epochs of the recipe, by which its schedules are measured; None for the recipe's own.
        until: epoch after which the trial pauses; None for the last.
        parent: the trial that this one continues, or None.
        first: epochs that were trained in the parent.
    """

    trial_id: str
    values: dict[str, object]
    full: int | None = None
    until: int | None = None
    parent: str | None = None
    first: int = 0


def plan_of(sweep: Sweep, trial: Trial) -> Plan:
    """The plan of a trial; `tuner/...` settings are how keras-tuner's oracles ask for epochs."""
    until = trial.settings.get(EPOCHS)
    return Plan(
        trial.trial_id,
        active_of(sweep, trial.settings),
        full=sweep.algorithm.arguments.get("max_epochs", until),
        until=until,
        parent=trial.settings.get(PARENT),
        first=trial.settings.get(INITIAL_EPOCH, 0),
    )


def check_settings(sweep: Sweep, trials: Iterable[Trial]) -> None:
    """Refuse trials with values outside of the space, as only a damaged state has them.

    Raises:
        ValueError: there is one.
    """
    for trial in trials:
        try:
            plan_of(sweep, trial)
        except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
            raise ValueError(
                f"trial {trial.trial_id} has values that are not in the space: {error!s:.100}"
            ) from None


def recipes_of(sweep: Sweep, plan: Plan) -> list[Recipe]:
    """The recipe of each training of a trial: one for each fold, or each seed of one split."""
    recipe = trial_recipe(sweep, plan.values, epochs=plan.full)
    if sweep.folds is not None:
        return each_fold(recipe)
    if sweep.repeats == 1:
        return [recipe]
    return [
        trial_recipe(sweep, plan.values, epochs=plan.full, seed=(recipe.seed + index) % SEEDS)
        for index in range(sweep.repeats)
    ]
