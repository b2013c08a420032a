"""One trial: its trainings, what they reached, and how they failed."""

import os
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_tuner.engine.trial import TrialStatus

from ....disk import copy_folder
from ...errors import RequestError
from ...record import directory as files
from ...record.result import Result
from ..spec.records import Sweep
from .layout import run_folders, trial_folder
from .plan import Plan, recipes_of
from .space import patiently
from .training import CONTINUE, STOPPED, Report, Reporter, curve, finished, train_trial


class Interrupted(Exception):
    """A signal ended the training; the trial is to be continued by whoever comes next."""


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Attributes:
        status: COMPLETED; FAILED where another try would end the same; INVALID where it may not.
        reason: why it failed, in words.
        curve: epoch and value of the objective, of which the best decides; with repeats one entry
            alone, the mean of what each training reached.
    """

    status: str
    reason: str = ""
    curve: list[tuple[int, float]] = field(default_factory=list)


class Trainer:
    """Carries out the trials of a sweep, below its directory.

    Args:
        sweep: the sweep.
        directory: the sweep's directory.
        arrays: `(x, y)` for a recipe whose data source is `arrays`.
    """

    def __init__(self, sweep: Sweep, directory: Path, arrays: tuple[Any, Any] | None = None):
        self.sweep = sweep
        self.directory = directory
        self.arrays = arrays

    def run(self, plan: Plan, report: Report) -> Outcome:
        """Train a trial, or continue it.

        Args:
            plan: what the trial asks for.
            report: takes each epoch and its value; answers `continue` or `stop`.

        Raises:
            Interrupted: a signal came.
            OSError: the disk was full for as long as a sweep waits.
        """
        try:
            recipes = recipes_of(self.sweep, plan)
            self._begin(plan)
            results = []
            for recipe, folder in zip(recipes, self._folders(plan.trial_id), strict=True):
                reporter = self._reporter(report, plan)
                result = train_trial(recipe, folder, reporter, self.arrays)
                results.append(result)
                if finished(folder, plan.until) is None or result.status == "failed":
                    return self._unfinished(folder, result)
            return self._completed(plan, results)
        except RequestError as error:
            return Outcome(TrialStatus.FAILED, one_line(error))
        except MemoryError:
            return Outcome(TrialStatus.INVALID, "out of memory")

    def _folders(self, trial_id: str) -> list[Path]:
        return run_folders(self.directory, trial_id, self.sweep.repeats)

    def _reporter(self, report: Report, plan: Plan) -> Reporter:
        # With repeats the mean of all decides, which is known when the last of them has ended.
        told = report if self.sweep.repeats == 1 else lambda epoch, value: CONTINUE
        return Reporter(self.sweep.objective.metric, told, plan.until)

    def _begin(self, plan: Plan) -> None:
        """Take over what a promoted trial goes on from."""
        if plan.parent is not None:
            own = self._folders(plan.trial_id)
            for source, target in zip(self._folders(plan.parent), own, strict=True):
                _take_over(source, target)

    def _unfinished(self, folder: Path, result: Result) -> Outcome:
        if result.status == "interrupted":
            raise Interrupted(result.reason)
        # An error may have come from outside; numbers that diverged come the same way again.
        broke = (folder / files.TRACEBACK).exists()
        return Outcome(TrialStatus.INVALID if broke else TrialStatus.FAILED, result.reason)

    def _completed(self, plan: Plan, results: list[Result]) -> Outcome:
        objective = self.sweep.objective
        curves = [curve(run, objective.metric) for run in self._folders(plan.trial_id)]
        if not all(curves):
            return Outcome(TrialStatus.FAILED, f"no epoch has a value of {objective.metric}")
        found = curves[0]
        if len(curves) > 1:
            better = min if objective.direction == "min" else max
            best = [better(value for _, value in points) for points in curves]
            found = [(max(result.epochs for result in results), statistics.fmean(best))]
        stopped = [result.reason for result in results if result.reason.startswith(STOPPED)]
        reason = stopped[0] if stopped else ""
        return Outcome(TrialStatus.COMPLETED, reason, found)


def one_line(error: BaseException) -> str:
    """An error in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def put_aside(directory: Path, trial_id: str) -> None:
    """Keep what a failed try has left, and make room for the next one."""
    folder = trial_folder(directory, trial_id)
    if not folder.exists():
        return
    number = 1
    while (name := folder.with_name(f"{folder.name}.failed-{number}")).exists():
        number += 1
    patiently(lambda: os.rename(folder, name))


def _take_over(source: Path, target: Path) -> None:
    """Copy a run directory, whole or not at all."""
    if not target.exists():
        patiently(lambda: copy_folder(source, target))
