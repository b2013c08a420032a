"""One training, from its first step to its result."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace

import keras
import tensorflow as tf

from ... import disk
from ...callbacks import Phases
from ...callbacks.learning_rate import updates_in_all
from ...callbacks.run_state import RunState, TrainingInterrupted
from ...callbacks.run_state.callback_attributes import appended_file
from ...messages import logger
from ...models.lora import save_adapters
from ..build.experiment import Experiment
from ..data.arrays import first_rows
from ..devices.peers import WorkerLost
from ..devices.team import Team
from ..errors import RequestError
from ..record import directory as files
from ..record.directory import RunDirectory
from ..record.result import Result, Status, StopReason
from ..spec import Recipe
from ..spec.sections import CheckpointsSection
from .assess import Assessment, assess
from .describe import keep_terms
from .failure import failure_of, full_tracebacks, recorded
from .forecast import with_errors
from .initialize import initialize
from .pretrain import Pretrainer, log_probabilities
from .quiet import metrics_on
from .run_callbacks import (
    checkpoints,
    findings,
    give_rows,
    outcome,
    run_callbacks,
    stop_events_on_a_full_disk,
)
from .stop import Interrupted, StopRequest, stop_on_signals

# How many checkpoints a recipe keeps while it trains, if it does not say.
KEPT = CheckpointsSection.model_fields["keep"].default
# Rows of the training split that a monitor of activations looks at.
ACTIVATION_ROWS = 256


class TrainingRun:
    """One training, from its first step to its result."""

    def __init__(
        self,
        recipe: Recipe,
        built: Experiment,
        directory: RunDirectory,
        progress: bool,
        evaluate_test: bool = True,
        stop: StopRequest | None = None,
        *,
        team: Team | None = None,
        kind: type[RunState] = RunState,
        stored: RunDirectory | None = None,
    ):
        self.team = Team() if team is None else team
        self.recipe = recipe
        self.data = built.data
        # The rows before they were encoded; those of `data` may be blocks of numbers.
        self.raw = built.data
        self.built = built
        self.directory = directory
        self.progress = progress
        self.evaluate_test = evaluate_test
        self.stop = StopRequest() if stop is None else stop
        asked = self.team.agreed(self.stop)
        # A worker that is not the chief restores what the chief has stored, and writes elsewhere.
        self.state = checkpoints(recipe, stored or directory, asked, built.fit_data, kind)
        self.checkpoint: dict[str, object] | None = None
        self.callbacks: list[keras.callbacks.Callback] = [
            *built.callbacks,
            *run_callbacks(built, directory, progress),
            self.state,
        ]
        stop_events_on_a_full_disk(self.callbacks)
        self.result = Result("running", str(directory.path), process=os.getpid())

    def restore(self, *, changed: bool) -> None:
        """Find the checkpoint to continue from, before anything is written.

        Raises:
            RequestError: there are checkpoints, but none is intact and fits this recipe.
        """
        self.state.changed = changed
        try:
            position = self.state.find(self.built.model, self.callbacks)
        except ValueError as error:
            raise RequestError(f"{self.directory.path}: {error}") from None
        if position is not None:
            self.checkpoint = asdict(position)
            logger.info(f"{self.directory.path}: continues {position}.")
            return
        for path in map(appended_file, self.callbacks):
            # From an earlier attempt, which wrote no checkpoint.
            if path is not None and path.is_relative_to(self.directory.path):
                disk.remove_file(path)
        if self.recipe.initialize is not None:
            initialize(self.built.model, self.recipe)

    def execute(self) -> Result:
        """Pretrain, fit, save, evaluate."""
        self.directory.write_result(self.result.to_json())
        with self.recorded_failure(), stop_on_signals(self.stop):
            if self.pretrained():
                self.fit()
                self.finish()
        if self.result.status == "failed":
            self.team.close(self.result.reason)
        self.close()
        return self.result

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
            self.end("interrupted", f"{name} during pretraining", self.stop.reason)
            self.result = replace(self.result, signal=self.stop.signal and name)
        self.result = replace(self.result, seconds=round(time.perf_counter() - started, 3))
        return done

    def fit(self) -> None:
        """Train until the last epoch, a callback's stop or a signal."""
        model = self.built.model
        give_rows(self.callbacks, first_rows(self.data.train.x, ACTIVATION_ROWS))
        if not model.optimizer.built:
            # TensorFlow traces a step that makes variables a second time.
            model.optimizer.build(model.trainable_variables)
        if self.checkpoint is None:
            self.team.same_start(model)
        try:
            with self.team.watched():
                model.fit(**self.built.fit_arguments, callbacks=self.callbacks)
        except TrainingInterrupted:
            model.use_averaged_weights()
            for callback in self.callbacks:
                if isinstance(callback, Phases):
                    callback.release()
        finally:
            self.state.finish_writing()
        self.result = replace(
            self.result,
            seconds=round(self.result.seconds + self.state.spent(), 3),
            steps=updates_in_all(model),
            findings=findings(self.callbacks),
            **outcome(model.history, self.callbacks, self.built.epochs, self.stop),
        )

    def finish(self) -> None:
        """Save the model, and evaluate it if the training is complete."""
        model = self.built.model
        if self.recipe.model.lora is not None:
            self.directory.write(files.ADAPTER, lambda path: save_adapters(model, path))
        if self.result.status == "interrupted":
            self.directory.write(files.MODEL, model.network().save)
            return
        with self.stop.immediate():
            self.directory.write(files.MODEL, model.network().save)
            self.evaluate()
        if self.recipe.checkpoints.keep <= KEPT:
            # One checkpoint is enough to continue with more epochs; more are kept to branch from.
            self.state.store.prune(1)

    def evaluate(self) -> None:
        """Evaluate the saved model; on the test split only if the training is complete."""
        metrics = {"validation": self.metrics(self.built.validation)}
        if self.result.status == "completed" and self.evaluate_test:
            metrics["test"] = self.metrics(self.built.test)
            pretraining = self.built.pretraining
            metrics["log_probability"] = log_probabilities(self.recipe, self.data, pretraining)
        assessment = self.assessed("test" in metrics)
        self.result = with_errors(
            replace(
                self.result, **metrics, quality=assessment.quality, threshold=assessment.threshold
            ),
            self.built,
        )

    def assessed(self, test: bool) -> Assessment:
        """Threshold and quality of the saved model."""
        splits = {"validation": self.built.validation}
        if test:
            splits["test"] = self.built.test
        keep_terms(self.directory, self.built.terms)
        model = self.built.model
        return assess(self.recipe, self.data, model, splits, self.directory, self.raw)

    def metrics(self, dataset: tf.data.Dataset | None) -> dict[str, float]:
        """Loss and metrics on a split; empty if there is no such split."""
        return {} if dataset is None else metrics_on(self.built.model, dataset)

    @contextmanager
    def recorded_failure(self) -> Iterator[None]:
        """Record in the result why a training failed; the traceback goes to a file."""
        try:
            with full_tracebacks():
                yield
        except Interrupted as error:
            self.result = replace(self.result, signal=str(error), test={})
            reason = f"received {error} while the trained model was saved and evaluated"
            self.end("interrupted", reason, StopReason.SIGNAL)
        except KeyboardInterrupt:
            self.end("interrupted", "a second signal ended the run at once", StopReason.SIGNAL)
            self.close()
            raise
        except WorkerLost as error:
            self.end("failed", f"{error}{self.advice()}", StopReason.WORKER_LOST)
        except ArithmeticError as error:
            # Raised by the training step or a guard, with the reason.
            self.end("failed", " ".join(str(error).split("\n")), StopReason.DIVERGED)
        except Exception as error:
            for callback in self.callbacks:
                # Before anything is written: in a sweep a full disk does not fail the trial.
                on_error = getattr(callback, "on_error", None)
                if on_error is not None:
                    on_error(error)
            reason = recorded(error, self.recipe, self.built, self.directory)
            self.end("failed", f"{reason}{self.advice()}", failure_of(error))

    def advice(self) -> str:
        """How to continue a run that failed."""
        paths = self.state.store.paths_or_none()
        if not paths:
            return ""
        return f". `keras-recipes resume {self.directory.path}` continues from {paths[-1].name}"

    def end(self, status: Status, reason: str, why: StopReason | None) -> None:
        """Record that the training has not ended normally."""
        self.result = replace(
            self.result,
            status=status,
            reason=reason,
            stop_reason=why,
            findings=findings(self.callbacks),
        )

    def close(self) -> None:
        """Write the result; if that fails, the run looks as if it had been killed."""
        try:
            self.directory.write_result(self.result.to_json())
        except OSError as error:
            if self.result.status != "completed":
                # The same disk may have caused the failure, whose reason is kept.
                return
            reason = (
                f"the result could not be written: {disk.explained(error)} "
                f"`keras-recipes resume {self.directory.path}` writes it"
            )
            self.end("failed", reason, failure_of(error))
