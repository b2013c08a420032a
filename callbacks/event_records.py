"""Event files for TensorBoard, made with the tensorboard package and written through `disk`."""

# Protocol buffers make their classes when they are imported, which pyright cannot see.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import DataClass, Summary, SummaryMetadata
from tensorboard.plugins.histogram import metadata as histograms
from tensorboard.plugins.hparams import api_pb2, summary_v2
from tensorboard.plugins.hparams.summary import session_end_pb
from tensorboard.plugins.scalar import metadata as scalars
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_tensor_proto

from .. import disk

# TensorBoard reads every file with `tfevents` in its name.
FILE_NAME = "events.out.tfevents.keras_recipes"
FILE_VERSION = "brain.Event:2"
SCALAR, TENSOR = DataClass.DATA_CLASS_SCALAR, DataClass.DATA_CLASS_TENSOR


class EventFile:
    """The event file of one run. Events for which a full disk has no space are kept.

    Args:
        folder: the run's folder; an existing file in it is continued.
        first_step: TensorBoard drops the points of an earlier training from this step on.
    """

    def __init__(self, folder: Path, first_step: int = 0):
        self.path = folder / FILE_NAME
        self._pending = b""
        start = SessionLog(status=SessionLog.SessionStatus.START)
        self._add(Event(file_version=FILE_VERSION))
        self._add(Event(session_log=start, step=first_step))

    def write(self, summary: Summary, step: int = 0) -> None:
        """Append the values of a step, if there is space.

        Raises:
            OSError: the file cannot be written, for another reason than want of space.
        """
        self._add(Event(summary=summary, step=step))
        with disk.suppress_full():
            self.flush()

    def flush(self) -> None:
        """Write the events that wait.

        Raises:
            OSError: the file cannot be written; the events still wait.
        """
        if self._pending:
            disk.append(self.path, self._pending, durable=False)
            self._pending = b""

    def _add(self, event: Event) -> None:
        record = io.BytesIO()
        event.wall_time = time.time()
        RecordWriter(record).write(event.SerializeToString())
        self._pending += record.getvalue()


def scalar_summary(values: Mapping[str, float]) -> Summary:
    """A point of each curve."""
    return Summary(
        value=[
            _value(name, np.float32(value), scalars.create_summary_metadata("", ""), SCALAR)
            for name, value in values.items()
        ]
    )


def histogram_summary(values: Mapping[str, np.ndarray], bins: int = 30) -> Summary:
    """Counts of the finite values of each array between their extremes."""
    return Summary(
        value=[
            _value(name, histogram(array, bins), histograms.create_summary_metadata("", ""), TENSOR)
            for name, array in values.items()
        ]
    )


def histogram(values: np.ndarray, bins: int) -> np.ndarray:
    """Left edge, right edge and count of each bin: an array of shape `(bins, 3)`."""
    flat = np.asarray(values, np.float64).ravel()
    flat = flat[np.isfinite(flat)]
    counts, edges = np.histogram(flat, bins) if flat.size else (np.zeros(bins), np.zeros(bins + 1))
    return np.stack([edges[:-1], edges[1:], counts], axis=1)


def start_summary(hyperparameters: Mapping[str, object], seconds: float) -> Summary:
    """The arguments of a run, for the table that compares runs, and when it began."""
    found = summary_v2.hparams_pb(dict(hyperparameters), start_time_secs=seconds)
    return Summary.FromString(found.SerializeToString())


def end_summary(seconds: float) -> Summary:
    """That a run has ended, and when."""
    found = session_end_pb(api_pb2.STATUS_SUCCESS, seconds)
    return Summary.FromString(found.SerializeToString())


def flat(
    values: Mapping[str, object], before: str = ""
) -> Iterator[tuple[str, bool | int | float | str]]:
    """Names and plain values of a mapping; names of a nested mapping are prefixed with its name.

    >>> dict(flat({"rate": 0.1, "model": {"units": [8, 4]}}))
    {'rate': 0.1, 'model.units': '[8, 4]'}
    """
    for name, value in values.items():
        if not isinstance(name, str):
            raise ValueError(f"Names of `hyperparameters` must be strings. Received: {name!r}")
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{name}.")
        elif isinstance(value, (bool, int, float, str)):
            yield f"{before}{name}", value
        elif isinstance(value, (list, tuple)) or value is None:
            yield f"{before}{name}", json.dumps(value)
        else:
            raise ValueError(
                "Values of `hyperparameters` must be numbers, strings, lists or mappings. "
                f"Received: {before}{name}={value!r}"
            )


def _value(
    tag: str, tensor: ArrayLike, metadata: SummaryMetadata, data_class: int
) -> Summary.Value:
    metadata.data_class = data_class
    return Summary.Value(tag=tag, tensor=make_tensor_proto(tensor), metadata=metadata)
