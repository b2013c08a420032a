"""Train a recipe: from its data to a run directory that proves how the model was made."""

import os
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import disk
from ...messages import logger
from ..errors import RequestError
from ..record import directory as files
from ..record.directory import RunDirectory
from ..record.result import Result
from ..spec import Recipe
from .begin import begun, describe

# Rows that a monitor of activations looks at.
ACTIVATION_ROWS = 256

if TYPE_CHECKING:
    from ...callbacks.run_state import RunState
    from ..build.experiment import Experiment
    from ..data import Data


def train(
    recipe: Recipe,
    *,
    out: str | os.PathLike | None = None,
    arrays: tuple[Any, Any] | None = None,
    progress: bool = True,
    resume: bool = False,
    allow_change: Sequence[str] = (),
    callbacks: Sequence[Any] = (),
    evaluate_test: bool = True,
) -> Result:
    """Fit, evaluate once on the test split, and write the run directory.

    Args:
        out: the run directory; it must not exist or be empty. Default `runs/NAME-DATE-TIME`.
        arrays: `(x, y)` for a recipe whose data source is `arrays`.
        progress: show a progress bar.
        resume: go on with the run in `out`, if there is one.
        allow_change: keys of the recipe that may differ from those of the run.
        callbacks: more callbacks, after the recipe's own.
        evaluate_test: measure the test split at the end; a search leaves it alone.

    Returns:
        The result: `completed`, `interrupted`, or `failed` where training broke or diverged.

    Raises:
        RequestError: the recipe, its data or the directory cannot be used; nothing is left behind.
    """
    with begun(recipe, out, arrays, resume=resume, allow_change=allow_change) as beginning:
        directory, earlier, data = beginning.directory, beginning.earlier, beginning.data
        if data is None:
            assert earlier.result is not None
            return earlier.result
        from ..build.experiment import experiment

        built = experiment(recipe, data, directory.path)
        built = replace(built, callbacks=(*built.callbacks, *callbacks))
        run = Run(recipe, data, built, directory, progress, evaluate_test)
        run.restore(changed=bool(earlier.changes))
        describe(directory, recipe, data, earlier, built.pretraining)
        if progress:
            logger.info(built.summary)
        return run.execute()


def in_batches(every: Any, accumulation: int) -> Any:
    """An interval as the callback counts it: a recipe's steps are optimizer updates.

    >>> in_batches("500 steps", 4), in_batches("1 epochs", 4)
    ('2000 steps', '1 epochs')
    """
    if isinstance(every, str) and every.endswith("steps"):
        return f"{int(every.split()[0]) * accumulation} steps"
    return every


