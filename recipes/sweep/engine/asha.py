"""Asynchronous successive halving: many settings start, few are trained to the end."""

from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from ..spec.records import Sweep
from .base import SweepOracle, common, running

EPOCHS, FROM, PARENT, RUNG = "tuner/epochs", "tuner/initial_epoch", "tuner/trial_id", "tuner/round"


class Asha(SweepOracle, keras_tuner.Oracle):
    """Asynchronous successive halving.

    A training stops at the rungs min_epochs * factor^k, and at max_epochs at last. Whenever a
    worker is free, the highest rung is looked for from which one can go on: of the n trials that
    came to it, the best floor(n / factor) may, each once. Where there is none, a new setting
    begins. So no worker ever waits for a rung to fill.

    A trial that goes on is a trial of its own, as with Hyperband: `tuner/trial_id` names the one
    whose whole state it takes over, `tuner/initial_epoch` and `tuner/epochs` from where to where.
    When no setting is left to begin and no trial has reached the end, the best at the highest rung
    goes on until one has.

    The settings depend on the seed alone. Which of them go on depends on the order in which trials
    end, as the name says; with one job that order is always the same.

    Source: Li et al. (2020), A System for Massively Parallel Hyperparameter Tuning, algorithm 2.

    Args:
        sweep: a sweep whose algorithm is `asha`.
    """

    def __init__(self, sweep: Sweep):
        super().__init__(**common(sweep))
        self.bind(sweep)
        arguments = sweep.algorithm.arguments
        self.factor = int(arguments["reduction_factor"])
        self.rungs = rungs(arguments["min_epochs"], arguments["max_epochs"], self.factor)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        for rung in reversed(range(len(self.rungs) - 1)):
            best = self.best_at(rung)
            if best is not None:
                return self.promoted(best, rung)
        begun = len(self.at(0))
        if self.sweep.trials is None or begun < self.sweep.trials:
            values = self.draw(extra={EPOCHS: self.rungs[0], FROM: 0, RUNG: 0})
            if values is not None:
                return running(values)
        if self.waits():
            return self.done_or_idle()
        last = self.last_chance()
        return self.done_or_idle() if last is None else self.promoted(*last)

    def at(self, rung: int) -> list[Trial]:
        """The trials, running or ended, that end at a rung."""
        return [
            trial
            for trial in self.trials.values()
            if trial.hyperparameters.values.get(RUNG) == rung
        ]

    def best_at(self, rung: int, least: int = 0) -> Trial | None:
        """The best trial at a rung that may go on and has not; None where there is none."""
        ended = [
            trial
            for trial in self.at(rung)
            if trial.status in (TrialStatus.COMPLETED, TrialStatus.FAILED)
        ]
        gone = {trial.hyperparameters.values.get(PARENT) for trial in self.at(rung + 1)}
        ranked = sorted(ended, key=lambda trial: (self.worse_first(trial), trial.trial_id))
        for trial in ranked[: max(least, len(ended) // self.factor)]:
            if trial.status == TrialStatus.COMPLETED and trial.trial_id not in gone:
                return trial
        return None

    def last_chance(self) -> tuple[Trial, int] | None:
        """The best trial at the highest rung, while none has reached the end."""
        top = len(self.rungs) - 1
        if any(trial.status == TrialStatus.COMPLETED for trial in self.at(top)):
            return None
        for rung in reversed(range(top)):
            best = self.best_at(rung, least=1)
            if best is not None:
                return best, rung
        return None

    def promoted(self, trial: Trial, rung: int) -> dict[str, Any]:
        """The trial that goes on from another one."""
        values = dict(trial.hyperparameters.values)
        values[PARENT], values[RUNG] = trial.trial_id, rung + 1
        values[FROM], values[EPOCHS] = self.rungs[rung], self.rungs[rung + 1]
        return running(values)


def rungs(first: int, last: int, factor: int) -> list[int]:
    """Epochs at which trainings are compared, the end among them.

    >>> rungs(1, 20, 3), rungs(5, 5, 2)
    ([1, 3, 9, 20], [5])
    """
    found = []
    epochs = first
    while epochs < last:
        found.append(epochs)
        epochs *= factor
    return [*found, last]
