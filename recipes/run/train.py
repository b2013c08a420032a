"""Train a prepared recipe, and write its run directory."""

import os
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from ... import disk
from ...callbacks.run_state import RunState, TrainingInterrupted
from ...callbacks.run_state.callback_states import appended_file
from ...messages import logger
from ..build.experiment import Experiment, experiment
from ..data import Data
from ..errors import RequestError
from ..record import directory as files
from ..record.directory import RunDirectory
from ..record.result import Result, StopReason
from ..spec import Recipe
from .describe import describe
from .failure import culprit, explained, full_tracebacks
from .initialize import initialize
from .log_probability import estimates
from .prepare import PreparedRun, prepare_run
from .pretrain import Pretrainer
from .run_callbacks import (
    findings,
    give_rows,
    outcome,
    run_callbacks,
    stop_events_on_a_full_disk,
)
from .stop import Interrupted, StopRequest, stop_on_signals

# Rows of the training split that a monitor of activations looks at.
ACTIVATION_ROWS = 256


def train(
    recipe: Recipe,
    *,
    out: str | os.PathLike | None = None,
    arrays: tuple[Any, Any] | None = None,
    resume: bool = False,
    allow_change: Sequence[str] = (),
    **options: Any,
) -> Result:
    """Prepare a run and train it.

    The arguments are those of `prepare_run`, and `options` those of `train_prepared`.

    Raises:
        RequestError: the recipe, its data or the directory cannot be used; nothing is left behind.
    """
    with prepare_run(
        recipe, out=out, arrays=arrays, resume=resume, allow_change=allow_change
    ) as prepared:
        return train_prepared(recipe, prepared, **options)


def train_prepared(
    recipe: Recipe,
    prepared: PreparedRun,
    *,
    progress: bool = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    evaluate_test: bool = True,
    stop: StopRequest | None = None,
) -> Result:
    """Fit, evaluate once on the test split, and write the run directory.

    Args:
        progress: show a progress bar.
        callbacks: more callbacks, after the recipe's own.
        evaluate_test: evaluate on the test split at the end; a search does not.
        stop: lets the caller's callbacks pause the training.

    Returns:
        The result: `completed`, `interrupted`, or `failed` if training broke or diverged.

    Raises:
        RequestError: the recipe or its checkpoints cannot be used.
    """
    directory, previous, data = prepared.directory, prepared.previous, prepared.data
    if data is None:
        assert previous.result is not None
        return previous.result
    built = experiment(recipe, data, directory.path)
    built = replace(built, callbacks=(*built.callbacks, *callbacks))
    run = Run(recipe, data, built, directory, progress, evaluate_test, stop)
    run.restore(changed=bool(previous.changes))
    describe(directory, recipe, data, previous, built.pretraining)
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


def inference_model(model: Any) -> keras.Model:
    """The network alone: only Keras's classes and no optimizer, for any program with Keras."""
    return keras.Model(model.inputs[0], model.outputs[0], name=model.name)


