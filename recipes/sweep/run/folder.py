"""The directory of a sweep: where its files are, who holds it, and what it was made for."""

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ....disk import Lines, suppress_full, when_there_is_space
from ...errors import RequestError
from ...record.contents import JSONObject
from ...record.directory import RunDirectory
from ...record.lock import locked
from ...spec import Recipe
from ...spec.dump import to_plain
from ..spec.load import trial_recipe
from ..spec.records import Sweep
from ..stored import damaged, is_trial_id, read_json

ROOT = "sweeps"
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
TENSORBOARD = "tensorboard"
ENSEMBLE = "ensemble"
LOGS = "workers"
BEGINNINGS = "beginnings"
# What the run directories of the folds of a trial begin with.
FOLD = "fold"
# Files and folders that are written, and so must not be links to another place.
WRITTEN = (ORACLE, TRIALS, TENSORBOARD, ENSEMBLE, LOGS, BEGINNINGS, EVENTS, TOKEN)
# These may change between two starts: how fast, how long and what for, not what is searched.
FREE = ("jobs", "trials", "epochs", "seconds", "max_consecutive_failures", "retries")
ANSWER = ("evaluate_test", "ensemble", "source", "tree", "recipe", "base", "name")
PLACES = frozenset({"line", "column", "place"})
MEND = "Put a copy of it back, or search again in another directory with --out."


# Paths.


def directory_of(sweep: Sweep, out: str | os.PathLike | None) -> Path:
    """The directory of a sweep: always the same, so that the same command continues it."""
    return Path(out) if out is not None else Path(ROOT) / sweep.name


def trial_folder(directory: Path, trial_id: str) -> Path:
    """The folder of a trial: its number with four digits.

    Raises:
        RequestError: it is not a number; names come from files and from other machines.

    >>> trial_folder(Path("sweep"), "07").as_posix()
    'sweep/trials/0007'
    """
    if not is_trial_id(trial_id):
        raise RequestError(
            f"{directory / TRIALS}: the name of a trial is a number. Received {trial_id!r}."
        )
    return directory / TRIALS / f"{int(trial_id):04d}"


def run_folders(directory: Path, trial_id: str, sweep: Sweep) -> list[Path]:
    """The run directories of a trial: its folder, or one in it for each seed or fold."""
    folder = trial_folder(directory, trial_id)
    if sweep.trainings == 1:
        return [folder]
    word = "seed" if sweep.folds is None else FOLD
    return [folder / f"{word}-{index}" for index in range(1, sweep.trainings + 1)]


def keep_attempt(directory: Path, trial_id: str) -> None:
    """Rename the folder of a failed attempt, to make room for the next one."""
    folder = trial_folder(directory, trial_id)
    if not folder.exists():
        return
    number = 1
    while (name := folder.with_name(f"{folder.name}.failed-{number}")).exists():
        number += 1
    when_there_is_space(lambda: os.rename(folder, name))


# Events.

_EVENTS: dict[Path, Lines] = {}
_EVENTS_LOCK = threading.Lock()


def record_event(directory: Path, event: str, trial: str) -> None:
    """Add a line to `events.jsonl`; every process may, for a line is written at once.

    Lines that a full disk does not take wait for the next one.
    """
    line = json.dumps({"event": event, "trial": trial, "time": round(time.time(), 3)})
    with _EVENTS_LOCK:
        _EVENTS.setdefault(directory, Lines(directory / EVENTS)).add(line)


def flush_events(directory: Path) -> None:
    """Write the lines that wait, if there is space."""
    with _EVENTS_LOCK, suppress_full():
        if directory in _EVENTS:
            _EVENTS[directory].flush()


# Ownership of the directory.


@contextmanager
def held(sweep: Sweep, directory: Path) -> Iterator[RunDirectory]:
    """Make or reopen the directory of a sweep, and hold it against a second chief.

    Raises:
        RequestError: another process holds it, or it is the directory of another sweep.
    """
    # Unlike a `Path`, `os.path` takes a name that no file can have for one that is not there.
    there = os.path.isdir(directory) and any(directory.iterdir())
    if there and not os.path.isdir(directory / ORACLE):
        raise RequestError(
            f"{directory}: is not empty and holds no sweep. Name another with --out."
        )
    for name in WRITTEN:
        if os.path.islink(directory / name):
            raise RequestError(
                f"{directory / name}: is a link, and nothing is written through one. Replace it by "
                "what it leads to, or name another directory with --out."
            )
    try:
        (directory / ORACLE).mkdir(parents=True, exist_ok=True)
        (directory / TRIALS).mkdir(exist_ok=True)
    except OSError as error:
        raise RequestError(f"{directory}: cannot be written: {error.strerror}.") from None
    with locked(directory):
        where = RunDirectory(directory)
        _check(sweep, where)
        yield where


def _check(sweep: Sweep, where: RunDirectory) -> None:
    """Refuse to continue another sweep, and say what differs."""
    if not (where / MANIFEST).exists():
        return
    before = identity_of(where / MANIFEST)
    changed = [name for name, value in identity(sweep).items() if value != before.get(name)]
    if changed:
        raise RequestError(
            f"{where.path}: holds another sweep; what differs: {', '.join(sorted(changed))}. "
            "Undo the change to continue it, or name another directory with --out."
        )


def describe(sweep: Sweep, where: RunDirectory) -> None:
    """Write what the sweep is made of, before its first trial."""
    from ...run.describe import keras_manifest

    if (where / MANIFEST).exists():
        return
    text = f"# {sweep.name}: given from Python; {MANIFEST} says what is searched\n"
    if sweep.source is not None:
        text = Path(sweep.source).read_text(encoding="utf-8")
    searched = identity(sweep)
    content = keras_manifest(seed=sweep.seed, fingerprints={"sweep": fingerprint(sweep)})
    when_there_is_space(lambda: where.write_text(SWEEP, text))
    when_there_is_space(lambda: where.write_json(MANIFEST, {**content, "identity": searched}))


def identity_of(manifest_file: Path) -> JSONObject:
    """What is searched in the directory of a sweep, as its manifest says.

    Raises:
        RequestError: the manifest is damaged.
    """
    found = read_json(manifest_file, MEND)
    content = found.get("identity") if isinstance(found, dict) else None
    if not isinstance(content, dict):
        raise damaged(manifest_file, "has no `identity`, which says what is searched", MEND)
    return content


def identity(sweep: Sweep) -> JSONObject:
    """What is searched, in plain values; two sweeps with the same are continued as one."""
    content = {
        name: getattr(sweep, name)
        for name in type(sweep).__dataclass_fields__
        if name not in (*FREE, *ANSWER, "parameters")
    }
    content["space"] = [
        [parameter.name, parameter.domain, sorted(parameter.when.items())]
        for parameter in sweep.parameters
    ]
    content["recipe"] = to_plain(base_recipe(sweep))
    return json.loads(json.dumps(content, default=_plain, sort_keys=True))


def base_recipe(sweep: Sweep) -> Recipe:
    """The recipe with none of the space's keys changed."""
    return trial_recipe(sweep, {})


def fingerprint(sweep: Sweep) -> str:
    """SHA-256 of the identity."""
    return hashlib.sha256(json.dumps(identity(sweep), sort_keys=True).encode()).hexdigest()


def _plain(value: object) -> object:
    fields = getattr(type(value), "__dataclass_fields__", None)
    if fields is None:
        return repr(value)
    shown = {name: getattr(value, name) for name in fields if name not in PLACES}
    return {"type": type(value).__name__, **shown}
