"""Files that are complete or absent: written beside their place, hashed, and flushed to disk."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from .folders import make_folder
from .paths import beside


@dataclass(frozen=True)
class Written:
    """Size in bytes and SHA-256 of a file's content."""

    size: int
    sha256: str


class NewFile(io.RawIOBase):
    """A new file that is written from its start to its end, and therefore cannot seek."""

    def __init__(self, path: Path, mode: int):
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """Write all of `data`; the system may take a part of it at a time."""
        return write_all(self._file, memoryview(data).cast("B"))

    def close(self) -> None:
        if not self.closed:
            os.close(self._file)
        super().close()


def write_all(file: int, data: memoryview) -> int:
    """Write all of `data` to an open file, and return how many bytes that were."""
    rest = data
    while rest:
        rest = rest[os.write(file, rest) :]
    return len(data)


class Hashing(NewFile):
    """A new file that is hashed while it is written."""

    def __init__(self, path: Path, mode: int = 0o644):
        super().__init__(path, mode)
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, data: Any) -> int:
        """Write and hash all of `data`."""
        content = memoryview(data).cast("B")
        self._hash.update(content)
        self._size += write_all(self._file, content)
        return len(content)

    def finish(self) -> Written:
        """Flush everything to disk."""
        os.fsync(self._file)
        return Written(self._size, self._hash.hexdigest())


def hashed(path: Path) -> Written:
    """Size and hash of a file."""
    with open(path, "rb") as file:
        return Written(
            os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()
        )


def write_new(path: Path, save: Callable[[BinaryIO], object], mode: int = 0o644) -> Written:
    """Let `save` write a new file, and flush it to disk."""
    file = Hashing(path, mode)
    try:
        save(cast(BinaryIO, file))
        return file.finish()
    finally:
        file.close()


def write_whole(path: Path, save: Callable[[Path], object]) -> Written:
    """Let `save` write a file, then move it to `path` in one step.

    `path` is the old file or the new one, never a part of one. A link is replaced, not followed.
    """
    make_folder(path.parent)
    temporary = beside(path)
    try:
        temporary.unlink(missing_ok=True)
        save(temporary)
        file = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
        written = hashed(temporary)
        os.replace(temporary, path)
        return written
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str, mode: int = 0o644) -> Written:
    """Write a text file completely or not at all."""
    content = text.encode("utf-8")
    return write_whole(
        path, lambda beside: write_new(beside, lambda file: file.write(content), mode)
    )


def write_private(path: Path, text: str) -> Written:
    """Write a text file, completely or not at all, that only its owner may ever read."""
    return write_text(path, text, mode=0o600)


def write_text_once(path: Path, text: str) -> Written:
    """Write a text file that must not exist yet; if that fails, nothing of it stays.

    Raises:
        FileExistsError: it exists.
    """
    content = text.encode("utf-8")
    try:
        return write_new(path, lambda file: file.write(content))
    except FileExistsError:
        raise
    except BaseException:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise
