"""What a file of each format carries beside its model."""

import os
import stat
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ...disk import cause
from ..errors import RequestError
from ..record.archive import memory

# The name of the proof: of a metadata property, a metadata buffer, a file, a member.
NAME = "keras_recipes"
# A proof has a recipe and some rows; vectors of pictures are the largest part.
MOST_PROOF = 1 << 26


@dataclass(frozen=True)
class Carried:
    """A file as it was found.

    Attributes:
        proof: the text of its proof; None where it has none.
        body: SHA-256 of all the rest.
        content: all bytes, where the format is a single file that a runtime takes from memory.
    """

    proof: bytes | None
    body: str
    content: bytes = b""


def damaged(path: Path, what: str) -> RequestError:
    """The error about a file that this package has not written."""
    return RequestError(f"{path}: {what}; the file is damaged or hostile.")


def whole(path: Path) -> bytes:
    """All bytes of a regular file that memory can hold.

    Raises:
        RequestError: it cannot be read.
    """
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise RequestError(f"{path}: expected a file; it is a folder, a device or a pipe.")
        if found.st_size > memory() / 4:
            raise RequestError(f"{path}: is larger than a quarter of this computer's memory.")
        return path.read_bytes()
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {cause(error)}.") from None


def without(content: bytes, first: int, last: int) -> str:
    """SHA-256 of bytes, those from `first` up to `last` left out."""
    view = memoryview(content)
    found = sha256(view[:first])
    found.update(view[last:])
    return found.hexdigest()
