"""What is known of a sweep's trials before the first one starts: which share their beginnings."""

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .... import disk
from ...build.inputs import data_of
from ...data.order import steps_per_epoch
from ...errors import RecipeError, RequestError
from ...inputs import Arrays
from ...record.contents import JSONObject
from ...spec import Recipe
from ..engine.listing import listed
from ..engine.trial import Trial, plan_of, recipes_of
from ..spec.records import Sweep
from .beginnings import SHAREABLE, common_batches, groups
from .claims import Claims
from .folder import BEGINNINGS, TRIALS, run_folders

LISTING, PLAN = "trials.json", "plan.json"


@dataclass(frozen=True)
class Training:
    """One training of a trial that is known up front.

    Attributes:
        folder: its run directory.
        recipe: fingerprint of its recipe.
    """

    folder: Path
    recipe: str

    @property
    def name(self) -> str:
        """Its name in the folder: its run directory in one word."""
        parent = self.folder.parent.name
        return self.folder.name if parent == TRIALS else f"{parent}-{self.folder.name}"


@dataclass(frozen=True)
class Planned:
    """The trainings that are known up front, and what they share.

    Attributes:
        trainings: in the order in which they start.
        common: index of a training -> index of another -> the batches that both compute the same.
    """

    trainings: list[Training]
    common: dict[int, dict[int, int]]


def list_trials(sweep: Sweep, directory: Path) -> None:
    """Write the trials that are known up front, if some of them may share their beginnings."""
    if not any(parameter.key[0] in SHAREABLE for parameter in sweep.parameters):
        return
    folder, trials = directory / BEGINNINGS, listed(sweep)
    if not groups([recipe for _, recipe in _recipes(sweep, directory, trials)]):
        return
    text = json.dumps([[trial.trial_id, dict(trial.settings)] for trial in trials])
    os.makedirs(folder, exist_ok=True)
    disk.when_there_is_space(lambda: disk.write_text(folder / LISTING, text))


def _recipes(
    sweep: Sweep, directory: Path, trials: Sequence[Trial]
) -> list[tuple[Training, Recipe]]:
    """Each training of some trials with its recipe; trials without a valid recipe are left out."""
    found: list[tuple[Training, Recipe]] = []
    for trial in trials:
        with suppress(RecipeError):
            recipes = recipes_of(sweep, plan_of(sweep, trial))
            folders = run_folders(directory, trial.trial_id, sweep)
            found += [
                (Training(folder, recipe.fingerprint()), recipe)
                for folder, recipe in zip(folders, recipes, strict=True)
            ]
    return found


class Planner:
    """Makes the plan of a sweep, which the first worker that needs it writes for all.

    Args:
        sweep: the sweep.
        directory: its directory.
        arrays: `(x, y)` for a recipe whose data source is `arrays`.
    """

    def __init__(self, sweep: Sweep, directory: Path, arrays: Arrays | None = None):
        self.sweep = sweep
        self.directory = directory
        self.folder = directory / BEGINNINGS
        self.arrays = arrays

    @property
    def is_listed(self) -> bool:
        """Whether the chief has found trials that may share their beginnings."""
        return (self.folder / LISTING).exists()

    def read(self) -> Planned:
        """The plan in the folder, made if it is not there; two workers do not make it twice."""
        with Claims(self.folder).claimed("plan", seconds=600.0):
            text = (self.folder / LISTING).read_text(encoding="utf-8")
            key = hashlib.sha256(text.encode()).hexdigest()
            found = self._stored(key)
            if found is None:
                found = self._made(text, key)
        trainings = [Training(self.directory / place, recipe) for place, recipe in found["runs"]]
        common: dict[int, dict[int, int]] = {}
        for first, second, batches in found["common"]:
            common.setdefault(first, {})[second] = batches
            common.setdefault(second, {})[first] = batches
        return Planned(trainings, common)

    def _stored(self, key: str) -> JSONObject | None:
        with suppress(OSError, ValueError, TypeError):
            found = json.loads((self.folder / PLAN).read_text(encoding="utf-8"))
            return found if found["listing"] == key else None
        return None

    def _made(self, text: str, key: str) -> JSONObject:
        trials = [Trial(name, settings) for name, settings in json.loads(text)]
        pairs = _recipes(self.sweep, self.directory, trials)
        try:
            common = common_batches([recipe for _, recipe in pairs], self._steps_per_epoch)
        except RequestError:
            # Of the data; a trial says so.
            common = {}
        found = {
            "listing": key,
            "runs": [
                [one.folder.relative_to(self.directory).as_posix(), one.recipe] for one, _ in pairs
            ],
            "common": [[*pair, batches] for pair, batches in common.items()],
        }
        disk.when_there_is_space(lambda: disk.write_text(self.folder / PLAN, json.dumps(found)))
        return found

    def _steps_per_epoch(self, recipe: Recipe) -> int:
        section = recipe.data
        rows = len(data_of(recipe, self.arrays).train.y)
        return steps_per_epoch(rows, section.batch_size, section.drop_remainder)
