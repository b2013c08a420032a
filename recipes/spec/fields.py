"""Kinds of values a key may hold: each checks a value, says what it expects, and has a schema."""

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, LiteralString, NamedTuple, NoReturn, TypeGuard

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from .durations import EXPECTED, Duration, NotADuration
from .nodes import is_dict, is_list
from .wording import did_you_mean, listed, shown

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
MOST_NAME = 80
# A schema, or a part of one, as `json` writes it.
JSONSchema = dict[str, Any]


class Bound(NamedTuple):
    """A bound on numbers: its sign, its test, and its name in a JSON Schema."""

    sign: str
    holds: Callable[[float, float], bool]
    schema: str


BOUNDS = {
    "gt": Bound(">", operator.gt, "exclusiveMinimum"),
    "ge": Bound(">=", operator.ge, "minimum"),
    "lt": Bound("<", operator.lt, "exclusiveMaximum"),
    "le": Bound("<=", operator.le, "maximum"),
}


class Mismatch(ValueError):
    """A value is not what a key expects; `hint` says what may have been meant."""

    def __init__(self, wrong: str, hint: str = ""):
        super().__init__(wrong)
        self.hint = hint


@dataclass(frozen=True, eq=False)  # types are compared by identity
class Field:
    """One kind of value. `Annotated[T, field]` is a `T` that pydantic validates by it.

    Attributes:
        check: returns the value as the recipe keeps it, or raises `Mismatch`.
        expected: what belongs here, in words.
        schema: its JSON Schema.
    """

    check: Callable[[object], Any]
    expected: str
    schema: JSONSchema

    @property
    def annotation(self) -> Any:
        """The kind as a type, where only a running program knows which it is."""
        return Annotated[Any, self]

    def validate(self, value: object) -> Any:
        """The checked value, or an error of pydantic."""
        try:
            return self.check(value)
        except Mismatch as error:
            raise failure("value", str(error), received=value, hint=error.hint) from None

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(
        self, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JSONSchema:
        # pydantic adds the default of a key to what it gets.
        return {**self.schema}


# Stands for no value: null is one.
NOTHING_RECEIVED = object()


def failure(
    kind: LiteralString, wrong: str, *, received: object = NOTHING_RECEIVED, hint: str = ""
) -> PydanticCustomError:
    """A pydantic error in words of our own, which becomes a `Problem`.

    Args:
        kind: a `ProblemCode`, or any other word.
        wrong: what was expected, or what is wrong.
        received: the value, where the message is to show it.
        hint: what may have been meant.
    """
    value = None if received is NOTHING_RECEIVED else shown(received)
    context = {"wrong": wrong, "received": value, "hint": hint.strip()}
    return PydanticCustomError(kind, "{wrong}", context)


def where(holds: Callable[[object], bool], expected: str, schema: JSONSchema) -> Field:
    """The values of which `holds` is true, kept as they are."""

    def check(value: object) -> object:
        if not holds(value):
            raise Mismatch(expected)
        return value

    return Field(check, expected, schema)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is a number; true and false are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def number(**bounds: float) -> Field:
    """A finite number within bounds `gt`, `ge`, `lt`, `le`; true and false are not numbers."""
    # An integer too large for a float is as useless here as infinity.
    return _bounded("a number", "number", (int, float), 10**300, bounds)


def integer(**bounds: int) -> Field:
    """A whole number within bounds `gt`, `ge`, `lt`, `le`."""
    return _bounded("a whole number", "integer", (int,), 2**62, bounds)


def _bounded(
    noun: str, schema_type: str, types: tuple[type, ...], most: int, bounds: Mapping[str, float]
) -> Field:
    limits = [(BOUNDS[name], limit) for name, limit in bounds.items()]
    words = " and ".join(f"{bound.sign} {limit}" for bound, limit in limits)

    def holds(value: object) -> bool:
        if not isinstance(value, types) or not is_number(value):
            return False
        # `abs` of infinity or of NaN is not within the bound either.
        return abs(value) <= most and all(bound.holds(value, limit) for bound, limit in limits)

    schema = {"type": schema_type, **{bound.schema: limit for bound, limit in limits}}
    return where(holds, f"expected {noun}{' ' if words else ''}{words}.", schema)


def count_or(word: str) -> Field:
    """A whole number from 1, or a word."""
    return where(
        lambda value: value == word or (type(value) is int and 1 <= value < 2**31),
        f"expected a whole number from 1, or `{word}`.",
        {"anyOf": [{"type": "integer", "minimum": 1}, {"const": word}]},
    )


def text() -> Field:
    """A string."""
    return where(lambda value: type(value) is str, "expected text.", {"type": "string"})


def plain_name() -> Field:
    """A name that is valid in a file name too."""
    return where(
        lambda value: (
            isinstance(value, str) and NAME.fullmatch(value) is not None and len(value) <= MOST_NAME
        ),
        "expected a name of lowercase letters, digits, `_`, `-` and `.`.",
        {"type": "string", "pattern": f"^{NAME.pattern}$"},
    )


def boolean() -> Field:
    """true or false."""
    return where(lambda value: type(value) is bool, "expected true or false.", {"type": "boolean"})


def nothing() -> Field:
    """null."""
    return where(lambda value: value is None, "expected null.", {"type": "null"})


def one_key(properties: JSONSchema) -> JSONSchema:
    """The JSON Schema of a mapping with one of these keys."""
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": properties,
    }


