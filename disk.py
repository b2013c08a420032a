"""Files that are complete or absent, on a disk that may be full, broken or gone.

Every part of the package writes through this module: a file appears in one step, a write waits for
a disk that is full for a moment, and a name from a file cannot lead out of its folder. Every call
that changes the disk is made here, so that a test can make each of them fail.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar, cast

T = TypeVar("T")
# Errors of a full disk: the same write may succeed later.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
# A new name is on disk only once its folder was flushed; some systems lack these flags.
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True)
class Written:
    """Size in bytes and SHA-256 of a file's content."""

    size: int
    sha256: str


class Hashing(io.RawIOBase):
    """A new file that is hashed while it is written, and therefore cannot seek."""

    def __init__(self, path: Path, mode: int = 0o644):
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        self._hash = hashlib.sha256()
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """Write all of `data`; the system may take a part of it at a time."""
        rest = memoryview(data).cast("B")
        length = len(rest)
        self._hash.update(rest)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        self._size += length
        return length

    def finish(self) -> Written:
        """Flush everything to disk."""
        os.fsync(self._file)
        return Written(self._size, self._hash.hexdigest())

    def close(self) -> None:
        if not self.closed:
            os.close(self._file)
        super().close()


def write_new(path: Path, save: Callable[[BinaryIO], Any], mode: int = 0o644) -> Written:
    """Let `save` write a new file, and flush it to disk."""
    file = Hashing(path, mode)
    try:
        save(cast(BinaryIO, file))
        return file.finish()
    finally:
        file.close()


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which is renamed to `path` at the end of the block.

    If anything fails, it is removed.
    """
    make_folder(path.parent)
    temporary = _beside(path)
    number = 1
    while os.path.lexists(temporary):
        # An earlier process may have had the same number.
        number += 1
        temporary = _beside(path, f".{number}")
    os.mkdir(temporary)
    try:
        yield temporary
        flush_folder(temporary)
        os.rename(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    flush_folder(path.parent)


class FolderGone(FileNotFoundError):
    """A folder in use is not there any more, as where its disk was unmounted."""

    def __init__(self, folder: str):
        super().__init__(errno.ENOENT, os.strerror(errno.ENOENT), folder)


_IN_USE: set[str] = set()


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """For the time of the block, a folder that is there and is not made anew if it goes away.

    What is written next would else land on another disk, in a folder that has the rest no more.
    """
    path = os.path.abspath(folder)
    added = path not in _IN_USE
    _IN_USE.add(path)
    try:
        yield
    finally:
        if added:
            _IN_USE.discard(path)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, unless they are there.

    Raises:
        FolderGone: one of them is `in_use`.
    """
    if os.path.isdir(path):
        return
    whole = os.path.abspath(path)
    for folder in _IN_USE:
        if os.path.commonpath((folder, whole)) == folder and not os.path.isdir(folder):
            raise FolderGone(folder)
    os.makedirs(path, exist_ok=True)


TEMPORARY = ".writing-"
# The name of something unfinished has the number of its process, and then its final name.
UNFINISHED = re.compile(re.escape(TEMPORARY) + r"(?:[0-9.]+|gone)-(.+)")


def _beside(path: Path, more: str = "") -> Path:
    # The suffix stays last: Keras chooses its format by it.
    return path.with_name(f"{TEMPORARY}{os.getpid()}{more}-{path.name}")


class OutsideFolder(ValueError):
    """A name that leads out of the folder it belongs to."""


def inside(folder: Path, name: str) -> Path:
    """The path of a name below a folder; the name may come from a stranger.

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
        raise OutsideFolder(f"{name!r} is not a path inside {folder}")
    path = folder / name
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise OutsideFolder(f"{path} leads out of {folder} through a link")
    return path


def foreign_entry(folder: Path) -> Path | None:
    """The first link below a folder that leads out of it, device or pipe; None without any."""
    root = os.path.realpath(folder)
    for where, folders, names in os.walk(folder):
        for name in sorted([*folders, *names]):
            path = Path(where, name)
            if path.is_symlink():
                if not Path(os.path.realpath(path)).is_relative_to(root):
                    return path
            elif not (path.is_file() or path.is_dir()):
                return path
    return None


def is_full(error: BaseException) -> bool:
    """Whether a write failed because the disk, or the user's quota, is full."""
    return isinstance(error, OSError) and error.errno in FULL


class Cause(NamedTuple):
    """An error of the system in plain words, and what a user can do about it."""

    words: str
    remedy: str = ""


_SPACE = "Free some space, or write to another disk."
CAUSES = {
    errno.ENOSPC: Cause("the disk is full", _SPACE),
    errno.EDQUOT: Cause("the disk quota is used up", _SPACE),
    errno.EFBIG: Cause("the file is too large for the disk", "Write to another disk."),
    errno.EROFS: Cause("the file system is read-only", "Write to another place."),
    errno.EACCES: Cause("permission denied", "Check its permissions."),
    errno.EPERM: Cause("permission denied", "Check its permissions."),
    errno.EIO: Cause("the disk cannot be read or written (input/output error)", "Check the disk."),
    errno.ENOENT: Cause("there is no such file"),
    errno.EISDIR: Cause("it is a folder, not a file"),
    errno.ELOOP: Cause("it is a symbolic link, which is not followed"),
    errno.EMFILE: Cause("too many files are open", "Raise the limit on open files (`ulimit -n`)."),
    errno.ENFILE: Cause("too many files are open", "Close other programs."),
    errno.ENOMEM: Cause("the memory is full", "Close other programs."),
}


def cause(error: OSError) -> str:
    """Why a call to the system failed, in words without the path.

    >>> cause(OSError(errno.ENOSPC, "No space left on device", "run/model.keras"))
    'the disk is full'
    """
    if isinstance(error, FolderGone):
        return "the folder is gone, as if its disk was unmounted"
    if error.errno in CAUSES:
        return CAUSES[error.errno].words
    return error.strerror or str(error).strip().partition("\n")[0] or type(error).__name__


def remedy(error: OSError) -> str:
    """What a user can do about an error of the system; empty where it is not known."""
    return CAUSES[error.errno].remedy if error.errno in CAUSES else ""


def explained(error: OSError, path: str | os.PathLike[str] | None = None) -> str:
    """One sentence about an error of the file system, for a user.

    Args:
        path: what was read or written; default the path that the error names.

    >>> explained(OSError(errno.ENOSPC, "No space left on device", "run/model.keras"))
    'run/model.keras: the disk is full.'
    """
    named = error.filename if path is None else os.fspath(path)
    return f"{cause(error)}." if named is None else f"{named}: {cause(error)}."


