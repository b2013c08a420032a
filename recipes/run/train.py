"""Train a recipe: from its data to a run directory that proves how the model was made."""

import os
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..spec import Recipe, dump
from . import directory as files
from .backend import use_tensorflow
from .directory import RunDirectory, reserved
from .result import Result

# Rows that a monitor of activations looks at.
ACTIVATION_ROWS = 256

if TYPE_CHECKING:
    from ..build.data import Data
    from ..build.experiment import Experiment


def train(
    recipe: Recipe,
    *,
    out: str | os.PathLike | None = None,
    arrays: tuple[Any, Any] | None = None,
    progress: bool = True,
) -> Result:
    """Fit, evaluate once on the test split, and write the run directory.

    Args:
        out: the run directory; it must not exist or be empty. Default `runs/NAME-DATE-TIME`.
        arrays: `(x, y)` for a recipe whose data source is `arrays`.
        progress: show a progress bar.

    Returns:
        The result: `completed`, `interrupted`, or `failed` where training broke or diverged.

    Raises:
        RequestError: the recipe, its data or the directory cannot be used; nothing is left behind.
    """
    with reserved(out, recipe.name) as directory:
        # Data first: a mistake in it shows before the seconds that TensorFlow takes to import.
        from ..build.inputs import data_of

        data = data_of(recipe, arrays)
        use_tensorflow()
        from ..build.experiment import experiment

        built = experiment(recipe, data, directory.path)
        describe(directory, recipe, data)
        return Run(recipe, data, built, directory, progress).execute()


def describe(directory: RunDirectory, recipe: Recipe, data: "Data") -> None:
    """Write what the run is made of, before its first step."""
    from .manifest import manifest

    directory.write_text(files.RECIPE, dump(recipe))
    fingerprints = {"recipe": recipe.fingerprint(), "data": data.fingerprint}
    directory.write_json(files.MANIFEST, manifest(seed=recipe.seed, fingerprints=fingerprints))
    directory.write_json(files.DATA, data.to_json())


def inference_model(model: Any) -> Any:
    """The network alone: classes of Keras, no optimizer; any program with Keras can load it."""
    import keras

    return keras.Model(model.inputs[0], model.outputs[0], name=model.name)


class Run:
    """One training, from its first step to its result."""

    def __init__(
        self,
        recipe: Recipe,
        data: "Data",
        built: "Experiment",
        directory: RunDirectory,
        progress: bool,
    ):
        self.recipe = recipe
        self.data = data
        self.built = built
        self.directory = directory
        self.progress = progress
        self.callbacks: list[Any] = []
        self.result = Result("running", str(directory.path), process=os.getpid())

    def execute(self) -> Result:
        """Fit, save, evaluate, report."""
        self.save_result()
        with self.recorded_failure():
            self.fit()
            self.directory.write(files.MODEL, inference_model(self.built.model).save)
            self.evaluate()
        self.save_result()
        return self.result

    def fit(self) -> None:
        """Train until the last epoch, a callback's stop or a signal."""
        from .interrupt import listening
        from .observe import Watch, findings, give_rows, observers, outcome

        watch = Watch()
        callbacks = [
            *self.built.callbacks,
            *observers(self.built, self.directory, watch, self.progress),
        ]
        self.callbacks = callbacks
        give_rows(callbacks, self.data.train.x[:ACTIVATION_ROWS].astype("float32"))
        started = time.perf_counter()
        with listening(watch.signal):
            history = self.built.model.fit(
                self.built.training.dataset,
                epochs=self.built.epochs,
                validation_data=self.built.validation,
                callbacks=callbacks,
                shuffle=False,  # the dataset has its order already
                verbose=0,
            )
        self.result = replace(
            self.result,
            seconds=round(time.perf_counter() - started, 3),
            steps=int(self.built.model.optimizer.iterations.numpy()),
            findings=findings(callbacks),
            **outcome(history, self.built, watch),
        )

    def evaluate(self) -> None:
        """Measure the model that was saved; the test split only once the training is complete."""
        self.result = replace(
            self.result,
            validation=self.metrics(self.built.validation),
            test=self.metrics(self.built.test) if self.result.status == "completed" else {},
        )

    def metrics(self, dataset: Any) -> dict[str, float]:
        """Loss and metrics on a split, as plain numbers."""
        if dataset is None:
            return {}
        values = self.built.model.evaluate(dataset, verbose=0, return_dict=True)
        return {name: float(value) for name, value in values.items()}

    def save_result(self) -> None:
        self.directory.write_json(files.RESULT, self.result.to_json())

    @contextmanager
    def recorded_failure(self) -> Iterator[None]:
        """Leave the story of a broken training in the run directory, not on the screen."""
        try:
            yield
        except KeyboardInterrupt:
            self.close("interrupted", "a second signal ended the run at once")
            raise
        except ArithmeticError as error:
            # The training step or a guard gave up, and says why.
            self.close("failed", " ".join(str(error).split("\n")))
        except Exception as error:
            # Whatever breaks in the middle of a training is told in the run directory.
            reason = f"training broke: {type(error).__name__}: {error}".strip().splitlines()[0]
            self.close("failed", f"{reason} (the whole story: {self.note_traceback()})")

    def close(self, status: Any, reason: str) -> None:
        from .observe import findings

        found = findings(self.callbacks)
        self.result = replace(self.result, status=status, reason=reason, findings=found)
        try:
            self.save_result()
        except OSError:
            # The disk itself may be what failed; the first error is the one to tell.
            return

    def note_traceback(self) -> Path | str:
        try:
            self.directory.write_text(files.TRACEBACK, traceback.format_exc())
        except OSError as error:
            return f"could not be written ({error})"
        return self.directory / files.TRACEBACK
