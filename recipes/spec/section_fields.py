"""Keys of sections whose values have a notation of their own: rows, columns, splits, intervals."""

import re
from typing import Annotated, Literal

from pydantic_core import InitErrorDetails

from .arguments import validated
from .choices import Choice
from .durations import Duration
from .fields import Field, JSONSchema, Mismatch, is_number
from .nodes import is_dict, is_list
from .strict import details, invalid

TIME = re.compile(r"([0-9]+(\.[0-9]+)?) ?(minutes?|seconds?)")
# How a column of a table enters the network, beside the features of the catalog.
COLUMN_WORDS = ("auto", "drop")
SPLIT_KINDS = ("group", "time", "column")
EXPECTED_FEATURES = (
    "expected `auto`, or columns with what each is: "
    "`{'*': auto, Age: numeric, Home: {category: {min_count: 5}}, Id: drop}`."
)
EXPECTED_COLUMNS = "expected the name of a column, or a list of names."
EXPECTED_SPLIT = (
    "expected what decides: `{group: COLUMN}` keeps rows of a group together, `{time: COLUMN}` "
    "validates and tests on the latest rows, `{column: COLUMN}` names the part of each row."
)


def rows(*words: str) -> Field:
    """Some of the rows: a percentage, a fraction, a count, another source, or none."""
    expected = (
        "expected a part of the rows: `15%`, a fraction such as 0.15, a number of rows, "
        "a source such as `csv: {...}`, or null."
    )

    def check(value: object) -> object:
        if value is None or (value in words and isinstance(value, str)):
            return value
        if is_dict(value) or isinstance(value, Choice):
            return validated("sources", value)
        if isinstance(value, str):
            found = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?)\s*%", value.strip())
            value = float(found[1]) / 100 if found else None
        if not is_number(value) or not (value >= 1 if isinstance(value, int) else 0 < value < 1):
            raise Mismatch(expected)
        return value

    number = {"type": "number", "exclusiveMinimum": 0}
    percent = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]*)?\s*%$"}
    options: list[JSONSchema] = [number, percent, {"type": "null"}, {"x-choice": "sources"}]
    if words:
        options.append({"enum": list(words)})
    return Field(check, expected, {"anyOf": options})


def interval() -> Field:
    """How often a checkpoint is written."""
    expected = (
        "expected how often: `auto`, `1 epochs`, `500 steps`, `5 minutes`, `30 seconds`, "
        "or a number of minutes."
    )

    def check(value: object) -> object:
        if value == "auto" or (is_number(value) and 0 < value < 1e6):
            return value
        if isinstance(value, str):
            time = TIME.fullmatch(value.strip())
            if time and float(time[1]) > 0:
                return value.strip()
            return _updates(value)
        raise Mismatch(expected)

    def _updates(value: str) -> str:
        try:
            found = Duration.parse(value)
        except ValueError:
            raise Mismatch(expected) from None
        if found.unit == "%" or found.amount < 1 or found.amount != int(found.amount):
            raise Mismatch(expected)
        # As text: a bare number is one of minutes here.
        return f"{int(found.amount)} {found.unit}"

    words = r"^\s*([0-9]+(\.[0-9]+)? ?(minutes?|seconds?)|[0-9]+\s*(steps?|epochs?))\s*$"
    number = {"type": "number", "exclusiveMinimum": 0}
    schema = {"anyOf": [{"const": "auto"}, number, {"type": "string", "pattern": words}]}
    return Field(check, expected, schema)


def _features(value: object) -> dict[str, Choice | str] | None:
    """Column -> feature, `auto` or `drop`; None where all are inferred."""
    if value is None or value == "auto":
        return None
    if not is_dict(value) or not value:
        raise Mismatch(EXPECTED_FEATURES)
    found: dict[str, Choice | str] = {}
    mistakes: list[InitErrorDetails] = []
    for name, given in value.items():
        try:
            word = isinstance(given, str) and given in COLUMN_WORDS
            found[str(name)] = given if word else validated("features", given)
        except ValueError as error:
            mistakes += details((name,), error)
    if mistakes:
        raise invalid(mistakes)
    return found


Features = Annotated[
    dict[str, Choice | str] | None,
    Field(
        _features,
        EXPECTED_FEATURES,
        {
            "anyOf": [
                {"const": "auto"},
                {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": {
                        "anyOf": [{"enum": list(COLUMN_WORDS)}, {"x-choice": "features"}]
                    },
                },
            ]
        },
    ),
]


def _columns(value: object) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not is_list(names) or not names or not all(isinstance(n, str) and n for n in names):
        raise Mismatch(EXPECTED_COLUMNS)
    return tuple(names)


Columns = Annotated[
    tuple[str, ...],
    Field(
        _columns,
        EXPECTED_COLUMNS,
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    ),
]


def _split_by(value: object) -> dict[str, str] | None:
    if value is None:
        return None
    if not is_dict(value) or len(value) != 1:
        raise Mismatch(EXPECTED_SPLIT)
    kind, column = next(iter(value.items()))
    if kind not in SPLIT_KINDS or not isinstance(column, str) or not column:
        raise Mismatch(EXPECTED_SPLIT)
    return value


SplitBy = Annotated[
    dict[Literal["group", "time", "column"], str] | None,
    Field(
        _split_by,
        EXPECTED_SPLIT,
        {
            "anyOf": [
                {"type": "null"},
                {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": False,
                    "properties": {kind: {"type": "string"} for kind in SPLIT_KINDS},
                },
            ]
        },
    ),
]
