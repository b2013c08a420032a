"""States of trainings where others branch off, in the folder `beginnings` of a sweep.

| file | written by | what it is |
|---|---|---|
| `trials.json` | the chief | the trials that are known up front |
| `plan.json` | a worker | up to which batch each two of their trainings compute the same |
| `NAME/BATCHES/` | the worker of NAME | the run after some batches, where another branches off |
| `NAME.lock` | the worker of NAME | locked while it trains |
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from .... import disk
from ....callbacks.learning_rate import updates_in_all
from ....callbacks.run_state import DamagedCheckpoint, RunState
from ....messages import logger
from ...errors import RequestError
from ...inputs import Arrays
from ...record import directory as files
from ...record.directory import RunDirectory, has_files
from ...record.manifest import BRANCHED
from ...run.branch import copy_files
from ...spec import Recipe, dump
from ..engine.trial import Plan
from ..spec.records import Sweep
from .claims import Claims
from .folder import BEGINNINGS
from .planned import Planned, Planner, Training

# Seconds that a training waits for an earlier one that no worker has started or resumed yet.
BEGIN_SECONDS = 10.0
PAUSE = 0.1
# The name of the only state in a folder.
FIRST = "state-00000001"
ENDED = ("completed", "failed")


def remove_beginnings(directory: Path) -> None:
    """Remove what is left of the shared beginnings of a sweep that is complete."""
    disk.remove_tree(directory / BEGINNINGS)


class Forks:
    """The shared beginnings of a sweep, as a worker uses them.

    Args:
        sweep: the sweep.
        directory: its directory.
        arrays: `(x, y)` for a recipe whose data source is `arrays`.
    """

    def __init__(self, sweep: Sweep, directory: Path, arrays: Arrays | None = None):
        self.folder = directory / BEGINNINGS
        self.claims = Claims(self.folder)
        self._planner = Planner(sweep, directory, arrays)

    def of(self, plan: Plan, folder: Path, recipe: Recipe) -> "Fork | None":
        """The shared beginning of a training; None where it shares nothing."""
        if plan.parent is not None or not self._planner.is_listed:
            return None
        training = Training(folder, recipe.fingerprint())
        if training not in self.trainings:
            return None
        index = self.trainings.index(training)
        fork = Fork(self, index, recipe, self.planned.common.get(index, {}))
        return fork if fork.shared else None

    @cached_property
    def planned(self) -> Planned:
        """The plan of which trainings share how many batches."""
        return self._planner.read()

    @property
    def trainings(self) -> list[Training]:
        """Those that are known up front, in the order in which they start."""
        return self.planned.trainings

    def has_ended(self, training: Training) -> bool:
        """Whether it is trained to its end, or has failed."""
        with suppress(RequestError):
            return files.read_result(RunDirectory(training.folder)).status in ENDED
        return False

    def place(self, training: Training, batches: int) -> Path:
        """Where the state of a training after some batches is; an empty folder if there is none."""
        return self.folder / training.name / str(batches)

    def states(self) -> dict[str, list[int]]:
        """Name of a training -> the numbers of batches after which its state is stored."""
        found: dict[str, list[int]] = {}
        for path in self.folder.glob("*/*"):
            if path.name.isdecimal() and has_files(path):
                found.setdefault(path.parent.name, []).append(int(path.name))
        return found

    def best(
        self, index: int, states: Mapping[str, Sequence[int]] | None = None
    ) -> tuple[int, Path] | None:
        """The stored state that is the longest beginning of a training, and its batches.

        Args:
            index: of the training.
            states: what is stored, if that is known.
        """
        states = self.states() if states is None else states
        found = [
            (batches, self.place(self.trainings[other], batches))
            for other, shared in self.planned.common.get(index, {}).items()
            for batches in states.get(self.trainings[other].name, ())
            if batches <= shared
        ]
        return max(found, default=None)

    def prune(self) -> None:
        """Remove the states that no waiting training would start from."""
        states = self.states()
        waiting = [i for i, one in enumerate(self.trainings) if not one.folder.exists()]
        needed = {best[1] for i in waiting if (best := self.best(i, states)) is not None}
        for name, stored in states.items():
            for path in (self.folder / name / str(batches) for batches in stored):
                if path not in needed:
                    disk.remove_tree(path)
                    # It was stored, so that no other waits for it.
                    path.mkdir(exist_ok=True)


class Fork:
    """The beginning of one training: where it comes from, and who else needs parts of it.

    Args:
        forks: the shared beginnings of the sweep.
        index: of the training.
        recipe: of the training.
        shared: index of another training -> the batches that both compute the same.
    """

    def __init__(self, forks: Forks, index: int, recipe: Recipe, shared: dict[int, int]):
        self.forks = forks
        self.index = index
        self.training = forks.trainings[index]
        self.recipe = recipe
        self.shared = shared
        self._points: list[int] | None = None

    def begin(self) -> None:
        """Start the training from what others have trained of it, if there is anything."""
        folder, since = self.training.folder, time.monotonic()
        while not folder.exists():
            found = self.forks.best(self.index)
            if self._awaited(0 if found is None else found[0], time.monotonic() - since):
                time.sleep(PAUSE)
                continue
            if found is None:
                return
            # A state is removed by another worker only once there is a later one.
            with suppress(FileNotFoundError):
                disk.when_there_is_space(lambda path=found[1]: self._take(path))

    def _take(self, stored: Path) -> None:
        """Copy a stored run to the run directory, as if this recipe had trained it."""
        with disk.new_folder(self.training.folder) as beside:
            copy_files(RunDirectory(stored), beside, FIRST)
            run = RunDirectory(beside)
            manifest = run.read_json(files.MANIFEST)
            manifest["fingerprints"]["recipe"] = self.training.recipe
            run.write_json(files.MANIFEST, manifest)
            run.write_text(files.RECIPE, dump(self.recipe))

    def refused(self) -> bool:
        """Whether a training raised an error before it started from its given state."""
        run = RunDirectory(self.training.folder)
        if (run / files.RESULT).exists() or not (run / files.MANIFEST).exists():
            return False
        with suppress(RequestError):
            return BRANCHED in run.read_json(files.MANIFEST)
        return False

    def _awaited(self, batches: int, waited: float) -> bool:
        """Whether another training is about to store a longer beginning than there is."""
        for other, shared in self.shared.items():
            training = self.forks.trainings[other]
            if other > self.index or shared <= batches:
                continue
            if self.forks.place(training, shared).exists():
                continue
            if self.forks.claims.is_claimed(training.name):
                return True
            if waited < BEGIN_SECONDS and not self.forks.has_ended(training):
                return True
        return False

    def visit(self, state: RunState) -> None:
        """Store the state, between two executions, before one goes beyond a place in `points`."""
        if self._points is None:
            trainings = self.forks.trainings
            ahead = {b for i, b in self.shared.items() if not trainings[i].folder.exists()}
            self._points = sorted(ahead)
        at, points = state.position, self._points
        if not points or at.steps is None:
            return
        left = at.steps - at.step or at.steps
        after = at.total + min(at.steps_per_execution, left)
        while points and points[0] < after:
            self._store(points.pop(0), state)

    def _store(self, batches: int, state: RunState) -> None:
        place = self.forks.place(self.training, batches)
        if place.exists():
            return
        if state.position.total > batches or self._is_stored(batches):
            # Nobody needs to wait: no execution ends there, or the state was stored before.
            place.mkdir(parents=True)
            return
        try:
            with disk.new_folder(place) as beside:
                state.save_to(beside / files.STATE)
                copy_files(RunDirectory(self.training.folder), beside)
                self._mark(RunDirectory(beside), state)
        except (OSError, DamagedCheckpoint) as error:
            logger.warning(f"{place}: cannot be stored, and nothing begins there: {error}")
        self.forks.prune()

    def _is_stored(self, batches: int) -> bool:
        """Whether a training that computes the same has stored the state after some batches."""
        places = [
            self.forks.place(self.forks.trainings[other], batches)
            for other, shared in self.shared.items()
            if shared >= batches
        ]
        return any(map(has_files, places))

    def _mark(self, copy: RunDirectory, state: RunState) -> None:
        # When a run was resumed concerns that run alone.
        manifest = {
            name: value
            for name, value in copy.read_json(files.MANIFEST).items()
            if name != "resumed"
        }
        manifest[BRANCHED] = {
            "run": str(self.training.folder.resolve()),
            "batches": state.position.total,
            "steps": updates_in_all(state.model),
        }
        copy.write_json(files.MANIFEST, manifest)


def steps_of(folders: Sequence[Path]) -> tuple[int, int]:
    """Optimizer updates of some runs, and those of them that another one has trained."""
    steps = shared = 0
    for run in map(RunDirectory, folders):
        with suppress(RequestError):
            steps += files.read_result(run).steps
            shared += run.read_json(files.MANIFEST).get(BRANCHED, {}).get("steps", 0)
    return steps, shared
