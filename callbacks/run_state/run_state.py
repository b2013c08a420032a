"""The whole state of a training on disk: killed at any moment, it resumes exactly."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import keras
import tensorflow as tf
from keras.callbacks import Callback

from ...arguments import check_bool
from ...messages import logger
from ..codec import ArrayList, decode
from ..learning_rate import constant_rate
from . import callback_states, training_state
from .checkpoint import Checkpoint, DamagedCheckpoint
from .fit import HOOKS, Fit, Position, Replay, calling_fit, limits, surround
from .recorder import Interval, Recorder
from .rng_state import TracedSteps, capture_python
from .store import CheckpointStore
from .training_state import BeforeEvaluation, Progress, state_of


class TrainingInterrupted(Exception):
    """`stop` returned true, so `fit` ended; the state is stored unless the disk refused it."""


class RunState(Callback):
    """Stores the whole state of a training at intervals, and resumes from it.

    Run the same program again after it was killed: training continues, and ends with the same
    weights, bit for bit on the same machine with the same versions, as if it had not been. Stored
    are weights, optimizer, metrics of the epoch so far, random generators, history, the time spent,
    the place in the data, and the states of the other callbacks: those of this package, Keras's
    `EarlyStopping`, `ReduceLROnPlateau`, `ModelCheckpoint`, `CSVLogger`, `SwapEMAWeights`, and
    every callback with `get_state` and `set_state`. Its place in the list does not matter.

    A learning rate that is a number is restored as callbacks have changed it. Where the model is
    compiled with another number than the training began with, that counts from there on.

    The data must come in the same order in the new process: arrays and a `tf.data` pipeline do,
    where `keras.utils.set_random_seed` is called before they are made and shuffles have seeds.
    Random operations inside of `Dataset.map`, and your own generators whose state is not
    Python's or NumPy's, start from the beginning. Pass layers and generators outside of the model
    as `tracked`.

    Args:
        directory: folder for the checkpoints. If it has some, training resumes from them.
        every: when to write: `auto`, `1 epochs`, `500 steps` (batches), `5 minutes`, `30 seconds`
            or a number of minutes. With `auto` writing takes about 1 % of the time. Training waits
            for a copy of the state, and continues while that is written.
        keep: how many checkpoints to keep, >= 1.
        tracked: variables, random generators or objects with `variables` to store beside the
            model's.
        ordered: whether the order of an epoch depends on the epochs before it in this process, as
            in `Dataset.shuffle`; without, an epoch is found faster.
        from_step: the current epoch's batches from a step on, as a `tf.data.Dataset`, for data that
            can begin anywhere. Without, the batches of an epoch that were trained are taken from
            the data again and dropped.
        stop: called after each execution; when it returns true, the state is stored and `fit`
            raises `TrainingInterrupted`.
        changed: whether the training differs from the stored one: it then continues even where a
            callback had stopped it.
        verbose: whether to log where training resumes.
        visit: called with this callback after each execution; it may call `save_to`.

    Attributes:
        resumed: the position that training resumed from, or None.
        problems: what went wrong with writing and reading, as logged.

    Raises:
        ValueError: a bad argument; when training begins, a checkpoint of another model.
        DamagedCheckpoint: when training begins, if there are checkpoints and all are damaged.

    >>> state = RunState("checkpoints", every="10 minutes")
    """

    if TYPE_CHECKING:
        # Keras initializes it with None, and annotates nothing.
        @property
        def model(self) -> keras.Model: ...

    def __init__(
        self,
        directory: str | os.PathLike,
        every: str | float = "auto",
        keep: int = 3,
        *,
        tracked: Sequence[object] = (),
        ordered: bool = True,
        from_step: Callable[[int], tf.data.Dataset] | None = None,
        stop: Callable[[], bool] | None = None,
        changed: bool = False,
        verbose: bool = True,
        visit: Callable[[RunState], None] | None = None,
    ):
        super().__init__()
        self.directory = os.fspath(directory)
        self.interval = Interval(every)
        self.store = CheckpointStore(self.directory, keep)
        self._recorder = Recorder(self.store, self.interval)
        self.problems = self._recorder.problems
        self.tracked = tuple(tracked)
        self.ordered = check_bool("ordered", ordered)
        self.from_step = from_step
        self.stop = stop
        self.changed = check_bool("changed", changed)
        self.verbose = check_bool("verbose", verbose)
        self.visit = visit
        self.resumed: Position | None = None
        self.seconds = 0.0
        self._preloaded: Checkpoint | None = None
        self._compiled_with: tuple[keras.optimizers.Optimizer, float | None] | None = None
        self._traced: TracedSteps | None = None
        self._reset()

    def _reset(self) -> None:
        """Drop what belongs to one `fit`."""
        self.position = Position()
        self._fit: Fit | None = None
        self._checkpoint: Checkpoint | None = None
        self._replay: Replay | None = None
        self._metrics: training_state.Metrics | None = None
        self._before: BeforeEvaluation | None = None
        self._logs: object = None
        self._in_epoch = False
        self._started = 0.0
        self._recorder.restart()

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        fit = calling_fit()
        if fit is None:
            return
        self._release_model()
        self._reset()
        self._fit = fit
        self._traced = TracedSteps(model)
        for hook in HOOKS:
            surround(fit.callbacks, hook, self)

    def on_train_begin(self, logs: dict | None = None) -> None:
        if self._fit is None:
            raise ValueError(
                "`RunState` must see the callbacks beside it, to store their states: give it to "
                "`model.fit` in `callbacks`, or make the `CallbackList` with its model."
            )

    @property
    def others(self) -> list[Callback]:
        """The callbacks beside this one."""
        callbacks = [] if self._fit is None else self._fit.callbacks.callbacks
        return [callback for callback in callbacks if callback is not self]

    def find(self, model: keras.Model, callbacks: Sequence[Callback] = ()) -> Position | None:
        """Find the checkpoint to resume from, and check that it fits a model and its callbacks.

        Args:
            callbacks: those of the training, whose states are restored.

        Returns:
            Its position; None where there is none.

        Raises:
            ValueError: all are damaged, or the newest is of another model.
        """
        # Read before a warm start can change it.
        rate = self._initial_rate(model)
        try:
            checkpoint = self._preloaded = self._recorder.find()
            if checkpoint is None:
                return None
            position = Position(**state_of(checkpoint)["position"])
            position.check(int(model.steps_per_execution))
            training_state.restorable(model, self.tracked, checkpoint, rate)
            others = [callback for callback in callbacks if callback is not self]
            saved = state_of(checkpoint)["callbacks"]
            callback_states.set_states(callback_states.match(others, saved), checkpoint)
            return position
        except DamagedCheckpoint as error:
            raise ValueError(str(error)) from None

    def _initial_rate(self, model: keras.Model) -> float | None:
        """The learning rate that a model was compiled with; None for a schedule."""
        if self._compiled_with is None or self._compiled_with[0] is not model.optimizer:
            self._compiled_with = model.optimizer, constant_rate(model)
        return self._compiled_with[1]

    def _before_train_begin(self) -> None:
        if not self.model.built:
            raise ValueError(
                f"`RunState` finds no weights in the model {self.model.name!r} yet. Start it "
                "with `keras.Input(...)`, or call it on a batch first."
            )
        # Read before any callback can change it.
        self._initial_rate(self.model)
        self._started = time.monotonic()
        self.resumed, self.seconds = None, 0.0
        self.position = Position(steps_per_execution=int(self.model.steps_per_execution))
        for limit in limits(self._fit, self.others, self.ordered):
            logger.warning(f"RunState: {limit}.")
        self._checkpoint, self._preloaded = self._preloaded or self._recorder.find(), None
        if self._checkpoint is not None:
            self._resume(self._checkpoint)

    def _resume(self, checkpoint: Checkpoint) -> None:
        state = state_of(checkpoint)
        self.position = self.resumed = Position(**state["position"])
        self.position.check(int(self.model.steps_per_execution))
        self.seconds = state["seconds"]
        rate = self._initial_rate(self.model)
        training_state.restore(self.model, self.tracked, checkpoint, rate)
        if self._traced is not None:
            self._traced.restore(decode(state["tracing"], checkpoint.arrays))
        pairs = callback_states.match(self.others, state["callbacks"])
        for problem in callback_states.restore(pairs, checkpoint):
            self._recorder.warn(problem)
        for name in callback_states.unmatched(pairs, state["callbacks"]):
            self._recorder.warn(
                f"the checkpoint has the state of a {name}, which this training does not use"
            )
        if self.verbose:
            logger.info(f"RunState: resumes {self.position} ({checkpoint.path.name}).")
            if rate is not None and training_state.other_rate(checkpoint, rate) is not None:
                logger.info(f"RunState: the learning rate is {rate:g} from here on.")

    def _after_train_begin(self) -> None:
        # A state that cannot be stored is an error now, and not after hours.
        callback_states.capture(self.others, ArrayList())
        if self._checkpoint is not None:
            self._restore_again(self._checkpoint)
            self.model._initial_epoch = self._first_epoch()
        self.interval.restart()

    def _restore_again(self, checkpoint: Checkpoint) -> None:
        """Restore what the hooks of the callbacks have changed."""
        rate = self._initial_rate(self.model)
        training_state.restore(self.model, self.tracked, checkpoint, rate)
        pairs = callback_states.match(self.others, state_of(checkpoint)["callbacks"])
        callback_states.restore_attributes(pairs, checkpoint)

    def _first_epoch(self) -> int:
        """The epoch that Keras begins with; beyond the last where training had been stopped."""
        if self.position.stopped and not self.changed:
            return self._epochs(self.position.epoch)
        if self.position.stopped:
            for callback in self.others:
                if getattr(callback, "stop_reason", None) is not None:
                    vars(callback).update(stop_reason=None, stopped_epoch=None)
        return self.position.epoch

    def _epochs(self, default: int = 0) -> int:
        return int((self.params or {}).get("epochs", default))

    def _before_epoch_begin(self, epoch: int) -> None:
        self._in_epoch, self._metrics = True, None
        if self._checkpoint is None or epoch != self.position.epoch:
            self._checkpoint = None
            self.position = self.position.at_epoch(epoch)

    def _after_epoch_begin(self, epoch: int) -> None:
        if self._checkpoint is None or self._fit is None:
            return
        if self.position.step:
            # In the middle of an epoch, all callbacks have seen its beginning.
            self._restore_again(self._checkpoint)
        self._replay = Replay(
            self.model,
            self._fit,
            self.position,
            ordered=self.ordered,
            from_step=self.from_step,
            begin=self._data_found,
        )
        self.position = self.position.resumed(int(self.model.steps_per_execution))

    def _data_found(self, batch_spec: object) -> object:
        """Restore the metrics of the epoch so far, which exist once the data is known."""
        checkpoint, self._checkpoint = self._checkpoint, None
        if checkpoint is not None:
            self._logs = training_state.restore_metrics(self.model, checkpoint, batch_spec)
        return self._logs

    def _before_train_batch_begin(self, step: int) -> bool:
        return self._replay is None or not self._replay.skips(step)

    def _before_train_batch_end(self, step: int, logs: object = None) -> bool:
        return self._replay is None or not self._replay.skipping

    def _after_train_batch_end(self, step: int, logs: object = None) -> None:
        before = self.position.total
        self.position = self.position.at_step(step + 1, (self.params or {}).get("steps"))
        self._logs = logs
        if self.model.stop_training:
            return
        stop = self._must_stop()
        if self.visit is not None:
            self.visit(self)
        if stop or self.interval.after_steps(before, self.position.total):
            self._metrics = training_state.capture_metrics(self.model)
            self._write(background=not stop)
        if stop:
            self._interrupt()

    def _before_test_begin(self) -> None:
        if self._in_epoch:
            self._finish_replay()
            if self.stop is not None:
                # Weights that evaluation swaps for their averages are captured after the swap, as
                # the trained values are that it keeps meanwhile.
                getattr(self.model, "use_averaged_weights", lambda: None)()
                self._before = BeforeEvaluation(self.model, self.others)

    def _after_test_batch_end(self, step: int, logs: object = None) -> None:
        # A resumed training repeats all of the validation.
        if self._in_epoch and self._must_stop():
            self.save()
            self._interrupt()

    def _after_epoch_end(self, epoch: int, logs: object = None) -> None:
        self._finish_replay()
        self._in_epoch, self._metrics, self._before, self._logs = False, None, None, None
        stopped = bool(self.model.stop_training)
        last = stopped or epoch + 1 >= self._epochs()
        self.position = self.position.after_epoch(epoch, stopped)
        stop = self._must_stop()
        if last:
            callback_states.flush(self.others)
        if stop or last or self.interval.after_epoch(epoch):
            self._write(wait=last and not stop, background=not (stop or last))
        if stop and not last:
            self._interrupt()

    def _after_train_end(self, logs: object = None) -> None:
        self._recorder.finish()
        self.model._initial_epoch = None
        self._release_model()
        self._fit = self._checkpoint = None

    def _must_stop(self) -> bool:
        return self.stop is not None and self.stop()

    def _interrupt(self) -> None:
        """Leave `fit`, and the model as it is without this callback."""
        self._after_train_end()
        raise TrainingInterrupted(str(self.position))

    def _release_model(self) -> None:
        self._finish_replay()
        if self._traced is not None:
            self._traced.release()
            self._traced = None

    def _finish_replay(self) -> None:
        if self._replay is not None:
            self._replay.finish()
            self._replay = None

    def spent(self) -> float:
        """Seconds of training so far, those before a resumption included."""
        return self.seconds + time.monotonic() - self._started

    def save(self, *, wait: bool = False) -> None:
        """Write a checkpoint; if that fails, log it and let training continue.

        Args:
            wait: whether to wait for space on a full disk, as for the last checkpoint.
        """
        self._write(wait=wait)

    def finish_writing(self) -> None:
        """Wait for the checkpoint that is being written; `fit` does so where it ends normally."""
        self._recorder.finish()

    def _write(self, *, wait: bool = False, background: bool = False) -> None:
        self._recorder.write(self._captured, self.position, wait=wait, background=background)

    def save_to(self, folder: str | os.PathLike) -> None:
        """Write a checkpoint into another folder, for a training that begins with it.

        Raises:
            OSError: it could not be written.
            DamagedCheckpoint: what was read back is not what was written.
        """
        self._metrics = training_state.capture_metrics(self.model)
        captured = self._captured()
        CheckpointStore(folder).save(captured.arrays, captured.state, captured.files)

    def _captured(self) -> training_state.Captured:
        tracing = self._traced.states if self._traced else capture_python()
        rate = self._initial_rate(self.model)
        progress = Progress(self.position, self.spent(), tracing, self._metrics, self._logs, rate)
        return training_state.capture(self.model, self.others, self.tracked, progress, self._before)

    def __deepcopy__(self, memo: dict[int, object]) -> RunState:
        return RunState(
            self.directory,
            self.interval.every,
            self.store.keep,
            tracked=self.tracked,
            ordered=self.ordered,
            from_step=self.from_step,
            stop=self.stop,
            changed=self.changed,
            verbose=self.verbose,
            visit=self.visit,
        )
