"""One trial: its trainings, each new, continued or finished already, and what they reached."""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypedDict, Unpack

import keras

from ....callbacks.run_state import RunState
from ....disk import copy_folder, remove_tree, when_there_is_space
from ....messages import logger
from ...errors import RequestError
from ...inputs import Arrays
from ...record import directory as files
from ...record.directory import RunDirectory
from ...record.lock import locked
from ...record.metrics import curves, read_metrics
from ...record.result import Result, StopReason
from ...run.programs import Programs
from ...run.stop import StopRequest
from ...run.train import train
from ...spec import Recipe
from ..engine.trial import Decision, Plan, TrialOutcome, recipes_of
from ..spec.records import Sweep
from . import space
from .folder import TRIALS, record_event, run_folders
from .forks import Forks
from .reporter import Report, Reporter
from .space import OutOfSpace, SpaceWait, lacks_space
from .tracked import trial_tracking

# Seconds that a worker waits for another one that lost its lease and still trains: it leaves the
# run at the end of its epoch.
BUSY_SECONDS = 600.0


Points = list[tuple[int, float]]


@dataclass(frozen=True)
class TrialResult:
    """How the work on a trial ended.

    Attributes:
        outcome: its kind.
        reason: why it failed or was stopped.
        curve: epoch and value of the objective, of which the best decides; with repeats or folds
            one entry, the mean of the best values of all trainings.
    """

    outcome: TrialOutcome
    reason: str = ""
    curve: Points = field(default_factory=list)


class TrialOptions(TypedDict, total=False):
    """The arguments of `train` that trials differ in."""

    programs: Programs
    last: Sequence[keras.callbacks.Callback]
    visit: Callable[[RunState], None]


class Trainer:
    """Carries out the trials of a sweep, below its directory.

    Args:
        sweep: the sweep.
        directory: the sweep's directory.
        arrays: `(x, y)` for a recipe whose data source is `arrays`.

    Attributes:
        signal: name of the signal that a training has received and ended by; None for none.
    """

    def __init__(self, sweep: Sweep, directory: Path, arrays: Arrays | None = None):
        self.sweep = sweep
        self.directory = directory
        self.arrays = arrays
        self.forks = Forks(sweep, directory, arrays)
        self.programs = Programs()
        self.signal: str | None = None

    def run(self, plan: Plan, report: Report) -> TrialResult:
        """Train a trial, or continue it. Whatever is wrong with it is a result, not an error.

        Args:
            plan: what the trial asks for.
            report: takes each epoch and its value, and decides how to continue.
        """
        try:
            return self._run(plan, report)
        except RequestError as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            return TrialResult(TrialOutcome.FAILED, reason)
        except MemoryError:
            return TrialResult(TrialOutcome.CRASHED, "out of memory")
        except Exception as error:
            if lacks_space(error):
                # This is not a fault of the trial.
                return TrialResult(TrialOutcome.OUT_OF_SPACE)
            # A trial that fails is a row of the table, and does not end the search.
            return TrialResult(TrialOutcome.CRASHED, f"{type(error).__name__}: {error}")

    def _run(self, plan: Plan, report: Report) -> TrialResult:
        folders = run_folders(self.directory, plan.trial_id, self.sweep)
        if plan.parent is not None:
            self._copy_parent(plan.parent, folders)
        if self.sweep.trainings > 1:
            # The mean decides, which is known only after the last training.
            report = _always_continue
        results = []
        for recipe, folder in zip(recipes_of(self.sweep, plan), folders, strict=True):
            reporter = Reporter(self.sweep.objective.metric, report, plan.until)
            result = self._run_training(plan, recipe, folder, reporter)
            if finished(folder, plan.until) is None or result.status == "failed":
                self.signal = result.signal
                return _unfinished(folder, result)
            results.append(result)
        return self._completed(folders, results)

    def _copy_parent(self, parent: str, folders: list[Path]) -> None:
        """Let a trial begin where its parent has ended, unless it has begun before."""
        for source, target in zip(
            run_folders(self.directory, parent, self.sweep), folders, strict=True
        ):
            if not target.exists():
                when_there_is_space(partial(copy_folder, source, target))

    def _run_training(self, plan: Plan, recipe: Recipe, folder: Path, reporter: Reporter) -> Result:
        """One training of a trial, whose epochs go to the trackers of the sweep too."""
        tracking = trial_tracking(self.sweep, self.directory, recipe, folder)
        last = () if tracking is None else tracking.callbacks()
        options: TrialOptions = {"programs": self.programs, "last": last}
        training = partial(train_trial, recipe, folder, reporter, self.arrays, **options)
        result = self._from_shared_beginning(plan, recipe, folder, training)
        if tracking is not None:
            tracking.finish(result)
        return result

    def _from_shared_beginning(
        self, plan: Plan, recipe: Recipe, folder: Path, training: Callable[..., Result]
    ) -> Result:
        """Train, from a beginning that is shared with other trials if there is one."""
        fork = self.forks.of(plan, folder, recipe)
        if fork is None:
            return training()
        with self.forks.claims.claimed(fork.training.name):
            fork.begin()
            try:
                return training(visit=fork.visit)
            except RequestError as error:
                if lacks_space(error) or not fork.refused():
                    raise
                logger.warning(f"{folder}: is trained from the start: {error}")
                remove_tree(folder)
                return training(visit=fork.visit)

    def _completed(self, folders: list[Path], results: list[Result]) -> TrialResult:
        objective = self.sweep.objective
        points = [curve(folder, objective.metric) for folder in folders]
        if not all(points):
            return TrialResult(TrialOutcome.FAILED, f"no epoch has a value of {objective.metric}")
        trial_curve = points[0]
        if len(points) > 1:
            better = min if objective.direction == "min" else max
            mean = statistics.fmean(better(value for _, value in each) for each in points)
            trial_curve = [(max(result.epochs for result in results), mean)]
        stopped = [result.reason for result in results if result.stop_reason is StopReason.SEARCH]
        if stopped:
            return TrialResult(TrialOutcome.STOPPED, stopped[0], trial_curve)
        return TrialResult(TrialOutcome.COMPLETED, "", trial_curve)


