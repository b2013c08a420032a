"""The state of a training as a checkpoint holds it: captured and restored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypedDict, cast

import keras
import numpy as np
from keras.callbacks import Callback

from ..codec import ArrayList, Json, decode, encode
from ..learning_rate import learning_rate, note_last_rate, rate_number
from ..variables import (
    GROUPS,
    Variable,
    changed_by_evaluation,
    optimizer_variables,
    path,
    variable_groups,
)
from . import callback_states, rng_state
from .callback_attributes import acts_in_evaluation
from .callback_states import CallbackState
from .checkpoint import Checkpoint
from .fit import Position
from .rng_state import PythonRng

# Paths and values of the variables in which an epoch is summed up.
Metrics = list[tuple[str, np.ndarray]]


class StoredVariable(TypedDict):
    """Path and encoded value of a variable."""

    path: str
    value: Json


class StoredPosition(TypedDict):
    """The fields of a `Position`."""

    epoch: int
    step: int
    total: int
    steps: int | None
    steps_per_execution: int
    stopped: bool


class StoredRate(TypedDict):
    """The learning rate of a training.

    `path` is that of its variable, `initial` the number that training began with; both are None for
    a schedule. `last` is the rate of the last update.
    """

    path: str | None
    initial: float | None
    last: float


class _Later(TypedDict, total=False):
    """What states of earlier versions do not have."""

    learning_rate: StoredRate


class StoredState(_Later):
    """The state in `state.json`, in which arrays are replaced by their indices."""

    position: StoredPosition
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
        metrics: of the epoch so far, or None between two epochs.
        logs: what the last training step returned.
        initial_rate: the learning rate that the model was compiled with; None for a schedule.
    """

    position: Position
    seconds: float
    tracing: PythonRng
    metrics: Metrics | None = None
    logs: object = None
    initial_rate: float | None = None


@dataclass
class Captured:
    """A state as `CheckpointStore.save` takes it.

    Attributes:
        state: plain data, in which arrays are replaced by their indices.
        arrays: in order.
        files: models that callbacks have saved so far.
    """

    state: StoredState
    arrays: Sequence[np.ndarray]
    files: list[Path] = field(default_factory=list)

    def copy(self) -> Captured:
        """The same state, which further training does not change."""
        return Captured(self.state, [np.array(array) for array in self.arrays], self.files)


