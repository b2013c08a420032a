"""The runs below a folder, a row each, read without checking their hashes."""

import json
import math
import os
import socket
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import cast

from . import directory as files
from .contents import JSONObject
from .lock import LOCK

# How many levels of folders are searched: those of a sweep's trials with their seeds.
DEEPEST = 5
# The folder of a sweep's search, which stands beside its manifest, and that of the states which its
# trials begin with: copies of runs, and no runs.
ORACLE, BEGINNINGS = "oracle", "beginnings"
# A result is a few kilobytes; a line of metrics one.
MOST_BYTES, TAIL = 16 << 20, 64 << 10


class State(StrEnum):
    """What has become of a run."""

    COMPLETED = "completed"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    RUNNING = "running"
    # Its result says that it is running, and no process works on it: it was killed.
    UNFINISHED = "unfinished"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class RunRow:
    """A run in a list.

    Attributes:
        name: its directory, relative to the folder of the list.
        status: what has become of it.
        epochs: how many were trained.
        metrics: of its best split, by name; those of the last epoch if it has not ended.
        split: the split of the metrics: `test`, `validation`, or `last epoch`.
        seconds: time of the training.
        age: seconds since it was last written.
        reason: why it ended, or why it cannot be read.
    """

    name: str
    status: State
    epochs: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    split: str = ""
    seconds: float = 0.0
    age: float = 0.0
    reason: str = ""


def is_sweep_directory(path: str | Path) -> bool:
    """Whether a directory holds a sweep rather than a run."""
    return os.path.isdir(Path(path, ORACLE)) and os.path.isfile(Path(path, files.MANIFEST))


def runs_below(folder: Path) -> list[RunRow]:
    """Each run below a folder, or the folder itself where it is one; links are passed by."""
    now = time.time()
    return [_row(path, folder, now) for path in sorted(_run_folders(folder, DEEPEST))]


def _run_folders(folder: Path, depth: int) -> Iterator[Path]:
    names: set[str] = set()
    folders: list[Path] = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and entry.name != BEGINNINGS:
                folders.append(Path(entry.path))
            names.add(entry.name)
    if (files.RESULT in names or files.MANIFEST in names) and ORACLE not in names:
        yield folder
    elif depth:
        for below in folders:
            yield from _run_folders(below, depth - 1)


def _row(path: Path, folder: Path, now: float) -> RunRow:
    name = os.path.relpath(path, folder) if path != folder else path.resolve().name
    try:
        changed = os.stat(path / files.RESULT).st_mtime
        result = _object(_text(path / files.RESULT))
        return _known(path, name, result, now - changed)
    except FileNotFoundError:
        return RunRow(name, State.UNFINISHED, reason="there is no result yet")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        return RunRow(name, State.DAMAGED, reason=f"result.json: {error}")


def _known(path: Path, name: str, result: JSONObject, age: float) -> RunRow:
    status = State(str(result.get("status")))
    if status is State.RUNNING and not _worked_on(path):
        status = State.UNFINISHED
    measured, split = _measured(result)
    epochs, seconds = int(result.get("epochs", 0)), float(result.get("seconds", 0.0))
    if not measured:
        last = _last_line(path / files.METRICS)
        measured, split = _numbers(last), "last epoch"
        epochs = max(epochs, int(measured.pop("epoch", 0)))
        seconds = max(seconds, measured.pop("seconds", 0.0))
        measured.pop("step", None)
    reason = str(result.get("reason", ""))
    return RunRow(name, status, epochs, measured, split, seconds, max(age, 0.0), reason)


def _measured(result: JSONObject) -> tuple[dict[str, float], str]:
    for split in ("test", "validation"):
        found = _numbers(result.get(split))
        if found:
            return found, split
    return {}, ""


def _numbers(values: object) -> dict[str, float]:
    """The finite numbers of an object, by name."""
    if not isinstance(values, dict):
        return {}
    return {
        name: float(value)
        for name, value in cast("dict[str, object]", values).items()
        if isinstance(value, (int, float)) and math.isfinite(value)
    }


def _last_line(path: Path) -> JSONObject:
    """The last whole line of a file of lines; nothing of a file that is damaged."""
    with suppress(OSError, ValueError, RecursionError):
        lines = _text(path, TAIL).split("\n")[:-1]
        return _object(lines[-1]) if lines else {}
    return {}


def _text(path: Path, tail: int | None = None) -> str:
    """The text of a regular file, or its end."""
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("is not a file")
    if tail is None and found.st_size > MOST_BYTES:
        raise ValueError(f"is larger than {MOST_BYTES} bytes")
    with open(path, "rb") as file:
        if tail is not None:
            file.seek(max(0, found.st_size - tail))
        return file.read(MOST_BYTES).decode("utf-8", "strict" if tail is None else "replace")


def _object(text: str) -> JSONObject:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("is not a JSON object")
    return cast("JSONObject", found)


def _worked_on(path: Path) -> bool:
    """Whether the process that holds the lock of a run is there, as far as this machine knows."""
    try:
        owner = _object(_text(path / LOCK))
        if owner.get("machine") != socket.gethostname():
            return True
        os.kill(int(owner["process"]), 0)
    except PermissionError:
        return True  # a process of somebody else
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return False
    return True
