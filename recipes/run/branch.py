"""Start a new run from the state that another one had at a step, with other keys."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

from ... import disk
from ...callbacks.pause_at import PauseAt
from ...callbacks.run_state import Checkpoint, CheckpointStore, DamagedCheckpoint
from ...callbacks.run_state.checkpoint import read
from ...callbacks.run_state.training_state import state_of
from ...messages import logger
from ..build.inputs import data_of
from ..data.order import steps_per_epoch
from ..errors import RequestError
from ..inputs import Arrays
from ..record import directory as files
from ..record.directory import RunDirectory, open_run
from ..record.lock import LOCK
from ..record.manifest import BRANCHED
from ..record.reserve import fresh_directory
from ..record.result import Result
from ..spec import Recipe, dump
from ..spec.durations import Duration
from ..spec.plugins import plugins_of
from .batch_parts import in_parts
from .prepare import decided_rows
from .previous_run import has_parts
from .stop import StopRequest
from .stored_recipe import (
    Change,
    Overrides,
    differences,
    plugin_comment,
    recipe_of,
    resumption,
    top_key,
)
from .train import train

# Part of the name of a branch's directory until its training reaches the step to branch at.
UNFINISHED = ".branching"
# Files that are written at the end of a run, and so belong to no earlier state.
LATER = (
    files.RESULT, files.MODEL, files.REPORT, files.QUALITY, files.ADAPTER, files.OUT_OF_FOLD,
    files.TRACEBACK, files.TRACKERS, files.EVIDENCE, files.ROWS, files.BEST, LOCK,
)  # fmt: skip


def branch(
    run: str | os.PathLike,
    at: Duration,
    overrides: Overrides = (),
    *,
    out: str | os.PathLike | None = None,
    arrays: Arrays | None = None,
    plugins: Sequence[str] = (),
    progress: bool = True,
) -> Result:
    """Continue from the state of a run at a step, with changes to its recipe.

    The new run begins with the newest state of the other one that is not after the step, and is
    trained with its recipe up to the step; without one, from the beginning. From there on it is
    trained as changed. It is what a run of the changed recipe would be, bit for bit, wherever that
    computes the same up to the step.

    Args:
        run: directory of the other run, which stays as it is.
        at: optimizer updates, epochs or percent of that run; training leaves it where the execution
            ends that this step is in.
        overrides: changes to its recipe.
        out: directory of the new run; default `runs/NAME-DATE-TIME`. Given again after a branch was
            killed before the step, that is continued.
        arrays: `(x, y)` for a recipe whose data source is `arrays`.

    Raises:
        RequestError: there is no such run, it has several networks, it ended before the step, or
            `out` is not empty, or the changed recipe is of another model.
    """
    source = open_run(run)
    original = recipe_of(source, plugins=plugins)
    changed = recipe_of(source, overrides, plugins=plugins, quiet=True)
    if has_parts(original):
        raise RequestError(f"{run}: trains several networks; branch one of its parts.")
    divided = in_parts(original, decided_rows(source.read_json(files.MANIFEST)))
    batches = batches_until(divided.recipe, at, arrays)
    target = fresh_directory(changed.name) if out is None else Path(out)
    if target.exists() and (target.is_file() or any(target.iterdir())):
        raise RequestError(f"{target}: is not empty. Give `--out` a new directory.")
    changes = differences(original, changed)
    place = target.with_name(f"{target.name}{UNFINISHED}-{batches}")
    if not _has_left(place, changed):
        _reach(source, place, original, batches, arrays=arrays, progress=progress)
        _leave(source, place, changed, batches, changes)
    os.replace(place, target)
    listed = "; ".join(map(str, changes)) or "nothing is changed"
    logger.info(f"{target}: leaves {source.path} after batch {batches}: {listed}")
    try:
        return train(
            changed,
            out=target,
            arrays=arrays,
            resume=True,
            allow_change=sorted({top_key(change.key) for change in changes}),
            progress=progress,
        )
    except RequestError:
        # The changed recipe does not fit; another one can continue from the state.
        RunDirectory(target).write_text(files.RECIPE, plugin_comment(original) + dump(original))
        os.replace(target, place)
        raise


def batches_until(recipe: Recipe, at: Duration, arrays: Arrays | None) -> int:
    """The batches that are trained before a place in a run.

    Raises:
        RequestError: it is not in the run.
    """
    data, section = data_of(recipe, arrays), recipe.data
    each = steps_per_epoch(len(data.train.y), section.batch_size, section.drop_remainder)
    every = recipe.gradient_accumulation
    batches = int(at.amount) * every if at.unit == "steps" else at.to_steps(each, recipe.epochs)
    if not 0 < batches < each * recipe.epochs:
        raise RequestError(
            f"--at {at}: the run has {each * recipe.epochs // every} updates in {recipe.epochs} "
            "epochs; name a place between its beginning and its end."
        )
    return batches


def _reach(
    source: RunDirectory,
    place: Path,
    recipe: Recipe,
    batches: int,
    *,
    arrays: Arrays | None,
    progress: bool,
) -> None:
    """Train in `place` up to a number of batches.

    Raises:
        RequestError: it ends before.
    """
    continues = place.exists()
    if continues:
        _check_same(place, recipe)
    checkpoint = newest_state(RunDirectory(place)) if continues else newest_state(source, batches)
    if checkpoint is not None and not continues:
        copy_until(source, place, checkpoint.path)
        logger.info(
            f"{source.path}: branches from {checkpoint.path.name}, batch {_total(checkpoint)}."
        )
    if checkpoint is None or _total(checkpoint) < batches:
        stop = StopRequest()
        result = train(
            recipe,
            out=place,
            arrays=arrays,
            resume=continues or checkpoint is not None,
            callbacks=[PauseAt(batches, stop.pause)],
            stop=stop,
            progress=progress,
        )
        if stop.signal is not None:
            raise KeyboardInterrupt
        if result.status != "interrupted":
            raise RequestError(f"{place}: the run ended before that step: {result.reason}.")
    # The training continues: its result, and the hashes in it, would describe the pause.
    disk.remove_file(place / files.RESULT)
    disk.remove_file(place / files.MODEL)


def _check_same(place: Path, recipe: Recipe) -> None:
    """Refuse a directory that a branch of another run has left behind."""
    stale = RunDirectory(place)
    if os.path.lexists(stale / files.RECIPE) and differences(recipe_of(stale, quiet=True), recipe):
        raise RequestError(
            f"{place}: was left behind by a branch of another run. Remove it, or give `--out` "
            "another directory."
        )


def newest_state(run: RunDirectory, batches: float = math.inf) -> Checkpoint | None:
    """The newest intact checkpoint of a run that is not after some batches.

    One at which a callback stopped the training is left out: the changed recipe may train on.
    """
    for path in reversed(CheckpointStore(run / files.STATE).paths()):
        try:
            checkpoint = read(path)
        except DamagedCheckpoint as error:
            logger.warning(str(error))
            continue
        if _total(checkpoint) <= batches and not state_of(checkpoint)["position"]["stopped"]:
            return checkpoint
    return None


def _total(checkpoint: Checkpoint) -> int:
    return int(state_of(checkpoint)["position"]["total"])


def _has_left(place: Path, changed: Recipe) -> bool:
    """Whether a branch that was killed had left the other run, and only has to be named."""
    run = RunDirectory(place)
    if not os.path.lexists(run / files.RECIPE) or BRANCHED not in run.read_json(files.MANIFEST):
        return False
    return not differences(recipe_of(run, quiet=True), changed)


def _leave(
    source: RunDirectory,
    place: Path,
    changed: Recipe,
    batches: int,
    changes: Sequence[Change],
) -> None:
    """Write the changed recipe beside the state, so that `resume` trains that from now on."""
    run = RunDirectory(place)
    manifest = run.read_json(files.MANIFEST, "fingerprints")
    fingerprints = {**manifest["fingerprints"], "recipe": changed.fingerprint()}
    left = {
        BRANCHED: {"run": str(source.path.resolve()), "batches": batches},
        "resumed": [*manifest.get("resumed", []), resumption(fingerprints, changes)],
        "plugins": plugins_of(changed),
    }
    run.write_json(files.MANIFEST, {**manifest, **left})
    run.write_text(files.RECIPE, plugin_comment(changed) + dump(changed))


def copy_until(run: RunDirectory, place: Path, state: Path) -> None:
    """Copy a run as it was at one of its states, whose callbacks cut their files to it."""
    with disk.new_folder(place) as beside:
        copy_files(run, beside, state.name)


def copy_files(run: RunDirectory, place: Path, state: str | None = None) -> None:
    """Copy the files of a run into a folder, except those written at its end.

    Args:
        state: the one of the run's states that is copied too.
    """
    for folder, folders, names in os.walk(run.path):
        here = Path(folder).relative_to(run.path)
        # Links lead out of the run.
        folders[:] = [
            name
            for name in folders
            if not os.path.islink(Path(folder, name))
            and (here != Path(files.STATE) or name == state)
        ]
        for name in folders:
            os.makedirs(place / here / name, exist_ok=True)
        for name in names:
            path = Path(folder, name)
            if str(here / name) not in LATER and path.is_file() and not path.is_symlink():
                disk.copy_new(path, place / here / name)
