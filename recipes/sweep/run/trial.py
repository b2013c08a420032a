"""One trial: its trainings, what they reached, and how they failed."""

import os
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....disk import copy_folder, when_there_is_space
from ...errors import RequestError
from ...record import directory as files
from ...record.result import Result, StopReason
from ..engine.trial import Decision, Plan, TrialOutcome, recipes_of
from ..spec.records import Sweep
from .layout import run_folders, trial_folder
from .space import lacks_space
from .training import Report, Reporter, curve, finished, train_trial


@dataclass(frozen=True)
class TrialResult:
    """How the work on a trial ended.

    Attributes:
        outcome: its kind.
        reason: why it failed or was stopped.
        curve: epoch and value of the objective, of which the best decides; with repeats one entry,
            the mean of the best values of all trainings.
    """

    outcome: TrialOutcome
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

    def run(self, plan: Plan, report: Report) -> TrialResult:
        """Train a trial, or continue it. Whatever is wrong with it is a result, not an error.

        Args:
            plan: what the trial asks for.
            report: takes each epoch and its value, and decides how to continue.
        """
        try:
            return self._run(plan, report)
        except RequestError as error:
            return TrialResult(TrialOutcome.FAILED, one_line(error))
        except MemoryError:
            return TrialResult(TrialOutcome.CRASHED, "out of memory")
        except Exception as error:
            if lacks_space(error):
                # Nothing is wrong with the trial.
                return TrialResult(TrialOutcome.OUT_OF_SPACE)
            # One bad trial is a row of the table, never the end of the search.
            return TrialResult(TrialOutcome.CRASHED, f"{type(error).__name__}: {error}")

    def _run(self, plan: Plan, report: Report) -> TrialResult:
        recipes = recipes_of(self.sweep, plan)
        folders = self._folders(plan.trial_id)
        if plan.parent is not None:
            for source, target in zip(self._folders(plan.parent), folders, strict=True):
                _copy_run(source, target)
        results = []
        for recipe, folder in zip(recipes, folders, strict=True):
            reporter = self._reporter(report, plan)
            result = train_trial(recipe, folder, reporter, self.arrays)
            results.append(result)
            if finished(folder, plan.until) is None or result.status == "failed":
                return _unfinished(folder, result)
        return self._completed(plan, results)

    def _folders(self, trial_id: str) -> list[Path]:
        return run_folders(self.directory, trial_id, self.sweep.repeats)

    def _reporter(self, report: Report, plan: Plan) -> Reporter:
        # With repeats the mean decides, which is known only after the last training.
        if self.sweep.repeats > 1:
            return Reporter(
                self.sweep.objective.metric, lambda epoch, value: Decision.CONTINUE, plan.until
            )
        return Reporter(self.sweep.objective.metric, report, plan.until)

    def _completed(self, plan: Plan, results: list[Result]) -> TrialResult:
        objective = self.sweep.objective
        curves = [curve(run, objective.metric) for run in self._folders(plan.trial_id)]
        if not all(curves):
            return TrialResult(TrialOutcome.FAILED, f"no epoch has a value of {objective.metric}")
        found = curves[0]
        if len(curves) > 1:
            better = min if objective.direction == "min" else max
            best = [better(value for _, value in points) for points in curves]
            found = [(max(result.epochs for result in results), statistics.fmean(best))]
        stopped = [result.reason for result in results if result.stop_reason is StopReason.SEARCH]
        if stopped:
            return TrialResult(TrialOutcome.STOPPED, stopped[0], found)
        return TrialResult(TrialOutcome.COMPLETED, "", found)


def _unfinished(folder: Path, result: Result) -> TrialResult:
    if result.status == "interrupted":
        return TrialResult(TrialOutcome.INTERRUPTED, result.reason)
    # An error may have come from outside; a training that diverged does so every time.
    broke = (folder / files.TRACEBACK).exists()
    return TrialResult(TrialOutcome.CRASHED if broke else TrialOutcome.FAILED, result.reason)


def one_line(error: BaseException) -> str:
    """An error in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def keep_attempt(directory: Path, trial_id: str) -> None:
    """Rename the folder of a failed attempt, to make room for the next one."""
    folder = trial_folder(directory, trial_id)
    if not folder.exists():
        return
    number = 1
    while (name := folder.with_name(f"{folder.name}.failed-{number}")).exists():
        number += 1
    when_there_is_space(lambda: os.rename(folder, name))


def _copy_run(source: Path, target: Path) -> None:
    """Copy a run directory, whole or not at all."""
    if not target.exists():
        when_there_is_space(lambda: copy_folder(source, target))
