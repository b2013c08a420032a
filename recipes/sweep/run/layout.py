"""Where the files of a sweep are."""

import json
import re
import time
from pathlib import Path

SWEEP = "sweep.yaml"
MANIFEST = "manifest.json"
ORACLE = "oracle"
TRIALS = "trials"
EVENTS = "events.jsonl"
TABLE = "trials.csv"
TABLE_JSON = "trials.json"
BEST = "best.yaml"
RESULT = "result.json"
REPORT = "report.html"
TENSORBOARD = "tensorboard"
ENSEMBLE = "ensemble"


def trial_folder(directory: Path, trial_id: str) -> Path:
    """The folder of a trial: its number with four digits.

    >>> trial_folder(Path("sweep"), "07").as_posix()
    'sweep/trials/0007'
    """
    name = f"{int(trial_id):04d}" if re.fullmatch("[0-9]+", trial_id) else trial_id
    return directory / TRIALS / name


def run_folders(directory: Path, trial_id: str, repeats: int) -> list[Path]:
    """The run directories of a trial: its folder, or one in it for each seed."""
    folder = trial_folder(directory, trial_id)
    if repeats == 1:
        return [folder]
    return [folder / f"seed-{index}" for index in range(1, repeats + 1)]


def note(directory: Path, event: str, trial: str) -> None:
    """Add a line to the story of a sweep; every process may, for a line is written at once."""
    line = json.dumps({"event": event, "trial": trial, "time": round(time.time(), 3)})
    with open(directory / EVENTS, "a", encoding="utf-8") as file:
        file.write(line + "\n")
