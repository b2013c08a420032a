"""The states of the other callbacks of a training: what is known of each kind, and by which names.

Only what is named is restored: restoring all attributes of a Keras callback turns the sign of its
`min_delta`, and brings back compiled functions and open files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import keras

from ... import disk
from ..base import StatefulCallback
from .packing import Arrays, Unpackable, pack, unpack
from .store import Checkpoint, DamagedCheckpoint, KeptFile

# Attributes that change in a training, of Keras's callbacks.
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
# What has nothing to restore: it shows progress, or follows from the number of the epoch.
STATELESS = frozenset({"EpochOrder", "ProgressBar"})
NOTHING = disk.Written(0, hashlib.sha256().hexdigest())
# Attributes of every Keras callback.
COMMON = frozenset({"validation_data", "_model", "params"})


def captured(
    callbacks: Iterable[Any],
    arrays: Arrays,
    kept: list[Path] | None = None,
    earlier: Mapping[int, dict[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """The state of each callback that has one, in order; files it appends to, with their sizes.

    Args:
        kept: takes the files that callbacks have written and may replace.
        earlier: states to store in place of the present ones, by the `id` of the callback.

    Raises:
        ValueError: a state that is no plain data.
    """
    found = []
    for callback in callbacks:
        row = (earlier or {}).get(id(callback)) or state_of(callback, arrays)
        if kept is not None:
            row["files"] = {}
            for name, path in written_files(callback).items():
                row["files"][name] = len(kept)
                kept.append(path)
        found.append(row)
    return found


def state_of(callback: Any, arrays: Arrays) -> dict[str, Any]:
    """The state of one callback.

    Raises:
        ValueError: it is no plain data.
    """
    try:
        return _row(callback, arrays)
    except Unpackable as error:
        raise ValueError(
            f"The state of `{type(callback).__name__}` cannot be stored: {error}."
        ) from None


def sees_evaluation(callback: Any) -> bool:
    """Whether a callback acts while the model is evaluated, so that its state may change."""
    return any(
        getattr(type(callback), hook, None) is not getattr(keras.callbacks.Callback, hook)
        for hook in ("on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_end")
    )


def _row(callback: Any, arrays: Arrays) -> dict[str, Any]:
    row: dict[str, Any] = {"class": type(callback).__name__, "state": None}
    if callable(getattr(callback, "get_state", None)):
        row["state"] = pack(_state(callback), arrays)
    named = [name for name in _names(callback) if hasattr(callback, name)]
    row["named"] = {name: pack(getattr(callback, name), arrays) for name in named}
    path = appended_file(callback)
    if path is not None:
        found = disk.hashed(path) if path.is_file() else NOTHING
        row["size"], row["sha256"] = found.size, found.sha256
    return row


def _cut(path: Path, row: Mapping[str, Any]) -> list[str]:
    """Take from a file what was added after the checkpoint; say what is wrong with the rest."""
    expected = disk.Written(row["size"], row.get("sha256", ""))
    if path.is_file():
        disk.cut(path, expected.size)
        disk.cut_unfinished_line(path)
    found = disk.hashed(path) if path.is_file() else NOTHING
    if found.size != expected.size:
        return [f"lines are missing: {path} has {found.size} bytes of {expected.size}"]
    if expected.sha256 and found.sha256 != expected.sha256:
        return [f"damaged: lines of {path} are not what was written"]
    return []


def matched(
    callbacks: Sequence[Any], saved: Sequence[Mapping[str, Any]]
) -> list[tuple[Any, Mapping[str, Any]]]:
    """Each callback with its state: the n-th of a class with the n-th that was saved of it.

    Callbacks that only show progress may differ between two runs.
    """
    waiting = list(saved)
    pairs = []
    for callback in callbacks:
        name = type(callback).__name__
        row = next((row for row in waiting if row["class"] == name), None)
        if row is not None:
            waiting.remove(row)
            pairs.append((callback, row))
    return pairs


def lost(callbacks: Sequence[Any], saved: Sequence[Mapping[str, Any]]) -> list[str]:
    """Classes of saved states that no callback takes."""
    taken = [id(row) for _, row in matched(callbacks, saved)]
    return [row["class"] for row in saved if id(row) not in taken and _has_state(row)]


def prepare(
    pairs: Iterable[tuple[Any, Mapping[str, Any]]], checkpoint: Checkpoint
) -> list[tuple[KeptFile, Path]]:
    """Restore states, and see where the files go that belong to them; no file is touched.

    Returns:
        Each file of the checkpoint with its place.

    Raises:
        DamagedCheckpoint: a state that a callback of its class never has, or a file that it never
            writes.
    """
    places = []
    for callback, row in pairs:
        if row["state"] is not None:
            _restore(callback, row, checkpoint)
        for name, index in row.get("files", {}).items():
            places.append((_kept(checkpoint, index), _checked_place(callback, name, checkpoint)))
    return places


def begin(pairs: Sequence[tuple[Any, Mapping[str, Any]]], checkpoint: Checkpoint) -> list[str]:
    """Restore states and files, before the callbacks are told that training begins.

    Returns:
        A sentence for each file that cannot be restored, or that is not as it was.

    Raises:
        DamagedCheckpoint: as `prepare`; no file is touched then.
    """
    problems = []
    for file, place in prepare(pairs, checkpoint):
        problem = file.restore(place)
        if problem is not None:
            problems.append(f"damaged, so that {place} is not as it was: {problem}")
    for callback, row in pairs:
        path = appended_file(callback)
        if path is not None and "size" in row:
            problems += _cut(path, row)
        if _of_keras(callback) and type(callback).__name__ == "CSVLogger":
            callback.append = True  # else it would empty its file
    return problems


def _kept(checkpoint: Checkpoint, index: int) -> KeptFile:
    """A file that a checkpoint holds itself."""
    if not 0 <= index < len(checkpoint.files):
        raise DamagedCheckpoint(f"{checkpoint.path}: holds no file file-{index:06d}")
    found = checkpoint.files[index]
    if found.path.is_symlink():
        raise DamagedCheckpoint(f"{found.path}: is a link, and none that was written")
    return found


def _restore(callback: Any, row: Mapping[str, Any], checkpoint: Checkpoint) -> None:
    try:
        callback.set_state(unpack(row["state"], checkpoint.arrays))
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        name = type(callback).__name__
        raise DamagedCheckpoint(f"{checkpoint.path}: the state of `{name}`: {error}") from None


def _checked_place(callback: Any, name: str, checkpoint: Checkpoint) -> Path:
    """Where a file goes that a checkpoint holds: only where the callback itself may write it."""
    known = isinstance(callback, StatefulCallback) and name in callback.saved_files()
    try:
        if known:
            return _place_of(callback, name)
        reason = f"{name!r} is no file of `{type(callback).__name__}`"
    except disk.OutsideFolder as error:
        reason = str(error)
    raise DamagedCheckpoint(f"{checkpoint.path}: {reason}")


def go_on(pairs: Iterable[tuple[Any, Mapping[str, Any]]], arrays: Sequence[Any]) -> None:
    """Put back the attributes that callbacks begin afresh with when they are told to begin."""
    for callback, row in pairs:
        for name in _names(callback):
            if name in row["named"]:
                setattr(callback, name, unpack(row["named"][name], arrays))


def settle(callbacks: Iterable[Any]) -> None:
    """Let callbacks write what they hold back until training ends.

    Whether they hold anything back depends on the clock; the last state of a training must not.
    """
    for callback in callbacks:
        if isinstance(callback, StatefulCallback):
            # What fails now fails once more when training ends, and is told then.
            with suppress(OSError):
                callback.flush()


def forgetful(callbacks: Iterable[Any]) -> list[str]:
    """Classes of callbacks that seem to have a state, which nothing is known of."""
    return [
        type(callback).__name__
        for callback in callbacks
        if not _known(callback) and set(vars(callback)) - COMMON
    ]


def appended_file(callback: Any) -> Path | None:
    """A file of lines that a callback adds to, or None."""
    name = type(callback).__name__
    if isinstance(callback, StatefulCallback):
        path = getattr(callback, "path", None)
        lines = isinstance(path, str) and path.endswith((".jsonl", ".csv", ".log", ".txt"))
        return Path(path) if lines and isinstance(path, str) else None
    return Path(callback.filename) if _of_keras(callback) and name == "CSVLogger" else None


def written_files(callback: Any) -> dict[str, Path]:
    """Models that a callback has saved so far, by name.

    Only those that are replaced as a whole can be kept: Keras's `ModelCheckpoint` writes its file
    over.
    """
    names = callback.saved_files() if isinstance(callback, StatefulCallback) else ()
    places = {name: _place_of(callback, name) for name in names}
    return {name: path for name, path in places.items() if path.is_file()}


def _place_of(callback: Any, name: str) -> Path:
    """Where a callback has a file: its path is one, or a folder of some."""
    path = Path(callback.path)
    return disk.inside(path, name) if name else path


def _state(callback: Any) -> Any:
    """The state, with arrays as such where the callback is ours: text of their bytes is slow."""
    if isinstance(callback, StatefulCallback) and _gives_attributes(callback):
        return {name: getattr(callback, name) for name in callback.STATE}
    return callback.get_state()


def _gives_attributes(callback: StatefulCallback) -> bool:
    return type(callback).get_state is StatefulCallback.get_state


def _names(callback: Any) -> tuple[str, ...]:
    if isinstance(callback, StatefulCallback):
        return callback.MID_EPOCH_STATE
    return KERAS.get(type(callback).__name__, ()) if _of_keras(callback) else ()


def _known(callback: Any) -> bool:
    if callable(getattr(callback, "get_state", None)) or type(callback).__name__ in STATELESS:
        return True
    return _of_keras(callback) and type(callback).__name__ in KERAS


def _of_keras(callback: Any) -> bool:
    return type(callback).__module__.split(".")[0] == "keras"


def _has_state(row: Mapping[str, Any]) -> bool:
    return bool(row["state"]) or bool(row["named"])
