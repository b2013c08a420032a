"""The run that is already in a directory, and whether it can be resumed."""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ... import disk
from ...messages import logger
from ..data import Data
from ..errors import RequestError
from ..record import directory as files
from ..record.contents import JSONObject
from ..record.directory import RunDirectory
from ..record.lock import LOCK
from ..record.reserve import remove_run_files
from ..record.result import Result
from ..spec import Recipe
from ..spec.wording import did_you_mean
from .stored_recipe import PLUGIN_COMMENT, Change, differences, is_below, recipe_of, top_key

# Keys that do not change what is trained, and may always differ.
FREE = ("description", "checkpoints", "tracking")
# The name of a checkpoint; `CheckpointStore`, which names them, needs Keras.
STATE_NAME = re.compile(r"state-[0-9]{8,}")
# Files of lines, of which no checkpoint has a copy.
LINES = (".jsonl", ".csv", ".log", ".txt")
# Files of a completed run that must not have changed.
CHECKED = (*files.RUN_FILES, files.MANIFEST, files.PICTURES)
# Folders in which a killed process may have left an unfinished file.
PLACES = (".", files.CHECKPOINTS, files.PRETRAINED)


@dataclass(frozen=True)
class PreviousRun:
    """The run that a directory already holds.

    Attributes:
        manifest: of the run; empty if there is none to continue.
        changes: allowed changes of its recipe.
        result: of a run that is completed, and has nothing left to train.
    """

    manifest: JSONObject = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    result: Result | None = None


def find_previous_run(directory: RunDirectory, recipe: Recipe, allow: Sequence[str]) -> PreviousRun:
    """Check the run in a directory that is to be resumed.

    Files are removed only where a manifest marks the directory as that of a run, and only files
    that a run writes.

    Args:
        allow: keys whose values may differ from the recipe that the run was started with.

    Raises:
        RequestError: the directory holds something else than a run, a run of another recipe, or one
            that cannot be continued.
    """
    _check_keys(allow)
    manifest = _manifest(directory)
    stored = _stored(directory) or (has_parts(recipe) and bool(manifest))
    if not manifest and not stored:
        _check_unused(directory)
        logger.info(
            f"{directory.path}: there is no run to resume; training starts from the beginning."
        )
        return PreviousRun()
    _check_places(directory)
    edits = _recipe_changes(directory, manifest, recipe)
    changes = [change for change in edits if not is_below(change.key, FREE)]
    _refuse(directory, [change for change in changes if not is_below(change.key, allow)])
    result = completed_result(directory)
    if result is not None and changes:
        _check_something_is_left(directory, result, recipe, changes)
    if result is not None and not changes and _is_intact(directory, stored):
        # It may have been killed while it wrote its report, which comes last.
        _remove_unfinished(directory)
        logger.info(f"{directory.path}: this run is completed; there is nothing to resume.")
        return PreviousRun(result=result)
    if not stored:
        _start_again(directory)
        return PreviousRun()
    if manifest:
        _remove_unfinished(directory)
    else:
        logger.warning(
            f"{directory.path}: {files.MANIFEST} is missing or damaged, so whether the data is "
            "that of the run cannot be checked; it is written again."
        )
    return PreviousRun(manifest, tuple(changes))


def _check_something_is_left(
    directory: RunDirectory, result: Result, recipe: Recipe, changes: Sequence[Change]
) -> None:
    """Refuse changes that no update would see: the run would claim what it was not trained with."""
    if result.epochs < recipe.epochs:
        return
    keys = ", ".join(sorted({top_key(change.key) for change in changes} - {"epochs"}))
    changed = f" with another {keys}" if keys else ""
    raise RequestError(
        f"{directory.path}: {result.epochs} epochs were trained, and the recipe asks for "
        f"{recipe.epochs}: nothing is left to train{changed}. Ask for more, as "
        f"`epochs={result.epochs + 1}` with `--allow-change epochs`, or train a new run."
    )


def has_parts(recipe: Recipe) -> bool:
    """Whether a recipe trains several networks: an ensemble, or all folds of its rows."""
    folded = recipe.data.folds is not None and recipe.data.fold is None
    return recipe.ensemble is not None or folded


def _manifest(directory: RunDirectory) -> JSONObject:
    """The manifest of a run; empty if there is none, or it is damaged."""
    try:
        manifest = directory.read_json(files.MANIFEST, "fingerprints", "versions")
    except RequestError:
        return {}
    prints, versions = manifest["fingerprints"], manifest["versions"]
    ours = isinstance(prints, dict) and isinstance(versions, dict) and "keras-recipes" in versions
    texts = ours and all(isinstance(prints.get(name), str) for name in ("recipe", "data"))
    return manifest if texts and isinstance(manifest.get("resumed", []), list) else {}


def _check_unused(directory: RunDirectory) -> None:
    """Refuse a directory that is not empty and has no manifest of a run."""
    for entry in sorted(directory.path.iterdir()):
        remains = disk.UNFINISHED.fullmatch(entry.name)
        if entry.name == LOCK or (remains and remains[1] == files.MANIFEST):
            continue
        has = "" if entry.name == files.MANIFEST else f", and it has {entry.name}"
        raise RequestError(
            f"{directory.path}: is not a run directory, and not empty: it has no {files.MANIFEST} "
            f"that a run wrote{has}. Give `--out` the directory of a run, or a new one."
        )


