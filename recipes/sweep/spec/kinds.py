"""How a domain is written in a sweep's file: its arguments, read and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ...spec.fields import Field, Mismatch, boolean, number, where
from ...spec.nodes import Node, Place, is_list
from ...spec.wording import did_you_mean, listed, shown


def _whole(value: object) -> int:
    """Whole numbers that a float holds exactly, as logarithms are taken of them."""
    if type(value) is not int or abs(value) >= 2**53:
        raise Mismatch("expected a whole number.")
    return value


def _number(value: object) -> float:
    return float(number().check(value))


NUMBER = Field(_number, "expected a number.", {"type": "number"})
POSITIVE = replace(NUMBER, schema={"type": "number", "exclusiveMinimum": 0})
FLAG = boolean()
WHOLE = Field(_whole, "expected a whole number.", {"type": "integer"})
LIST = where(is_list, "expected a list.", {"type": "array"})
ITEMS = replace(LIST, schema={"type": "array", "minItems": 1})


class DomainError(ValueError):
    """What is wrong with a domain: the place and the message of each mistake."""

    def __init__(self, *mistakes: tuple[Place, str]):
        super().__init__(*mistakes)
        self.mistakes = mistakes


@dataclass(frozen=True)
class ChoiceNodes:
    """The values of a choice, as nodes that may hold domains themselves."""

    nodes: tuple[Node, ...]
    ordered: bool = False


class DomainKind:
    """How one kind of domain is written in a sweep's file.

    Attributes:
        meaning: what it is, for the JSON Schema.
        arguments: name of each argument -> what it holds.
        required: the arguments that must be given.
    """

    meaning: ClassVar[str]
    arguments: ClassVar[Mapping[str, Field]] = {}
    required: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def schema(cls) -> dict[str, object]:
        """JSON Schema of the arguments."""
        return {
            "type": "object",
            "required": list(cls.required),
            "additionalProperties": False,
            "properties": {name: field.schema for name, field in cls.arguments.items()},
        }

    @classmethod
    def is_body(cls, value: object) -> bool:
        """Whether the value of a node looks like the arguments, rather than a part of a recipe."""
        return isinstance(value, dict) and bool(cls.required) and cls.required[0] in value

    @classmethod
    def checked(cls, node: Node) -> dict[str, Any]:
        """The arguments in a node, each of its type; lists and mappings hold nodes."""
        if not isinstance(node.value, dict):
            needs = ", ".join(f"{key}: ..." for key in cls.required)
            raise wrong(node, f"expected `{{{needs}}}`. Received {shown(node.plain())}.")
        found: dict[str, Any] = {}
        mistakes: list[tuple[Place, str]] = []
        for key, child in node.value.items():
            if key not in cls.arguments:
                hint = did_you_mean(key, cls.arguments) or f" There are {listed(cls.arguments)}."
                place = child.key_place or child.place
                mistakes.append((place, f"there is no argument `{key}` here.{hint}"))
                continue
            try:
                found[key] = cls.arguments[key].check(child.value)
            except Mismatch as error:
                message = f"`{key}`: {error} Received {shown(child.plain())}."
                mistakes.append((child.place, message))
        missing = [key for key in cls.required if key not in node.value]
        if missing:
            mistakes.append((node.place, f"needs {listed(missing)}."))
        if mistakes:
            raise DomainError(*mistakes)
        return found


def wrong(node: Node, message: str) -> DomainError:
    """The error for one mistake, at a node."""
    return DomainError((node.place, message))
