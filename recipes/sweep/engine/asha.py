"""Asynchronous successive halving: many settings start, few are trained to the end."""

from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from ..spec.records import Sweep
from .hyperparameters import EPOCHS, INITIAL_EPOCH, PARENT, ROUND
from .oracle import SweepOracle, common, ended, running


class Asha(SweepOracle, keras_tuner.Oracle):
    """Asynchronous successive halving.

    A training pauses at the rungs min_epochs * factor^k, and ends at max_epochs. Whenever a worker
    is free, a trial of the highest possible rung is promoted: of the n trials that reached a rung
    the best floor(n / factor) may be, each once. Where there is none, a new setting starts. So no
    worker ever waits for a rung to fill.

    A promotion is a new trial, as with Hyperband: `tuner/trial_id` names the one whose whole state
    it continues, `tuner/initial_epoch` and `tuner/epochs` its first and last epoch. When no setting
    is left to start and no trial has reached the end, the best at the highest rung is promoted
    until one has.

    The settings depend on the seed alone. Which of them are promoted depends on the order in which
    trials end; with one job that order is always the same.

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
        if self.sweep.trials is None or len(self.at(0)) < self.sweep.trials:
            values = self.draw(extra={EPOCHS: self.rungs[0], INITIAL_EPOCH: 0, ROUND: 0})
            if values is not None:
                return running(values)
        last = None if self.is_waiting() else self.last_promotion()
        return self.done_or_idle() if last is None else self.promoted(*last)

    def at(self, rung: int) -> list[Trial]:
        """The trials, running or ended, that end at a rung."""
        return [
            trial
            for trial in self.trials.values()
            if trial.hyperparameters.values.get(ROUND) == rung
        ]

    def best_at(self, rung: int, least: int = 0) -> Trial | None:
        """The best trial at a rung that may be promoted and was not; None where there is none."""
        found = [trial for trial in self.at(rung) if ended(trial)]
        promoted = {trial.hyperparameters.values.get(PARENT) for trial in self.at(rung + 1)}
        ranked = sorted(found, key=lambda trial: (self.loss(trial), trial.trial_id))
        for trial in ranked[: max(least, len(found) // self.factor)]:
            if trial.status == TrialStatus.COMPLETED and trial.trial_id not in promoted:
                return trial
        return None

    def last_promotion(self) -> tuple[Trial, int] | None:
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
        """The trial that continues another one up to the next rung."""
        values = dict(trial.hyperparameters.values)
        values[PARENT], values[ROUND] = trial.trial_id, rung + 1
        values[INITIAL_EPOCH], values[EPOCHS] = self.rungs[rung], self.rungs[rung + 1]
        return running(values)


def rungs(first: int, last: int, factor: int) -> list[int]:
    """Epochs at which trainings are compared, the last one included.

    >>> rungs(1, 20, 3), rungs(5, 5, 2)
    ([1, 3, 9, 20], [5])
    """
    found = []
    epochs = first
    while epochs < last:
        found.append(epochs)
        epochs *= factor
    return [*found, last]
