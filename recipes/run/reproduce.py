"""Train a run's recipe once more, and see whether the same comes out."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import RequestError
from ..record import directory as files
from ..record.compare import compare, surroundings
from ..record.directory import RunDirectory, opened, result_of
from .moved import Overrides, recipe_of
from .reload import check_data
from .resume import finished

# Files that are read, beside the saved models.
COMPARED = (files.MANIFEST, files.METRICS, files.GRADIENTS)


@dataclass(frozen=True)
class Reproduction:
    """What came of a second training.

    Attributes:
        run: directory of the first.
        again: directory of the second; it is gone unless it was asked for by name.
        epochs: epochs of the second.
        differences: a sentence for each thing that is not the same.
        surroundings: versions, machine or settings that are not the same.
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

    def to_json(self) -> dict[str, Any]:
        """The attributes as plain data."""
        return {**asdict(self), "same": self.same}


def reproduce(
    run: str | os.PathLike,
    overrides: Overrides = (),
    *,
    out: str | os.PathLike | None = None,
    arrays: tuple[Any, Any] | None = None,
    plugins: Sequence[str] = (),
    progress: bool = True,
) -> Reproduction:
    """Train the recipe of a run from its beginning, in a directory of its own, and compare.

    Args:
        overrides: changes to the recipe, such as the path of data that was moved; what comes out
            must be the same all the same.
        out: directory for the second run, to keep it; else it is temporary.
        arrays: `(x, y)` for a recipe whose data source is `arrays`.
        plugins: modules, or paths of Python files, whose classes the recipe names.
        progress: show a progress bar.

    Raises:
        RequestError: no completed run there, or one whose recipe was changed on the way.
    """
    first = opened(run)
    _check(first)
    recipe = recipe_of(first, overrides, plugins=plugins)
    if overrides:
        check_data(first, recipe, arrays)
    with tempfile.TemporaryDirectory(prefix="keras-recipes-") as temporary:
        from .ensemble import train_ensemble
        from .train import train

        train_recipe = train if recipe.ensemble is None else train_ensemble
        path = Path(out) if out is not None else Path(temporary) / "run"
        result = train_recipe(recipe, out=path, arrays=arrays, progress=progress)
        second = RunDirectory(path)
        return Reproduction(
            run=str(first.path),
            again=str(path),
            epochs=result.epochs,
            differences=compare(first, second),
            surroundings=surroundings(first, second),
        )


def _check(run: RunDirectory) -> None:
    if finished(run) is None:
        status = result_of(run)["status"]
        raise RequestError(
            f"{run.path}: only a completed run can be compared with another; this one is {status}. "
            "`keras-recipes resume` goes on with it."
        )
    # Damaged files are told before the run is trained again, and not after.
    for name in result_of(run).get(files.FILES, {}):
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