def _always_continue(epoch: int, value: float) -> Decision:
    return Decision.CONTINUE


def _unfinished(folder: Path, result: Result) -> TrialResult:
    if result.status == "interrupted":
        return TrialResult(TrialOutcome.INTERRUPTED, result.reason)
    # An error may have come from outside; a training that diverged does so every time.
    crashed = (folder / files.TRACEBACK).exists()
    return TrialResult(TrialOutcome.CRASHED if crashed else TrialOutcome.FAILED, result.reason)


def train_trial(
    recipe: Recipe,
    folder: Path,
    reporter: Reporter,
    arrays: Arrays | None = None,
    **options: Unpack[TrialOptions],
) -> Result:
    """Start or continue a training; if it is finished, only read its result.

    The values of epochs that were trained before are reported first: a chief that was killed may
    not know them, and another training may have trained them.

    Args:
        options: more arguments of `train`.
    """
    done = finished(folder, reporter.until)
    for epoch, value in curve(folder, reporter.metric):
        if reporter.report(epoch, value) is Decision.PAUSE:
            return Result("interrupted", str(folder), "another worker has the trial")
    if done is not None:
        return done
    attempt = partial(_start_or_resume, recipe, folder, reporter, arrays, options)
    result = _with_space(attempt, reporter)
    if result.status == "completed":
        sweep = next(above.parent for above in folder.parents if above.name == TRIALS)
        record_event(sweep, "trained", folder.relative_to(sweep / TRIALS).as_posix())
    if reporter.stopped_at is not None:
        reason = f"stopped by the search after epoch {reporter.stopped_at}"
        result = replace(result, reason=reason, stop_reason=StopReason.SEARCH)
        written = result.to_json()
        when_there_is_space(lambda: RunDirectory(folder).write_result(written))
    return result


def _start_or_resume(
    recipe: Recipe, folder: Path, reporter: Reporter, arrays: Arrays | None, options: TrialOptions
) -> Result:
    wait_until_free(folder)
    keras.backend.clear_session()
    reporter.stop = StopRequest()
    return train(
        recipe,
        out=folder,
        arrays=arrays,
        progress=False,
        callbacks=(reporter,),
        resume=folder.exists(),
        evaluate_test=False,
        stop=reporter.stop,
        **options,
    )


def _with_space(attempt: Callable[[], Result], reporter: Reporter) -> Result:
    """Train; where the disk is full, wait and continue from the last checkpoint.

    Raises:
        OutOfSpace: there was none for as long as a sweep waits, and no epoch ended in that time.
    """
    waiting = SpaceWait()
    while True:
        before = reporter.epochs
        try:
            return attempt()
        except (OSError, RequestError) as error:
            if not lacks_space(error):
                raise
            if reporter.epochs > before:
                waiting.over()
            if waiting.too_long():
                raise OutOfSpace from error
        time.sleep(space.PAUSE)


def finished(folder: Path, until: int | None) -> Result | None:
    """The result of a training that has reached its end or epoch `until`, else None."""
    try:
        result = Result.from_json(json.loads((folder / files.RESULT).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    paused = result.status == "interrupted" and until is not None and result.epochs >= until
    return result if paused or result.status in ("completed", "failed") else None


def wait_until_free(folder: Path, seconds: float = BUSY_SECONDS) -> None:
    """Wait for a process that still works on a run, although it counts as dead.

    Raises:
        RequestError: it does not end.
    """
    until = time.monotonic() + seconds
    while folder.is_dir():
        try:
            with locked(folder):
                return
        except RequestError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def curve(folder: Path, metric: str) -> Points:
    """Epoch, from 1, and value of a metric for each epoch of a run that was finished."""
    epochs, values = curves(read_metrics(folder)).get(metric, ([], []))
    return list(zip(epochs, values, strict=True))
