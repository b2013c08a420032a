"""A run that was killed or interrupted, taken up where it was."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from ..errors import RequestError
from ..spec import Recipe
from ..spec.dump import to_plain
from ..spec.fields import did_you_mean, shown
from . import directory as files
from .directory import RunDirectory
from .lock import LOCK
from .moved import recipe_of
from .result import Result

# Keys that change nothing about what is trained.
FREE = ("description", "checkpoints")
# What a run that begins again keeps: machines that pretraining has finished.
KEPT = (LOCK, files.MACHINES)


@dataclass(frozen=True)
class Change:
    """A key of the recipe that is not as it was.

    >>> print(Change("epochs", 10, 20))
    epochs: 10 -> 20
    """

    key: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.key}: {shown(self.before)} -> {shown(self.after)}"


@dataclass(frozen=True)
class Earlier:
    """What a directory tells of the run that was in it.

    Attributes:
        manifest: of the run; empty where there was none.
        changes: keys of the recipe that are another now, and may be.
        result: of a run that is completed, to which nothing is to be added.
    """

    manifest: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    result: Result | None = None


def taken_up(directory: RunDirectory, recipe: Recipe, allow: Sequence[str]) -> Earlier:
    """What is known of the run in a directory.

    Args:
        allow: keys whose values may differ from the recipe that the run was begun with.

    Raises:
        RequestError: the directory holds no run, or that of another recipe.
    """
    _check_keys(allow)
    _remove_remains(directory)
    if not (directory / files.RECIPE).is_file() or not (directory / files.MANIFEST).is_file():
        _begin_again(directory, "there is no run to resume")
        return Earlier()
    found = differences(recipe_of(directory, quiet=True), recipe)
    changes = [change for change in found if not _allowed(change.key, FREE)]
    _refuse(directory, [change for change in changes if not _allowed(change.key, allow)])
    result = finished(directory)
    if result is not None and not changes:
        told(f"{directory.path}: this run is completed; there is nothing to resume.")
        return Earlier(result=result)
    manifest = directory.read_json(files.MANIFEST)
    if not any(_stored(directory)) and recipe.ensemble is None:
        _begin_again(directory, "this run was ended before its first checkpoint")
        return Earlier()
    return Earlier(manifest, tuple(changes))


def differences(before: Recipe, after: Recipe) -> list[Change]:
    """The keys in which two recipes differ, each with both values."""
    old, new = (dict(_flat(to_plain(recipe))) for recipe in (before, after))
    keys = [*old, *(key for key in new if key not in old)]
    missing = "nothing"
    return [
        Change(key, old.get(key, missing), new.get(key, missing))
        for key in keys
        if old.get(key, missing) != new.get(key, missing)
    ]


def finished(directory: RunDirectory) -> Result | None:
    """The result of a run that is completed; None of any other."""
    try:
        found = directory.read_json(files.RESULT)
    except RequestError:
        return None
    if found.get("status") != "completed":
        return None
    known = {entry.name for entry in fields(Result)}
    values = {name: value for name, value in found.items() if name in known}
    return Result(**{**values, "directory": str(directory.path)})


def check_data(directory: RunDirectory, earlier: Earlier, data: Any, allow: Sequence[str]) -> None:
    """The data must be what the run was trained on.

    Raises:
        RequestError: it is not, and `data` is no key that may change.
    """
    before = earlier.manifest.get("fingerprints", {}).get("data")
    if before in (None, data.fingerprint) or _allowed("data", allow):
        return
    raise RequestError(
        f"{directory.path}: the data has changed since this run was begun. Its fingerprint was "
        f"{before[:12]}, now it is {data.fingerprint[:12]}. `--allow-change data` goes on with it."
    )


def manifest_of(earlier: Earlier, now: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of a run that is taken up: as it was, and what is another now."""
    resumed = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "argv": sys.argv,
        "process": os.getpid(),
        "fingerprints": now["fingerprints"],
        "changes": [
            {"key": change.key, "before": change.before, "after": change.after}
            for change in earlier.changes
        ],
        "other": {
            name: {"before": earlier.manifest.get(name), "after": now[name]}
            for name in ("versions", "machine", "settings", "environment")
            if earlier.manifest.get(name) != now[name]
        },
    }
    if resumed["other"]:
        told(
            "resume: not as when the run was begun, so that its bits may differ: "
            f"{', '.join(resumed['other'])} (in manifest.json)."
        )
    before = earlier.manifest.get("resumed", [])
    return {**earlier.manifest, "resumed": [*before, resumed]}


def told(sentence: str) -> None:
    """Print where neither a progress bar nor the result is disturbed."""
    print(sentence, file=sys.stderr, flush=True)


def _check_keys(allow: Sequence[str]) -> None:
    known = tuple(Recipe.model_fields)
    for name in allow:
        if name.partition(".")[0].partition("[")[0] not in known:
            raise RequestError(
                f"allow-change: a recipe has no key `{name}`.{did_you_mean(name, known)}"
            )


def _refuse(directory: RunDirectory, changes: Sequence[Change]) -> None:
    if not changes:
        return
    lines = "\n".join(f"  {change}" for change in changes)
    top = dict.fromkeys(change.key.partition(".")[0].partition("[")[0] for change in changes)
    allow = " ".join(f"--allow-change {key}" for key in top)
    raise RequestError(
        f"{directory.path}: this run was begun with another recipe:\n{lines}\n"
        f"Resume it as it was, or with {allow}."
    )


def _begin_again(directory: RunDirectory, why: str) -> None:
    """Clear a directory in which no step is stored.

    Raises:
        RequestError: what is there is not of a run.
    """
    there = [entry for entry in directory.path.iterdir() if entry.name not in KEPT]
    ours = (files.RECIPE, files.CHECKPOINTS)
    strange = [e.name for e in there if e.name not in ours and not e.name.startswith(".writing-")]
    if strange and not (directory / files.RECIPE).is_file():
        raise RequestError(
            f"{directory.path}: is no run directory, and is not empty: it has {strange[0]}. "
            "`--out` names the directory of a run, or a new one."
        )
    for entry in there:
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    told(f"{directory.path}: {why}; it begins from the start.")


def _remove_remains(directory: RunDirectory) -> None:
    """Remove what a process that was killed was writing; nobody else writes here now."""
    for path in list(directory.path.rglob(".writing-*")):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _stored(directory: RunDirectory) -> list[str]:
    """Names in the folder of whole states."""
    folder = directory / files.STATE
    if not folder.is_dir():
        return []
    return [entry.name for entry in folder.iterdir() if entry.name.startswith("state-")]


def _allowed(key: str, allow: Sequence[str]) -> bool:
    """Whether a key, or one that it is below, is in a list."""
    return any(key == name or key.startswith((f"{name}.", f"{name}[")) for name in allow)


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted paths and the plain values at their ends."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _flat(item, f"{path}[{index}]")
    else:
        yield path, value
