"""Which worker of a sweep works on which training, as the others see it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has another call for it
    fcntl = None

NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class Claims:
    """Names of trainings, which a process claims while it works on one.

    Args:
        folder: where a file for each name is.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    @contextmanager
    def claimed(self, name: str, seconds: float = 1.0) -> Iterator[None]:
        """Claim a name for the block; work without the claim if it is not free within seconds."""
        file = os.open(self._lock(name), os.O_RDWR | os.O_CREAT | NO_LINK, 0o644)
        try:
            until = time.monotonic() + seconds
            while not _flock(file, shared=False) and time.monotonic() < until:
                time.sleep(0.01)
            yield
        finally:
            os.close(file)

    def is_claimed(self, name: str) -> bool:
        """Whether a process holds the claim now."""
        try:
            file = os.open(self._lock(name), os.O_RDONLY | NO_LINK)
        except OSError:
            return False
        try:
            return not _flock(file, shared=True)
        finally:
            os.close(file)

    def _lock(self, name: str) -> Path:
        return self.folder / f"{name}.lock"


def _flock(file: int, *, shared: bool) -> bool:
    """Whether a file can be locked now; the lock lasts until it is closed."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # A file system without locks.
        return True
    return True
