"""The proof as a file in the folder of a SavedModel."""

import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from ... import disk
from ..errors import RequestError
from .carried import MOST_PROOF, NAME, Carried, whole

# Where TensorFlow keeps what belongs to a SavedModel and is not part of its program.
PROOF = f"assets.extra/{NAME}.json"
MOST_FILES = 10_000


def read(path: Path) -> Carried:
    """Find the proof of a SavedModel.

    Raises:
        RequestError: a link leads out of it, or its files cannot be read.
    """
    foreign = disk.foreign_entry(path)
    if foreign is not None:
        raise RequestError(
            f"{foreign}: is a link that leads out of the folder, a device or a pipe."
        )
    proof = path / PROOF
    if not os.path.isfile(proof):
        return Carried(None, _body(path))
    if os.path.getsize(proof) > MOST_PROOF:
        raise RequestError(f"{proof}: is larger than {MOST_PROOF >> 20} MiB.")
    return Carried(whole(proof), _body(path))


def attach(path: Path, make: Callable[[str], bytes]) -> None:
    """Write the proof as a file.

    Args:
        make: the proof from the SHA-256 of all the rest.
    """
    content = make(_body(path))
    disk.write_whole(path / PROOF, lambda beside: beside.write_bytes(content))


def _body(path: Path) -> str:
    """SHA-256 over the names and contents of all other files."""
    found: dict[str, str] = {}
    for folder, _, names in os.walk(path):
        for name in names:
            file = Path(folder, name)
            place = file.relative_to(path).as_posix()
            if len(found) == MOST_FILES:
                raise RequestError(f"{path}: holds more than {MOST_FILES} files; no model does.")
            if place != PROOF:
                found[place] = sha256(whole(file)).hexdigest()
    return sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
