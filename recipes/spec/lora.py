"""`model.lora`: thin matrices that are trained in place of the weights they are added to."""

from typing import Annotated

from pydantic import Field as Key

from .fields import Field, regular_expressions
from .strict import MOST, Count, Strict

EXPECTED = "expected a regular expression for the paths of layers, or a list of them."


def _patterns(value: object) -> list[str]:
    return regular_expressions(value, EXPECTED)


class LoraSection(Strict):
    """Adapters of the backbone, or of all layers but the last."""

    rank: Count = Key(description="numbers between the two matrices of an adapter")
    layers: Annotated[
        list[str],
        Field(
            _patterns,
            EXPECTED,
            {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        ),
    ] = Key(
        ["."],
        description="dense, einsum-dense and embedding layers that get one: regular expressions "
        "for their paths; by default all",
    )
    alpha: float | None = Key(
        None, gt=0, le=MOST, description="adapters are added alpha / rank times; by default once"
    )
