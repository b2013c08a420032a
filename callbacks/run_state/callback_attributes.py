"""Which attributes and files of a callback are its state."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from keras.callbacks import Callback, CSVLogger

from ... import disk
from ..base import StatefulCallback

# Attributes of Keras's callbacks that change during training.
KERAS: dict[str, tuple[str, ...]] = {
    "History": ("epoch", "history"),
    "EarlyStopping": ("wait", "stopped_epoch", "best", "best_weights", "best_epoch"),
    "ReduceLROnPlateau": ("best", "wait", "cooldown_counter"),
    "ModelCheckpoint": ("best", "_batches_seen_since_last_saving", "_last_batch_seen"),
    "SwapEMAWeights": ("_ema_weights_in_model",),
    "CSVLogger": ("keys",),
    "LearningRateScheduler": (),
    "TerminateOnNaN": (),
    "ProgbarLogger": (),
}
# Callbacks without a state: they show progress, or depend on the index of the epoch alone.
STATELESS = frozenset({"EpochOrder", "PauseAt", "ProgressBar", "TrackedEpochs"})
# Attributes that every Keras callback has.
COMMON = frozenset({"validation_data", "_model", "params"})
TEST_HOOKS = ("on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_end")


@runtime_checkable
class HasState(Protocol):
    """A callback that returns its state as plain data, and can be set to it."""

    def get_state(self) -> object: ...

    def set_state(self, state: object) -> object: ...


def acts_in_evaluation(callback: Callback) -> bool:
    """Whether an evaluation may change the state of a callback."""
    return any(getattr(type(callback), hook) is not getattr(Callback, hook) for hook in TEST_HOOKS)


def without_state(callbacks: Iterable[Callback]) -> list[str]:
    """Classes of callbacks that seem to have a state, but have no `get_state`."""
    return [
        type(callback).__name__
        for callback in callbacks
        if not _is_known(callback) and set(vars(callback)) - COMMON
    ]


def appended_file(callback: Callback) -> Path | None:
    """The file of lines that a callback appends to, or None."""
    if type(callback) is CSVLogger:
        return Path(callback.filename)
    path = getattr(callback, "path", None) if isinstance(callback, StatefulCallback) else None
    lines = (".jsonl", ".csv", ".log", ".txt")
    return Path(path) if isinstance(path, str) and path.endswith(lines) else None


def saved_files(callback: Callback) -> dict[str, Path]:
    """Models that a callback has saved so far, by name.

    Those of Keras's `ModelCheckpoint` are left out: it overwrites its file in place.
    """
    names = callback.saved_files() if isinstance(callback, StatefulCallback) else ()
    paths = {name: path_of(callback, name) for name in names}
    return {name: path for name, path in paths.items() if path.is_file()}


def path_of(callback: Any, name: str) -> Path:
    # An empty name stands for `path` itself.
    return disk.inside(Path(callback.path), name) if name else Path(callback.path)


def attributes(callback: Callback) -> tuple[str, ...]:
    if isinstance(callback, StatefulCallback):
        return callback.MID_EPOCH_STATE
    return KERAS.get(type(callback).__name__, ()) if _is_of_keras(callback) else ()


def _is_known(callback: Callback) -> bool:
    name = type(callback).__name__
    keras_state = _is_of_keras(callback) and name in KERAS
    return isinstance(callback, HasState) or name in STATELESS or keras_state


def _is_of_keras(callback: Callback) -> bool:
    return type(callback).__module__.split(".")[0] == "keras"