class Run:
    """One training, from its first step to its result."""

    def __init__(
        self,
        recipe: Recipe,
        data: Data,
        built: Experiment,
        directory: RunDirectory,
        progress: bool,
        evaluate_test: bool = True,
        stop: StopRequest | None = None,
    ):
        self.recipe = recipe
        self.data = data
        self.built = built
        self.directory = directory
        self.progress = progress
        self.evaluate_test = evaluate_test
        self.stop = StopRequest() if stop is None else stop
        self.state = self.new_state()
        self.callbacks: list[Any] = [
            *built.callbacks,
            *run_callbacks(built, directory, progress),
            self.state,
        ]
        stop_events_on_a_full_disk(self.callbacks)
        self.result = Result("running", str(directory.path), process=os.getpid())

    def new_state(self) -> RunState:
        """The callback that stores and restores checkpoints."""
        asked = self.recipe.checkpoints
        return RunState(
            self.directory / files.STATE,
            every=in_batches(asked.every, self.recipe.gradient_accumulation),
            keep=asked.keep,
            ordered=False,  # an epoch's order follows from its number
            stop=self.stop.asked,
            verbose=False,
        )

    def restore(self, *, changed: bool) -> None:
        """Find the checkpoint to continue from, before anything is written.

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
            initialize(self.built.model, self.recipe)

    def remove_lines(self) -> None:
        """Remove files of lines that an attempt without a checkpoint has left."""
        for path in map(appended_file, self.callbacks):
            if path is not None and path.is_relative_to(self.directory.path):
                disk.remove_file(path)

    def execute(self) -> Result:
        """Pretrain, fit, save, evaluate."""
        self.save_result()
        with self.recorded_failure(), stop_on_signals(self.stop):
            if self.pretrained():
                self.fit()
                self.finish()
        self.close()
        return self.result

    def fit(self) -> None:
        """Train until the last epoch, a callback's stop or a signal."""
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
            model.use_averaged_weights()
        self.result = replace(
            self.result,
            seconds=round(self.result.seconds + self.state.spent(), 3),
            steps=int(model.optimizer.iterations.numpy()),
            findings=findings(self.callbacks),
            **outcome(model.history, self.callbacks, self.built.epochs, self.stop),
        )

    def finish(self) -> None:
        """Save the model, and evaluate it if the training is complete."""
        model: Any = self.built.model
        if self.result.status == "interrupted":
            self.directory.write(files.MODEL, inference_model(model).save)
            return
        with self.stop.immediate():
            self.directory.write(files.MODEL, inference_model(model).save)
            self.evaluate()
        # One checkpoint is enough to continue with more epochs.
        self.state.store.prune(1)

    def pretrained(self) -> bool:
        """Train the recipe's deep belief network, if it has one, and initialize the model from it.

        Returns:
            False if a signal ended the run before the model's first step.
        """
        if self.built.pretraining is None:
            return True
        started = time.perf_counter()
        work = Pretrainer(
            self.built.pretraining, self.directory, progress=self.progress, asked=self.stop.asked
        )
        done = work.run(self.built.model)
        if not done:
            name = "a pause" if self.stop.signal is None else self.stop.signal.name
            self.end("interrupted", f"{name} came during pretraining", self.stop.reason)
            self.result = replace(self.result, signal=self.stop.signal and name)
        spent = round(time.perf_counter() - started, 3)
        self.result = replace(self.result, seconds=spent)
        return done

    def evaluate(self) -> None:
        """Evaluate the saved model; on the test split only if the training is complete."""
        whole = self.result.status == "completed" and self.evaluate_test
        self.result = replace(
            self.result,
            validation=self.metrics(self.built.validation),
            test=self.metrics(self.built.test) if whole else {},
            log_probability=self.log_probability() if whole else {},
        )

    def log_probability(self) -> dict[str, float]:
        """Log-probabilities under the recipe's first RBM, if it asks for them."""
        section = self.recipe.pretraining
        if section is None or section.dbn.log_probability is None:
            return {}
        assert self.built.pretraining is not None
        return estimates(self.recipe, self.data, self.built.pretraining)

    def metrics(self, dataset: Any) -> dict[str, float]:
        """Loss and metrics on a split."""
        if dataset is None:
            return {}
        values: Any = self.built.model.evaluate(dataset, verbose=0, return_dict=True)
        return {name: float(value) for name, value in values.items()}

    def save_result(self) -> None:
        self.directory.write_result(self.result.to_json())

    @contextmanager
    def recorded_failure(self) -> Iterator[None]:
        """Record in the result why a training broke; the traceback goes to a file."""
        try:
            with full_tracebacks():
                yield
        except Interrupted as error:
            self.result = replace(self.result, signal=str(error), test={})
            late = f"{error} came while the trained model was saved and evaluated"
            self.end("interrupted", late, StopReason.SIGNAL)
        except KeyboardInterrupt:
            self.end("interrupted", "a second signal ended the run at once", StopReason.SIGNAL)
            self.close()
            raise
        except ArithmeticError as error:
            # The training step or a guard gave up, and says why.
            self.end("failed", " ".join(str(error).split("\n")), StopReason.DIVERGED)
        except Exception as error:
            for callback in self.callbacks:
                # Before anything is written: for a sweep a full disk is not a failed trial.
                if hasattr(callback, "on_error"):
                    callback.on_error(error)
            why = StopReason.DISK_FULL if disk.is_full(error) else StopReason.ERROR
            self.end("failed", f"{self.reason_of(error)}{self.advice()}", why)

    def reason_of(self, error: Exception) -> str:
        """Why a training broke, in a line."""
        if isinstance(error, OSError) and disk.is_full(error):
            # It was waited for already.
            self.directory.patience = 0.0
            return disk.explained(error).rstrip(".")
        path = culprit(error, self.recipe, self.built)
        if path is None and isinstance(error, OSError) and error.errno is not None:
            reason = disk.explained(error).rstrip(".")
        else:
            reason = explained(error, self.recipe, path)
        return f"{reason} (traceback: {self.write_traceback()})"

    def advice(self) -> str:
        """How to continue a run that broke."""
        paths = self.state.store.paths_or_none()
        if not paths:
            return ""
        return f". `keras-recipes resume {self.directory.path}` continues from {paths[-1].name}"

    def end(self, status: Any, reason: str, why: StopReason | None) -> None:
        """Record that the training has not ended normally."""
        found = findings(self.callbacks)
        self.result = replace(
            self.result, status=status, reason=reason, stop_reason=why, findings=found
        )

    def close(self) -> None:
        """Write the result; if that fails, the run looks like one that was killed."""
        try:
            self.save_result()
        except OSError as error:
            if self.result.status != "completed":
                # The same disk may have caused the failure, whose reason is kept.
                return
            reason = (
                f"the result could not be written: {disk.explained(error)} "
                f"`keras-recipes resume {self.directory.path}` writes it"
            )
            why = StopReason.DISK_FULL if disk.is_full(error) else StopReason.ERROR
            self.result = replace(self.result, status="failed", reason=reason, stop_reason=why)

    def write_traceback(self) -> Path | str:
        try:
            self.directory.write_text(files.TRACEBACK, traceback.format_exc())
        except OSError as error:
            return f"could not be written, {disk.cause(error)}"
        return self.directory / files.TRACEBACK
