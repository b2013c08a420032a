"""Files that are whole or absent, on a disk that may be full, broken or gone.

Every call that changes the disk stands in this file, so that a test can make each of them fail.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

# Only then is a directory entry on disk when its parent is; systems without it return an error.
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)


@dataclass(frozen=True)
class Written:
    """What a file holds.

    Attributes:
        size: in bytes.
        sha256: of its content.
    """

    size: int
    sha256: str


class Hashing(io.RawIOBase):
    """A new file that is hashed while it is written.

    It cannot seek, so that what was hashed is what is in the file.
    """

    def __init__(self, path: Path):
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        self._hash = hashlib.sha256()
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """Write all of `data`: the system may take a part of it at a time."""
        rest = memoryview(data).cast("B")
        length = len(rest)
        self._hash.update(rest)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        self._size += length
        return length

    def finish(self) -> Written:
        """See to it that everything is on disk."""
        os.fsync(self._file)
        return Written(self._size, self._hash.hexdigest())

    def close(self) -> None:
        if not self.closed:
            os.close(self._file)
        super().close()


def write_new(path: Path, save: Callable[[BinaryIO], Any]) -> Written:
    """Let `save` write a new file, and flush it to disk."""
    file = Hashing(path)
    try:
        save(cast(BinaryIO, file))
        return file.finish()
    finally:
        file.close()


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `path` in one step when the block is through.

    The folder is filled beside its place, under a name that begins with a dot. Where anything
    fails, nothing of it stays.
    """
    os.makedirs(path.parent, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    os.mkdir(temporary)
    try:
        yield temporary
        flush_folder(temporary)
        os.rename(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    flush_folder(path.parent)


TEMPORARY = ".writing-"


def keep_also(path: Path, name: Path) -> None:
    """Give a file that is replaced, and never changed, a second name: it stays when it is replaced.

    A file system without such names gets a copy.
    """
    try:
        os.link(path, name)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(path, name)
        file = os.open(name, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def put_back(name: Path, path: Path) -> None:
    """Make `path` the file that `keep_also` gave a second name, in one step."""
    if path.exists() and os.path.samefile(name, path):
        return
    os.makedirs(path.parent, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    temporary.unlink(missing_ok=True)
    keep_also(name, temporary)
    os.replace(temporary, path)


def hashed(path: Path) -> Written:
    """Size and hash of a file."""
    with open(path, "rb") as file:
        return Written(
            os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()
        )


def flush_folder(path: Path) -> None:
    """See to it that the names in a folder are on disk."""
    folder = os.open(path, _DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def remove_folder(path: Path) -> None:
    """Remove a folder so that at no moment a part of it stands under its name."""
    gone = path.with_name(f"{TEMPORARY}gone-{path.name}")
    shutil.rmtree(gone, ignore_errors=True)
    # What cannot be removed now may be later; it is in nobody's way.
    with suppress(OSError):
        os.rename(path, gone)
        shutil.rmtree(gone, ignore_errors=True)


def remove_remains(folder: Path) -> None:
    """Remove what writers that were killed have left behind."""
    with suppress(OSError):
        for entry in folder.iterdir():
            if entry.name.startswith(TEMPORARY) and entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)


def cut(path: Path, size: int) -> None:
    """Cut a file to `size` bytes; one that is shorter stays as it is."""
    with open(path, "r+b") as file:
        if os.fstat(file.fileno()).st_size > size:
            file.truncate(size)
            os.fsync(file.fileno())
