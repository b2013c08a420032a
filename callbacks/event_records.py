"""What TensorBoard reads, written by TensorFlow alone.

`tf.summary.scalar` and its like are part of the tensorboard package; `tf.summary.write` is not. The
forms of the plugins are those of their documentation: a scalar is a number of class 1; a histogram
a table of left edge, right edge and count, of class 2; hyperparameters are a message of their own
in the metadata (`tensorboard/plugins/hparams/plugin_data.proto`).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

SCALAR, TENSOR = 1, 2
SESSION_BEGINS, SESSION_ENDS = "_hparams_/session_start_info", "_hparams_/session_end_info"
# Kinds of a field in the wire format of protocol buffers.
VARINT, DOUBLE, BYTES = 0, 1, 2


def write_scalar(name: str, value: float, step: int) -> None:
    """A point of a curve, to the writer that is the default."""
    tf.summary.write(name, tf.constant(value, tf.float32), step, _metadata("scalars", SCALAR))


def write_histogram(name: str, values: np.ndarray, step: int, bins: int = 30) -> None:
    """Counts of the finite values between their extremes."""
    flat = np.asarray(values, np.float64).ravel()
    flat = flat[np.isfinite(flat)]
    counts, edges = np.histogram(flat, bins) if flat.size else (np.zeros(bins), np.zeros(bins + 1))
    table = np.stack([edges[:-1], edges[1:], counts], axis=1)
    tf.summary.write(name, tf.constant(table), step, _metadata("histograms", TENSOR))


def write_hyperparameters(values: Mapping[str, Any], began: float) -> None:
    """The arguments of a run, for the table that compares runs."""
    entries = b"".join(
        _field(1, BYTES, _field(1, BYTES, name.encode()) + _field(2, BYTES, _value(value)))
        for name, value in values.items()
    )
    _write_message(SESSION_BEGINS, _field(3, BYTES, entries + _field(5, DOUBLE, began)))


def write_end(ended: float) -> None:
    """That a run has come to its end."""
    _write_message(SESSION_ENDS, _field(4, BYTES, _field(1, VARINT, 1) + _field(2, DOUBLE, ended)))


def flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Names and plain values of a mapping; those of a mapping inside have its name before.

    >>> dict(flat({"rate": 0.1, "model": {"units": [8, 4]}}))
    {'rate': 0.1, 'model.units': '[8, 4]'}
    """
    for name, value in values.items():
        if not isinstance(name, str):
            raise ValueError(f"Names of `hyperparameters` must be texts. Received: {name!r}")
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{name}.")
        elif isinstance(value, (bool, int, float, str)):
            yield f"{before}{name}", value
        elif isinstance(value, (list, tuple)) or value is None:
            yield f"{before}{name}", json.dumps(value)
        else:
            raise ValueError(
                "Values of `hyperparameters` must be numbers, texts, lists or mappings. "
                f"Received: {before}{name}={value!r}"
            )


def _metadata(plugin: str, kind: int, content: bytes = b"") -> Any:
    metadata = tf.compat.v1.SummaryMetadata(data_class=kind)
    metadata.plugin_data.plugin_name = plugin
    metadata.plugin_data.content = content
    return metadata


def _write_message(tag: str, content: bytes) -> None:
    tf.summary.write(tag, tf.zeros((0,)), 0, _metadata("hparams", 0, content))


def _value(value: Any) -> bytes:
    """A `google.protobuf.Value`: a number is field 2, a text 3, a truth value 4."""
    if isinstance(value, bool):
        return _field(4, VARINT, int(value))
    if isinstance(value, (int, float)):
        return _field(2, DOUBLE, float(value))
    return _field(3, BYTES, str(value).encode())


def _field(number: int, kind: int, value: Any) -> bytes:
    """A field in the wire format: its number and kind, and what it holds."""
    head = _varint(number << 3 | kind)
    if kind == VARINT:
        return head + _varint(value)
    if kind == DOUBLE:
        return head + struct.pack("<d", value)
    return head + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    """A whole number in groups of seven bits, the lowest first.

    >>> _varint(300).hex()
    'ac02'
    """
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
