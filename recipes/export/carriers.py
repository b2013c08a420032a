"""Proofs in files: found and written by format."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import RequestError
from . import proof as proofs
from .carried import Carried
from .kinds import Format, format_of
from .proof import Proof, ProofPart


def carried_by(path: str | os.PathLike[str]) -> tuple[Format, Carried]:
    """The format of a file, its proof as text and the digest of the rest.

    Raises:
        RequestError: there is no such file, or it is damaged.
    """
    kind = format_of(path)
    return kind, _carrier(kind).read(Path(path))


def read_proof(path: str | os.PathLike[str]) -> tuple[Format, Carried, Proof]:
    """The same with the proof.

    Raises:
        RequestError: there is none.
    """
    kind, found = carried_by(path)
    if found.proof is None:
        raise RequestError(
            f"{os.fspath(path)}: carries no proof. `keras-recipes export` writes files that do."
        )
    return kind, found, proofs.read(os.fspath(path), found.proof)


def attach(kind: Format, path: Path, parts: Mapping[ProofPart, object]) -> None:
    """Write a proof into a file."""
    _carrier(kind).attach(path, partial(proofs.text, parts))


def _carrier(kind: Format) -> Any:
    """The module of a format: h5py, which takes long to import, only where it is needed."""
    match kind:
        case Format.ONNX:
            from . import onnx_file as carrier
        case Format.LITERT:
            from . import litert_file as carrier
        case Format.SAVED_MODEL:
            from . import saved_model_folder as carrier
        case Format.KERAS:
            from . import keras_file as carrier
        case Format.WEIGHTS:
            from . import weights_file as carrier
    return carrier
