"""A run that was killed or interrupted, taken up where it was."""

import hashlib
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ... import disk
from ...messages import logger
from ..errors import RequestError
from ..record import directory as files
from ..record.directory import RunDirectory
from ..record.lock import LOCK
from ..record.result import Result
from ..spec import Recipe
from ..spec.dump import to_plain
from ..spec.fields import did_you_mean, shown
from .moved import recipe_of
from .plugins import HEADING

# Keys that change nothing about what is trained.
FREE = ("description", "checkpoints")
# The name of a whole state, as `CheckpointStore` gives it; that needs numpy.
STATE_NAME = re.compile(r"state-[0-9]{8,}")
# Files of lines, which no checkpoint has a copy of.
LINES = (".jsonl", ".csv", ".log", ".txt")
# What a completed run must have as it was written.
CHECKED = (*files.OWN, files.MANIFEST, files.PICTURES)
# Folders in which a killed process may have left an unfinished file.
PLACES = (".", files.CHECKPOINTS, files.MACHINES)


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

    Files are removed only where a manifest marks the directory as that of a run, and only files
    that a run writes.

    Args:
        allow: keys whose values may differ from the recipe that the run was begun with.

    Raises:
        RequestError: the directory holds something else than a run, or a run of another recipe, or
            one that cannot be continued.
    """
    _check_keys(allow)
    manifest = _manifest(directory)
    stored = _stored(directory) or (recipe.ensemble is not None and bool(manifest))
    if not manifest and not stored:
        _check_unused(directory)
        logger.info(f"{directory.path}: there is no run to resume; it begins from the start.")
        return Earlier()
    _check_places(directory)
    found = _recipe_changes(directory, manifest, recipe)
    changes = [change for change in found if not _allowed(change.key, FREE)]
    _refuse(directory, [change for change in changes if not _allowed(change.key, allow)])
    result = finished(directory)
    if result is not None and not changes and _is_whole(directory, result, stored):
        logger.info(f"{directory.path}: this run is completed; there is nothing to resume.")
        return Earlier(result=result)
    if not stored:
        _begin_again(directory)
        return Earlier()
    if manifest:
        _remove_remains(directory)
    else:
        logger.warning(
            f"{directory.path}: {files.MANIFEST} is missing or damaged, so it cannot be seen "
            "whether the data is what the run was begun with; it is written anew."
        )
    return Earlier(manifest, tuple(changes))


def _manifest(directory: RunDirectory) -> dict[str, Any]:
    """The manifest of a run; empty where there is none that a run wrote."""
    try:
        found = directory.read_json(files.MANIFEST, "fingerprints", "versions")
    except RequestError:
        return {}
    prints, versions = found["fingerprints"], found["versions"]
    ours = isinstance(prints, dict) and isinstance(versions, dict) and "keras-recipes" in versions
    texts = ours and all(isinstance(prints.get(name), str) for name in ("recipe", "data"))
    return found if texts and isinstance(found.get("resumed", []), list) else {}


def _check_unused(directory: RunDirectory) -> None:
    """A directory that no manifest marks as a run's must be empty.

    Raises:
        RequestError: it is not.
    """
    for entry in sorted(directory.path.iterdir()):
        remains = disk.UNFINISHED.fullmatch(entry.name)
        if entry.name == LOCK or (remains and remains[1] == files.MANIFEST):
            continue
        has = "" if entry.name == files.MANIFEST else f", and it has {entry.name}"
        raise RequestError(
            f"{directory.path}: is no run directory, and is not empty: it has no {files.MANIFEST} "
            f"that a run wrote{has}. `--out` names the directory of a run, or a new one."
        )


def _check_places(directory: RunDirectory) -> None:
    """Where a run has its files there must be files, and no link out of its directory.

    Raises:
        RequestError: there is a folder, or such a link.
    """
    folders = (files.CHECKPOINTS, files.STATE, files.MACHINES, files.MEMBERS)
    for name in (*files.OWN, files.MANIFEST, files.BEST, *folders):
        try:
            disk.inside(directory.path, name)
        except disk.OutsideFolder as error:
            raise RequestError(f"{error}; a run only writes in its own directory.") from None
        if name not in folders and os.path.isdir(directory / name):
            raise RequestError(f"{directory / name}: is a folder, where a run has a file. Move it.")


def _recipe_changes(
    directory: RunDirectory, manifest: Mapping[str, Any], recipe: Recipe
) -> list[Change]:
    """The keys in which a recipe differs from the one in the directory.

    Raises:
        RequestError: the one in the directory is not what was written.
    """
    path = directory / files.RECIPE
    rows = [manifest, *manifest.get("resumed", [])] if manifest else []
    known = [
        row["fingerprints"].get("recipe")
        for row in rows
        if isinstance(row, dict) and isinstance(row.get("fingerprints"), dict)
    ]
    if known and recipe.fingerprint() == known[-1]:
        # The file may be damaged: it is written again.
        return []
    if known and _sha256(path) not in known:
        raise RequestError(
            f"{path}: is not the recipe that this run was begun with. Put that one back, or name "
            f"it: `keras-recipes train RECIPE --out {directory.path} --resume`. To change a key, "
            f"say so: `keras-recipes resume {directory.path} KEY=VALUE --allow-change KEY`."
        )
    return differences(recipe_of(directory, quiet=True), recipe)


def _sha256(path: Path) -> str | None:
    """The fingerprint of the recipe in a file, without the comment that names its plugins."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    first, _, rest = content.partition(b"\n")
    return hashlib.sha256(rest if first.startswith(HEADING.encode()) else content).hexdigest()


