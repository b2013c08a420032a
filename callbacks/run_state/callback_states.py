"""The states of the other callbacks: captured with a checkpoint, and restored in two steps.

Only attributes listed by name are restored: restoring all attributes of a Keras callback would flip
the sign of its `min_delta`, and bring back compiled functions and open files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NotRequired, Protocol, TypedDict, runtime_checkable

from keras.callbacks import Callback, CSVLogger

from ... import disk
from ..base import StatefulCallback
from ..codec import ArrayList, EncodeError, Json, decode, encode
from .store import Checkpoint, DamagedCheckpoint, KeptFile

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
EMPTY_FILE = disk.Written(0, hashlib.sha256().hexdigest())
# Attributes that every Keras callback has.
COMMON = frozenset({"validation_data", "_model", "params"})
TEST_HOOKS = ("on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_end")

CallbackState = TypedDict(
    "CallbackState",
    {
        "class": str,
        # What `get_state` returned, encoded.
        "state": Json,
        # Attributes that `on_train_begin` resets, encoded.
        "named": dict[str, Json],
        # Indices of the checkpoint's copies of the files that the callback has saved.
        "files": NotRequired[dict[str, int]],
        # Of a file that the callback appends to.
        "size": NotRequired[int],
        "sha256": NotRequired[str],
    },
)
Pairs = Sequence[tuple[Callback, CallbackState]]


@runtime_checkable
class HasState(Protocol):
    """A callback that returns its state as plain data, and takes it back."""

    def get_state(self) -> object: ...

    def set_state(self, state: Any) -> object: ...


def capture(
    callbacks: Iterable[Callback],
    arrays: ArrayList,
    files: list[Path] | None = None,
    earlier: Mapping[int, CallbackState] | None = None,
) -> list[CallbackState]:
    """The state of each callback, in order.

    Args:
        arrays: takes the arrays of the states.
        files: takes the files that callbacks have saved and may replace.
        earlier: states to return instead of the present ones, by the `id` of the callback.

    Raises:
        ValueError: a state is not plain data.
    """
    states = []
    for callback in callbacks:
        state = (earlier or {}).get(id(callback)) or capture_one(callback, arrays)
        if files is not None:
            state["files"] = {}
            for name, path in _saved_files(callback).items():
                state["files"][name] = len(files)
                files.append(path)
        states.append(state)
    return states


def capture_one(callback: Callback, arrays: ArrayList) -> CallbackState:
    """The state of one callback.

    Raises:
        ValueError: it is not plain data.
    """
    names = [name for name in _attributes(callback) if hasattr(callback, name)]
    try:
        state: CallbackState = {
            "class": type(callback).__name__,
            "state": encode(_get_state(callback), arrays),
            "named": {name: encode(getattr(callback, name), arrays) for name in names},
        }
    except EncodeError as error:
        raise ValueError(
            f"The state of `{type(callback).__name__}` cannot be stored: {error}."
        ) from None
    path = appended_file(callback)
    if path is not None:
        written = _written(path)
        state["size"], state["sha256"] = written.size, written.sha256
    return state


def _get_state(callback: Callback) -> object:
    if not isinstance(callback, HasState):
        return None
    inherited = type(callback).get_state is StatefulCallback.get_state
    if isinstance(callback, StatefulCallback) and inherited:
        # Without `get_state`, which encodes arrays as text.
        return {name: getattr(callback, name) for name in callback.STATE}
    return callback.get_state()


def acts_in_evaluation(callback: Callback) -> bool:
    """Whether an evaluation may change the state of a callback."""
    return any(getattr(type(callback), hook) is not getattr(Callback, hook) for hook in TEST_HOOKS)


def match(callbacks: Iterable[Callback], saved: Sequence[CallbackState]) -> Pairs:
    """Each callback with its state: the n-th of a class with the n-th saved state of that class.

    Callbacks that only show progress may differ between two runs.
    """
    remaining: dict[str, list[CallbackState]] = {}
    for state in saved:
        remaining.setdefault(state["class"], []).append(state)
    return [
        (callback, states.pop(0))
        for callback in callbacks
        if (states := remaining.get(type(callback).__name__))
    ]


def unmatched(pairs: Pairs, saved: Sequence[CallbackState]) -> list[str]:
    """Classes of the saved states that belong to none of the callbacks."""
    used = [id(state) for _, state in pairs]
    return [
        state["class"]
        for state in saved
        if id(state) not in used and (state["state"] or state["named"])
    ]


def set_states(pairs: Pairs, checkpoint: Checkpoint) -> list[tuple[KeptFile, Path]]:
    """Call each `set_state`, and find where the files of the callbacks belong; write no file.

    Returns:
        Each file of the checkpoint with its target.

    Raises:
        DamagedCheckpoint: a state that a callback of its class never has, or a file that it never
            writes.
    """
    targets = []
    for callback, state in pairs:
        if state["state"] is not None:
            with _refusing(callback, checkpoint):
                if not isinstance(callback, HasState):
                    raise ValueError("it has no `set_state`")
                callback.set_state(decode(state["state"], checkpoint.arrays))
        for name, index in state.get("files", {}).items():
            targets.append((_kept_file(checkpoint, index), _target(callback, name, checkpoint)))
    return targets


def restore(pairs: Pairs, checkpoint: Checkpoint) -> list[str]:
    """Restore states and files, before `on_train_begin` of the callbacks.

    Returns:
        A sentence for each file that cannot be restored, or that is not as it was.

    Raises:
        DamagedCheckpoint: as `set_states`; no file has changed then.
    """
    problems = []
    for file, target in set_states(pairs, checkpoint):
        problem = file.restore(target)
        if problem is not None:
            problems.append(f"damaged, so that {target} is not as it was: {problem}")
    for callback, state in pairs:
        path = appended_file(callback)
        if path is not None and "size" in state:
            problems += _cut(path, disk.Written(state["size"], state.get("sha256", "")))
        if type(callback) is CSVLogger:
            callback.append = True  # or it would empty its file
    return problems


def restore_attributes(pairs: Pairs, checkpoint: Checkpoint) -> None:
    """Restore the attributes that callbacks have reset in `on_train_begin`.

    Raises:
        DamagedCheckpoint: a value that an attribute never has.
    """
    for callback, state in pairs:
        with _refusing(callback, checkpoint):
            for name in _attributes(callback):
                if name in state["named"]:
                    setattr(callback, name, decode(state["named"][name], checkpoint.arrays))


@contextmanager
def _refusing(callback: Callback, checkpoint: Checkpoint) -> Iterator[None]:
    """Whatever a callback raises when it is given a state means that the state is not one."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        name = type(callback).__name__
        raise DamagedCheckpoint(f"{checkpoint.path}: the state of `{name}`: {error}") from None


