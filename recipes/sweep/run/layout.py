"""Where the files of a sweep are."""

import json
import threading
import time
from pathlib import Path

from ....disk import Lines, suppress_full
from ...errors import RequestError
from ..stored import is_trial_id

SWEEP = "sweep.yaml"
MANIFEST = "manifest.json"
ORACLE = "oracle"
TRIALS = "trials"
EVENTS = "events.jsonl"
TOKEN = "token"
TABLE = "trials.csv"
TABLE_JSON = "trials.json"
BEST = "best.yaml"
RESULT = "result.json"
REPORT = "report.html"
TENSORBOARD = "tensorboard"
ENSEMBLE = "ensemble"
LOGS = "workers"


def trial_folder(directory: Path, trial_id: str) -> Path:
    """The folder of a trial: its number with four digits.

    Raises:
        RequestError: it is no number; names come from files and from other machines.

    >>> trial_folder(Path("sweep"), "07").as_posix()
    'sweep/trials/0007'
    """
    if not is_trial_id(trial_id):
        raise RequestError(
            f"{directory / TRIALS}: the name of a trial is a number. Received {trial_id!r}."
        )
    return directory / TRIALS / f"{int(trial_id):04d}"


def run_folders(directory: Path, trial_id: str, repeats: int) -> list[Path]:
    """The run directories of a trial: its folder, or one in it for each seed."""
    folder = trial_folder(directory, trial_id)
    if repeats == 1:
        return [folder]
    return [folder / f"seed-{index}" for index in range(1, repeats + 1)]


def note(directory: Path, event: str, trial: str) -> None:
    """Add a line to the story of a sweep; every process may, for a line is written at once.

    Lines that a full disk does not take wait for the next one.
    """
    line = json.dumps({"event": event, "trial": trial, "time": round(time.time(), 3)})
    with _NOTING:
        _STORIES.setdefault(directory, Lines(directory / EVENTS)).add(line)


def noted(directory: Path) -> bool:
    """Write the lines that wait; whether none does any more."""
    with _NOTING:
        lines = _STORIES.get(directory)
        if lines is None:
            return True
        with suppress_full():
            lines.flush()
        return not lines.waiting


_STORIES: dict[Path, Lines] = {}
_NOTING = threading.Lock()
