"""The callbacks that every run has, and the outcome that they report."""

import math
from collections.abc import Callable, Iterable
from functools import wraps
from typing import TypedDict, TypeVar

import keras
import tensorflow as tf

from ... import disk
from ...callbacks import (
    ActivationMonitor,
    BestCheckpoint,
    DivergenceGuard,
    EarlyStopping,
    FitDiagnosis,
    GradientMonitor,
    MetricsLog,
    Phases,
    ProgressBar,
    StatefulCallback,
    TensorBoardLog,
)
from ...callbacks.epoch_order import EpochOrder
from ...callbacks.run_state import RunState
from ...messages import logger
from ..build.experiment import Experiment
from ..data.order import TrainingDataset
from ..record import directory as files
from ..record.directory import RunDirectory
from ..record.result import Metrics, Status, StopReason
from ..spec import Recipe
from .failure import root_cause
from .stop import StopRequest

# The hooks in which Keras's `TensorBoard` writes.
EVENT_HOOKS = (
    "set_model", "on_train_begin", "on_train_end", "on_test_begin", "on_test_end",
    "on_train_batch_begin", "on_train_batch_end", "on_test_batch_begin", "on_epoch_begin",
    "on_epoch_end",
)  # fmt: skip
# Saving takes a tenth of a second, which is most of the time of a short training.
CHECKPOINT_SECONDS = 10.0

C = TypeVar("C", bound=keras.callbacks.Callback)
Callbacks = Iterable[keras.callbacks.Callback]


class StopWhenDiverged(StatefulCallback):
    """Stop a training whose loss is NaN or infinite."""

    STATE = ("reason",)

    def __init__(self):
        super().__init__()
        self.reason: str | None = None
        # A `DivergenceGuard` rolls such a training back, or raises if that does not help.
        self.guarded = False

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if math.isfinite(loss) or self.model is None or self.guarded:
            return
        self.reason = (
            f"The training loss became {loss} in epoch {epoch + 1}. A lower learning rate, a "
            "warm-up or `gradient_clipping: {global_norm: 1.0}` usually helps."
        )
        self.model.stop_training = True


def run_callbacks(
    built: Experiment, directory: RunDirectory, progress: bool
) -> list[keras.callbacks.Callback]:
    """Epoch order, best checkpoint, logs, diagnoses, progress bar and the stop on divergence.

    A callback that the recipe has already is left out.
    """
    has = built.callbacks
    callbacks: list[keras.callbacks.Callback] = [EpochOrder(built.training.epoch)]
    if built.validation is not None and not first_of(has, BestCheckpoint):
        path = str(directory / files.BEST)
        callbacks.append(BestCheckpoint(path, monitor="val_loss", seconds=CHECKPOINT_SECONDS))
    callbacks.append(MetricsLog(str(directory / files.METRICS)))
    if not first_of(has, TensorBoardLog) and not first_of(has, keras.callbacks.TensorBoard):
        callbacks.append(TensorBoardLog(str(directory / files.TENSORBOARD)))
    if not first_of(has, GradientMonitor):
        callbacks.append(GradientMonitor(path=str(directory / files.GRADIENTS), verbose=progress))
    if not first_of(has, FitDiagnosis):
        callbacks.append(FitDiagnosis(baseline=built.baseline, verbose=progress))
    for callback in (*has, *callbacks):
        if isinstance(callback, FitDiagnosis):
            callback.constant = built.constant
    if progress:
        callbacks.append(ProgressBar())
    divergence = StopWhenDiverged()
    divergence.guarded = first_of(has, DivergenceGuard) is not None
    return [*callbacks, divergence]


def checkpoints(
    recipe: Recipe,
    directory: RunDirectory,
    stop: Callable[[], bool],
    training: TrainingDataset,
    kind: type[RunState] = RunState,
) -> RunState:
    """The callback that stores and restores checkpoints.

    Args:
        stop: asked after each execution whether to store the state and end.
        kind: its class.
    """
    asked = recipe.checkpoints
    return kind(
        directory / files.STATE,
        every=in_batches(asked.every, recipe.gradient_accumulation),
        keep=asked.keep,
        ordered=False,  # an epoch's order follows from its number
        from_step=training.from_step,
        stop=stop,
        verbose=False,
    )


def in_batches(every: str | float, accumulation: int) -> str | float:
    """An interval as the callback counts it: a recipe's steps are optimizer updates.

    >>> in_batches("500 steps", 4), in_batches("1 epochs", 4)
    ('2000 steps', '1 epochs')
    """
    if isinstance(every, str) and every.endswith("steps"):
        return f"{int(every.split()[0]) * accumulation} steps"
    return every