def _kept_file(checkpoint: Checkpoint, index: int) -> KeptFile:
    if not 0 <= index < len(checkpoint.files):
        raise DamagedCheckpoint(f"{checkpoint.path}: holds no file file-{index:06d}")
    found = checkpoint.files[index]
    if found.path.is_symlink():
        raise DamagedCheckpoint(f"{found.path}: is a link, which a checkpoint never holds")
    return found


def _target(callback: Callback, name: str, checkpoint: Checkpoint) -> Path:
    """Where a file of a checkpoint belongs: only where the callback itself may write it."""
    try:
        if isinstance(callback, StatefulCallback) and name in callback.saved_files():
            return _path(callback, name)
        reason = f"{name!r} is no file of `{type(callback).__name__}`"
    except disk.OutsideFolder as error:
        reason = str(error)
    raise DamagedCheckpoint(f"{checkpoint.path}: {reason}")


def _cut(path: Path, expected: disk.Written) -> list[str]:
    """Remove what was appended after the checkpoint; return what is wrong with the rest."""
    if path.is_file():
        disk.cut(path, expected.size)
        disk.cut_unfinished_line(path)
    found = _written(path)
    if found.size != expected.size:
        return [f"lines are missing: {path} has {found.size} bytes of {expected.size}"]
    if expected.sha256 and found.sha256 != expected.sha256:
        return [f"damaged: lines of {path} are not what was written"]
    return []


def _written(path: Path) -> disk.Written:
    return disk.hashed(path) if path.is_file() else EMPTY_FILE


def flush(callbacks: Iterable[Callback]) -> None:
    """Let callbacks write what they would write when training ends.

    How much that is depends on the clock, on which the last checkpoint must not depend.
    """
    for callback in callbacks:
        if isinstance(callback, StatefulCallback):
            # A write that fails now fails again when training ends, and is reported then.
            with suppress(OSError):
                callback.flush()


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


def _saved_files(callback: Callback) -> dict[str, Path]:
    """Models that a callback has saved so far, by name.

    Those of Keras's `ModelCheckpoint` are left out: it overwrites its file in place.
    """
    names = callback.saved_files() if isinstance(callback, StatefulCallback) else ()
    paths = {name: _path(callback, name) for name in names}
    return {name: path for name, path in paths.items() if path.is_file()}


def _path(callback: Any, name: str) -> Path:
    # An empty name stands for `path` itself.
    return disk.inside(Path(callback.path), name) if name else Path(callback.path)


def _attributes(callback: Callback) -> tuple[str, ...]:
    if isinstance(callback, StatefulCallback):
        return callback.MID_EPOCH_STATE
    return KERAS.get(type(callback).__name__, ()) if _is_of_keras(callback) else ()


def _is_known(callback: Callback) -> bool:
    name = type(callback).__name__
    keras_state = _is_of_keras(callback) and name in KERAS
    return isinstance(callback, HasState) or name in STATELESS or keras_state


def _is_of_keras(callback: Callback) -> bool:
    return type(callback).__module__.split(".")[0] == "keras"
