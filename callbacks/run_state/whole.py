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


def taken(
    model: Any,
    callbacks: Sequence[Any],
    *,
    tracked: Sequence[Any],
    metrics: Metrics | None,
    logs: Any,
    place: Mapping[str, Any],
) -> Whole:
    """Everything there is now.

    Args:
        callbacks: those beside the one that stores.
        tracked: what else has variables.
        metrics: of the epoch so far, or None between two epochs.
        logs: what the last training step gave.
        place: position and time.
    """
    whole = Whole()
    arrays = whole.arrays
    sums = None
    if metrics is not None:
        sums = [{"path": path, "value": pack(value, arrays)} for path, value in metrics]
    whole.state = {
        **place,
        "variables": {
            name: variables.packed(group, arrays)
            for name, group in variables.groups(model, tracked).items()
        },
        "metrics": sums,
        "logs": pack(_plain(logs), arrays),
        "generators": pack(generators.capture(), arrays),
        "callbacks": companions.captured(callbacks, arrays, whole.files),
    }
    return whole


def check(model: Any, tracked: Sequence[Any], checkpoint: Checkpoint) -> None:
    """A checkpoint must be of this model and optimizer.

    Raises:
        OtherModel: it is not.
    """
    for name, group in variables.groups(model, tracked).items():
        variables.fitting(name, checkpoint.state["variables"][name], group, checkpoint.arrays)


def put_back(model: Any, tracked: Sequence[Any], checkpoint: Checkpoint) -> None:
    """Variables and random generators as they were.

    Raises:
        OtherModel: they are of another model or optimizer.
    """
    state, arrays = checkpoint.state, checkpoint.arrays
    for name, group in variables.groups(model, tracked).items():
        variables.assign(name, state["variables"][name], group, arrays)
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
