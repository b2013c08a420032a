"""One training of a trial: a run directory that is new, to be continued, or finished already."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from .... import disk
from ...errors import RequestError
from ...record import directory as files
from ...record.directory import RunDirectory
from ...record.lock import locked
from ...record.result import Result, StopReason
from ...run.stop import StopRequest
from ...run.train import train
from ...spec import Recipe
from ..engine.trial import Decision
from . import space
from .layout import TRIALS, note
from .space import OutOfSpace, SpaceWait, lacks_space

# Seconds that a worker waits for another one that lost its lease and still trains: it leaves the
# run at the end of its epoch.
BUSY_SECONDS = 600.0
Report = Callable[[int, float], Decision]


class Reporter(keras.callbacks.Callback):
    """Reports the value of each epoch, and ends or pauses the training as it is decided.

    Args:
        metric: name of the value in the logs of an epoch.
        report: takes the epoch, from 1, and its value; decides how to continue.
        until: epoch after which the training pauses, or None.

    Attributes:
        stopped_at: epoch after which the decision was to stop; None where it never was.
        stop: with which the training is paused: it stores its whole state, to be continued later.
        epochs: epochs that have ended since the training was started or continued.
    """

    def __init__(self, metric: str, report: Report, until: int | None = None):
        super().__init__()
        self.metric = metric
        self.report = report
        self.until = until
        self.stopped_at: int | None = None
        self.stop = StopRequest()
        self.epochs = 0

    def get_state(self) -> dict[str, Any]:
        """Nothing: the chief knows what was reported."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Nothing is to be restored."""

    def on_error(self, error: Exception) -> None:
        """Leave a training that found no space as it is, to be continued: it has not failed."""
        if lacks_space(error):
            raise OutOfSpace from error

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.epochs += 1
        value = (logs or {}).get(self.metric)
        decision = Decision.CONTINUE
        # A value that is not finite ends the training, whose result says so.
        if value is not None and math.isfinite(value):
            decision = self.report(epoch + 1, float(value))
        if self.model is None or self.model.stop_training:
            return
        last = epoch + 1 == int((self.params or {}).get("epochs", 0))
        if decision is Decision.STOP:
            self.stopped_at = epoch + 1
            self.model.stop_training = True
            return
        reached = self.until is not None and epoch + 1 >= self.until
        if not last and (reached or decision is Decision.PAUSE):
            self.stop.pause()


def train_trial(
    recipe: Recipe, folder: Path, reporter: Reporter, arrays: tuple[Any, Any] | None = None
) -> Result:
    """Start or continue a training; one that is finished is only read.

    The values of epochs that were trained before are reported first: a chief that was killed may
    not know them.
    """
    done = finished(folder, reporter.until)
    for epoch, value in curve(folder, reporter.metric):
        if math.isfinite(value) and reporter.report(epoch, value) is Decision.PAUSE:
            return Result("interrupted", str(folder), "another worker has the trial")
    if done is not None:
        return done
    result = with_space(lambda: _train(recipe, folder, reporter, arrays), reporter)
    if result.status == "completed":
        trained(folder)
    if reporter.stopped_at is not None:
        reason = f"stopped by the search after epoch {reporter.stopped_at}"
        result = replace(result, reason=reason, stop_reason=StopReason.SEARCH)
        written = result.to_json()
        disk.when_there_is_space(lambda: RunDirectory(folder).write_result(written))
    return result


def _train(
    recipe: Recipe, folder: Path, reporter: Reporter, arrays: tuple[Any, Any] | None
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
    )


def with_space(attempt: Callable[[], Result], reporter: Reporter) -> Result:
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


def trained(folder: Path) -> None:
    """Note that a training came to its end just now, and was not only read."""
    sweep = next(above.parent for above in folder.parents if above.name == TRIALS)
    note(sweep, "trained", folder.relative_to(sweep / TRIALS).as_posix())


def finished(folder: Path, until: int | None) -> Result | None:
    """The result of a training that has reached its end, or epoch `until`; None of any other."""
    try:
        result = Result.from_json(json.loads((folder / files.RESULT).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    if result.status in ("completed", "failed"):
        return result
    paused = result.status == "interrupted" and until is not None and result.epochs >= until
    return result if paused else None


def wait_until_free(folder: Path, seconds: float = BUSY_SECONDS) -> None:
    """Wait for a process that still works on a run, and has been taken for dead.

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


def curve(folder: Path, metric: str) -> list[tuple[int, float]]:
    """Epoch, from 1, and value of a metric for each epoch of a run that was finished."""
    return [
        (int(line["epoch"]), float(line[metric]))
        for line in epochs_of(folder)
        if isinstance(line.get(metric), (int, float))
    ]


def epochs_of(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's metrics; one that was cut short by a kill ends them."""
    try:
        text = (folder / files.METRICS).read_text(encoding="utf-8")
    except OSError:
        return []
    lines = []
    for line in text.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines
