"""The proof as an array of bytes in a `.weights.h5` file."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..record.model_file import check_weights, readable
from .carried import MOST_PROOF, NAME, Carried, damaged


def read(path: Path) -> Carried:
    """Find the proof of a file of weights.

    Raises:
        RequestError: it is not only arrays.
    """
    check_weights(path)
    with readable(path), h5py.File(path, "r") as root:
        found: Any = root.get(NAME)
        if found is None:
            return Carried(None, _body(root))
        if not isinstance(found, h5py.Dataset) or found.dtype != np.uint8 or found.ndim != 1:
            raise damaged(path, "has a proof that is no text")
        if found.shape[0] > MOST_PROOF:
            raise damaged(path, f"has a proof larger than {MOST_PROOF >> 20} MiB")
        return Carried(np.asarray(found).tobytes(), _body(root))


def attach(path: Path, make: Callable[[str], bytes]) -> None:
    """Add the proof as an array.

    Args:
        make: the proof from the SHA-256 of all the rest.
    """
    with h5py.File(path, "a") as root:
        root[NAME] = np.frombuffer(make(_body(root)), "uint8")


def _body(root: h5py.Group) -> str:
    """SHA-256 over the names, types and numbers of all other arrays."""
    found = sha256()

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and name != NAME:
            array = np.ascontiguousarray(item)
            found.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            found.update(array.tobytes())

    root.visititems(visit)
    return found.hexdigest()