def regular_expressions(value: object, expected: str) -> list[str]:
    """One regular expression, or a list of at least one, as a list.

    Raises:
        Mismatch: it is something else, which `expected` says, or none that Python reads.
    """
    given: list[object] = list(value) if is_list(value) else [value]
    found = [pattern for pattern in given if isinstance(pattern, str) and pattern]
    if not found or len(found) < len(given):
        raise Mismatch(expected)
    for pattern in found:
        try:
            re.compile(pattern)
        except re.error as error:
            raise Mismatch(f"is no regular expression: {error}.") from None
    return found


def one_of(*values: object) -> Field:
    """One of a few given values."""
    expected = f"expected {listed(values)}."

    def check(value: object) -> object:
        for known in values:
            if type(value) is type(known) and value == known:
                return value
        raise Mismatch(expected, did_you_mean(value, values))

    return Field(check, expected, {"enum": list(values)})


def duration(*, positive: bool = False) -> Field:
    """A duration with its unit; `positive` refuses zero."""

    def check(value: object) -> Duration:
        try:
            found = Duration.parse(value)
        except NotADuration:
            raise Mismatch(f"expected {EXPECTED}.") from None
        except ValueError as error:
            raise Mismatch(f"{error}; expected {EXPECTED}.") from None
        if positive and found.amount == 0:
            raise Mismatch(f"must be longer than zero; expected {EXPECTED}.")
        return found

    pattern = r"^\s*([0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?|\.[0-9]+)\s*(steps?|epochs?|%)\s*$"
    schema = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": pattern}]}
    return Field(check, f"expected {EXPECTED}.", schema)


def list_of(item: Field, *, least: int = 0) -> Field:
    """A list of one kind of value."""
    expected = f"expected a list; of each item: {item.expected}"

    def check(value: object) -> list[object]:
        if not is_list(value) or len(value) < least:
            raise Mismatch(expected if not least else f"{expected} At least {least} of them.")
        return [item.check(element) for element in value]

    return Field(check, expected, {"type": "array", "items": item.schema, "minItems": least})


def either(*fields: Field) -> Field:
    """The first kind that a value fits."""
    words = [field.expected.removeprefix("expected ").rstrip(".") for field in fields]
    expected = f"expected {', or '.join(words)}."

    def check(value: object) -> object:
        for field in fields:
            try:
                return field.check(value)
            except Mismatch:
                continue
        raise Mismatch(expected)

    return Field(check, expected, {"anyOf": [field.schema for field in fields]})


def plain() -> Field:
    """A scalar or lists of scalars: never a mapping, which Keras might build an object from."""
    expected = "expected a number, text, true, false, null, or a list of such."

    def check(value: object) -> object:
        if is_list(value):
            return [check(item) for item in value]
        if is_dict(value) or (isinstance(value, float) and not math.isfinite(value)):
            raise Mismatch(expected)
        if isinstance(value, int) and abs(value) >= 2**63:
            raise Mismatch(f"{expected} Numbers have 64 bits.")
        return value

    types = ["number", "string", "boolean", "null", "array"]
    return Field(check, expected, {"type": types})


def refused(why: str) -> Field:
    """A key that exists in Keras and is set elsewhere in a recipe."""

    def check(value: object) -> NoReturn:
        raise Mismatch(why)

    return Field(check, why, {"not": {}, "description": why})
