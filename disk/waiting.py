"""Writes to a disk that is full for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from .errors import is_full

T = TypeVar("T")
# Seconds that a write waits for a disk that is full, and between two attempts.
PATIENCE = 60.0
PAUSE = 0.5


@contextmanager
def suppress_full() -> Iterator[None]:
    """Leave the block without an error if the disk is full: the caller tries again later."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise


def when_there_is_space(
    write: Callable[[], T], seconds: float | None = None, pause: float | None = None
) -> T:
    """Call `write`, and again while the disk is full.

    Args:
        write: leaves nothing half-written if it fails.
        seconds: after this time the last error is raised; default `PATIENCE`.
        pause: seconds between two attempts; default `PAUSE`.
    """
    end: float | None = None
    while True:
        try:
            return write()
        except OSError as error:
            if not is_full(error):
                raise
            now = time.monotonic()
            end = now + (PATIENCE if seconds is None else seconds) if end is None else end
            if now >= end:
                raise
        time.sleep(PAUSE if pause is None else pause)