def stop_events_on_a_full_disk(callbacks: Callbacks) -> None:
    """Let a training continue where a Keras `TensorBoard` cannot write its events.

    TensorFlow's writer loses the events that a full disk refuses, so that writing them again would
    leave a damaged file. The callback writes no more events, and says so once.
    """
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.TensorBoard):
            _EventsUntilFull(callback)


class _EventsUntilFull:
    """Surrounds the hooks of one `TensorBoard`, and disables them all after a failure."""

    def __init__(self, callback: keras.callbacks.TensorBoard):
        self.folder, self.disabled = callback.log_dir, False
        for name in EVENT_HOOKS:
            setattr(callback, name, self.surrounded(getattr(callback, name)))

    def surrounded(self, hook: Callable[..., None]) -> Callable[..., None]:
        @wraps(hook)
        def call(*arguments: object, **named: object) -> None:
            if self.disabled:
                return
            try:
                hook(*arguments, **named)
            except (OSError, tf.errors.ResourceExhaustedError) as error:
                if isinstance(error, OSError) and not disk.is_full(error):
                    raise
                self.disabled = True
                logger.warning(
                    f"{self.folder}: the disk is full, so that `tensor_board` writes no more "
                    f"events; training continues. {root_cause(error)}"
                )

        return call


class Outcome(TypedDict):
    """The fields of a `Result` that follow from a fit that has returned."""

    status: Status
    reason: str
    stop_reason: StopReason
    epochs: int
    best_epoch: int | None
    train: Metrics
    signal: str | None


def outcome(
    history: keras.callbacks.History, callbacks: Callbacks, expected: int, stop: StopRequest
) -> Outcome:
    """The fields of a `Result` that follow from a fit that has returned.

    Args:
        expected: epochs that the recipe asks for.
    """
    epochs = len(history.epoch)
    early, diverged = first_of(callbacks, EarlyStopping), first_of(callbacks, StopWhenDiverged)
    phases = first_of(callbacks, Phases)
    status: Status = "completed"
    why = StopReason.ALL_EPOCHS
    reason = f"all {expected} epochs were trained"
    if stop.reason is StopReason.PAUSED:
        status, why, reason = "interrupted", stop.reason, f"paused after epoch {epochs}"
    elif stop.signal is not None:
        status, why = "interrupted", StopReason.SIGNAL
        reason = f"received {stop.signal.name} after {epochs} epochs"
    elif diverged is not None and diverged.reason is not None:
        status, why, reason = "failed", StopReason.DIVERGED, diverged.reason
    elif early is not None and early.stop_reason:
        why, reason = StopReason.EARLY_STOPPING, early.stop_reason
    elif phases is not None and any(phases.endings) and epochs == phases.ends[-1]:
        reason = f"all phases were trained, {epochs} epochs: {'; '.join(phases.early())}"
    elif epochs < expected:
        why, reason = StopReason.CALLBACK, f"a callback stopped the training after epoch {epochs}"
    last = {name: float(values[-1]) for name, values in history.history.items() if values}
    return {
        "status": status,
        "reason": reason,
        "stop_reason": why,
        "epochs": epochs,
        "best_epoch": best_epoch(history, early),
        "train": {name: value for name, value in last.items() if not name.startswith("val_")},
        "signal": None if stop.signal is None else stop.signal.name,
    }


def best_epoch(history: keras.callbacks.History, early: EarlyStopping | None) -> int | None:
    """Epoch (from 1) of the weights that were restored, or of the lowest validation loss."""
    if early is not None and early.best_epoch is not None:
        return int(early.best_epoch) + 1
    losses = [
        (value, epoch)
        for epoch, value in zip(history.epoch, history.history.get("val_loss", []), strict=False)
        if math.isfinite(value)
    ]
    return min(losses)[1] + 1 if losses else None


def findings(callbacks: Callbacks) -> list[str]:
    """The findings of the callbacks as sentences: the last of each kind in each layer."""
    sentences: dict[tuple, str] = {}
    for callback in callbacks:
        seen = getattr(callback, "findings", [])
        if isinstance(callback, FitDiagnosis):
            # Each of its findings replaces the one before.
            seen = seen[-1:]
        for finding in seen:
            key = (type(callback), finding.kind, finding.layer)
            sentences.pop(key, None)
            sentences[key] = str(finding)
        for sentence in getattr(callback, "messages", []):
            sentences[type(callback), sentence] = sentence
    return list(sentences.values())


def give_rows(callbacks: Callbacks, x: object) -> None:
    """Give rows of the training split to the callbacks that look at activations."""
    for callback in callbacks:
        if isinstance(callback, ActivationMonitor) and callback.data is None:
            callback.data = x


def first_of(callbacks: Callbacks, cls: type[C]) -> C | None:
    """The first callback of a class."""
    return next((callback for callback in callbacks if isinstance(callback, cls)), None)
