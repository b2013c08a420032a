"""Which worker of a sweep works on which training, as the others see it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...record.lock import NO_LINK, try_lock


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
            while not try_lock(file) and time.monotonic() < until:
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
            return not try_lock(file, shared=True)
        finally:
            os.close(file)

    def _lock(self, name: str) -> Path:
        return self.folder / f"{name}.lock"
