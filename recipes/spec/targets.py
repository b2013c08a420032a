"""Kinds of values of the keys that say what targets are, and how a class is decided on."""

from typing import Annotated, Literal

from .fields import Field, Mismatch, is_number
from .nodes import is_dict, is_list
from .wording import listed

Balance = Literal["none", "class_weights", "resample", "focal"]
Maximized = Literal["f1_score", "balanced_accuracy", "youden", "accuracy", "matthews_correlation"]
MAXIMIZED: tuple[str, ...] = (
    "f1_score", "balanced_accuracy", "youden", "accuracy", "matthews_correlation",
)  # fmt: skip
# The threshold of a probability above which a class is decided on, where a recipe names none.
DEFAULT_THRESHOLD = 0.5

EXPECTED_THRESHOLD = (
    "expected a probability between 0 and 1, such as 0.5, or what the validation rows decide it "
    f"by: `{{maximize: f1_score}}`; one of {listed(MAXIMIZED)}."
)


def _threshold(value: object) -> object:
    if is_number(value) and 0 < value < 1:
        return float(value)
    if is_dict(value) and set(value) == {"maximize"} and value["maximize"] in MAXIMIZED:
        return {"maximize": value["maximize"]}
    raise Mismatch(EXPECTED_THRESHOLD)


Threshold = Annotated[
    float | dict[Literal["maximize"], Maximized],
    Field(
        _threshold,
        EXPECTED_THRESHOLD,
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                {
                    "type": "object",
                    "required": ["maximize"],
                    "additionalProperties": False,
                    "properties": {"maximize": {"enum": list(MAXIMIZED)}},
                },
            ]
        },
    ),
]

# A class as a recipe names it.
ClassName = str | int | bool
EXPECTED_CLASSES = (
    "expected a list of at least two different classes in their order, words or whole numbers: "
    "`[Fair, Good, Ideal]`."
)


def _classes(value: object) -> tuple[ClassName, ...] | None:
    if value is None:
        return None
    if not is_list(value) or len(value) < 2:
        raise Mismatch(EXPECTED_CLASSES)
    if not all(isinstance(name, (str, int)) and name != "" for name in value):
        raise Mismatch(EXPECTED_CLASSES)
    if len({str(name) for name in value}) < len(value):
        raise Mismatch(EXPECTED_CLASSES)
    return tuple(value)


Classes = Annotated[
    tuple[ClassName, ...] | None,
    Field(
        _classes,
        EXPECTED_CLASSES,
        {
            "anyOf": [
                {"type": "null"},
                {
                    "type": "array",
                    "minItems": 2,
                    "uniqueItems": True,
                    "items": {"type": ["string", "integer", "boolean"]},
                },
            ]
        },
    ),
]
