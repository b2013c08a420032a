"""Random, grid and Hyperband search, median stopping and asynchronous successive halving."""

import statistics
from collections.abc import Iterator

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from ..spec.records import Sweep
from .hyperparameters import (
    EPOCHS,
    INITIAL_EPOCH,
    PARENT,
    ROUND,
    kept_values,
    names_of,
)
from .oracle import Answer, SweepOracle, ended, running
from .trial import Decision


class RandomSearch(SweepOracle):
    """Settings drawn at random."""

    def __init__(self, sweep: Sweep):
        super().__init__(sweep, max_trials=sweep.trials)

    def populate_space(self, trial_id: str) -> Answer:
        return self.random()


class MedianStoppingSearch(RandomSearch):
    """Random search that stops a training early when it is worse than the median.

    After epoch e > warmup, a trial is stopped if its best value so far is worse than the median,
    over the trials that have ended and trained at least e epochs, of the mean of their values up
    to e.

    With one job the same trials are stopped every time; with more it depends on which have ended.

    Source: Golovin et al. (2017), Google Vizier, section 3.2.2, the median stopping rule.

    Args:
        sweep: a sweep whose algorithm is `median`.
    """

    def __init__(self, sweep: Sweep):
        super().__init__(sweep)
        self.warmup = int(sweep.algorithm.arguments["warmup"])
        self.min_trials = int(sweep.algorithm.arguments["min_trials"])

    def decision(self, trial: Trial, epoch: int) -> Decision:
        best = self.best_until(trial, epoch)
        if epoch <= self.warmup or best is None:
            return Decision.CONTINUE
        means = self.means(epoch, besides=trial)
        if len(means) < self.min_trials:
            return Decision.CONTINUE
        median = statistics.median(means)
        worse = best > median if self.minimizes else best < median
        return Decision.STOP if worse else Decision.CONTINUE

    def means(self, epoch: int, besides: Trial) -> list[float]:
        """The mean value up to an epoch of each other trial that ended no earlier."""
        found = []
        for trial in self.trials.values():
            curve = self.curve(trial)
            other = trial.status == TrialStatus.COMPLETED and trial.trial_id != besides.trial_id
            if other and curve and curve[-1][0] >= epoch:
                found.append(statistics.fmean(value for step, value in curve if step <= epoch))
        return found


class GridSearch(SweepOracle):
    """Every combination, the last parameter changing fastest.

    keras-tuner's own grid forgets its position when it is resumed, and always takes ten points of
    a range. Here the n-th trial is the n-th combination.
    """

    def __init__(self, sweep: Sweep):
        super().__init__(sweep, max_trials=sweep.trials)
        self._rest = combinations(sweep, sweep.algorithm.arguments["points"])
        self._listed: list[dict[str, object]] = []

    def populate_space(self, trial_id: str) -> Answer:
        number = len(self.start_order)
        while len(self._listed) <= number:
            values = next((row for row in self._rest if self.allows(row)), None)
            if values is None:
                return self.done_or_idle()
            self._listed.append(values)
        return running(dict(self._listed[number]))


def combinations(sweep: Sweep, most: int) -> Iterator[dict[str, object]]:
    """Every combination of active parameters, as keras-tuner keeps values."""
    names = names_of(sweep)

    def below(
        index: int, values: dict[str, object], kept: dict[str, object]
    ) -> Iterator[dict[str, object]]:
        if index == len(sweep.parameters):
            yield kept_values(sweep, kept)
            return
        parameter = sweep.parameters[index]
        if not parameter.is_active(values):
            yield from below(index + 1, values, kept)
            return
        domain = parameter.domain
        for value in domain.points(most):
            more = {names[index]: domain.encode(value)} if domain.searched else {}
            yield from below(index + 1, {**values, parameter.name: value}, {**kept, **more})

    return below(0, {}, {})


class HyperbandSearch(SweepOracle, keras_tuner.oracles.HyperbandOracle):
    """Brackets of many short trainings, of which the best are continued."""

    def __init__(self, sweep: Sweep):
        arguments = sweep.algorithm.arguments
        super().__init__(
            sweep,
            max_epochs=arguments["max_epochs"],
            factor=arguments["factor"],
            hyperband_iterations=arguments["iterations"],
        )


class AshaSearch(SweepOracle):
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
        super().__init__(sweep)
        arguments = sweep.algorithm.arguments
        self.factor = int(arguments["reduction_factor"])
        self.rungs = rungs(arguments["min_epochs"], arguments["max_epochs"], self.factor)

    def populate_space(self, trial_id: str) -> Answer:
        best = self.promotion()
        if best is not None:
            return best
        if self.sweep.trials is None or len(self.at(0)) < self.sweep.trials:
            values = self.draw(extra={EPOCHS: self.rungs[0], INITIAL_EPOCH: 0, ROUND: 0})
            if values is not None:
                return running(values)
        return (None if self.is_busy() else self.last_promotion()) or self.done_or_idle()

    def at(self, rung: int) -> list[Trial]:
        """The trials, running or ended, that end at a rung."""
        return [
            trial
            for trial in self.trials.values()
            if trial.hyperparameters.values.get(ROUND) == rung
        ]

    def best_at(self, rung: int, least: int = 0) -> Trial | None:
        """The best trial at a rung that may be promoted and was not; None where there is none."""
        reached = [trial for trial in self.at(rung) if ended(trial)]
        promoted = {trial.hyperparameters.values.get(PARENT) for trial in self.at(rung + 1)}
        best = self.ranked(reached)[: max(least, len(reached) // self.factor)]
        return next((trial for trial in best if trial.trial_id not in promoted), None)

    def promotion(self, least: int = 0) -> Answer | None:
        """The best trial of the highest rung where one may be promoted, on its way to the next."""
        for rung in reversed(range(len(self.rungs) - 1)):
            best = self.best_at(rung, least)
            if best is not None:
                return self.promoted(best, rung)
        return None

    def last_promotion(self) -> Answer | None:
        """A promotion of one trial of a rung of any size, while none has reached the end."""
        at_the_end = self.at(len(self.rungs) - 1)
        return None if self.ranked(at_the_end) else self.promotion(least=1)

    def promoted(self, trial: Trial, rung: int) -> Answer:
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
