"""The whole state of a training, taken and put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import companions, generators, variables
from .packing import Arrays, pack, unpack
from .store import Checkpoint


@dataclass
class Whole:
    """A state as a `CheckpointStore` takes it.

    Attributes:
        state: plain data, in which arrays are named by their places.
        arrays: in order.
        files: models that callbacks have saved so far.
    """

    state: dict[str, Any] = field(default_factory=dict)
    arrays: Arrays = field(default_factory=Arrays)
    files: list[Path] = field(default_factory=list)


Metrics = list[tuple[str, np.ndarray]]


class BeforeEvaluation:
    """What an evaluation may change, as it was before.

    A training that is interrupted in its validation resumes with the whole of that validation, so
    it must find what the first one found: Keras's recurrent layers draw dropout masks in inference
    too, stateful layers remember the last batch, a layer may count its calls, and a callback may
    act on batches of an evaluation. Trainable weights do not change, and are not copied.

    Attributes:
        metrics: of the epoch of training that has ended.
        values: of the variables that are no trainable weights, by their `id`.
        generators: of the process.
        arrays: those in `callbacks`.
        callbacks: states of the callbacks that act in an evaluation, by the `id` of each.
    """

    def __init__(self, model: Any, callbacks: Sequence[Any]):
        self.metrics = metrics_now(model)
        changing = variables.changed_by_evaluation(model)
        self.values = {id(variable): np.array(variable) for variable in changing}
        self.generators = generators.capture()
        self.arrays = Arrays()
        self.callbacks = {
            id(callback): companions.state_of(callback, self.arrays)
            for callback in callbacks
            if companions.sees_evaluation(callback)
        }


def taken(
    model: Any,
    callbacks: Sequence[Any],
    *,
    tracked: Sequence[Any],
    metrics: Metrics | None,
    logs: Any,
    place: Mapping[str, Any],
    before: BeforeEvaluation | None = None,
) -> Whole:
    """Everything there is now.

    Args:
        callbacks: those beside the one that stores.
        tracked: what else has variables.
        metrics: of the epoch so far, or None between two epochs.
        logs: what the last training step gave.
        place: position, time, and what else is stored as it is.
        before: where an evaluation is under way, what it may have changed.
    """
    whole = Whole() if before is None else Whole(arrays=before.arrays)
    arrays = whole.arrays
    sums = None
    if metrics is not None:
        sums = [{"path": path, "value": pack(value, arrays)} for path, value in metrics]
    whole.state = {
        **pack(dict(place), arrays),
        "variables": {
            name: variables.packed(group, arrays, before and before.values)
            for name, group in variables.groups(model, tracked).items()
        },
        "metrics": sums,
        "logs": pack(_plain(logs), arrays),
        "generators": pack(before.generators if before else generators.capture(), arrays),
        "callbacks": companions.captured(
            callbacks, arrays, whole.files, before and before.callbacks
        ),
    }
    return whole


def check(model: Any, tracked: Sequence[Any], checkpoint: Checkpoint) -> None:
    """A checkpoint must be of this model and optimizer.

    Raises:
        OtherModel: it is not.
    """
    for name, group in variables.groups(model, tracked).items():
        variables.fitting(
            name, checkpoint.state["variables"].get(name, []), group, checkpoint.arrays
        )


def put_back(model: Any, tracked: Sequence[Any], checkpoint: Checkpoint) -> None:
    """Variables and random generators as they were.

    Raises:
        OtherModel: they are of another model or optimizer.
    """
    state, arrays = checkpoint.state, checkpoint.arrays
    for name, group in variables.groups(model, tracked).items():
        variables.assign(name, state["variables"].get(name, []), group, arrays)
    generators.restore(unpack(state["generators"], arrays))


def metrics_now(model: Any) -> Metrics:
    """Paths and values of the variables that hold the sums of an epoch."""
    return [(variables.path(v), np.array(v)) for v in variables.metrics(model)]


def put_metrics_back(model: Any, checkpoint: Checkpoint, specification: Any) -> Any:
    """The metrics of an epoch so far; some have no variables before they have seen a batch.

    Args:
        specification: shapes and types of a batch.

    Returns:
        What the last training step gave.
    """
    model._symbolic_build(data_batch=specification)
    state, arrays = checkpoint.state, checkpoint.arrays
    variables.assign("metrics", state["metrics"], variables.metrics(model), arrays)
    return unpack(state["logs"], arrays)


def _plain(logs: Any) -> Any:
    """Logs as arrays, exactly."""
    if not isinstance(logs, Mapping):
        return None
    return {name: np.asarray(value) for name, value in logs.items()}
