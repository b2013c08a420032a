"""Send a run to the experiment trackers of its recipe, from the files that it has written."""

import importlib.util
import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ...callbacks.event_reader import NewHistograms
from ...callbacks.event_records import FILE_NAME
from ...disk import explained
from ...messages import logger
from ..record import directory as files
from ..record.contents import JSONObject
from ..record.directory import RunDirectory
from ..record.metrics import METRICS, read_metrics
from ..record.result import Result
from ..spec import Recipe
from ..spec.dump import to_plain
from ..spec.tracking import TRACKERS, TrackerName
from .mlflow_tracker import MlflowTracker
from .tracker import Ending, Histograms, Sender, TrackedRun, Tracker
from .wandb_tracker import WandbTracker

# Trackers that runs are sent to; TensorBoard's events are files that every run writes.
MAKERS: dict[str, Callable[[], Tracker]] = {"mlflow": MlflowTracker, "wandb": WandbTracker}
ARTIFACTS = (files.RECIPE, files.REPORT, files.MODEL)
ID = re.compile(r"[0-9a-f]{32}")
# The lines of epochs, and by epoch the histograms of weights.
News = tuple[list[JSONObject], dict[int, dict[str, np.ndarray]]]


class Tracking:
    """Sends one run to its trackers.

    Nothing here raises an error: a training does not depend on its trackers.

    Args:
        added: trackers beside those of the recipe; a resumed run keeps them.
        trial: how trackers identify a training of a sweep; None for a run outside of a sweep. The
            model and report of a trial stay in the sweep.
    """

    def __init__(
        self,
        recipe: Recipe,
        directory: RunDirectory,
        added: Sequence[TrackerName] = (),
        *,
        trial: TrackedRun | None = None,
    ):
        self.directory = directory
        self._recipe = recipe
        self._trial = trial
        self._id, kept = ("", []) if trial else stored_trackers(directory)
        names: dict[TrackerName, None] = dict.fromkeys((*recipe.tracking, *kept, *added))
        self._added = [name for name in names if name not in recipe.tracking]
        self._names = [name for name in names if name in MAKERS and installed(name)]
        self._lines = NewLines(directory / METRICS)
        self._histograms = [NewHistograms(path) for path in event_files(recipe, directory)]
        self._senders: list[Sender] | None = None

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """The callbacks that send each epoch as it ends; none without trackers."""
        return [TrackedEpochs(self)] if self._names else []

    def look(self) -> None:
        """Send the lines that the run has written since the last time."""
        with self._never_failing():
            self._send(*self._news())

    def finish(self, result: Result) -> None:
        """Send what is left, and how the run has ended, once its report is written."""
        with self._never_failing():
            several = self._names and (result.members or result.folds)
            parts = files.parts_of(self.directory) if several else []
            self._send(*(_merged(self._recipe, parts) if parts else self._news()))
            names = ARTIFACTS if self._trial is None else (files.RECIPE,)
            paths = [self.directory / name for name in names]
            artifacts = [path for path in paths if path.is_file()]
            ending = Ending(result.status, result.epochs, _measured(result), artifacts)
            for sender in self._senders or ():
                sender.end(ending)

    def _news(self) -> News:
        """The lines that the run has written since the last time, and its histograms."""
        lines = self._lines.read()
        return lines, _by_step(self._histograms)

    def _send(self, lines: Sequence[JSONObject], histograms: Mapping[int, Histograms]) -> None:
        if self._senders is None:
            # Not before a model is built, whose initial weights may come from generators that the
            # package of a tracker draws from too.
            self._senders = self._started()
        for line in lines:
            # The file has NaN and infinities as text.
            values = {name: float(value) for name, value in line.items() if name != "epoch"}
            epoch = int(line["epoch"])
            for sender in self._senders:
                sender.send(epoch, values, histograms.get(epoch))

    def _started(self) -> list[Sender]:
        if not self._names:
            return []
        if self._trial is not None:
            return [Sender(name, MAKERS[name], self._trial) for name in self._names]
        # Before anything is sent, so that a run that is killed is found again.
        self._id = self._id or secrets.token_hex(16)
        self.directory.write_json(files.TRACKERS, {"id": self._id, "added": self._added})
        plain = to_plain(self._recipe)
        run = TrackedRun(self._id, self.directory.path.resolve().name, self._recipe.name, plain)
        return [Sender(name, MAKERS[name], run) for name in self._names]

    @contextmanager
    def _never_failing(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            cause = explained(error) if isinstance(error, OSError) else str(error)
            logger.warning(f"tracking: {cause} The run is no longer sent to its trackers.")
            self._names, self._senders = [], []


class TrackedEpochs(keras.callbacks.Callback):
    """Lets a run be sent after each epoch; stands behind the callback that writes the line."""

    def __init__(self, tracking: Tracking):
        super().__init__()
        self._tracking = tracking

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._tracking.look()


class NewLines:
    """The lines of a file that have been added since the last time."""

    def __init__(self, path: Path):
        self.path = path
        self._place = 0

    def read(self) -> list[JSONObject]:
        try:
            with open(self.path, "rb") as file:
                file.seek(self._place)
                content = file.read()
        except FileNotFoundError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        self._place += len(whole)
        return [json.loads(line) for line in whole.splitlines()]


def stored_trackers(directory: RunDirectory) -> tuple[str, list[TrackerName]]:
    """The id of a run and the trackers that it was given; empty if the file is damaged."""
    try:
        stored = json.loads((directory / files.TRACKERS).read_text(encoding="utf-8"))
        known: list[TrackerName] = [name for name in TRACKERS if name in stored["added"]]
        return (stored["id"], known) if ID.fullmatch(stored["id"]) else ("", [])
    except (OSError, ValueError, LookupError, TypeError):
        return "", []


def installed(name: TrackerName) -> bool:
    """Whether the package of a tracker is there; a message says so if it is not."""
    if importlib.util.find_spec(name) is not None:
        return True
    logger.warning(
        f"{name}: is not installed, so the run is not sent to it. "
        f"`pip install 'keras-recipes[{name}]'` installs it."
    )
    return False


def event_files(recipe: Recipe, directory: RunDirectory) -> list[Path]:
    """The files to which the recipe lets histograms of weights be written."""
    return [
        directory / str(choice.arguments.get("path", files.TENSORBOARD)) / "train" / FILE_NAME
        for choice in recipe.callbacks
        if choice.name == "tensorboard_log" and choice.arguments.get("histograms") is not None
    ]


def _by_step(
    readers: Sequence[NewHistograms], before: str = ""
) -> dict[int, dict[str, np.ndarray]]:
    """The new content of each of the files, with names that begin with `before`."""
    by_step: dict[int, dict[str, np.ndarray]] = {}
    for reader in readers:
        for step, named in reader.read().items():
            by_step.setdefault(step, {}).update(
                {before + name: each for name, each in named.items()}
            )
    return by_step


def _merged(recipe: Recipe, parts: Sequence[RunDirectory]) -> News:
    """The lines of a run's parts by epoch; names begin with that of the part, as `members_1/`."""
    rows: dict[int, dict[str, Any]] = {}
    histograms: dict[int, dict[str, np.ndarray]] = {}
    for part in parts:
        before = f"{part.path.parent.name}_{part.path.name}/"
        for line in read_metrics(part.path):
            row = rows.setdefault(int(line["epoch"]), {"epoch": line["epoch"]})
            row |= {before + name: value for name, value in line.items() if name != "epoch"}
        readers = [NewHistograms(path) for path in event_files(recipe, part)]
        for epoch, named in _by_step(readers, before).items():
            histograms.setdefault(epoch, {}).update(named)
    return [rows[epoch] for epoch in sorted(rows)], histograms


def _measured(result: Result) -> dict[str, float]:
    """The metrics of the saved model, by split."""
    splits = {"validation": result.validation, "test": result.test}
    return {
        f"{split}/{name}": value
        for split, metrics in splits.items()
        for name, value in metrics.items()
    }
