"""keras-tuner's random, grid and Hyperband search, for a sweep, and median stopping."""

import statistics
from collections.abc import Iterator
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from ..spec.conditions import is_active
from ..spec.records import Sweep
from .hyperparameters import kept_values, names_of
from .oracle import SweepOracle, common, running
from .trial import Decision


class RandomSearch(SweepOracle, keras_tuner.oracles.RandomSearchOracle):
    """Settings drawn at random."""

    def __init__(self, sweep: Sweep):
        super().__init__(max_trials=sweep.trials, **common(sweep))  # type: ignore[arg-type]
        self.bind(sweep)


class Median(RandomSearch):
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
            ended = trial.status == TrialStatus.COMPLETED and trial.trial_id != besides.trial_id
            if ended and curve and curve[-1][0] >= epoch:
                found.append(statistics.fmean(value for step, value in curve if step <= epoch))
        return found


class GridSearch(SweepOracle, keras_tuner.oracles.GridSearchOracle):
    """Every combination, the last parameter changing fastest.

    keras-tuner's own grid forgets its position when it is resumed, and always takes ten points of
    a range. Here the n-th trial is the n-th combination.
    """

    def __init__(self, sweep: Sweep):
        super().__init__(max_trials=sweep.trials, **common(sweep))
        self.bind(sweep)
        self._rest = combinations(sweep, sweep.algorithm.arguments["points"])
        self._listed: list[dict[str, Any]] = []

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        number = len(self.start_order)
        while len(self._listed) <= number:
            values = next((row for row in self._rest if self.allows(row)), None)
            if values is None:
                return self.done_or_idle()
            self._listed.append(values)
        return running(dict(self._listed[number]))


def combinations(sweep: Sweep, most: int) -> Iterator[dict[str, Any]]:
    """Every combination of active parameters, as keras-tuner keeps values."""
    names = names_of(sweep)

    def below(index: int, values: dict[str, Any], kept: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if index == len(sweep.parameters):
            yield kept_values(sweep, kept)
            return
        parameter = sweep.parameters[index]
        if not is_active(parameter.when, values):
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
            max_epochs=arguments["max_epochs"],
            factor=arguments["factor"],
            hyperband_iterations=arguments["iterations"],
            **common(sweep),  # type: ignore[arg-type]
        )
        self.bind(sweep)
