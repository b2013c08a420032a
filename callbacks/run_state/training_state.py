"""The state of a training as a checkpoint holds it: captured, checked and restored."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypedDict, cast

import keras
import numpy as np
from keras.callbacks import Callback

from . import callback_states, rng_state, variables
from .callback_states import CallbackState
from .codec import ARRAY, ArrayList, Json, decode, encode
from .progress import Position
from .rng_state import PythonRng
from .store import Checkpoint, DamagedCheckpoint
from .variables import StoredVariable

Metrics = list[tuple[str, np.ndarray]]
# A state names few arrays more than once: decoded, it takes about as much memory as its arrays.
MAX_COPIES = 16
SPARE_BYTES = 1 << 24
# No training reaches this number of batches or epochs.
MAX_COUNT = 1 << 53


class StoredState(TypedDict):
    """The state in `state.json`, in which arrays are replaced by their indices."""

    position: dict[str, Any]
    seconds: float
    tracing: Json
    variables: dict[str, list[StoredVariable]]
    metrics: list[StoredVariable] | None
    logs: Json
    generators: Json
    callbacks: list[CallbackState]


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Attributes:
        position: its place in the data.
        seconds: of training so far.
        tracing: states of the generators while a step is traced.
        metrics: sums of the epoch so far, or None between two epochs.
        logs: what the last training step returned.
    """

    position: Position
    seconds: float
    tracing: PythonRng
    metrics: Metrics | None = None
    logs: object = None


@dataclass
class Captured:
    """A state as `CheckpointStore.save` takes it.

    Attributes:
        state: plain data, in which arrays are replaced by their indices.
        arrays: in order.
        files: models that callbacks have saved so far.
    """

    state: StoredState
    arrays: ArrayList
    files: list[Path] = field(default_factory=list)


class BeforeEvaluation:
    """What an evaluation may change, as it was before.

    A training that is interrupted during its validation resumes with all of that validation, so it
    must find what the first one found: Keras's recurrent layers draw dropout masks in inference
    too, stateful layers remember the last batch, a layer may count its calls, and a callback may
    act on batches of an evaluation. Trainable weights do not change, and are not copied.

    Attributes:
        metrics: of the epoch of training that has ended.
        values: of the variables that are not trainable weights, by their `id`.
        generators: states of the process's random generators.
        arrays: those in `callbacks`.
        callbacks: states of the callbacks that act in an evaluation, by the `id` of each.
    """

    def __init__(self, model: keras.Model, callbacks: Sequence[Callback]):
        self.metrics = capture_metrics(model)
        self.values = {id(v): np.array(v) for v in variables.changed_by_evaluation(model)}
        self.generators = rng_state.capture()
        self.arrays = ArrayList()
        self.callbacks = {
            id(callback): callback_states.capture_one(callback, self.arrays)
            for callback in callbacks
            if callback_states.acts_in_evaluation(callback)
        }


def capture(
    model: keras.Model,
    callbacks: Sequence[Callback],
    tracked: Sequence[object],
    progress: Progress,
    before: BeforeEvaluation | None = None,
) -> Captured:
    """The present state of a training.

    Args:
        callbacks: those beside `RunState`.
        tracked: further objects with variables.
        before: during an evaluation, what it may have changed.
    """
    arrays = ArrayList() if before is None else before.arrays
    files: list[Path] = []
    metrics = progress.metrics if before is None else before.metrics
    logs = progress.logs
    plain_logs = {k: np.asarray(v) for k, v in logs.items()} if isinstance(logs, Mapping) else None
    state: StoredState = {
        "position": asdict(progress.position),
        "seconds": progress.seconds,
        "tracing": encode(progress.tracing, arrays),
        "variables": {
            name: variables.store(group, arrays, before and before.values)
            for name, group in variables.groups(model, tracked).items()
        },
        "metrics": None
        if metrics is None
        else [{"path": path, "value": encode(value, arrays)} for path, value in metrics],
        "logs": encode(plain_logs, arrays),
        "generators": encode(before.generators if before else rng_state.capture(), arrays),
        "callbacks": callback_states.capture(callbacks, arrays, files, before and before.callbacks),
    }
    return Captured(state, arrays, files)


def capture_metrics(model: keras.Model) -> Metrics:
    """Paths and values of the variables that sum up an epoch."""
    return [(variables.path(v), np.array(v)) for v in variables.metrics(model)]


def state_of(checkpoint: Checkpoint) -> StoredState:
    """The state of a checkpoint that `check_state` has accepted."""
    return cast(StoredState, checkpoint.state)


def check_model(model: keras.Model, tracked: Sequence[object], checkpoint: Checkpoint) -> None:
    """Refuse a checkpoint of another model or optimizer.

    Raises:
        OtherModel: it is one.
    """
    saved = state_of(checkpoint)["variables"]
    for name, group in variables.groups(model, tracked).items():
        variables.matched(name, saved[name], group, checkpoint.arrays)


