"""Several trainings of one recipe, and the model that averages their outputs."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ... import disk
from ..record import directory as files
from ..record.directory import RunDirectory
from ..record.result import Result
from ..spec import Recipe
from .begin import begun, describe
from .train import train


def train_ensemble(
    recipe: Recipe,
    *,
    out: str | os.PathLike | None = None,
    arrays: tuple[Any, Any] | None = None,
    progress: bool = True,
    resume: bool = False,
    allow_change: Sequence[str] = (),
) -> Result:
    """Train the members, each a run of its own below `members/`, and average them.

    The arguments and errors are those of `train`. An ensemble whose member fails, or is
    interrupted, ends with it; one that is resumed keeps the members that were finished.
    """
    with begun(recipe, out, arrays, resume=resume, allow_change=allow_change) as beginning:
        directory, earlier, data = beginning.directory, beginning.earlier, beginning.data
        if data is None:
            assert earlier.result is not None
            return earlier.result
        describe(directory, recipe, data, earlier)
        ensemble = Ensemble(recipe, directory)
        with ensemble.recorded():
            for index, member in enumerate(members_of(recipe), start=1):
                path = directory / files.MEMBERS / str(index)
                trained = train(
                    member,
                    out=path,
                    arrays=arrays,
                    progress=progress,
                    resume=resume and path.exists(),
                    allow_change=allow_change,
                )
                if not ensemble.take(index, trained):
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


def averaged(models: Sequence[Any], name: str) -> Any:
    """One model whose output is the mean of the outputs of several, on the same input."""
    import keras

    inputs = keras.Input(models[0].input_shape[1:], name="rows", dtype=models[0].inputs[0].dtype)
    outputs = []
    for index, model in enumerate(models, start=1):
        # As a layer of another model it needs a name that no other has.
        member = keras.Model(model.inputs[0], model.outputs[0], name=f"member_{index}")
        outputs.append(member(inputs))
    return keras.Model(inputs, keras.layers.Average(name="mean")(outputs), name=name)


class Ensemble:
    """What becomes of an ensemble, member by member."""

    def __init__(self, recipe: Recipe, directory: RunDirectory):
        self.recipe = recipe
        self.directory = directory
        self.result = Result("running", str(directory.path), process=os.getpid())
        self.save_result()

    def take(self, index: int, trained: Result) -> bool:
        """Add a member's result; whether the ensemble goes on."""
        member = {
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
        whole = trained.status == "completed"
        if not whole:
            reason = f"member {index}: {trained.reason}"
            self.result = replace(
                self.result, status=trained.status, reason=reason, signal=trained.signal
            )
        self.save_result()
        return whole

    def finish(self, data: Any) -> None:
        """Average the members, save the model, and measure it."""
        from .reload import measured, model_of

        paths = [RunDirectory(Path(member["directory"])) for member in self.result.members]
        model = averaged([model_of(path) for path in paths], self.recipe.name)
        self.directory.write(files.MODEL, model.save)
        self.result = replace(
            self.result,
            status="completed",
            reason=f"all {len(paths)} members were trained",
            validation=measured(self.recipe, data, model, "validation"),
            test=measured(self.recipe, data, model, "test"),
        )
        self.save_result()

    def save_result(self) -> None:
        self.directory.write_result(self.result.to_json())

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Whatever ends the ensemble early is told in its `result.json`."""
        try:
            yield
        except OSError as error:
            self.result = replace(
                self.result,
                status="failed",
                reason=f"{disk.explained(error)} `keras-recipes resume {self.directory.path}` "
                "goes on with the members that are finished",
            )
            self.directory.patience = 0.0
            with suppress(OSError):
                self.save_result()
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt)
            self.result = replace(
                self.result,
                status="interrupted" if stopped else "failed",
                reason=f"{type(error).__name__}: {error}",
            )
            with suppress(OSError):
                self.save_result()
            raise
