"""Whether runs have changed since they were last looked at, and whether they have ended."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..record import directory as files
from ..record.listing import State, runs_below

# What changes while a run trains; and the table of a sweep.
WATCHED = (files.METRICS, files.RESULT, files.PRETRAINING, "trials.json")
ONGOING = (State.RUNNING,)


def state_of(folders: Sequence[Path]) -> tuple[tuple[int, int], ...]:
    """Time and size of what changes."""
    found: list[tuple[int, int]] = []
    for folder in folders:
        for name in WATCHED:
            with suppress(OSError):
                seen = os.stat(folder / name)
                found.append((seen.st_mtime_ns, seen.st_size))
    return tuple(found)


def all_ended(folders: Sequence[Path]) -> bool:
    """Whether no process works on any of the runs."""
    return not any(row.status in ONGOING for folder in folders for row in runs_below(folder))
