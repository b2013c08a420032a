"""Files of lines, which grow by whole lines."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from .files import write_all
from .folders import make_folder
from .waiting import suppress_full

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class Lines:
    """A file of lines to append to. Lines that a full disk refuses wait for the next call.

    No part of a line stays in the file, and it is not kept open, so that its owner can be copied.
    A link in its place is refused.

    Attributes:
        path: the file.
        waiting: lines that are not written yet.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self.waiting: list[str] = []

    def touch(self) -> None:
        """Create the file if it does not exist, and check that it can be written.

        Raises:
            OSError: it cannot, for another reason than a full disk.
        """
        with suppress_full():
            append(self.path, b"")

    def add(self, line: str) -> None:
        """Write a line after those that wait, if there is space.

        Raises:
            OSError: the file cannot be written, for another reason than a full disk.
        """
        self.waiting.append(line)
        with suppress_full():
            self.flush()

    def flush(self) -> None:
        """Write the lines that wait.

        Raises:
            OSError: the file cannot be written; the lines still wait.
        """
        if self.waiting:
            append(self.path, "".join(f"{line}\n" for line in self.waiting).encode("utf-8"))
            self.waiting = []


def append(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Add bytes to the end of a file, all of them or none.

    Args:
        path: the file, created if it does not exist. A link is refused.
        durable: flush it to disk.
    """
    make_folder(path.parent)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _NO_LINK
    file = os.open(path, flags, 0o644)
    try:
        size = os.fstat(file).st_size
        try:
            write_all(file, memoryview(content))
            if durable:
                os.fsync(file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(file, size)
            raise
    finally:
        os.close(file)


def cut(path: Path, size: int) -> None:
    """Cut a file to at most `size` bytes. A link is refused."""
    file = os.open(path, os.O_RDWR | _NO_LINK)
    try:
        if os.fstat(file).st_size > size:
            os.ftruncate(file, size)
            os.fsync(file)
    finally:
        os.close(file)


def cut_unfinished_line(path: Path) -> None:
    """Remove what follows the last end of a line."""
    cut(path, path.read_bytes().rfind(b"\n") + 1)
