"""The whole state of a training on disk, so that it can be killed and goes on as if it had not."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

from ... import disk
from ...arguments import check_bool
from ...messages import logger
from . import companions, tracing
from .hooks import Hooks
from .interval import Interval
from .limits import FitData, limits
from .packing import Arrays, unpack
from .position import Position
from .replay import Replay
from .state_check import check_state
from .store import Checkpoint, CheckpointStore, DamagedCheckpoint
from .tracing import TracedSteps
from .troubles import Troubles
from .whole import (
    BeforeEvaluation,
    Metrics,
    check,
    metrics_now,
    put_back,
    put_metrics_back,
    taken,
)


class TrainingInterrupted(Exception):
    """Training was left at once, because it was asked to; its state is stored if that could be."""


class RunState(keras.callbacks.Callback):
    """Stores the whole state of a training again and again, and takes it up where it was.

    Run the same program again after it was killed: training continues, and ends with the same
    weights, bit for bit on the same machine with the same versions, as if it had not been. Stored
    are weights, optimizer, metrics of the epoch so far, random generators, history, the time spent,
    the place in the data, and the states of the other callbacks: those of this package, Keras's
    `EarlyStopping`, `ReduceLROnPlateau`, `ModelCheckpoint`, `CSVLogger`, `SwapEMAWeights`, and
    every callback with `get_state` and `set_state`. Where it stands in the list does not matter.

    The data must come in the same order in the new process: arrays and a `tf.data` pipeline do,
    where `keras.utils.set_random_seed` is called before they are made and shuffles have seeds.
    Random operations inside of `Dataset.map`, and generators of one's own whose state is not
    Python's or numpy's, begin afresh. Give layers and generators outside of the model as `tracked`.

    Args:
        directory: folder for the checkpoints. One that has some is continued.
        every: when to write: `auto`, `1 epochs`, `500 steps` (batches), `5 minutes`, `30 seconds`
            or a number of minutes. With `auto` writing takes about 1 % of the time.
        keep: how many checkpoints stay, >= 1.
        tracked: variables, random generators or objects with `variables` to store beside the
            model's.
        ordered: whether the order of an epoch depends on the epochs before it in this process, as
            in `Dataset.shuffle`; without, an epoch is found faster.
        stop: asked after each execution; when it is true, the state is stored and `fit` is left by
            a `TrainingInterrupted`.
        changed: whether the training is another one now: it then goes on where a callback had
            stopped it.
        verbose: whether resumptions, and what cannot be restored, are told on stderr.

    Attributes:
        resumed: the position that training went on from, or None.
        troubles: what went wrong with writing and reading.

    Raises:
        ValueError: a bad argument; when training begins, a checkpoint of another model.
        DamagedCheckpoint: when training begins, checkpoints of which none is sound.

    >>> state = RunState("checkpoints", every="10 minutes")
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        every: str | float = "auto",
        keep: int = 3,
        *,
        tracked: Sequence[Any] = (),
        ordered: bool = True,
        stop: Callable[[], bool] | None = None,
        changed: bool = False,
        verbose: bool = True,
    ):
        super().__init__()
        self.directory = os.fspath(directory)
        self.interval = Interval(every)
        self.store = CheckpointStore(self.directory, keep)
        self.tracked = tuple(tracked)
        self.ordered = check_bool("ordered", ordered)
        self.stop = stop
        self.changed = check_bool("changed", changed)
        self.verbose = check_bool("verbose", verbose)
        self.resumed: Position | None = None
        self.troubles = Troubles()
        self.seconds = 0.0
        self._looked: Checkpoint | None = None
        self._traced: TracedSteps | None = None
        self._forget()

    def _forget(self) -> None:
        self.position = Position()
        self._hooks: Hooks | None = None
        self._checkpoint: Checkpoint | None = None
        self._replay: Replay | None = None
        self._metrics: Metrics | None = None
        self._before: BeforeEvaluation | None = None
        self._logs: Any = None
        self._training = False
        self._data = FitData()
        self._began = 0.0
        self.troubles.begin()

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        caller = sys._getframe(1).f_locals.get("self")
        if isinstance(caller, keras.callbacks.CallbackList):
            # Keras gives a callback no other way to the ones beside it.
            self._finish_replay()
            self._release_steps()
            self._forget()
            self._hooks = Hooks(caller, self)
            self._data = FitData.of(sys._getframe(2))
            self._traced = TracedSteps(model, tracing.capture())

    def on_train_begin(self, logs: dict | None = None) -> None:
        if self._hooks is None:
            raise ValueError(
                "`RunState` must see the callbacks beside it, to store their states: give it to "
                "`model.fit` in `callbacks`, or make the `CallbackList` with its model."
            )

    @property
    def _trained(self) -> Any:
        """The model in training."""
        return self.model

    @property
    def others(self) -> list[Any]:
        """The callbacks beside this one."""
        return [] if self._hooks is None else [c for c in self._hooks.callbacks if c is not self]

    @contextmanager
    def around_train_begin(self) -> Iterator[None]:
        """Before and after all callbacks are told that training begins."""
        if not self._trained.built:
            raise ValueError(
                f"`RunState` finds no weights in the model {self._trained.name!r} yet. Begin it "
                "with `keras.Input(...)`, or call it on a batch first."
            )
        self._began = time.monotonic()
        self.resumed, self.seconds = None, 0.0
        self.position = Position(steps_per_execution=int(self._trained.steps_per_execution))
        for sentence in limits(self._data, self.others, self.ordered):
            logger.warning(f"RunState: {sentence}.")
        self._checkpoint = self._looked or self._found()
        self._looked = None
        if self._checkpoint is not None:
            self._begin_from(self._checkpoint)
        yield
        # A state that cannot be stored shows now, and not after hours.
        companions.captured(self.others, Arrays())
        if self._checkpoint is not None:
            self._go_on_from(self._checkpoint)
            self._trained._initial_epoch = self._first_epoch()
        self.interval.begin()

    def look(self, model: Any, callbacks: Sequence[Any] = ()) -> Position | None:
        """Find the checkpoint that training will go on from, and see whether it fits a model.

        Args:
            callbacks: those that will be trained with, whose states are restored.

        Returns:
            Its position; None where there is none.

        Raises:
            ValueError: none is sound, or the newest is of another model.
        """
        try:
            self._looked = self._found()
        except DamagedCheckpoint as error:
            raise ValueError(str(error)) from None
        if self._looked is None:
            return None
        position = Position(**self._looked.state["position"])
        position.check(int(model.steps_per_execution))
        check(model, self.tracked, self._looked)
        others = [callback for callback in callbacks if callback is not self]
        try:
            saved = self._looked.state["callbacks"]
            companions.prepare(companions.matched(others, saved), self._looked)
        except DamagedCheckpoint as error:
            raise ValueError(str(error)) from None
        return position

    def _found(self) -> Checkpoint | None:
        """The checkpoint to go on from."""
        search = self.store.search()
        for problem in search.damaged:
            self.troubles.tell(f"damaged, and left out: {problem}")
        if search.newest is None and search.damaged:
            raise DamagedCheckpoint(
                "None of the checkpoints is sound: "
                + "; ".join(search.damaged)
                + ". Remove them to begin from the start."
            )
        if search.newest is not None:
            check_state(search.newest)
        return search.newest

    def _begin_from(self, checkpoint: Checkpoint) -> None:
        state = checkpoint.state
        self.position = self.resumed = Position(**state["position"])
        self.position.check(int(self._trained.steps_per_execution))
        self.seconds = state["seconds"]
        put_back(self._trained, self.tracked, checkpoint)
        if self._traced is not None:
            self._traced.states = unpack(state["tracing"], checkpoint.arrays)
        pairs = companions.matched(self.others, state["callbacks"])
        for problem in companions.begin(pairs, checkpoint):
            self.troubles.tell(problem)
        for name in companions.lost(self.others, state["callbacks"]):
            self.troubles.tell(
                f"the state of a {name} is in the checkpoint, but it is not trained with now"
            )
        if self.verbose:
            logger.info(f"RunState: continues {self.position} ({checkpoint.path.name}).")

    def _go_on_from(self, checkpoint: Checkpoint) -> None:
        """Put back what the callbacks have changed while they began."""
        put_back(self._trained, self.tracked, checkpoint)
        saved = checkpoint.state["callbacks"]
        companions.go_on(companions.matched(self.others, saved), checkpoint.arrays)

    def _first_epoch(self) -> int:
        """The epoch that Keras begins with; beyond the last where training was at its end."""
        if not self.position.stopped:
            return self.position.epoch
        if not self.changed:
            return int((self.params or {}).get("epochs", self.position.epoch))
        for callback in self.others:
            if getattr(callback, "stop_reason", None) is not None:
                callback.stop_reason = callback.stopped_epoch = None
        return self.position.epoch

    @contextmanager
    def around_epoch_begin(self, epoch: int) -> Iterator[None]:
        """Before and after all callbacks are told that an epoch begins."""
        self._training, self._metrics = True, None
        checkpoint, self._checkpoint = self._checkpoint, None
        if checkpoint is None or epoch != self.position.epoch:
            self.position = self.position.at_epoch(epoch)
            yield
            return
        yield
        self._checkpoint = checkpoint
        if self.position.step:
            # In the middle of an epoch all callbacks have seen its beginning.
            self._go_on_from(checkpoint)
        self._replay = Replay(
            self._trained,
            epoch,
            self.position.step,
            steps_per_epoch=self._data.steps_per_epoch,
            steps_per_execution=self.position.steps_per_execution,
            ordered=self.ordered,
            begin=self._begin_data,
            logs=self._last_logs,
        )
        self.position = self.position.going_on(int(self._trained.steps_per_execution))

    def _begin_data(self, specification: Any) -> None:
        """Put back the metrics so far, once they exist, when the data is where it was."""
        checkpoint, self._checkpoint = self._checkpoint, None
        if checkpoint is None or checkpoint.state["metrics"] is None:
            return
        self._logs = put_metrics_back(self._trained, checkpoint, specification)

    def _last_logs(self) -> Any:
        return self._logs

    def leaves_out(self, begin_step: int) -> bool:
        """Whether the steps from `begin_step` on were trained before."""
        return self._replay is not None and self._replay.before(begin_step)

    def after_execution(self, last_step: int, logs: Any) -> None:
        """After all callbacks were told that an execution has ended."""
        before = self.position.total
        self.position = self.position.at_step(last_step + 1, (self.params or {}).get("steps"))
        self._logs = logs
        if self._trained.stop_training:
            return
        asked = self.stop is not None and self.stop()
        if asked or self.interval.after_steps(before, self.position.total):
            self._metrics = metrics_now(self._trained)
            self.save()
        if asked:
            self._leave()

    def before_evaluation(self) -> None:
        """Before validation empties the metrics."""
        if self._training:
            self._finish_replay()
            if self.stop is not None:
                self._before = BeforeEvaluation(self._trained, self.others)

    def within_evaluation(self) -> None:
        """After a batch of validation, which a resumed training begins anew."""
        if self._training and self.stop is not None and self.stop():
            self.save()
            self._leave()

    def after_epoch(self, epoch: int) -> None:
        """After all callbacks were told that an epoch has ended."""
        self._finish_replay()
        self._training, self._metrics, self._before, self._logs = False, None, None, None
        last = epoch + 1 >= int((self.params or {}).get("epochs", 0))
        stopped = bool(self._trained.stop_training)
        self.position = self.position.after_epoch(epoch, stopped)
        asked = self.stop is not None and self.stop()
        if stopped or last:
            companions.settle(self.others)
        if asked or stopped or last or self.interval.after_epoch(epoch):
            self.save(wait=(stopped or last) and not asked)
        if asked and not (stopped or last):
            self._leave()

    def after_training(self) -> None:
        """After all callbacks were told that training has ended."""
        self._trained._initial_epoch = None
        self._finish_replay()
        self._release_steps()
        self._hooks = self._checkpoint = None
        self._data = FitData()

    def _release_steps(self) -> None:
        if self._traced is not None:
            self._traced.release()
            self._traced = None

    def _leave(self) -> None:
        """Leave `fit`, with the model as it is without this callback."""
        self.after_training()
        raise TrainingInterrupted(str(self.position))

    def _finish_replay(self) -> None:
        if self._replay is not None:
            self._replay.finish()
            self._replay = None

    def spent(self) -> float:
        """Seconds of training so far, those before a resumption included."""
        return self.seconds + time.monotonic() - self._began

    def _place(self) -> dict[str, Any]:
        """Where the training is, and what a resumed one needs to know of its beginning."""
        return {
            "position": self.position.to_json(),
            "seconds": self.spent(),
            "tracing": self._traced.states if self._traced else tracing.capture(),
        }

    def save(self, *, wait: bool = False) -> None:
        """Write a checkpoint; where that fails, say so and let training go on.

        Args:
            wait: whether to wait for space on a disk that is full, as the last checkpoint does.
        """
        began = time.monotonic()
        try:
            whole = taken(
                self._trained,
                self.others,
                tracked=self.tracked,
                metrics=self._before.metrics if self._before else self._metrics,
                logs=self._logs,
                place=self._place(),
                before=self._before,
            )
            disk.when_there_is_space(
                lambda: self.store.save(whole.arrays, whole.state, whole.files),
                disk.PATIENCE if wait else 0.0,
            )
            self.troubles.written()
        except (OSError, DamagedCheckpoint) as error:
            self.troubles.not_written(self.position, error, self.store)
        self.interval.saved(time.monotonic() - began)

    def __deepcopy__(self, memo: dict[int, Any]) -> RunState:
        return RunState(
            self.directory,
            self.interval.every,
            self.store.keep,
            tracked=self.tracked,
            ordered=self.ordered,
            stop=self.stop,
            changed=self.changed,
            verbose=self.verbose,
        )
