"""A sweep in experiment trackers: a parent run, and a child for each training of its trials."""

import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path

from ....messages import logger
from ...errors import RequestError
from ...record import directory as files
from ...record.directory import RunDirectory
from ...run.tracker import Ending, Sender, TrackedRun
from ...run.tracking import MAKERS, Tracking, installed, stored_trackers
from ...spec import Recipe
from ...spec.dump import to_plain
from ...spec.tracking import TrackerName
from ..spec.records import Sweep
from .folder import BEST, SWEEP, TABLE, TRIALS, base_recipe
from .result import SweepResult, TrialRow

REPORT = "report.html"
ARTIFACTS = (SWEEP, TABLE, BEST, REPORT)
# Seconds that trials at the start wait for the parent run.
READY_SECONDS = 60.0


class TrackedSweep:
    """The parent run, which the chief of a sweep sends.

    Nothing here raises an error: a search does not depend on its trackers.

    Args:
        added: trackers beside those of the recipe; a sweep that is continued keeps them.
    """

    def __init__(self, sweep: Sweep, where: RunDirectory, added: Sequence[TrackerName] = ()):
        self._sweep = sweep
        self._where = where
        self._sent: set[str] = set()
        self._best: float | None = None
        self._senders: list[Sender] = []
        recipe = base_recipe(sweep)
        known, kept = stored_trackers(where)
        names = dict.fromkeys((*recipe.tracking, *kept, *added))
        self._names = [name for name in names if name in MAKERS and installed(name)]
        self._added = [name for name in names if name not in recipe.tracking]
        self._run = _parent(sweep, known or secrets.token_hex(16), recipe)

    def begin(self) -> None:
        """Make the parent run, before the first of its trials."""
        if not self._names:
            return
        try:
            content = {"id": self._run.id, "added": self._added}
            self._where.write_json(files.TRACKERS, content)
        except (OSError, RequestError) as error:
            logger.warning(f"tracking: {error} The sweep is not sent to its trackers.")
            return
        self._senders = [Sender(name, MAKERS[name], self._run) for name in self._names]
        for sender in self._senders:
            sender.wait_until_ready(READY_SECONDS)

    def look(self, rows: Sequence[TrialRow]) -> None:
        """Send the trials that have ended since the last time: each score, and the best so far."""
        if not self._senders:
            return
        better = min if self._sweep.objective.direction == "min" else max
        for row in rows:
            if row.score is None or row.status == "running" or row.trial in self._sent:
                continue
            self._sent.add(row.trial)
            self._best = row.score if self._best is None else better(self._best, row.score)
            for sender in self._senders:
                # Steps must not fall, and trials end in any order.
                sender.send(len(self._sent), {"score": row.score, "best_score": self._best})

    def finish(self, result: SweepResult) -> None:
        """Send how the search has ended, once its report is written."""
        paths = [self._where / name for name in ARTIFACTS]
        values = {f"test/{name}": value for name, value in result.test.items()}
        if result.best:
            values["best/score"] = float(result.best["score"])
        ending = Ending(result.status, result.trials, values, [p for p in paths if p.is_file()])
        for sender in self._senders:
            sender.end(ending)


def trial_tracking(sweep: Sweep, directory: Path, recipe: Recipe, folder: Path) -> Tracking | None:
    """The tracking of a trial's training; None if the sweep is not sent anywhere.

    Args:
        directory: of the sweep, in which its chief has written the trackers.
        folder: run directory of the training.
    """
    known, added = stored_trackers(RunDirectory(directory))
    if not known:
        return None
    name = folder.relative_to(directory / TRIALS).as_posix()
    # By its folder: a trial that continues another one is a run too.
    own = hashlib.sha256(f"{known}/{name}".encode()).hexdigest()[:32]
    run = TrackedRun(own, f"trial {name}", sweep.name, to_plain(recipe), "trial", known)
    return Tracking(recipe, RunDirectory(folder), added, trial=run)


def _parent(sweep: Sweep, known: str, recipe: Recipe) -> TrackedRun:
    content = {
        "algorithm": sweep.algorithm.name,
        "objective": f"{sweep.objective.direction} {sweep.objective.metric}",
        "recipe": to_plain(recipe),
    }
    return TrackedRun(known, sweep.name, sweep.name, content, "sweep")
