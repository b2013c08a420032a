"""A lock on a run directory, which the system releases when its process ends."""

import json
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from ... import disk
from ..errors import RequestError

try:
    import fcntl
except ImportError:  # Windows has another call for it
    fcntl = None

LOCK = "run.lock"
# The keys that describe its owner, and the most bytes that they take.
OWNER_KEYS = {"process", "machine", "since"}
MOST_BYTES = 1000
NO_LINK = getattr(os, "O_NOFOLLOW", 0)


@contextmanager
def locked(folder: Path) -> Generator[None, None, None]:
    """Hold the lock of a run directory; its file is removed at the end.

    A directory that disappears meanwhile is not made again; see `disk.in_use`.

    Raises:
        RequestError: another process holds it, the file cannot be written, or is not a lock.
    """
    path = folder / LOCK
    file = _acquire(path)
    try:
        with disk.in_use(folder):
            yield
    finally:
        if _is_at(file, path):
            with suppress(OSError):
                path.unlink()
        os.close(file)


def _acquire(path: Path) -> int:
    """The descriptor of the lock's file, locked, with its owner written into it."""
    while True:
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | NO_LINK, 0o644)
        except OSError as error:
            raise RequestError(f"{path}: cannot be written: {disk.cause(error)}.") from None
        if not try_lock(file):
            owner = _owner(file)
            os.close(file)
            raise RequestError(
                f"{path.parent}: another process is working on this run: {owner}. "
                "Wait until it ends, or stop it."
            )
        if not _is_lock(file):
            os.close(file)
            raise RequestError(
                f"{path}: is not a lock that keras-recipes wrote. Move it, or use another "
                "directory."
            )
        if _is_at(file, path):
            _write_owner(file)
            return file
        # Its owner removed it between the two calls: what is locked is no longer at this path.
        os.close(file)


def _is_lock(file: int) -> bool:
    """Whether a file holds what `_write_owner` writes, or nothing yet."""
    try:
        content = os.pread(file, MOST_BYTES + 1, 0)
        # Anything but an object has no keys.
        keys = json.loads(content).keys() if content else OWNER_KEYS
    except (OSError, ValueError, RecursionError, AttributeError):
        return False
    return len(content) <= MOST_BYTES and keys == OWNER_KEYS


def try_lock(file: int, *, shared: bool = False) -> bool:
    """Whether a file can be locked now; the lock lasts until the file is closed."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # A file system without locks: no process is refused.
        return True
    return True


def _is_at(file: int, path: Path) -> bool:
    try:
        found = os.stat(path)
    except OSError:
        return False
    mine = os.fstat(file)
    return (found.st_ino, found.st_dev) == (mine.st_ino, mine.st_dev)


def _write_owner(file: int) -> None:
    owner = {
        "process": os.getpid(),
        "machine": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    # The owner only serves an error message.
    with suppress(OSError):
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(owner).encode(), 0)


def _owner(file: int) -> str:
    try:
        found = json.loads(os.pread(file, MOST_BYTES, 0))
        return f"process {found['process']} on {found['machine']}, since {found['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "an unknown one"
