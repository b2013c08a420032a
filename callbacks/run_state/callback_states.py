"""The states of the other callbacks: captured with a checkpoint, and restored in two steps.

Only attributes listed by name are restored: restoring all attributes of a Keras callback would flip
the sign of its `min_delta`, and bring back compiled functions and open files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NotRequired, TypedDict

from keras.callbacks import Callback, CSVLogger

from ... import disk
from ..base import StatefulCallback
from ..codec import ArrayList, EncodeError, Json, decode, encode
from .callback_attributes import HasState, appended_file, attributes, path_of, saved_files
from .checkpoint import Checkpoint, DamagedCheckpoint, KeptFile

EMPTY_FILE = disk.Written(0, hashlib.sha256().hexdigest())
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
            for name, path in saved_files(callback).items():
                state["files"][name] = len(files)
                files.append(path)
        states.append(state)
    return states


def capture_one(callback: Callback, arrays: ArrayList) -> CallbackState:
    """The state of one callback.

    Raises:
        ValueError: it is not plain data.
    """
    names = [name for name in attributes(callback) if hasattr(callback, name)]
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
            for name in attributes(callback):
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
    file = checkpoint.files[index]
    if file.path.is_symlink():
        raise DamagedCheckpoint(f"{file.path}: is a link, which a checkpoint never holds")
    return file


def _target(callback: Callback, name: str, checkpoint: Checkpoint) -> Path:
    """Where a file of a checkpoint belongs: only where the callback itself may write it."""
    try:
        if isinstance(callback, StatefulCallback) and name in callback.saved_files():
            return path_of(callback, name)
        reason = f"{name!r} is no file of `{type(callback).__name__}`"
    except disk.OutsideFolder as error:
        reason = str(error)
    raise DamagedCheckpoint(f"{checkpoint.path}: {reason}")


def _cut(path: Path, expected: disk.Written) -> list[str]:
    """Remove what was appended after the checkpoint; return what is wrong with the rest."""
    if path.is_file():
        disk.cut(path, expected.size)
        disk.cut_unfinished_line(path)
    present = _written(path)
    if present.size != expected.size:
        return [f"lines are missing: {path} has {present.size} bytes of {expected.size}"]
    if expected.sha256 and present.sha256 != expected.sha256:
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
