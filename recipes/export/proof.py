"""What an exported file says of itself, and a digest over each part of it and of the model.

The digests have no key. They find what was changed by accident, or by someone who does not know
them; whoever can write the file can write new digests too.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from ..errors import RequestError, first_line

VERSION = 1
# Keys of the document.
FORMAT, PARTS, DIGESTS, DIGEST, MODEL = "keras_recipes", "parts", "digests", "digest", "model"


class ProofPart(StrEnum):
    """The parts of a proof.

    `RECIPE` is the resolved recipe as YAML, empty without one; `DATA` the run's `data.json`: what
    was learned of columns, classes, target; `RUN` its fingerprints, seed and versions; `METRICS`
    those of the run; `INTERFACE` what goes in and comes out; `CHECK` how the file compares with
    Keras; `VECTORS` some rows and what the file and Keras make of them.
    """

    RECIPE = "recipe"
    DATA = "data"
    RUN = "run"
    METRICS = "metrics"
    INTERFACE = "interface"
    CHECK = "check"
    VECTORS = "vectors"


@dataclass(frozen=True)
class Proof:
    """A proof that was read.

    Attributes:
        parts: name -> what it says.
        digests: SHA-256 of each part and of the model, as the file has them.
        digest: over all digests.
    """

    parts: Mapping[str, Any]
    digests: Mapping[str, str]
    digest: str

    def __getitem__(self, part: ProofPart) -> Any:
        return self.parts[part]

    def changed(self, body: str) -> list[str]:
        """The names of the parts that are not what was exported.

        Args:
            body: SHA-256 of the file without its proof.
        """
        found = {name: digest_of(value) for name, value in self.parts.items()} | {MODEL: body}
        names = [name for name, value in found.items() if self.digests.get(name) != value]
        if digest_of(dict(self.digests)) != self.digest:
            names.append(DIGESTS)
        return names


def text(parts: Mapping[ProofPart, object], body: str) -> bytes:
    """The proof of a file.

    Args:
        body: SHA-256 of the file without it.
    """
    plain: dict[str, object] = {str(name): value for name, value in parts.items()}
    digests = {name: digest_of(value) for name, value in plain.items()} | {MODEL: body}
    document = {FORMAT: VERSION, PARTS: plain, DIGESTS: digests, DIGEST: digest_of(digests)}
    return _canonical(document)


def read(where: str, content: bytes) -> Proof:
    """The proof of a text.

    Raises:
        RequestError: it is none.
    """
    try:
        document = json.loads(content.decode("utf-8"))
        digest_of(document)  # which NaN and deep nesting prevent
    except (ValueError, RecursionError, MemoryError) as error:
        raise RequestError(f"{where}: its proof is no JSON: {first_line(error, 200)}.") from None
    if not isinstance(document, dict) or document.get(FORMAT) != VERSION:
        raise RequestError(
            f"{where}: its proof is of no version that is known; expected {VERSION}."
        )
    parts, digests = document.get(PARTS), document.get(DIGESTS)
    known = {str(part) for part in ProofPart}
    if not isinstance(parts, dict) or set(parts) != known:
        raise RequestError(f"{where}: its proof is damaged: expected parts {sorted(known)}.")
    inner = [name for name in known - {ProofPart.RECIPE} if not isinstance(parts[name], dict)]
    if inner or not isinstance(parts[ProofPart.RECIPE], str) or not isinstance(digests, dict):
        raise RequestError(f"{where}: its proof is damaged: a part is of another type.")
    return Proof(parts, digests, str(document.get(DIGEST)))


def digest_of(value: object) -> str:
    """SHA-256 of a plain value."""
    return sha256(_canonical(value)).hexdigest()


def _canonical(value: object) -> bytes:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode("utf-8", "surrogatepass")