def _check_places(directory: RunDirectory) -> None:
    """Refuse a folder, or a link out of the run directory, in the place of a run's file."""
    folders = (files.CHECKPOINTS, files.STATE, files.PRETRAINED, *files.PARTS)
    for name in (*files.RUN_FILES, files.MANIFEST, files.BEST, *folders):
        try:
            disk.inside(directory.path, name)
        except disk.OutsideFolder as error:
            raise RequestError(f"{error}; a run only writes in its own directory.") from None
        if name not in folders and os.path.isdir(directory / name):
            raise RequestError(f"{directory / name}: expected a file, found a folder. Move it.")


def _recipe_changes(directory: RunDirectory, manifest: JSONObject, recipe: Recipe) -> list[Change]:
    """How a recipe differs from the one in the directory, which must be as it was written."""
    path = directory / files.RECIPE
    rows = [manifest, *manifest.get("resumed", [])] if manifest else []
    known = [
        row["fingerprints"].get("recipe")
        for row in rows
        if isinstance(row, dict) and isinstance(row.get("fingerprints"), dict)
    ]
    if known and recipe.fingerprint() == known[-1]:
        # The file in the directory may be damaged; it is written again.
        return []
    if known and _sha256(path) not in known:
        raise RequestError(
            f"{path}: is not the recipe that this run was started with. Restore it, or give it: "
            f"`keras-recipes train RECIPE --out {directory.path} --resume`. To change a key, use "
            f"`keras-recipes resume {directory.path} KEY=VALUE --allow-change KEY`."
        )
    return differences(recipe_of(directory, quiet=True), recipe)


def _sha256(path: Path) -> str | None:
    """The fingerprint of a recipe file, without the comment that names its plugins."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    first, _, rest = content.partition(b"\n")
    return hashlib.sha256(
        rest if first.startswith(PLUGIN_COMMENT.encode()) else content
    ).hexdigest()


def _is_intact(directory: RunDirectory, stored: bool) -> bool:
    """Whether all files of a completed run are what the run wrote.

    Raises:
        RequestError: one is damaged that no checkpoint can rebuild.
    """
    damaged = _damaged(directory)
    for part in files.parts_of(directory):
        path = part.path.relative_to(directory.path)
        damaged.update({str(path / name): why for name, why in _damaged(part).items()})
    lost = [
        why
        for name, why in damaged.items()
        if not stored or (name.endswith(LINES) and name not in files.REBUILT)
    ]
    if lost and len(lost) == len(damaged):
        raise RequestError("\n".join(lost))
    for why in damaged.values():
        logger.warning(why)
    return not damaged


def _damaged(directory: RunDirectory) -> dict[str, str]:
    """The damaged or missing files of a run that has ended, each with what is wrong with it."""
    try:
        files.read_result(directory)
        listed = directory.listed_files()
    except RequestError as error:
        return {files.RESULT: str(error)}
    damaged = {}
    # A run of a previous version lists none.
    for name in listed or (files.MODEL,):
        if name not in CHECKED and not name.startswith(f"{files.CHECKPOINTS}/"):
            # A file of the user's, or of a callback that the recipe names.
            continue
        try:
            directory.verified(name)
        except RequestError as error:
            damaged[name] = str(error)
    return damaged


def completed_result(directory: RunDirectory) -> Result | None:
    """The result of a run that is completed; None for any other run."""
    try:
        result = files.read_result(directory)
    except RequestError:
        return None
    return result if result.status == "completed" else None


def check_data(
    directory: RunDirectory, previous: PreviousRun, data: Data, allow: Sequence[str]
) -> None:
    """Refuse data that is not what the run was trained on, unless `data` may change."""
    before = previous.manifest.get("fingerprints", {}).get("data")
    if before in (None, data.fingerprint) or is_below("data", allow):
        return
    raise RequestError(
        f"{directory.path}: the data has changed since this run was started. Its fingerprint "
        f"was {before[:12]}, now it is {data.fingerprint[:12]}. `--allow-change data` accepts it."
    )


def _check_keys(allow: Sequence[str]) -> None:
    known = tuple(Recipe.model_fields)
    for name in allow:
        if top_key(name) not in known:
            raise RequestError(
                f"allow-change: a recipe has no key `{name}`.{did_you_mean(name, known)}"
            )


def _refuse(directory: RunDirectory, changes: Sequence[Change]) -> None:
    if not changes:
        return
    lines = "\n".join(f"  {change}" for change in changes)
    top = dict.fromkeys(top_key(change.key) for change in changes)
    allow = " ".join(f"--allow-change {key}" for key in top)
    raise RequestError(
        f"{directory.path}: this run was started with another recipe:\n{lines}\n"
        f"Resume it without these changes, or with {allow}."
    )


def _start_again(directory: RunDirectory) -> None:
    """Remove the files of a run that has no checkpoint; refuse one that has a model."""
    if os.path.lexists(directory / files.MODEL) or completed_result(directory) is not None:
        raise RequestError(
            f"{directory.path}: this run has ended, and has no checkpoint to continue from. Train "
            "it in a new directory."
        )
    remove_run_files(directory.path)
    _remove_unfinished(directory)
    logger.info(
        f"{directory.path}: this run ended before its first checkpoint; training starts from the "
        "beginning."
    )


def _remove_unfinished(directory: RunDirectory) -> None:
    """Remove files that a killed process did not finish; the lock keeps other processes out."""
    for place in PLACES:
        disk.remove_remains(directory / place, _is_ours)


def _is_ours(name: str) -> bool:
    """Whether a run, or a callback of this package, writes a file of this name."""
    return name in (*files.RUN_FILES, files.MANIFEST) or name.endswith(
        (".keras", ".npz", "index.json")
    )


def _stored(directory: RunDirectory) -> bool:
    """Whether there are checkpoints, intact or not."""
    folder = directory / files.STATE
    return folder.is_dir() and any(STATE_NAME.fullmatch(e.name) for e in folder.iterdir())
