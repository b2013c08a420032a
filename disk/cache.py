"""Files of a cache, which any process may remove, and which are not flushed to disk."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .files import NewFile
from .folders import make_folder
from .paths import beside


class Cached(NewFile):
    """A file of a cache, written beside its place; `finish` moves it there in one step.

    It is not flushed to disk: whoever reads it must see whether it is whole.
    """

    def __init__(self, path: Path):
        make_folder(path.parent)
        self._path = path
        # Processes of several machines may share the folder, with the same number.
        self._beside = beside(path, f".{time.time_ns()}")
        super().__init__(self._beside, 0o600)

    def finish(self, path: Path | None = None) -> None:
        """Move the file to its place, or to another one."""
        self.close()
        os.replace(self._beside, self._path if path is None else path)

    def discard(self) -> None:
        """Remove the file, if it was not moved."""
        self.close()
        with suppress(OSError):
            os.unlink(self._beside)


def write_cached(path: Path, save: Callable[[Cached], object]) -> None:
    """Let `save` write a file of a cache, completely or not at all."""
    file = Cached(path)
    try:
        save(file)
        file.finish()
    finally:
        file.discard()


def touch(path: Path) -> None:
    """Set the time of a file or folder to now."""
    os.utime(path)


def remove_entry(path: Path) -> None:
    """Remove the folder of a cache's entry, as far as that is possible."""
    shutil.rmtree(path, ignore_errors=True)
