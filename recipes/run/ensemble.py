"""Several trainings of one recipe, and the model that averages their outputs."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from ... import disk
from ...messages import logger
from ..data import Data
from ..record import directory as files
from ..record.directory import RunDirectory
from ..record.result import Member, Result, Status, StopReason
from ..spec import Recipe
from .describe import describe
from .failure import failure_of
from .prepare import PreparedRun
from .reload import measured, model_of
from .train import train, train_prepared


def train_recipe(recipe: Recipe, prepared: PreparedRun, *, progress: bool = True) -> Result:
    """Train a prepared recipe: one model, or an ensemble if it asks for one.

    The members of an ensemble are runs below `members/`. If one fails or is interrupted, so does
    the ensemble; a resumed ensemble keeps the members that are completed.
    """
    if progress and prepared.data is not None:
        for line in prepared.data.lines:
            logger.info(line)
    if recipe.ensemble is None:
        return train_prepared(recipe, prepared, progress=progress)
    directory, previous, data = prepared.directory, prepared.previous, prepared.data
    if data is None:
        assert previous.result is not None
        return previous.result
    describe(directory, recipe, data, previous)
    ensemble = Ensemble(recipe, directory)
    with ensemble.recorded_failure():
        for index, member in enumerate(members_of(recipe), start=1):
            path = directory / files.MEMBERS / str(index)
            trained = train(
                member,
                out=path,
                arrays=prepared.arrays,
                resume=prepared.resume and path.exists(),
                allow_change=prepared.allow_change,
                progress=progress,
            )
            if not ensemble.add(index, trained):
                return ensemble.result
        ensemble.finish(data)
    return ensemble.result


def members_of(recipe: Recipe) -> list[Recipe]:
    """The recipe of each member: another seed, or other rows; the same split for all.

    Every member is a plain recipe, so its run can be evaluated and reproduced like any other.
    """
    asked = recipe.ensemble
    if asked is None:
        return [recipe]
    split = recipe.seed if recipe.data.seed is None else recipe.data.seed
    found = []
    for index in range(asked.members):
        data = {"seed": split}
        if asked.vary == "data":
            data["bootstrap_seed"] = (split + 1 + index) % 2**32
        change = {"ensemble": None, "data": recipe.data.model_copy(update=data)}
        found.append(recipe.model_copy(update={**change, "seed": (recipe.seed + index) % 2**32}))
    return found


def averaged(models: Sequence[keras.Model], name: str) -> keras.Model:
    """One model whose output is the mean of the outputs of several, on the same inputs."""

    def as_given(one: keras.KerasTensor) -> Any:
        return keras.Input(one.shape[1:], name=one.name, dtype=one.dtype)

    # A table has an input for each column.
    inputs = keras.tree.map_structure(as_given, models[0].input)
    outputs = []
    for index, model in enumerate(models, start=1):
        # Layers of one model need different names.
        member = keras.Model(model.input, model.outputs[0], name=f"member_{index}")
        outputs.append(member(inputs))
    return keras.Model(inputs, keras.layers.Average(name="mean")(outputs), name=name)


class Ensemble:
    """The result of an ensemble, member by member."""

    def __init__(self, recipe: Recipe, directory: RunDirectory):
        self.recipe = recipe
        self.directory = directory
        self.result = Result("running", str(directory.path), process=os.getpid())
        self.save_result()

    def add(self, index: int, trained: Result) -> bool:
        """Add a member's result; False if it is not completed, which ends the ensemble."""
        member: Member = {
            "directory": trained.directory,
            "epochs": trained.epochs,
            "validation": trained.validation,
            "test": trained.test,
        }
        self.result = replace(
            self.result,
            members=[*self.result.members, member],
            epochs=self.result.epochs + trained.epochs,
            steps=self.result.steps + trained.steps,
            seconds=round(self.result.seconds + trained.seconds, 3),
        )
        completed = trained.status == "completed"
        if not completed:
            self.result = replace(
                self.result,
                status=trained.status,
                reason=f"member {index}: {trained.reason}",
                signal=trained.signal,
                stop_reason=trained.stop_reason,
            )
        self.save_result()
        return completed

    def finish(self, data: Data) -> None:
        """Average the members, save the model, and evaluate it."""
        paths = [RunDirectory(Path(member["directory"])) for member in self.result.members]
        model = averaged([model_of(path) for path in paths], self.recipe.name)
        self.directory.write(files.MODEL, model.save)
        self.result = replace(
            self.result,
            status="completed",
            reason=f"all {len(paths)} members were trained",
            stop_reason=StopReason.ALL_EPOCHS,
            validation=measured(self.recipe, data, model, "validation"),
            test=measured(self.recipe, data, model, "test"),
        )
        self.save_result()

    def save_result(self) -> None:
        self.directory.write_result(self.result.to_json())

    @contextmanager
    def recorded_failure(self) -> Iterator[None]:
        """Record in `result.json` what ended the ensemble early."""
        try:
            yield
        except OSError as error:
            self.directory.patience = 0.0
            self.end(
                "failed",
                f"{disk.explained(error)} `keras-recipes resume {self.directory.path}` continues "
                "with the members that are completed",
                failure_of(error),
            )
        except KeyboardInterrupt as error:
            self.end("interrupted", f"{type(error).__name__}: {error}", StopReason.SIGNAL)
            raise
        except BaseException as error:
            self.end("failed", f"{type(error).__name__}: {error}", StopReason.ERROR)
            raise

    def end(self, status: Status, reason: str, why: StopReason) -> None:
        """Record that the ensemble has not ended normally, if the disk allows it."""
        self.result = replace(self.result, status=status, reason=reason, stop_reason=why)
        with suppress(OSError):
            self.save_result()