def _is_whole(directory: RunDirectory, result: Result, stored: bool) -> bool:
    """Whether a completed run has all its files as they were written.

    Raises:
        RequestError: one is damaged that no checkpoint can rebuild.
    """
    damaged = _damaged(directory)
    for member in range(1, len(result.members) + 1):
        path = Path(files.MEMBERS, str(member))
        found = _damaged(RunDirectory(directory / str(path)))
        damaged.update({str(path / name): why for name, why in found.items()})
    lost = [why for name, why in damaged.items() if not stored or name.endswith(LINES)]
    if lost and len(lost) == len(damaged):
        raise RequestError("\n".join(lost))
    for why in damaged.values():
        logger.warning(why)
    return not damaged


def _damaged(directory: RunDirectory) -> dict[str, str]:
    """Files of a run that has ended which are missing or not what it wrote, and why."""
    try:
        listed = files.result_of(directory).get(files.FILES, {})
    except RequestError as error:
        return {files.RESULT: str(error)}
    damaged = {}
    # A run of an earlier version lists none.
    for name in listed or (files.MODEL,):
        if name not in CHECKED and not name.startswith(f"{files.CHECKPOINTS}/"):
            # A file of the user's, or of a callback that the recipe names.
            continue
        try:
            directory.verified(name)
        except RequestError as error:
            damaged[name] = str(error)
    return damaged


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
        found = files.result_of(directory)
    except RequestError:
        return None
    if found["status"] != "completed":
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
        logger.warning(
            "resume: not as when the run was begun, so that its bits may differ: "
            f"{', '.join(resumed['other'])} (in manifest.json)."
        )
    before = earlier.manifest.get("resumed", [])
    return {**earlier.manifest, "resumed": [*before, resumed]}


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


def _begin_again(directory: RunDirectory) -> None:
    """Remove what a run wrote in which no step is stored.

    Raises:
        RequestError: it has a model, which training it again would replace.
    """
    if _has_ended(directory):
        raise RequestError(
            f"{directory.path}: this run has ended, and has no checkpoint to go on from. Train it "
            "in a new directory."
        )
    files.remove_own(directory.path)
    _remove_remains(directory)
    logger.info(
        f"{directory.path}: this run was ended before its first checkpoint; it begins from the "
        "start."
    )


def _has_ended(directory: RunDirectory) -> bool:
    """Whether a run has saved its model, or says that it is completed."""
    return os.path.lexists(directory / files.MODEL) or finished(directory) is not None


def _remove_remains(directory: RunDirectory) -> None:
    """Remove what a process that was killed was writing; nobody else writes here now."""
    for place in PLACES:
        disk.remove_remains(directory / place, _is_ours)


def _is_ours(name: str) -> bool:
    """Whether a run writes a file of this name, or a callback of ours does."""
    return name in (*files.OWN, files.MANIFEST) or name.endswith((".keras", ".npz", "index.json"))


def _stored(directory: RunDirectory) -> bool:
    """Whether there are whole states, sound or not."""
    folder = directory / files.STATE
    return folder.is_dir() and any(STATE_NAME.fullmatch(e.name) for e in folder.iterdir())


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
