"""An exported file as the source of a recipe: `show` prints it, `train` repeats the run."""

import os
from collections.abc import Mapping

from ..errors import RequestError
from ..spec.loader import parse
from ..spec.nodes import is_dict
from .carriers import read_proof
from .kinds import is_exported
from .proof import ProofPart

Source = str | os.PathLike[str] | Mapping[str, object]


def read_source(source: Source) -> Source:
    """The recipe that an exported file carries, as a mapping; any other source as it is.

    Raises:
        RequestError: the file has no recipe, or not the one that it was exported with.
    """
    if isinstance(source, Mapping) or not is_exported(source):
        return source
    where = os.fspath(source)
    _, carried, proof = read_proof(where)
    if not proof[ProofPart.RECIPE]:
        raise RequestError(f"{where}: was exported without a recipe.")
    if ProofPart.RECIPE in proof.changed(carried.body):
        raise RequestError(f"{where}: its recipe was changed since it was exported.")
    tree = parse(proof[ProofPart.RECIPE], where)
    if not is_dict(tree.value):
        raise RequestError(f"{where}: its recipe is no mapping.")
    return tree.plain()
