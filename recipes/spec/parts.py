"""The named parts of a network that is a graph: `model.parts`."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field as Key
from pydantic import create_model

from .arguments import choice, validated
from .choices import Choice
from .fields import Field, Mismatch, failure, is_number
from .layers import Layer
from .nodes import Path, is_list
from .strict import Strict
from .targets import DEFAULT_THRESHOLD, Balance, Classes, Threshold
from .wording import listed

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


def _names(value: object) -> tuple[str, ...]:
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


def _merge(value: object) -> Choice | None:
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


EXPECTED_WEIGHT = "expected a number >= 0, a schedule of it, or `learned`."
LEARNED = "learned"


def _weight(value: object) -> float | Choice | str:
    if value == LEARNED:
        return LEARNED
    if is_number(value):
        if not 0 <= value < 1e300:
            raise Mismatch(EXPECTED_WEIGHT)
        return float(value)
    return validated("schedules", value)


Weight = Annotated[
    float | Choice | Literal["learned"],
    Field(
        _weight,
        EXPECTED_WEIGHT,
        {
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"const": LEARNED},
                {"x-choice": "schedules"},
            ]
        },
    ),
]
_OUTPUT_FIELDS: dict[str, Any] = {
    "from": (
        str | None,
        Key(
            None,
            min_length=1,
            description="the part that it follows; by default the end of the network",
        ),
    )
}
_FromPart = create_model("_FromPart", __base__=Strict, **_OUTPUT_FIELDS)


def _columns(value: object) -> tuple[str, ...] | None:
    return None if value is None else _names(value)


class OutputSection(_FromPart):
    """One of several outputs: the end of the network for its own targets, and its loss."""

    target: Annotated[
        tuple[str, ...] | None,
        Field(
            _columns,
            "expected the name of a target, or a list of names.",
            {
                "anyOf": [
                    {"type": ["string", "null"]},
                    {"type": "array", "minItems": 1, "items": {"type": "string"}},
                ]
            },
        ),
    ] = Key(
        None,
        description="columns of `data.target` that it predicts; by default the one of its name",
    )
    task: Literal["auto", "classification", "ordinal", "multilabel", "regression", "count"] = Key(
        "auto", description="what these targets are, as in `data.task`"
    )
    classes: Classes = Key(None, description="the classes in their order, as in `data.classes`")
    target_scale: Literal["auto", "standardize", "none"] = Key(
        "auto", description="learn standardized targets, as in `data.target_scale`"
    )
    balance: Balance = Key(
        "none",
        description="weighs rare classes of its targets, as `data.balance`; `resample` draws rows, "
        "which the outputs share, and is refused",
    )
    threshold: Threshold = Key(
        DEFAULT_THRESHOLD, description="what decides on its classes, as in `data.threshold`"
    )
    layers: list[Layer] = Key([], description="layers of its own, before its last one")
    output: Annotated[Choice, choice("layers")] | None = Key(
        None, description="its last layer; by default a dense one that fits the task"
    )
    loss: Annotated[Choice, choice("losses")] | None = Key(
        None, description="by default the one that fits the task"
    )
    weight: Weight = Key(
        1.0,
        description="of its loss in the sum: a number, a schedule by optimizer update, or "
        "`learned`, exp(-s) L + s with a trained s (Kendall et al. 2018)",
    )
    metrics: list[Annotated[Choice, choice("metrics")]] | None = Key(
        None, description="by default those that fit the task"
    )

    @property
    def source(self) -> str | None:
        """The part that it follows; None for the end of the network."""
        return getattr(self, "from")

    def targets(self, name: str) -> tuple[str, ...]:
        """The columns that it predicts.

        Args:
            name: its own.
        """
        return (name,) if self.target is None else self.target


def input_names(parts: Mapping[str, PartSection]) -> Iterator[tuple[Path, str]]:
    """Each name in `from` that is no part, with its place."""
    for name, part in parts.items():
        for index, source in enumerate(part.sources):
            if source not in parts:
                yield ("model", "parts", name, "from", index), source
