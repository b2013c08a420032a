"""The trials for TensorBoard's table of hyperparameters."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from .... import disk
from .layout import TENSORBOARD, TRIALS
from .tables import Row, cell

# What an event file is named; nothing else is ever removed.
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
            disk.when_there_is_space(partial(_write, directory / run, place, row))
    return target


def _write(run: Path, target: Path, row: Row) -> None:
    """Write the events of one training."""
    from ....callbacks.event_records import EventFile, end_summary, scalar_summary, start_summary
    from .training import epochs_of

    with disk.replaced_files(target, EVENTS) as beside:
        file = EventFile(beside)
        values = {name: _plain(value) for name, value in row.values.items()}
        file.write(start_summary(values, 0.0))
        for line in epochs_of(run):
            file.write(scalar_summary(numbers(line)), int(line["epoch"]))
        file.write(end_summary(row.seconds))
        file.flush()


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
