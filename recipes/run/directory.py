"""The run directory: every file in it is whole or absent."""

import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from ... import disk
from ..build.run_files import check_run_files
from ..errors import RequestError
from .lock import LOCK, locked

RECIPE = "recipe.yaml"
MANIFEST = "manifest.json"
METRICS = "metrics.jsonl"
PRETRAINING = "pretraining.json"
# Trained machines by their keys, and the arrays of the report's pictures.
MACHINES = "pretraining"
PICTURES = "pretraining/pictures.npz"
GRADIENTS = "gradients.jsonl"
MODEL = "model.keras"
DATA = "data.json"
RESULT = "result.json"
REPORT = "report.html"
TRACEBACK = "traceback.txt"
CHECKPOINTS = "checkpoints"
STATE = "checkpoints/state"
MEMBERS = "members"


class RunDirectory:
    """A directory that holds one run.

    A file is written beside its place, flushed to disk and moved there in one step, so a reader
    never meets half of one. `result.json` says `running` from the first step on; a directory in
    which it still says so, with no process behind it, is a run that never finished.
    """

    def __init__(self, path: Path):
        self.path = path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def write(self, name: str, save: Callable[[Path], Any]) -> None:
        """Let `save` write a file, then move it to `name` in one step."""
        disk.write_whole(self.path / name, save)

    def write_text(self, name: str, text: str) -> None:
        """Write a text file whole or not at all."""
        disk.write_text(self.path / name, text)

    def write_json(self, name: str, value: Any) -> None:
        """Write strict JSON: a number that is not finite becomes null."""
        self.write_text(name, json.dumps(strict(value), indent=2, allow_nan=False) + "\n")

    def read_json(self, name: str) -> Any:
        """Read a JSON file of this run; a `RequestError` tells what is wrong with it."""
        path = self.path / name
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RequestError(
                f"{self.path}: not a run directory, it has no {name}. "
                "`keras-recipes train` makes one."
            ) from None
        except (OSError, ValueError) as error:
            raise RequestError(f"{path}: cannot be read: {error}") from None


def strict(value: Any) -> Any:
    """The same value with every NaN and infinity replaced by None, as JSON knows neither."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in value]
    return value


@contextmanager
def reserved(
    out: str | os.PathLike | None, name: str, *, again: bool = False
) -> Iterator[RunDirectory]:
    """Make the directory of a run, and lock it; take it away again if the run never began.

    `out` is used as it is. Without it the run goes to `runs/NAME-DATE-TIME`. When the block fails
    before `result.json` is there, no step was taken: whatever was created here is removed again.

    Args:
        again: whether the directory may hold a run, which is taken up; else it must not exist or
            be empty.

    Raises:
        RequestError: it cannot be written, is not empty, or another process works there.
    """
    path = Path(out) if out is not None else _fresh(Path("runs"), name)
    created = _create(path, again)
    if again:
        check_run_files(path)
    try:
        with locked(path):
            if not again:
                _check_empty(path)
            try:
                yield RunDirectory(path)
            except BaseException:
                if not (path / RESULT).exists():
                    _take_away(path, created)
                raise
    except BaseException:
        # A process that was refused leaves no folder either, if there is nothing in it.
        _take_away_empty(path, created)
        raise


def opened(path: str | os.PathLike) -> RunDirectory:
    """An existing run directory; a `RequestError` when there is none at `path`."""
    directory = RunDirectory(Path(path))
    if not os.path.isdir(directory.path):
        raise RequestError(f"{path}: there is no such run directory.")
    check_run_files(directory.path)
    directory.read_json(RESULT)
    return directory


def _fresh(root: Path, name: str) -> Path:
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    path = root / f"{name}-{stamp}"
    number = 2
    while path.exists():
        path = root / f"{name}-{stamp}-{number}"
        number += 1
    return path


def _check_empty(path: Path) -> None:
    if any(entry.name != LOCK for entry in path.iterdir()):
        raise RequestError(
            f"{path}: is not empty. Give `--out` a new directory, or `--resume` to continue the "
            "run in it; runs are never overwritten."
        )


def _create(path: Path, again: bool = False) -> list[Path]:
    """Create `path` and prove that it can be written; return the folders that are new."""
    # Unlike a `Path`, `os.path` takes a name that no file can have for one that is not there.
    if os.path.exists(path) and not os.path.isdir(path):
        raise RequestError(f"{path}: is a file. `--out` names a directory that does not exist yet.")
    created: list[Path] = []
    try:
        if os.path.isdir(path) and not again:
            _check_empty(path)
        missing = [folder for folder in (path, *path.parents) if not os.path.exists(folder)]
        path.mkdir(parents=True, exist_ok=True)
        created = missing
        with tempfile.TemporaryFile(dir=path) as probe:
            probe.write(b"x")
            probe.flush()
    except (OSError, ValueError) as error:
        _take_away(path, created)
        raise RequestError(
            f"{path}: the run directory cannot be written: {getattr(error, 'strerror', error)}. "
            "Name another with `--out`."
        ) from None
    return created


def _take_away(path: Path, created: list[Path]) -> None:
    for folder in created:  # deepest first
        if folder == path:
            shutil.rmtree(folder, ignore_errors=True)
    _take_away_empty(path, created)


def _take_away_empty(path: Path, created: list[Path]) -> None:
    """Remove the new folders that nothing is in."""
    for folder in created:
        with suppress(OSError):
            folder.rmdir()
