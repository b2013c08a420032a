"""One process at a time on a run directory: a lock that dies with its owner."""

import json
import os
import socket
from collections.abc import Iterator
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
# What it says of its owner, and how long that is at most.
SIGNED = dict.fromkeys(("process", "machine", "since"))
LONGEST = 1000
NO_LINK = getattr(os, "O_NOFOLLOW", 0)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a run directory.

    The system gives the lock back when the process ends, however it ends. The file is removed with
    the lock held, so that a finished run has none.

    Raises:
        RequestError: another process holds it, the file cannot be written, or it is no lock.
    """
    path = folder / LOCK
    file = _taken(path)
    try:
        yield
    finally:
        if _is_still(file, path):
            with suppress(OSError):
                path.unlink()
        os.close(file)


def _taken(path: Path) -> int:
    """The file of the lock, locked, with its owner written into it."""
    while True:
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | NO_LINK, 0o644)
        except OSError as error:
            raise RequestError(f"{path}: cannot be written: {disk.cause(error)}.") from None
        if not _lock(file):
            owner = _owner(file)
            os.close(file)
            raise RequestError(
                f"{path.parent}: another process works on this run: {owner}. "
                "Wait for its end, or stop it."
            )
        if not _is_lock(file):
            os.close(file)
            raise RequestError(
                f"{path}: is no lock that keras-recipes wrote. Move it, or use another directory."
            )
        if _is_still(file, path):
            _sign(file)
            return file
        # Its owner has removed it between the two calls: what is locked has no name any more.
        os.close(file)


def _is_lock(file: int) -> bool:
    """Whether a file holds what `_sign` writes, or nothing yet."""
    try:
        content = os.pread(file, LONGEST + 1, 0)
        found = json.loads(content) if content else SIGNED
    except (OSError, ValueError, RecursionError):
        return False
    return len(content) <= LONGEST and isinstance(found, dict) and set(found) == set(SIGNED)


def _lock(file: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # A file system without locks: nothing can be told, and nothing is refused.
        return True
    return True


def _is_still(file: int, path: Path) -> bool:
    try:
        found = os.stat(path)
    except OSError:
        return False
    mine = os.fstat(file)
    return (found.st_ino, found.st_dev) == (mine.st_ino, mine.st_dev)


def _sign(file: int) -> None:
    owner = {
        "process": os.getpid(),
        "machine": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    # The lock holds without the signature, which only serves a message.
    with suppress(OSError):
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(owner).encode(), 0)


def _owner(file: int) -> str:
    try:
        found = json.loads(os.pread(file, LONGEST, 0))
        return f"process {found['process']} on {found['machine']}, since {found['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "which one is not known"