def restore(model: keras.Model, tracked: Sequence[object], checkpoint: Checkpoint) -> None:
    """Put variables and random generators back.

    Raises:
        OtherModel: they are of another model or optimizer.
    """
    state = state_of(checkpoint)
    for name, group in variables.groups(model, tracked).items():
        variables.assign(name, state["variables"][name], group, checkpoint.arrays)
    rng_state.restore(decode(state["generators"], checkpoint.arrays))


def restore_metrics(model: keras.Model, checkpoint: Checkpoint, batch_spec: object) -> object:
    """Put the sums of an epoch back; some metrics have no variables before their first batch.

    Args:
        batch_spec: shapes and types of a batch.

    Returns:
        What the last training step returned.
    """
    state = state_of(checkpoint)
    if state["metrics"] is None:
        return None
    model._symbolic_build(data_batch=batch_spec)
    variables.assign("metrics", state["metrics"], variables.metrics(model), checkpoint.arrays)
    return decode(state["logs"], checkpoint.arrays)


def check_state(checkpoint: Checkpoint) -> None:
    """Refuse a checkpoint whose state no training has stored, before any part of it is used.

    The hashes of a checkpoint show what a disk has damaged, not who has written it.

    Raises:
        DamagedCheckpoint: with its name and what is wrong with it.
    """
    try:
        _check(checkpoint.state, checkpoint.arrays)
    except (ValueError, RecursionError) as error:
        raise DamagedCheckpoint(
            f"{checkpoint.path}: is not the state of a training: {error}"
        ) from None


def _check(state: object, arrays: Sequence[np.ndarray]) -> None:
    state = _mapping("the state", state)
    for name in StoredState.__annotations__:
        if name not in state:
            raise ValueError(f"it has no `{name}`")
    _check_size(state, arrays)
    _check_position(_mapping("position", state["position"]))
    seconds = state["seconds"]
    number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not number or not 0 <= seconds < math.inf:
        raise ValueError("`seconds` must be a number >= 0")
    groups = _mapping("variables", state["variables"])
    if set(groups) != set(variables.GROUPS):
        raise ValueError(f"`variables` must have {', '.join(variables.GROUPS)}")
    for name, rows in groups.items():
        _check_variables(f"variables.{name}", rows, arrays)
    if state["metrics"] is not None:
        _check_variables("metrics", state["metrics"], arrays)
    rng_state.check(decode(state["generators"], arrays))
    rng_state.check_python("tracing", decode(state["tracing"], arrays))
    decode(state["logs"], arrays)
    for row in _list("callbacks", state["callbacks"]):
        _check_callback(_mapping("a callback", row), arrays)


def _check_position(position: Mapping[str, Any]) -> None:
    names = {entry.name for entry in fields(Position)}
    if set(position) != names:
        raise ValueError(f"`position` must have {', '.join(sorted(names))}")
    if not isinstance(position["stopped"], bool):
        raise ValueError("`position.stopped` must be true or false")
    for name in names - {"stopped"}:
        if name == "steps" and position[name] is None:
            continue
        low = 1 if name == "steps_per_execution" else 0
        _check_count(f"position.{name}", position[name], low)
    if position["steps"] is not None and position["step"] > position["steps"]:
        raise ValueError("`position.step` is beyond the end of its epoch")


def _check_variables(name: str, rows: object, arrays: Sequence[np.ndarray]) -> None:
    for row in _list(name, rows):
        if not isinstance(row, Mapping) or set(row) != {"path", "value"}:
            raise ValueError(f"`{name}` must have a path and a value for each variable")
        if not isinstance(row["path"], str):
            raise ValueError(f"`{name}` has a path that is not text")
        if not isinstance(decode(row["value"], arrays), np.ndarray):
            raise ValueError(f"`{name}` has a variable whose value is not an array")


def _check_callback(row: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> None:
    if not isinstance(row.get("class"), str) or "state" not in row:
        raise ValueError("a callback has no class or no state")
    decode(row["state"], arrays)
    for value in _mapping("named", row.get("named")).values():
        decode(value, arrays)
    if "size" in row:
        _check_count("size", row["size"])
    for index in _mapping("files", row.get("files", {})).values():
        _check_count("files", index)


def _check_size(state: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> None:
    """The arrays of a state, counted as often as it names them, must not fill the memory."""
    limit = MAX_COPIES * sum(array.nbytes for array in arrays) + SPARE_BYTES
    total = 0
    for index in _array_indices(state):
        if isinstance(index, int) and 0 <= index < len(arrays):
            total += arrays[index].nbytes
        if total > limit:
            raise ValueError("it names the same arrays again and again")


def _array_indices(value: object) -> Iterator[object]:
    remaining = [value]
    while remaining:
        item = remaining.pop()
        if isinstance(item, Mapping):
            if ARRAY in item:
                yield item[ARRAY]
            remaining.extend(item.values())
        elif isinstance(item, list):
            remaining.extend(item)


def _check_count(name: str, value: object, low: int = 0) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value < MAX_COUNT:
        raise ValueError(f"`{name}` must be a whole number >= {low}")


def _mapping(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"`{name}` must be a mapping")
    return value


def _list(name: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"`{name}` must be a list")
    return value
