"""A full disk: a sweep waits for space, and ends if there is none; no trial fails because of it."""

import errno
import os
import time
from pathlib import Path

from .... import disk

# Seconds that a sweep waits for a disk that is full, and between two attempts.
PATIENCE = 60.0
PAUSE = 1.0


class OutOfSpace(OSError):
    """The disk is full: what was to be written is not lost, and can be written later."""

    def __init__(self, path: str | os.PathLike | None = None):
        super().__init__(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


def lacks_space(error: BaseException) -> bool:
    """Whether an error, or an error that caused it, says that the disk is full.

    The errors of a run name the file, and keep the error of the system as their context.
    """
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        if disk.is_full(found):
            return True
        seen.add(id(found))
        found = found.__cause__ or found.__context__
    return False


def sentence(directory: Path, error: OSError) -> str:
    """The message for a sweep that ended because of its disk."""
    if disk.is_full(error):
        return (
            f"{directory}: the disk is full, and was for {PATIENCE:.0f} s. Nothing is lost: make "
            "room, and the same command continues the sweep."
        )
    place = error.filename or directory
    return f"{place}: cannot be written or read: {error.strerror or error}."


class SpaceWait:
    """How long something has waited for space."""

    def __init__(self) -> None:
        self._until: float | None = None

    @property
    def waits(self) -> bool:
        """Whether space is waited for."""
        return self._until is not None

    def over(self) -> None:
        """There was space."""
        self._until = None

    def too_long(self) -> bool:
        """Note that there is no space; return whether a sweep has waited long enough for it."""
        now = time.monotonic()
        if self._until is None:
            self._until = now + PATIENCE
        return now >= self._until
