"""Files that are whole or absent, on a disk that may be full, broken or gone.

Every part of the package writes through this module: what is written appears in one step, a disk
that is full for a moment is waited for, and a name from a file leads nowhere outside of its folder.
Every call that changes the disk stands here, so that a test can make each of them fail.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

T = TypeVar("T")
# Want of space is no mistake in what is written: the same write may succeed later.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
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


class OutsideFolder(ValueError):
    """A name that leads out of the folder it belongs to."""


def inside(folder: Path, name: str) -> Path:
    """The path of a name below a folder, whoever wrote the name.

    Args:
        folder: what the name is relative to; it may itself be reached through links.
        name: relative, with `/` between its parts.

    Raises:
        OutsideFolder: the name is absolute, has `..`, or a link leads out of the folder.

    >>> inside(Path("run"), "checkpoints/best.keras").as_posix()
    'run/checkpoints/best.keras'
    """
    words = name.replace("\\", "/").split("/") if isinstance(name, str) else [".."]
    if ".." in words or not words[0] or ":" in words[0] or "\0" in name:
        raise OutsideFolder(f"{name!r} is no path inside of {folder}")
    path = folder / name
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise OutsideFolder(f"{path} leads out of {folder} through a link")
    return path


def is_full(error: BaseException) -> bool:
    """Whether a write failed for want of space."""
    return isinstance(error, OSError) and error.errno in FULL


def when_there_is_space(write: Callable[[], T], seconds: float = 60.0, pause: float = 0.5) -> T:
    """Call `write`, again and again while the disk is full.

    Args:
        write: leaves nothing half-written where it fails.
        seconds: after this time the last error is raised.
        pause: seconds between two attempts.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            return write()
        except OSError as error:
            if not is_full(error) or time.monotonic() >= end:
                raise
        time.sleep(pause)


def write_whole(path: Path, save: Callable[[Path], Any]) -> Written:
    """Let `save` write a file, then move it to `path` in one step.

    `path` is the old file or the new one, never a part of one. Where it is a link, the link is
    replaced, and what it led to is as it was.
    """
    os.makedirs(path.parent, exist_ok=True)
    # The suffix stays last: Keras chooses its format by it.
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
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


def write_text(path: Path, text: str) -> Written:
    """Write a text file whole or not at all."""
    content = text.encode("utf-8")
    return write_whole(path, lambda beside: write_new(beside, lambda file: file.write(content)))


def write_text_once(path: Path, text: str) -> Written:
    """Write a text file that must not be there yet; nothing of it stays where that fails.

    Raises:
        FileExistsError: there is one.
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


class Lines:
    """A file of lines to add to. Lines that a full disk does not take wait for the next call.

    No part of a line stays in the file. It is not kept open, so that a copy of its owner can be
    made. A link in its place is refused: its target is another file.

    Attributes:
        path: the file.
        waiting: lines that are not written yet.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.waiting: list[str] = []

    def add(self, line: str) -> bool:
        """Write a line, after those that wait; see `flush`."""
        self.waiting.append(line)
        return self.flush()

    def flush(self) -> bool:
        """Write the lines that wait.

        Returns:
            Whether none waits any more.

        Raises:
            OSError: the file cannot be written, for another reason than want of space.
        """
        if not self.waiting:
            return True
        content = "".join(f"{line}\n" for line in self.waiting).encode("utf-8")
        try:
            os.makedirs(self.path.parent, exist_ok=True)
            _append(self.path, content)
        except OSError as error:
            if is_full(error):
                return False
            raise
        self.waiting = []
        return True


def _append(path: Path, content: bytes) -> None:
    """Add bytes to the end of a file, all of them or none."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    file = os.open(path, flags, 0o644)
    try:
        size = os.fstat(file).st_size
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(file, size)
            raise
    finally:
        os.close(file)


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