@contextmanager
def suppress_full() -> Iterator[None]:
    """Leave the block without an error if the disk is full: the caller tries again later."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise


# Seconds that a write waits for a disk that is full, and between two attempts.
PATIENCE = 60.0
PAUSE = 0.5


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


def write_whole(path: Path, save: Callable[[Path], Any]) -> Written:
    """Let `save` write a file, then move it to `path` in one step.

    `path` is the old file or the new one, never a part of one. A link is replaced, not followed.
    """
    make_folder(path.parent)
    temporary = _beside(path)
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


class Cached(io.RawIOBase):
    """A file of a cache, written beside its place; `finish` moves it there in one step.

    It is not flushed to disk: whoever reads it must see whether it is whole.
    """

    def __init__(self, path: Path):
        make_folder(path.parent)
        self._path = path
        # Processes of several machines may share the folder, with the same number.
        self._beside = _beside(path, f".{time.time_ns()}")
        self._file = os.open(self._beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """Write all of `data`; the system may take a part of it at a time."""
        rest = memoryview(data).cast("B")
        length = len(rest)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        return length

    def finish(self, path: Path | None = None) -> None:
        """Move the file to its place, or to another one."""
        self.close()
        os.replace(self._beside, self._path if path is None else path)

    def discard(self) -> None:
        """Remove the file, if it was not moved."""
        self.close()
        with suppress(OSError):
            os.unlink(self._beside)

    def close(self) -> None:
        if not self.closed:
            os.close(self._file)
        super().close()


def write_cached(path: Path, save: Callable[[Cached], Any]) -> None:
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
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(file, rest) :]
            if durable:
                os.fsync(file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(file, size)
            raise
    finally:
        os.close(file)


def copy_new(path: Path, copy: Path) -> Written:
    """Copy a file to a new one, hashed and flushed to disk."""

    def write(file: BinaryIO) -> None:
        with open(path, "rb") as source:
            shutil.copyfileobj(source, file, 1 << 20)

    return write_new(copy, write)


def linked(path: Path, name: Path) -> bool:
    """Give a file that is never changed a second name; False if that cannot be done."""
    try:
        os.link(path, name)
    except OSError:
        return False
    return True


@contextmanager
def replaced_files(folder: Path, pattern: str) -> Iterator[Path]:
    """A new folder to fill, whose files replace those in `folder` that match a pattern.

    Everything else in `folder` stays.

    Raises:
        OSError: `folder` is a link, which is not followed.
    """
    if folder.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(folder))
    temporary = _beside(folder)
    shutil.rmtree(temporary, ignore_errors=True)
    make_folder(temporary)
    try:
        yield temporary
        make_folder(folder)
        for old in folder.glob(pattern):
            os.unlink(old)
        for new in temporary.iterdir():
            os.replace(new, folder / new.name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def copy_folder(source: Path, target: Path) -> None:
    """Copy the files and folders of a folder, completely or not at all; links are left out."""
    with new_folder(target) as beside:
        for folder, folders, names in os.walk(source):
            place = beside / Path(folder).relative_to(source)
            for name in folders:
                if not os.path.islink(Path(folder, name)):
                    os.mkdir(place / name)
            for name in names:
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink():
                    copy_new(path, place / name)


def hashed(path: Path) -> Written:
    """Size and hash of a file."""
    with open(path, "rb") as file:
        return Written(
            os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()
        )


def flush_folder(path: Path) -> None:
    """Flush the names in a folder to disk."""
    folder = os.open(path, _DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def remove_file(path: Path) -> None:
    """Remove a regular file if that is possible; links and folders stay."""
    with suppress(OSError):
        if stat.S_ISREG(os.lstat(path).st_mode):
            os.unlink(path)


def remove_files(folder: Path, is_ours: Callable[[str], bool]) -> None:
    """Remove the regular files of a folder whose names are ours, and the folder if it is empty."""
    with suppress(OSError):
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            return
        for name in os.listdir(folder):
            if is_ours(name):
                remove_file(folder / name)
        os.rmdir(folder)


def remove_folder(path: Path, is_ours: Callable[[str], bool]) -> None:
    """Remove a folder of files of ours, after it was renamed: it is never there in part.

    If there is anything else in it, only the files that are ours are removed.
    """
    # What cannot be removed now may be removed later, and does no harm.
    with suppress(OSError):
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            return
        if all(is_ours(name) for name in os.listdir(path)):
            gone = path.with_name(f"{TEMPORARY}gone-{path.name}")
            remove_files(gone, is_ours)
            os.rename(path, gone)
            path = gone
        remove_files(path, is_ours)


def remove_tree(path: Path) -> None:
    """Remove a folder with all that is in it, after it was renamed; no link is followed."""
    with suppress(OSError):
        if stat.S_ISDIR(os.lstat(path).st_mode):
            gone = path.with_name(f"{TEMPORARY}gone-{path.name}")
            shutil.rmtree(gone, ignore_errors=True)
            os.rename(path, gone)
            shutil.rmtree(gone, ignore_errors=True)


def remove_remains(
    folder: Path, is_ours: Callable[[str], bool], inner: Callable[[str], bool] = lambda name: False
) -> None:
    """Remove what killed processes were writing into a folder.

    Args:
        is_ours: whether a file or a folder of this name is written there.
        inner: whether a file of this name is written into such a folder.
    """
    with suppress(OSError):
        for name in os.listdir(folder):
            found = UNFINISHED.fullmatch(name)
            if found is not None and is_ours(found[1]):
                remove_file(folder / name)
                remove_files(folder / name, inner)


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
