"""The run directory: every file in it is whole or absent."""

import json
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from ... import disk
from ..errors import RequestError
from .lock import LOCK, locked
from .result import check_types

RECIPE = "recipe.yaml"
MANIFEST = "manifest.json"
METRICS = "metrics.jsonl"
PRETRAINING = "pretraining.json"
# Trained machines by their keys, and the arrays of the report's pictures.
MACHINES = "pretraining"
PICTURES = "pretraining/pictures.npz"
GRADIENTS = "gradients.jsonl"
TENSORBOARD = "tensorboard"
MODEL = "model.keras"
DATA = "data.json"
RESULT = "result.json"
REPORT = "report.html"
TRACEBACK = "traceback.txt"
CHECKPOINTS = "checkpoints"
STATE = "checkpoints/state"
MEMBERS = "members"
# The status of a result before the run has ended, and where the result lists the files after.
RUNNING, FILES = "running", "files"


BEST = "checkpoints/best.keras"
# What every run writes, but for its manifest, which marks the directory as a run's.
OWN = (RECIPE, DATA, METRICS, GRADIENTS, PRETRAINING, MODEL, RESULT, REPORT, TRACEBACK)
# What can be made again from the whole state that a run has stored.
REBUILT = (MODEL, RESULT)


class RunDirectory:
    """A directory that holds one run.

    A file is written beside its place, flushed to disk and moved there in one step, so a reader
    never meets half of one. `result.json` says `running` from the first step on; a directory in
    which it still says so, with no process behind it, is a run that never finished. The result of
    a run that has ended lists size and SHA-256 of its files. Whoever reads one goes through
    `verified`, or `read_text`, `read_json` and `read_lines`, which do.

    Args:
        path: the directory.
        patience: seconds to wait, at a write, for a disk that is full.
    """

    def __init__(self, path: Path, patience: float = 0.0):
        self.path = path
        self.patience = patience

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def write(self, name: str, save: Callable[[Path], Any]) -> None:
        """Let `save` write a file, then move it to `name` in one step."""
        path = self.path / name
        disk.when_there_is_space(lambda: disk.write_whole(path, save), self.patience)

    def write_text(self, name: str, text: str) -> None:
        """Write a text file whole or not at all."""
        path = self.path / name
        disk.when_there_is_space(lambda: disk.write_text(path, text), self.patience)

    def write_json(self, name: str, value: Any) -> None:
        """Write strict JSON: a number that is not finite becomes null."""
        self.write_text(name, json.dumps(strict(value), indent=2, allow_nan=False) + "\n")

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write `result.json`; that of a run that has ended lists all its files."""
        if result["status"] == RUNNING:
            self.write_json(RESULT, result)
        else:
            self.write_json(RESULT, {**result, FILES: self.contents()})

    def reopen(self) -> None:
        """Let `result.json` say that the run goes on, before a file that it lists is changed."""
        with suppress(RequestError):
            found = self.read_json(RESULT)
            found.pop(FILES, None)
            self.write_json(RESULT, {**found, "status": RUNNING, "process": os.getpid()})

    def contents(self) -> dict[str, dict[str, Any]]:
        """Size and SHA-256 of each file, by name; those with hashes of their own are left out."""
        found = {}
        for name in sorted(_names(self.path)):
            # A user's own file beside ours may go while it is read.
            with suppress(OSError):
                found[name] = asdict(disk.hashed(self.path / name))
        return found

    def verified(self, name: str) -> Path:
        """The path of a file of this run, if its content is what the run wrote.

        A run that has not ended lists no hashes: then the file only has to be there.

        Raises:
            RequestError: it is missing or not what was written; with what mends it.
        """
        path = self.path / name
        if not os.path.isfile(path):
            what = "is not a file" if os.path.lexists(path) else "is missing"
            raise RequestError(f"{path}: {what}. {self.mend(name)}")
        listed = self._listed(name)
        if listed is None:
            return path
        try:
            found = disk.hashed(path)
        except OSError as error:
            raise RequestError(f"{path}: cannot be read: {disk.cause(error)}.") from None
        if found != listed:
            raise RequestError(
                f"{path}: is not what this run wrote. Expected {_described(listed)}, found "
                f"{_described(found)}. {self.mend(name)}"
            )
        return path

    def has(self, name: str) -> bool:
        """Whether there is a file of this name, or the run says that there must be."""
        return os.path.isfile(self.path / name) or self._listed(name) is not None

    def read_text(self, name: str) -> str:
        """The text of a file of this run, verified."""
        path = self.verified(name)
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise RequestError(f"{path}: cannot be read: {disk.cause(error)}.") from None
        except ValueError:
            raise RequestError(f"{path}: is not UTF-8 text. {self.mend(name)}") from None

    def read_json(self, name: str, *keys: str) -> dict[str, Any]:
        """A JSON file of this run, verified: an object that has the keys.

        Raises:
            RequestError: it is missing or damaged; with what mends it.
        """
        path = self.path / name
        known = has_entries(self.path / STATE) or (name != RESULT and self.has(RESULT))
        if not os.path.lexists(path) and not known:
            raise RequestError(
                f"{self.path}: not a run directory, it has no {name}. "
                "`keras-recipes train` makes one."
            )
        found = _parsed(path, self.read_text(name), self.mend(name))
        missing = [key for key in keys if key not in found]
        if missing:
            raise RequestError(f"{path}: has no {', '.join(missing)}. {self.mend(name)}")
        return found

    def read_lines(self, name: str, problems: list[str] | None = None) -> list[dict[str, Any]]:
        """A file of JSON lines, verified; none where there is no such file.

        Args:
            problems: takes a sentence for each line that is cut or damaged, as a crash may leave
                one; without it that is an error.

        Raises:
            RequestError: the file is not what was written, or a line is damaged, with its number.
        """
        if not self.has(name):
            return []
        path, text = self.path / name, self.read_text(name)
        found = []
        for number, line in enumerate(text.splitlines(keepends=True), start=1):
            place = f"{path}:{number}"
            try:
                if not line.endswith("\n"):
                    raise RequestError(f"{place}: is cut. {self.mend(name)}")
                found.append(_parsed(place, line, self.mend(name)))
            except RequestError as error:
                if problems is None:
                    raise
                problems.append(str(error))
        return found

    def _listed(self, name: str) -> disk.Written | None:
        """What `result.json` says of a file; None where it says nothing."""
        if name == RESULT or not os.path.isfile(self.path / RESULT):
            return None
        listed = self.read_json(RESULT).get(FILES, {})
        try:
            row = listed.get(name)
            if row is None:
                return None
            return disk.Written(int(row["size"]), str(row["sha256"]))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise RequestError(
                f"{self.path / RESULT}: its `{FILES}` are not what a run writes. "
                f"{self.mend(RESULT)}"
            ) from None

    def mend(self, name: str) -> str:
        """What helps where a file is damaged or missing."""
        rebuilt = name in REBUILT or name.startswith(f"{CHECKPOINTS}/")
        if rebuilt and (has_entries(self.path / STATE) or has_entries(self.path / MEMBERS)):
            return f"`keras-recipes resume {self.path}` rebuilds it from the last checkpoint."
        return "Put a copy of it back, or train the recipe again in a new directory."


def has_entries(folder: Path) -> bool:
    """Whether there is anything in a folder."""
    try:
        return any(True for _ in folder.iterdir())
    except OSError:
        return False


def _names(root: Path) -> Iterator[str]:
    """Names of the files of a run, below its directory; no link is followed."""
    for folder, folders, names in os.walk(root):
        here = Path(folder).relative_to(root).as_posix()
        prefix = "" if here == "." else f"{here}/"
        folders[:] = [
            name
            for name in folders
            # Checkpoints, machines and members have hashes of their own.
            if prefix + name not in (STATE, MEMBERS) and prefix != f"{MACHINES}/"
        ]
        for name in names:
            path = Path(folder, name)
            own = name.startswith(disk.TEMPORARY) or prefix + name in (RESULT, REPORT, LOCK)
            if not own and path.is_file() and not path.is_symlink():
                yield prefix + name


def _parsed(path: Path | str, text: str, mend: str) -> dict[str, Any]:
    """The JSON object of a text."""
    try:
        found = json.loads(text)
    except RecursionError:
        raise RequestError(f"{path}: is nested too deeply. {mend}") from None
    except (ValueError, MemoryError) as error:
        raise RequestError(f"{path}: is not valid JSON: {error}. {mend}") from None
    if not isinstance(found, dict):
        kind = type(found).__name__
        raise RequestError(f"{path}: expected an object of JSON, received a {kind}. {mend}")
    return found


def _described(written: disk.Written) -> str:
    return f"{written.size} bytes with SHA-256 {written.sha256[:12]}"


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
    before `result.json` is there, no step was taken: whatever was written here is removed again.

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
                yield RunDirectory(path, disk.PATIENCE)
            except BaseException:
                was_there = again and not created
                if not was_there and not os.path.lexists(path / RESULT):
                    _take_away(path, created)
                raise
    except BaseException as error:
        # A process that was refused leaves no folder either, if there is nothing in it.
        _take_away_empty(path, created)
        if isinstance(error, OSError) and error.errno is not None:
            raise RequestError(f"{path}: cannot be written: {disk.explained(error)}") from error
        raise


def opened(path: str | os.PathLike) -> RunDirectory:
    """An existing run directory; a `RequestError` when there is none at `path`."""
    directory = RunDirectory(Path(path))
    if not os.path.isdir(directory.path):
        raise RequestError(f"{path}: there is no such run directory.")
    if os.path.lexists(directory / RESULT):
        check_run_files(directory.path)
    result_of(directory)
    return directory


def result_of(run: RunDirectory) -> dict[str, Any]:
    """The result of a run, each of its values of the type that it must be.

    Raises:
        RequestError: it is missing or damaged.
    """
    found = run.read_json(RESULT, "status")
    try:
        check_types(found)
    except ValueError as error:
        raise RequestError(f"{run / RESULT}: {error} {run.mend(RESULT)}") from None
    return found


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
        _take_away_empty(path, created)
        why = disk.cause(error) if isinstance(error, OSError) else error
        raise RequestError(
            f"{path}: the run directory cannot be written: {why}. Name another with `--out`."
        ) from None
    return created


def _take_away(path: Path, created: list[Path]) -> None:
    """Remove the files of a run that never began, and the folders that were made for it."""
    remove_own(path)
    disk.remove_file(path / MANIFEST)
    _take_away_empty(path, created)


def remove_own(path: Path) -> None:
    """Remove the files that every run writes; its manifest, checkpoints and machines stay.

    Nothing else in the directory is touched, and no link is followed.
    """
    for name in OWN:
        disk.remove_file(path / name)
    if not (path / CHECKPOINTS).is_symlink():
        disk.remove_file(path / BEST)
        for name in (STATE, CHECKPOINTS):
            with suppress(OSError):
                (path / name).rmdir()


def _take_away_empty(path: Path, created: list[Path]) -> None:
    """Remove the new folders that nothing is in."""
    for folder in created:
        with suppress(OSError):
            folder.rmdir()


def check_run_files(folder: Path) -> None:
    """Refuse a directory from which a name leads out: it would be read, written or removed there.

    Raises:
        RequestError: with the first that is found.
    """
    found = disk.foreign_entry(folder)
    if found is not None:
        raise RequestError(
            f"{found}: is a link that leads out of the run directory, a device or a pipe. A run "
            "directory holds its own files; put a file or folder there instead."
        )
