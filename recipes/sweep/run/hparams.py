"""The trials for TensorBoard's table of hyperparameters, without the tensorboard package."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from .... import disk
from .layout import TENSORBOARD, TRIALS
from .space import OutOfSpace, patiently
from .tables import Row, cell

# What TensorFlow names the files of a run; nothing else is ever removed.
EVENTS = "events.out.tfevents.*"


def write_hparams(directory: Path, rows: Sequence[Row]) -> Path:
    """Write a run for each training of the trials: its values, and the curves of its metrics.

    `tensorboard --logdir SWEEP/tensorboard` shows them. Events that were written there before are
    replaced; other files stay.
    """
    target = directory / TENSORBOARD
    for row in rows:
        for run in row.directories:
            place = target / run.removeprefix(f"{TRIALS}/").replace("/", "-")
            patiently(partial(_write, directory / run, place, row))
    return target


def _write(run: Path, target: Path, row: Row) -> None:
    """Write the events of one training."""
    from ....callbacks.event_records import write_end, write_hyperparameters, write_scalar
    from .training import epochs_of

    with disk.replaced_files(target, EVENTS) as beside, _writer(beside):
        write_hyperparameters({k: _plain(v) for k, v in row.values.items()}, 0.0)
        for line in epochs_of(run):
            for name, value in numbers(line).items():
                write_scalar(name, value, int(line["epoch"]))
        write_end(row.seconds)


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


@contextmanager
def _writer(folder: Path) -> Iterator[None]:
    """A writer that is the default inside a `with`, and closed after it."""
    import tensorflow as tf

    try:
        writer = tf.summary.create_file_writer(str(folder))
        with writer.as_default():
            yield
        writer.close()
    except tf.errors.ResourceExhaustedError as error:
        # What TensorFlow calls a full disk, as well as a full memory; this only writes files.
        raise OutOfSpace(folder) from error