class BeforeEvaluation:
    """What an evaluation may change, as it was before.

    A training that is interrupted during its validation repeats all of that validation when it is
    resumed, which must begin from the same state: Keras's recurrent layers draw dropout masks in
    inference too, stateful layers keep the last batch, a layer may count its calls, and a callback
    may act on batches of an evaluation. Trainable weights do not change, and are not copied.

    Attributes:
        metrics: of the epoch of training that has ended.
        values: of the variables that are not trainable weights, by their `id`.
        generators: states of the process's random generators.
        arrays: those in `callbacks`.
        callbacks: states of the callbacks that act in an evaluation, by the `id` of each.
    """

    def __init__(self, model: keras.Model, callbacks: Sequence[Callback]):
        self.metrics = capture_metrics(model)
        self.values = {id(v): np.array(v) for v in changed_by_evaluation(model)}
        self.generators = rng_state.capture()
        self.arrays = ArrayList()
        self.callbacks = {
            id(callback): callback_states.capture_one(callback, self.arrays)
            for callback in callbacks
            if acts_in_evaluation(callback)
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
    metrics = progress.metrics if before is None else before.metrics
    generators = rng_state.capture() if before is None else before.generators
    values = {} if before is None else before.values
    files: list[Path] = []
    logs = progress.logs
    plain_logs = {k: np.asarray(v) for k, v in logs.items()} if isinstance(logs, Mapping) else None

    def stored(pairs: Iterable[tuple[str, np.ndarray]]) -> list[StoredVariable]:
        return [{"path": path, "value": encode(value, arrays)} for path, value in pairs]

    state: StoredState = {
        "position": StoredPosition(**asdict(progress.position)),
        "seconds": progress.seconds,
        "tracing": encode(progress.tracing, arrays),
        "learning_rate": _stored_rate(model, progress.initial_rate),
        "variables": {
            name: stored((path(v), values.get(id(v), np.asarray(v))) for v in group)
            for name, group in variable_groups(model, tracked).items()
        },
        "metrics": None if metrics is None else stored(metrics),
        "logs": encode(plain_logs, arrays),
        "generators": encode(generators, arrays),
        "callbacks": callback_states.capture(callbacks, arrays, files, before and before.callbacks),
    }
    return Captured(state, arrays, files)


def _stored_rate(model: keras.Model, initial: float | None) -> StoredRate:
    rate = rate_number(model)
    place = None if rate is None else path(rate)
    return {"path": place, "initial": initial, "last": learning_rate(model)}


def capture_metrics(model: keras.Model) -> Metrics:
    """The present values of the metrics' variables."""
    return [(path(v), np.array(v)) for v in model.metrics_variables]


def state_of(checkpoint: Checkpoint) -> StoredState:
    """The state of a checkpoint that `check_state` has accepted."""
    return cast(StoredState, checkpoint.state)


def other_rate(checkpoint: Checkpoint, initial_rate: float | None) -> StoredRate | None:
    """The learning rate of a stored training, if it began with another one than a model has.

    Args:
        initial_rate: that of the model; None for a schedule. Two schedules count as one rate.
    """
    stored = state_of(checkpoint).get("learning_rate")
    return None if stored is None or stored["initial"] == initial_rate else stored


def restorable(
    model: keras.Model,
    tracked: Sequence[object],
    checkpoint: Checkpoint,
    initial_rate: float | None,
    names: Sequence[str] = GROUPS,
) -> list[tuple[Variable, np.ndarray]]:
    """Each variable of some groups that a checkpoint restores, with its saved value.

    A learning rate that is a number is a variable of the optimizer, because callbacks change it. It
    is restored where the training began with the rate that the model was compiled with.

    Raises:
        ValueError: the checkpoint is of another model or optimizer.
    """
    state, groups = state_of(checkpoint), variable_groups(model, tracked)
    saved = dict(state["variables"])
    other = other_rate(checkpoint, initial_rate)
    if other is not None:
        saved["optimizer"] = [row for row in saved["optimizer"] if row["path"] != other["path"]]
        groups["optimizer"] = [*optimizer_variables(model, rate=False)]
    return [
        pair
        for name in names
        for pair in _matched(name, saved[name], groups[name], checkpoint.arrays)
    ]


def restore(
    model: keras.Model,
    tracked: Sequence[object],
    checkpoint: Checkpoint,
    initial_rate: float | None,
) -> None:
    """Restore variables, those of `restorable`, and random generators.

    Raises:
        ValueError: they are of another model or optimizer.
    """
    for variable, value in restorable(model, tracked, checkpoint, initial_rate):
        variable.assign(value)
    other = other_rate(checkpoint, initial_rate)
    if other is not None:
        note_last_rate(model, other["last"])
    rng_state.restore(decode(state_of(checkpoint)["generators"], checkpoint.arrays))


def restore_metrics(model: keras.Model, checkpoint: Checkpoint, batch_spec: object) -> object:
    """Restore the metrics of an epoch; some have no variables before their first batch.

    Args:
        batch_spec: shapes and types of a batch.

    Returns:
        What the last training step returned.
    """
    state = state_of(checkpoint)
    if state["metrics"] is None:
        return None
    model._symbolic_build(data_batch=batch_spec)
    pairs = _matched("metrics", state["metrics"], model.metrics_variables, checkpoint.arrays)
    for variable, value in pairs:
        variable.assign(value)
    return decode(state["logs"], checkpoint.arrays)


def _matched(
    name: str,
    saved: Sequence[StoredVariable],
    variables: Sequence[Variable],
    arrays: Sequence[np.ndarray],
) -> list[tuple[Variable, np.ndarray]]:
    """Each variable with its saved value: by path where all paths are known, else in order.

    Keras numbers the names of layers within a process, so the paths of a model that is built again
    may differ.
    """
    if len(saved) != len(variables):
        raise ValueError(
            f"The checkpoint has {len(saved)} variables of the {name}, this training has "
            f"{len(variables)}: it is of another model or optimizer."
        )
    by_path = {row["path"]: row for row in saved}
    if len(by_path) == len(saved) and set(by_path) == {path(v) for v in variables}:
        saved = [by_path[path(variable)] for variable in variables]
    pairs = []
    for variable, row in zip(variables, saved, strict=True):
        value: np.ndarray = decode(row["value"], arrays)
        dtype = keras.backend.standardize_dtype(variable.dtype)
        if tuple(variable.shape) != value.shape or dtype != value.dtype.name:
            raise ValueError(
                f"The {name} has `{path(variable)}` of {dtype} {tuple(variable.shape)} "
                f"where the checkpoint has `{row['path']}` of {value.dtype.name} {value.shape}: "
                "it is of another model or optimizer."
            )
        pairs.append((variable, value))
    return pairs
