"""Median stopping: what is worse than most others were at the same age is not trained on."""

import statistics

from keras_tuner.engine.trial import Trial, TrialStatus

from ..spec.records import Sweep
from .searches import RandomSearch


class Median(RandomSearch):
    """Random search that stops a training in its midst when it is worse than the median.

    After epoch e > warmup, a trial is stopped if its best value so far is worse than the median,
    over the trials that have ended and came as far as e, of the mean of their values up to e.

    With one job the same trials are stopped every time; with more it depends on which have ended.

    Source: Golovin et al. (2017), Google Vizier, section 3.2.2, the median stopping rule.

    Args:
        sweep: a sweep whose algorithm is `median`.
    """

    def __init__(self, sweep: Sweep):
        super().__init__(sweep)
        self.warmup = int(sweep.algorithm.arguments["warmup"])
        self.min_trials = int(sweep.algorithm.arguments["min_trials"])

    def decision(self, trial: Trial, epoch: int) -> str:
        best = self.value_until(trial, epoch)
        if epoch <= self.warmup or best is None:
            return TrialStatus.RUNNING
        means = self.means(epoch, besides=trial)
        if len(means) < self.min_trials:
            return TrialStatus.RUNNING
        median = statistics.median(means)
        worse = best > median if self.minimizes else best < median
        return TrialStatus.STOPPED if worse else TrialStatus.RUNNING

    def means(self, epoch: int, besides: Trial) -> list[float]:
        """The mean value up to an epoch of each trial that has ended and came as far."""
        found = []
        for trial in self.trials.values():
            curve = self.curve(trial)
            ended = trial.status == TrialStatus.COMPLETED and trial.trial_id != besides.trial_id
            if ended and curve and curve[-1][0] >= epoch:
                found.append(statistics.fmean(value for step, value in curve if step <= epoch))
        return found
