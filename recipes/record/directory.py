"""The run directory: the names of its files, and verified reading and atomic writing of them."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from ... import disk
from ..errors import RequestError
from .contents import JSONObject
from .lock import LOCK
from .metrics import METRICS
from .result import Result
from .strict_json import parsed, strict

RECIPE = "recipe.yaml"
MANIFEST = "manifest.json"
PRETRAINING = "pretraining.json"
# Pretrained layers by their keys, and the arrays of the report's pictures.
PRETRAINED = "pretraining"
PICTURES = "pretraining/pictures.npz"
GRADIENTS = "gradients.jsonl"
TENSORBOARD = "tensorboard"
MODEL = "model.keras"
ADAPTER = "adapter.npz"
DATA = "data.json"
QUALITY = "quality.json"
# What a report shows of single rows, and a number for each row to compare runs by.
EVIDENCE = "evidence.json"
ROWS = "evidence.npz"
NETWORK = "network.json"
# Where a network has several outputs: the key below which it has what there is of each, by name.
OUTPUTS = "outputs"
RESULT = "result.json"
REPORT = "report.html"
TRACEBACK = "traceback.txt"
# How trackers know this run; it may be written after the run has ended, as the report.
TRACKERS = "trackers.json"
CHECKPOINTS = "checkpoints"
STATE = "checkpoints/state"
MEMBERS = "members"
FOLDS = "folds"
OUT_OF_FOLD = "out_of_fold.csv"
BEST = "checkpoints/best.keras"
# The status of a result before the run has ended, and its key for the list of files afterwards.
RUNNING, FILES = "running", "files"
# What every run writes, except the manifest, which marks the directory as that of a run.
RUN_FILES = (
    RECIPE, DATA, NETWORK, QUALITY, EVIDENCE, ROWS, METRICS, GRADIENTS, PRETRAINING, MODEL,
    OUT_OF_FOLD, RESULT, REPORT, TRACEBACK,
)  # fmt: skip
# What changes after a run has ended, or is not of the run.
NOT_LISTED = (RESULT, REPORT, LOCK, TRACKERS)
# Folders of runs that are parts of this one.
PARTS = (MEMBERS, FOLDS)
# What can be rebuilt from a checkpoint, or from the parts.
REBUILT = (MODEL, OUT_OF_FOLD, RESULT)


class RunDirectory:
    """A directory that holds one run.

    Files are written atomically. `result.json` says `running` from the first step on: a directory
    in which it still says so, with no process behind it, is a run that never finished. The result
    of a run that has ended lists size and SHA-256 of its files, which `verified`, `read_text`,
    `read_json` and `read_lines` check.

    Args:
        path: the directory.
        patience: seconds to wait, at a write, for a disk that is full.
    """

    def __init__(self, path: Path, patience: float = 0.0):
        self.path = path
        self.patience = patience

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def write(self, name: str, save: Callable[[Path], object]) -> None:
        """Let `save` write a file, then move it to `name` in one step."""
        disk.when_there_is_space(lambda: disk.write_whole(self / name, save), self.patience)

    def write_text(self, name: str, text: str) -> None:
        """Write a text file completely or not at all."""
        disk.when_there_is_space(lambda: disk.write_text(self / name, text), self.patience)

    def write_json(self, name: str, value: object) -> None:
        """Write strict JSON: a number that is not finite becomes null."""
        self.write_text(name, json.dumps(strict(value), indent=2, allow_nan=False) + "\n")

    def write_result(self, result: Mapping[str, object]) -> None:
        """Write `result.json`; that of a run that has ended lists all its files."""
        if result["status"] == RUNNING:
            self.write_json(RESULT, result)
        else:
            self.write_json(RESULT, {**result, FILES: self.contents()})

    def reopen(self) -> None:
        """Set the status to `running`, before a file that `result.json` lists is changed."""
        with suppress(RequestError):
            found = {name: value for name, value in self.read_json(RESULT).items() if name != FILES}
            self.write_json(RESULT, {**found, "status": RUNNING, "process": os.getpid()})

    def contents(self) -> dict[str, dict[str, int | str]]:
        """Size and SHA-256 of each file; checkpoints and parts have their own lists."""
        found: dict[str, dict[str, int | str]] = {}
        for name in sorted(_names(self.path)):
            # A user's file may be removed while it is read.
            with suppress(OSError):
                found[name] = asdict(disk.hashed(self.path / name))
        return found

    def verified(self, name: str) -> Path:
        """The path of a file of this run, if its content is what the run wrote.

        A run that has not ended lists no hashes: then the file only has to exist.

        Raises:
            RequestError: it is missing or changed; with the remedy.
        """
        path = self.path / name
        if not os.path.isfile(path):
            what = "is not a file" if os.path.lexists(path) else "is missing"
            raise RequestError(f"{path}: {what}. {self.remedy(name)}")
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
                f"{_described(found)}. {self.remedy(name)}"
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
            raise RequestError(f"{path}: is not UTF-8 text. {self.remedy(name)}") from None

    def read_json(self, name: str, *keys: str) -> JSONObject:
        """A JSON file of this run, verified: an object that has the keys.

        Raises:
            RequestError: it is missing or damaged; with the remedy.
        """
        path = self.path / name
        known = has_files(self.path / STATE) or (name != RESULT and self.has(RESULT))
        if not os.path.lexists(path) and not known:
            raise RequestError(
                f"{self.path}: not a run directory, it has no {name}. "
                "`keras-recipes train` makes one."
            )
        found = parsed(path, self.read_text(name), self.remedy(name))
        missing = [key for key in keys if key not in found]
        if missing:
            raise RequestError(f"{path}: has no {', '.join(missing)}. {self.remedy(name)}")
        return found

    def read_lines(self, name: str, problems: list[str] | None = None) -> list[JSONObject]:
        """The objects of a JSON Lines file, verified; none if there is no such file.

        Args:
            problems: collects a message for each line that is incomplete or damaged, as a crash may
                leave one; without it that is an error.

        Raises:
            RequestError: the file has changed, or a line is damaged, with its number.
        """
        if not self.has(name):
            return []
        path, text = self.path / name, self.read_text(name)
        found: list[JSONObject] = []
        for number, line in enumerate(text.splitlines(keepends=True), start=1):
            place = f"{path}:{number}"
            try:
                if not line.endswith("\n"):
                    raise RequestError(f"{place}: is incomplete. {self.remedy(name)}")
                found.append(parsed(place, line, self.remedy(name)))
            except RequestError as error:
                if problems is None:
                    raise
                problems.append(str(error))
        return found

    def listed_files(self) -> list[str]:
        """Names of the files whose hashes the result lists; empty while the run has not ended."""
        return list(self.read_json(RESULT).get(FILES, {}))

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
                f"{self.remedy(RESULT)}"
            ) from None

    def remedy(self, name: str) -> str:
        """What the user can do about a damaged or missing file."""
        rebuilt = name in REBUILT or name.startswith(f"{CHECKPOINTS}/")
        if rebuilt and any(has_files(self.path / folder) for folder in (STATE, *PARTS)):
            return f"`keras-recipes resume {self.path}` rebuilds it from the last checkpoint."
        return "Put a copy of it back, or train the recipe again in a new directory."


def has_files(folder: Path) -> bool:
    """Whether a folder exists and is not empty."""
    with suppress(OSError):
        return any(folder.iterdir())
    return False


def _names(root: Path) -> Iterator[str]:
    """Names of the files of a run, below its directory; no link is followed."""
    for folder, folders, names in os.walk(root):
        here = Path(folder).relative_to(root).as_posix()
        prefix = "" if here == "." else f"{here}/"
        folders[:] = [
            name
            for name in folders
            # Checkpoints, pretrained layers and parts have their own hashes.
            if prefix + name not in (STATE, *PARTS) and prefix != f"{PRETRAINED}/"
        ]
        for name in names:
            path = Path(folder, name)
            own = name.startswith(disk.TEMPORARY) or prefix + name in NOT_LISTED
            if not own and path.is_file() and not path.is_symlink():
                yield prefix + name


def _described(written: disk.Written) -> str:
    return f"{written.size} bytes with SHA-256 {written.sha256[:12]}"


def open_run(path: str | os.PathLike[str]) -> RunDirectory:
    """An existing run directory.

    Raises:
        RequestError: there is none at `path`, or its result is damaged.
    """
    run = RunDirectory(Path(path))
    if not os.path.isdir(run.path):
        raise RequestError(f"{path}: there is no such run directory.")
    if os.path.lexists(run / RESULT):
        check_run_files(run.path)
    read_result(run)
    return run


def read_result(run: RunDirectory) -> Result:
    """The result of a run, wherever its directory is now.

    Raises:
        RequestError: it is missing or damaged.
    """
    found = run.read_json(RESULT, "status")
    try:
        return Result.from_json({**found, "directory": str(run.path)})
    except ValueError as error:
        raise RequestError(f"{run / RESULT}: {error} {run.remedy(RESULT)}") from None


def parts_of(run: RunDirectory) -> list[RunDirectory]:
    """The runs that are parts of a run: members of an ensemble, or folds.

    The paths in a result may come from a stranger; parts are always below the run.
    """
    result = read_result(run)
    found = ((MEMBERS, result.members), (FOLDS, result.folds))
    return [
        RunDirectory(run / f"{folder}/{index}")
        for folder, each in found
        for index in range(1, len(each) + 1)
    ]


def check_run_files(folder: Path) -> None:
    """Refuse a directory with a link that leads out of it, a device or a pipe.

    Raises:
        RequestError: names the first one.
    """
    found = disk.foreign_entry(folder)
    if found is not None:
        raise RequestError(
            f"{found}: is a link that leads out of the run directory, a device or a pipe. A run "
            "directory holds only files and folders; put one there instead."
        )
