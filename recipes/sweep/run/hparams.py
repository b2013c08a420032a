"""The trials for TensorBoard's table of hyperparameters, without the tensorboard package."""

import math
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .layout import TENSORBOARD
from .tables import Row, cell


def write_hparams(directory: Path, rows: Sequence[Row]) -> Path:
    """Write a run for each training of the trials: its values, and the curves of its metrics.

    `tensorboard --logdir SWEEP/tensorboard` shows them. What stood there is replaced, as a whole.
    """
    from ....callbacks.event_records import write_end, write_hyperparameters, write_scalar
    from .training import epochs_of

    target = directory / TENSORBOARD
    beside = target.with_name(f".writing-{os.getpid()}-{TENSORBOARD}")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    for row in rows:
        for run in row.directories:
            lines = epochs_of(directory / run)
            with _writer(beside / run.removeprefix("trials/").replace("/", "-")):
                write_hyperparameters({k: _plain(v) for k, v in row.values.items()}, 0.0)
                for line in lines:
                    for name, value in numbers(line).items():
                        write_scalar(name, value, int(line["epoch"]))
                write_end(row.seconds)
    shutil.rmtree(target, ignore_errors=True)
    os.rename(beside, target)
    return target


def numbers(line: Mapping[str, Any]) -> dict[str, float]:
    """The finite values of an epoch, by name."""
    return {
        name: float(value)
        for name, value in line.items()
        if name not in ("epoch", "step")
        and isinstance(value, (int, float))
        and math.isfinite(value)
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int, float, str)) else cell(value)


def _writer(folder: Path) -> Any:
    """A writer that is the default inside a `with`, and closed after it."""
    import tensorflow as tf

    return _Closed(tf.summary.create_file_writer(str(folder)))


class _Closed:
    def __init__(self, writer: Any):
        self._writer = writer
        self._default = writer.as_default()

    def __enter__(self) -> None:
        self._default.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._default.__exit__(*error)
        self._writer.close()