def _nothing(error: Exception) -> None:
    """What a callback that does not ask for errors does with them."""


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
        evaluate_test: bool = True,
    ):
        self.recipe = recipe
        self.data = data
        self.built = built
        self.directory = directory
        self.progress = progress
        self.evaluate_test = evaluate_test
        from .observe import Watch, observers

        self.watch = Watch()
        self.state = self.new_state()
        self.callbacks: list[Any] = [
            *built.callbacks,
            *observers(built, directory, self.watch, progress),
            self.state,
        ]
        self.result = Result("running", str(directory.path), process=os.getpid())

    def new_state(self) -> "RunState":
        """What stores the whole state of the run, and restores it."""
        from ...callbacks.run_state import RunState

        asked = self.recipe.checkpoints
        return RunState(
            self.directory / files.STATE,
            every=in_batches(asked.every, self.recipe.gradient_accumulation),
            keep=asked.keep,
            ordered=False,  # an epoch's order follows from its number
            stop=self.watch.signal.asked,
            verbose=False,
        )

    def restore(self, *, changed: bool) -> None:
        """Look for a state to go on from, before anything is written.

        Raises:
            RequestError: there are some, and none is sound or fits this recipe.
        """
        self.state.changed = changed
        try:
            position = self.state.look(self.built.model, self.callbacks)
        except ValueError as error:
            raise RequestError(f"{self.directory.path}: {error}") from None
        if position is not None:
            logger.info(f"{self.directory.path}: continues {position}.")
            return
        self.remove_lines()
        if self.recipe.initialize is not None:
            from .initialize import initialize

            initialize(self.built.model, self.recipe)

    def remove_lines(self) -> None:
        """Remove what an attempt without a checkpoint has left in files that are added to."""
        from ...callbacks.run_state.callback_states import appended_file

        for path in map(appended_file, self.callbacks):
            if path is not None and path.is_relative_to(self.directory.path):
                disk.remove_file(path)

    def execute(self) -> Result:
        """Fit, save, evaluate, report."""
        from .interrupt import listening

        self.save_result()
        with self.recorded_failure(), listening(self.watch.signal):
            if self.pretrained(self.watch.signal):
                self.fit()
                self.finish()
        self.close()
        return self.result

    def fit(self) -> None:
        """Train until the last epoch, a callback's stop or a signal."""
        from ...callbacks.run_state import TrainingInterrupted
        from .observe import findings, give_rows, outcome

        model: Any = self.built.model
        rows = self.data.train.x[:ACTIVATION_ROWS]
        give_rows(self.callbacks, rows if rows.dtype == "float64" else rows.astype("float32"))
        if not model.optimizer.built:
            # TensorFlow traces a step that makes variables a second time.
            model.optimizer.build(model.trainable_variables)
        try:
            model.fit(
                self.built.training.dataset,
                epochs=self.built.epochs,
                validation_data=self.built.validation,
                callbacks=self.callbacks,
                shuffle=False,  # the dataset has its order already
                verbose=0,
            )
        except TrainingInterrupted:
            # Outside of its steps a model holds its averaged weights, if it has such.
            getattr(model, "_hold_average", bool)()
        self.result = replace(
            self.result,
            seconds=round(self.result.seconds + self.state.spent(), 3),
            steps=int(model.optimizer.iterations.numpy()),
            findings=findings(self.callbacks),
            **outcome(model.history, self.built, self.watch),
        )

    def finish(self) -> None:
        """Save the model, and measure it if the training is whole."""
        model: Any = self.built.model
        if self.result.status == "interrupted":
            self.directory.write(files.MODEL, inference_model(model).save)
            return
        with self.watch.signal.at_once():
            self.directory.write(files.MODEL, inference_model(model).save)
            self.evaluate()
        # One state is enough to go on with more epochs.
        self.state.store.prune(1)

    def pretrained(self, signal: Any) -> bool:
        """Train the recipe's deep belief network, if it has one, and start the model from it.

        Returns:
            False where a signal ended the run before the model's first step.
        """
        if self.built.pretraining is None:
            return True
        from .pretrain import Pretrainer

        started = time.perf_counter()
        work = Pretrainer(
            self.built.pretraining, self.directory, progress=self.progress, asked=signal.asked
        )
        done = work.run(self.built.model)
        if not done:
            self.result = replace(
                self.result,
                status="interrupted",
                reason=f"{signal.received.name} came during pretraining",
                signal=signal.received.name,
            )
        spent = round(time.perf_counter() - started, 3)
        self.result = replace(self.result, seconds=spent)
        return done

    def evaluate(self) -> None:
        """Measure the model that was saved; the test split only once the training is complete."""
        whole = self.result.status == "completed"
        self.result = replace(
            self.result,
            validation=self.metrics(self.built.validation),
            test=self.metrics(self.built.test) if whole and self.evaluate_test else {},
            log_probability=self.likelihood() if whole and self.evaluate_test else {},
        )

    def likelihood(self) -> dict[str, float]:
        """Log-probabilities under the recipe's first machine, where it asks for them."""
        section = self.recipe.pretraining
        if section is None or section.dbn.log_probability is None:
            return {}
        from .log_probability import estimates

        assert self.built.pretraining is not None
        return estimates(self.recipe, self.data, self.built.pretraining)

    def metrics(self, dataset: Any) -> dict[str, float]:
        """Loss and metrics on a split, as plain numbers."""
        if dataset is None:
            return {}
        values = self.built.model.evaluate(dataset, verbose=0, return_dict=True)
        return {name: float(value) for name, value in values.items()}

    def save_result(self) -> None:
        self.directory.write_result(self.result.to_json())

    @contextmanager
    def recorded_failure(self) -> Iterator[None]:
        """Leave the story of a broken training in the run directory, not on the screen."""
        from .failure import full_tracebacks
        from .interrupt import Interrupted

        try:
            with full_tracebacks():
                yield
        except Interrupted as error:
            late = f"{error} came while the trained model was saved and measured"
            self.result = replace(self.result, signal=str(error), test={})
            self.end("interrupted", late)
        except KeyboardInterrupt:
            self.end("interrupted", "a second signal ended the run at once")
            self.close()
            raise
        except ArithmeticError as error:
            # The training step or a guard gave up, and says why.
            self.end("failed", " ".join(str(error).split("\n")))
        except Exception as error:
            for callback in self.callbacks:
                # Before anything is written: a sweep does not call a full disk a failed trial.
                getattr(callback, "on_error", _nothing)(error)
            # Whatever breaks in the middle of a training is told in the run directory.
            self.end("failed", f"{self.reason_of(error)}{self.not_lost()}")

    def reason_of(self, error: Exception) -> str:
        """Why a training broke, in a line."""
        if disk.is_full(error):
            assert isinstance(error, OSError)
            # It was waited for.
            self.directory.patience = 0.0
            return disk.explained(error).rstrip(".")
        from .failure import culprit, reason

        words = reason(error, self.recipe, self.built)
        ours = culprit(error, self.recipe, self.built) is None
        if ours and isinstance(error, OSError) and error.errno is not None:
            words = disk.explained(error).rstrip(".")
        return f"{words} (the whole story: {self.note_traceback()})"

    def not_lost(self) -> str:
        """What a run that broke can go on from."""
        paths = self.state.store.paths_or_none()
        if not paths:
            return ""
        return f". `keras-recipes resume {self.directory.path}` goes on from {paths[-1].name}"

    def end(self, status: Any, reason: str) -> None:
        """The training has ended otherwise than it should."""
        from .observe import findings

        found = findings(self.callbacks)
        self.result = replace(self.result, status=status, reason=reason, findings=found)

    def close(self) -> None:
        """Write the result; where that fails, the run is as one that was killed."""
        try:
            self.save_result()
        except OSError as error:
            if self.result.status != "completed":
                # The disk itself may be what failed; the first error is the one to tell.
                return
            reason = f"the result could not be written: {disk.explained(error)}"
            again = f"`keras-recipes resume {self.directory.path}` writes it"
            self.result = replace(self.result, status="failed", reason=f"{reason} {again}")

    def note_traceback(self) -> Path | str:
        try:
            self.directory.write_text(files.TRACEBACK, traceback.format_exc())
        except OSError as error:
            return f"could not be written, {disk.cause(error)}"
        return self.directory / files.TRACEBACK
