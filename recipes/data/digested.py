"""Files that end with the SHA-256 of the bytes before it, so that a damaged one is recognized."""

import hashlib
from contextlib import suppress
from pathlib import Path

from typing_extensions import Buffer

from ... import disk

DIGEST = hashlib.sha256().digest_size
# Files whose bytes were compared with their hash in this process, as path, number, size and time.
_intact: set[tuple[str, int, int, int]] = set()


class Digesting:
    """A file that is hashed while it is written."""

    def __init__(self, file: disk.Cached) -> None:
        self.file, self.hash, self.closed = file, hashlib.sha256(), False

    def write(self, data: Buffer) -> int:
        """Write all of `data`."""
        self.hash.update(data)
        return self.file.write(data)

    def flush(self) -> None:
        """Do nothing: Arrow asks for it."""

    def finish(self) -> None:
        """Write the hash."""
        self.file.write(self.hash.digest())


def intact(path: Path) -> bool:
    """Whether a file is there and ends with the hash of its content; a damaged one is removed.

    Its bytes are compared once in a process.
    """
    try:
        state = path.stat()
        known = str(path), state.st_ino, state.st_size, state.st_mtime_ns
        if known in _intact:
            return True
        if _ends_with_its_hash(path, state.st_size):
            _intact.add(known)
            return True
    except OSError:
        return False
    with suppress(OSError):
        disk.remove_file(path)
    return False


def _ends_with_its_hash(path: Path, size: int) -> bool:
    left = size - DIGEST
    if left < 0:
        return False
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while left and (part := file.read(min(left, 1 << 20))):
            found.update(part)
            left -= len(part)
        return file.read() == found.digest()
