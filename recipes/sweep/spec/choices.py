"""Domains that list their values: a choice of several, and one that is fixed."""

import math
from dataclasses import dataclass

from ...spec.nodes import Node
from ...spec.wording import shown
from .domains import Domain
from .kinds import FLAG, ITEMS, ChoiceNodes, DomainError, wrong
from .labels import index_of, labels, same, short

MOST_VALUES = 1000


@dataclass(frozen=True)
class Choice(Domain[object]):
    """One of some values, which may be whole parts of a recipe.

    Attributes:
        values: what is chosen from; plain data, mappings and lists among them.
        ordered: whether neighbours in the list are close to each other.
    """

    values: tuple[object, ...]
    ordered: bool = False

    meaning = "one of some values, which may be whole parts of a recipe"
    arguments = {"values": ITEMS, "ordered": FLAG}  # noqa: RUF012
    required = ("values",)

    @classmethod
    def read(cls, node: Node) -> ChoiceNodes:
        ordered, values = False, node
        if isinstance(node.value, dict):
            ordered = cls.checked(node).get("ordered", False)
            values = node.value["values"]
        if not isinstance(values.value, list) or not 1 <= len(values.value) <= MOST_VALUES:
            expected = f"expected a list of 1 to {MOST_VALUES} values."
            raise wrong(values, f"{expected} Received {shown(values.plain())}.")
        mistakes = [
            (child.place, f"expected a finite number. Received {child.value}.")
            for child in values.value
            if isinstance(child.value, float) and not math.isfinite(child.value)
        ]
        if mistakes:
            raise DomainError(*mistakes)
        return ChoiceNodes(tuple(values.value), ordered)

    @classmethod
    def schema(cls) -> dict[str, object]:
        return {"anyOf": [ITEMS.schema, super().schema()]}

    @classmethod
    def is_body(cls, value: object) -> bool:
        return isinstance(value, list) or super().is_body(value)

    @property
    def count(self) -> int:
        return len(self.values)

    def value_at(self, index: int) -> object:
        return self.values[index]

    def position(self, value: object) -> int:
        index = index_of(self.values, value)
        if index is None:
            raise ValueError(f"Argument `value` must be a choice. Received: value={value!r}")
        return index

    def label(self, value: object) -> str:
        """The short word for a value, different for each: what tables and pictures show."""
        return self.names()[self.position(value)]

    def corners(self) -> list[object]:
        return list(self.values)

    @property
    def middle(self) -> object:
        return self.values[0]

    def encode(self, value: object) -> str:
        return self.label(value)

    def decode(self, encoded: str) -> object:
        return self.values[self.names().index(encoded)]

    def named(self, word: object) -> list[object]:
        equal = [value for value in self.values if same(value, word)]
        return equal or [
            value
            for value, label in zip(self.values, self.names(), strict=True)
            if isinstance(word, str) and isinstance(value, (dict, list))
            if word in (label, short(value))
        ]

    def names(self) -> list[str]:
        return labels(self.values)

    def __contains__(self, value: object) -> bool:
        return index_of(self.values, value) is not None


@dataclass(frozen=True)
class Fixed(Domain[object]):
    """One value, given to every trial in which the parameter is active."""

    value: object

    meaning = "one value, for use with `when`"
    searched = False

    @classmethod
    def read(cls, node: Node) -> "Fixed":
        return cls(node.plain())

    @classmethod
    def schema(cls) -> dict[str, object]:
        return {}

    @property
    def count(self) -> int:
        return 1

    def value_at(self, index: int) -> object:
        return self.value

    def position(self, value: object) -> int:
        return 0

    def named(self, word: object) -> list[object]:
        by_name = isinstance(self.value, dict) and short(self.value) == word
        return [self.value] if by_name or word in self else []

    def __contains__(self, value: object) -> bool:
        return same(self.value, value)
