"""The named parts of a network that is a graph: `model.parts`."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field as Key
from pydantic import create_model

from .arguments import validated
from .choices import Choice
from .fields import Field, Mismatch, failure, listed
from .layers import Layer
from .nodes import Path, is_list
from .strict import Strict

# Layers that make one tensor of several.
ATTENTION = frozenset({"attention", "additive_attention", "multi_head_attention"})
PAIRS = frozenset({"subtract", "dot"})
ELEMENTWISE = frozenset({"add", "average", "maximum", "minimum", "multiply", "subtract"})
MERGES = frozenset({"concatenate", "dot", *ATTENTION, *ELEMENTWISE})

# Stands for all columns of a table that no part names.
OTHERS = "*"

EXPECTED_FROM = (
    "expected the name of an input or of another part, or a list of names: `from: [title, year]`."
)


def _names(value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not is_list(names) or not names or not all(isinstance(n, str) and n for n in names):
        raise Mismatch(EXPECTED_FROM)
    return tuple(names)


Names = Annotated[
    tuple[str, ...],
    Field(
        _names,
        EXPECTED_FROM,
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "minItems": 1, "items": {"type": "string"}},
            ]
        },
    ),
]


def _merge(value: Any) -> Choice | None:
    if value is None:
        return None
    found = validated("layers", value)
    if found.name not in MERGES:
        raise failure(
            "value",
            f"`{found.name}` does not merge several inputs into one; expected "
            f"{listed(sorted(MERGES))}.",
        )
    return found


# `from` is a word of Python, and no attribute of a class statement.
_FIELDS: dict[str, Any] = {
    "from": (Names, Key(description="the inputs and parts that it takes, by name"))
}
_From = create_model("_From", __base__=Strict, **_FIELDS)


class PartSection(_From):
    """A part of the network: what its layers make of one input, or of several that are merged."""

    merge: Annotated[
        Choice | None,
        Field(
            _merge,
            "expected a layer that merges.",
            {"anyOf": [{"type": "null"}, {"x-choice": "merges"}]},
        ),
    ] = Key(
        None,
        description="a layer that makes one of several; by default `concatenate`. Those of "
        "attention take the query, the value and, if it is another one, the key",
    )
    layers: list[Layer] = Key([], description="its layers in order")
    use: str | None = Key(
        None, min_length=1, description="another part whose layers, with their weights, it has"
    )

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of what it takes, in order."""
        return getattr(self, "from")


def input_names(parts: Mapping[str, PartSection]) -> Iterator[tuple[Path, str]]:
    """Each name in `from` that is no part, with its place."""
    for name, part in parts.items():
        for index, source in enumerate(part.sources):
            if source not in parts:
                yield ("model", "parts", name, "from", index), source
