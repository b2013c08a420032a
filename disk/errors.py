"""Errors of the file system in words, and what a user can do about them."""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

# Errors of a full disk: the same write may succeed later.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class FolderGone(FileNotFoundError):
    """A folder in use is not there any more, as where its disk was unmounted."""

    def __init__(self, folder: str):
        super().__init__(errno.ENOENT, os.strerror(errno.ENOENT), folder)


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
