"""Train a run's recipe again, and compare the two runs bit for bit."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ...callbacks.run_state import (
    Checkpoint,
    CheckpointStore,
    DamagedCheckpoint,
    check_state,
)
from ..errors import RequestError
from ..inputs import Arrays
from ..record import directory as files
from ..record.compare import compare, compare_states, surroundings
from ..record.contents import JSONObject
from ..record.directory import RunDirectory, open_run, read_result
from .prepare import prepare_run
from .previous_run import completed_result
from .recipe import train_recipe
from .reload import same_data
from .stored_recipe import Overrides, recipe_of

# Files that are read, beside the saved models.
COMPARED = (files.MANIFEST, files.METRICS, files.GRADIENTS)


@dataclass(frozen=True)
class Reproduction:
    """The comparison of a run with a second training of its recipe.

    Attributes:
        run: directory of the first run.
        again: directory of the second run; temporary unless `out` named it.
        epochs: epochs of the second run.
        differences: differences between the runs, a sentence each.
        surroundings: differences in versions, machine or settings.
    """

    run: str
    again: str
    epochs: int
    differences: list[str]
    surroundings: list[str]

    @property
    def same(self) -> bool:
        """Whether both runs are the same, bit for bit."""
        return not self.differences

    def to_json(self) -> JSONObject:
        """The attributes as plain data."""
        return {**asdict(self), "same": self.same}


def reproduce(
    run: str | os.PathLike,
    overrides: Overrides = (),
    *,
    out: str | os.PathLike | None = None,
    arrays: Arrays | None = None,
    plugins: Sequence[str] = (),
    progress: bool = True,
) -> Reproduction:
    """Train the recipe of a run again from the start, in another directory, and compare.

    Args:
        overrides: changes to the recipe that change no weights, such as the path of moved data.
        out: directory for the second run, to keep it; else it is temporary.
        arrays: `(x, y)` for a recipe whose data source is `arrays`.
        plugins: modules, or paths of Python files, whose classes the recipe names.
        progress: show a progress bar.

    Raises:
        RequestError: the run is not completed, or its recipe was changed while it was trained.
    """
    first = open_run(run)
    _check(first)
    recipe = recipe_of(first, overrides, plugins=plugins)
    if overrides:
        same_data(first, recipe, arrays)
    with tempfile.TemporaryDirectory(prefix="keras-recipes-") as temporary:
        path = Path(out) if out is not None else Path(temporary) / "run"
        with prepare_run(recipe, out=path, arrays=arrays) as prepared:
            same = prepared.as_decided(first.read_json(files.MANIFEST))
            result = train_recipe(recipe, same, progress=progress)
        second = RunDirectory(path)
        return Reproduction(
            run=str(first.path),
            again=str(path),
            epochs=result.epochs,
            differences=compare_runs(first, second),
            surroundings=surroundings(first, second),
        )


def compare_runs(first: RunDirectory, second: RunDirectory) -> list[str]:
    """The differences between two runs, including the variables of their last checkpoints."""
    return [*compare(first, second), *_states(first, second)]


def _states(first: RunDirectory, second: RunDirectory) -> list[str]:
    checkpoints = [CheckpointStore(run / files.STATE).search().newest for run in (first, second)]
    first_state, second_state = checkpoints
    if first_state is None and second_state is None:
        return []
    if first_state is None or second_state is None:
        return ["state: only one of the runs has a sound checkpoint"]
    try:
        return list(compare_states(_variables(first_state), _variables(second_state)))
    except DamagedCheckpoint as error:
        return [f"state: {error}"]


def _variables(checkpoint: Checkpoint) -> Mapping[str, np.ndarray]:
    """The variables of a checkpoint by group, place and path."""
    check_state(checkpoint)
    return {
        f"{group} {index} ({row['path']})": checkpoint.arrays[row["value"]["__array__"]]
        for group, rows in checkpoint.state["variables"].items()
        for index, row in enumerate(rows)
    }


def _check(run: RunDirectory) -> None:
    if completed_result(run) is None:
        raise RequestError(
            f"{run.path}: only a completed run can be reproduced; this one is "
            f"{read_result(run).status}. `keras-recipes resume` continues it."
        )
    # Damaged files are found before the run is trained again, and not after.
    for name in run.listed_files():
        if name in COMPARED or name.endswith(".keras"):
            run.verified(name)
    changed = [
        change["key"]
        for resumed in run.read_json(files.MANIFEST).get("resumed", [])
        for change in resumed["changes"]
    ]
    if changed:
        raise RequestError(
            f"{run.path}: its recipe was changed while it was trained "
            f"({', '.join(dict.fromkeys(changed))}), so no single training can equal it."
        )
