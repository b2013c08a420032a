"""The values a key may take: one class for each kind of domain.

Every kind is measured by a number u from 0 to 1, so that drawing values, narrowing ranges and
plotting are the same for all of them:

- uniform: min + u (max - min)
- log_uniform: min (max / min)^u
- int, uniform with a step, choice: the values in order, each an equal part of the unit interval;
  `int` with `log` gives each value k the part from log k to log (k + step)
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from ...spec.fields import shown
from ...spec.nodes import Node
from .kinds import FLAG, ITEMS, NUMBER, POSITIVE, WHOLE, DomainError, Kind, Options, wrong
from .labels import index_of, labels, same, short

# What a person can read and retype; it is much finer than any search.
DIGITS = 6
MOST_VALUES = 1000


class Domain(Kind):
    """The values a key may take, measured, counted and enumerated.

    The methods here are those of a domain whose values are counted.

    Attributes:
        searched: whether a search chooses the value.
    """

    searched: ClassVar[bool] = True

    @classmethod
    def read(cls, node: Node) -> "Domain | Options":
        """The domain whose arguments a node holds.

        Raises:
            DomainError: with every mistake in them.
        """
        raise NotImplementedError

    @property
    def count(self) -> int | None:
        """How many values there are; None where they are not counted.

        >>> Uniform(0.0, 1.0, 0.1).count, Int(2, 9, 3).count, LogUniform(1e-3, 1.0).count
        (11, 3, None)
        """
        raise NotImplementedError

    def value_at(self, index: int) -> Any:
        """One of the counted values, from 0."""
        raise NotImplementedError

    def position(self, value: Any) -> int:
        """Index of one of the counted values."""
        raise NotImplementedError

    def from_unit(self, u: float) -> Any:
        """The value at a point of the unit interval.

        >>> LogUniform(1e-4, 1.0).from_unit(0.5), Int(1, 4).from_unit(0.99)
        (0.01, 4)
        """
        count = self.count or 1
        return self.value_at(min(int(u * count), count - 1))

    def interval(self, value: Any) -> tuple[float, float]:
        """The part of the unit interval that gives a value: a point if values are not counted."""
        count, index = self.count or 1, self.position(value)
        return index / count, (index + 1) / count

    def to_unit(self, value: object) -> float:
        """The middle of the part of the unit interval that gives a value.

        >>> LogUniform(1e-4, 1.0).to_unit(0.01), Int(1, 4).to_unit(4)
        (0.5, 0.875)
        """
        return sum(self.interval(value)) / 2

    def corners(self) -> list[Any]:
        """The ends of a range, or every value of a choice."""
        return [self.value_at(index) for index in sorted({0, (self.count or 1) - 1})]

    @property
    def middle(self) -> Any:
        """A value to represent the domain: the middle of a range, the first of a choice."""
        return self.from_unit(0.5)

    def points(self, most: int) -> list[Any]:
        """Values spread over the whole domain, both ends included.

        Every value of a choice or of a range with a step is one; a range without takes `most`.

        >>> LogUniform(1e-3, 1.0).points(4), Uniform(0.0, 1.0, 0.5).points(2), Int(1, 9).points(3)
        ([0.001, 0.01, 0.1, 1.0], [0.0, 0.5, 1.0], [1, 5, 9])
        """
        return [self.value_at(index) for index in range(self.count or 0)]

    def encode(self, value: Any) -> Any:
        """A value as a number or text, all that keras-tuner stores: the index if it is counted."""
        return self.position(value)

    def decode(self, encoded: Any) -> Any:
        """The value that was encoded."""
        return self.value_at(int(encoded))

    def named(self, word: object) -> list[Any]:
        """The values that a word of a condition means: equal ones, else those of that name."""
        return [word] if self.count is not None and word in self else []

    def names(self) -> list[str]:
        """Words for the values, for a message."""
        return [shown(self.value_at(0)), "..."]

    def __contains__(self, value: object) -> bool:
        """Whether a value is one of the domain's."""
        raise NotImplementedError


@dataclass(frozen=True)
class Range(Domain):
    """Numbers from `min` to `max`: any of them, or with `step` those that are steps from `min`."""

    min: float
    max: float
    step: float | None = None
    log: bool = False

    required = ("min", "max")

    @classmethod
    def read(cls, node: Node) -> Self:
        made = cls(**cls.checked(node))
        low, high = (node.value[key].value for key in ("min", "max"))
        if made.log and made.min <= 0:
            message = f"`min`: zero and less have no logarithm. Received {low}."
            raise wrong(node.value["min"], message)
        if made.min >= made.max:
            what = "is empty" if low > high else "has only one value; use `fixed` for that"
            raise wrong(node, f"the range {what}: expected min < max. Received {low} and {high}.")
        if made.step is not None and not 0 < made.step <= made.max - made.min:
            message = f"`step`: expected more than 0 and at most {made.max - made.min:g}."
            given = node.value["step"]
            raise wrong(given, f"{message} Received {given.value}.")
        return made

    @property
    def count(self) -> int | None:
        if self.step is None:
            return None
        # A tenth is no binary fraction: ten steps of it may fall short of one by a hair.
        return math.floor((self.max - self.min) / self.step + 1e-9) + 1

    def value_at(self, index: int) -> float:
        return self._rounded(self.min + index * (self.step or 0.0))

    def position(self, value: float) -> int:
        return round((value - self.min) / self.step) if self.step else 0

    def from_unit(self, u: float) -> float:
        return self._rounded(self._between(u)) if self.step is None else super().from_unit(u)

    def interval(self, value: float) -> tuple[float, float]:
        if self.step is not None:
            return super().interval(value)
        if self.log:
            u = math.log(value / self.min) / math.log(self.max / self.min)
        else:
            u = (value - self.min) / (self.max - self.min)
        return u, u

    def corners(self) -> list[float]:
        return [self.min, self.max] if self.step is None else super().corners()

    def points(self, most: int) -> list[float]:
        if self.step is not None:
            return super().points(most)
        return [self.from_unit(index / (most - 1)) for index in range(most)]

    def encode(self, value: float) -> float:
        return value if self.step is None else super().encode(value)

    def decode(self, encoded: float) -> float:
        # Some oracles give seventeen digits.
        return self._rounded(encoded) if self.step is None else super().decode(encoded)

    def __contains__(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        low, *_, high = self.corners()
        if not low <= value <= high:
            return False
        return self.step is None or same(self.value_at(self.position(value)), value)

    def _between(self, u: float) -> float:
        """The number at u on the scale of the range."""
        if self.log:
            return self.min * (self.max / self.min) ** u
        return self.min + u * (self.max - self.min)

    def _rounded(self, value: float) -> float:
        """Six significant digits, and never outside of the range."""
        return min(max(float(f"{value:.{DIGITS}g}"), self.min), self.max)


@dataclass(frozen=True)
class Uniform(Range):
    """A number from `min` to `max`, all equally likely; with `step`, `min` and each step up."""

    meaning = "a number of a range, every one equally likely"
    arguments = {"min": NUMBER, "max": NUMBER, "step": NUMBER}  # noqa: RUF012


@dataclass(frozen=True)
class LogUniform(Range):
    """A number from `min` to `max`, every order of magnitude equally likely."""

    log: bool = True

    meaning = "a number of a range, every order of magnitude equally likely"
    arguments = {"min": POSITIVE, "max": POSITIVE}  # noqa: RUF012


@dataclass(frozen=True)
class Int(Range):
    """A whole number from `min` to `max`, both included; with `log`, by orders of magnitude."""

    min: int
    max: int
    step: int = 1
    log: bool = False

    meaning = "a whole number of a range, both ends included"
    arguments = {"min": WHOLE, "max": WHOLE, "step": WHOLE, "log": FLAG}  # noqa: RUF012

    @property
    def count(self) -> int:
        return (self.max - self.min) // self.step + 1

    def value_at(self, index: int) -> int:
        return self.min + index * self.step

    def position(self, value: float) -> int:
        return int((value - self.min) // self.step)

    def from_unit(self, u: float) -> float:
        if not self.log:
            return super().from_unit(u)
        value = math.floor(self.min * (self._end / self.min) ** u + 1e-9)
        return self.value_at(max(0, min(self.position(value), self.count - 1)))

    def interval(self, value: float) -> tuple[float, float]:
        if not self.log:
            return super().interval(value)
        width = math.log(self._end / self.min)
        return math.log(value / self.min) / width, math.log((value + self.step) / self.min) / width

    @property
    def _end(self) -> int:
        """The first step after the last value."""
        return self.value_at(self.count)

    def points(self, most: int) -> list[float]:
        if self.step != 1 or self.count <= most:
            return super().points(most)
        return sorted({round(self._between(index / (most - 1))) for index in range(most)})

    def encode(self, value: float) -> float:
        return value if self.step == 1 else super().encode(value)

    def decode(self, encoded: float) -> float:
        return int(encoded) if self.step == 1 else super().decode(encoded)


@dataclass(frozen=True)
class Choice(Domain):
    """One of some values, which may be whole parts of a recipe.

    Attributes:
        values: what is chosen from; plain data, mappings and lists among them.
        ordered: whether neighbours in the list are close to each other.
    """

    values: tuple[Any, ...]
    ordered: bool = False

    meaning = "one of some values, which may be whole parts of a recipe"
    arguments = {"values": ITEMS, "ordered": FLAG}  # noqa: RUF012
    required = ("values",)

    @classmethod
    def read(cls, node: Node) -> Options:
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
        return Options(tuple(values.value), ordered)

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {"anyOf": [ITEMS.schema, super().schema()]}

    @classmethod
    def is_body(cls, value: object) -> bool:
        return isinstance(value, list) or super().is_body(value)

    @property
    def count(self) -> int:
        return len(self.values)

    def value_at(self, index: int) -> Any:
        return self.values[index]

    def position(self, value: Any) -> int:
        index = index_of(self.values, value)
        if index is None:
            raise ValueError(f"Argument `value` must be a choice. Received: value={value!r}")
        return index

    def label(self, value: object) -> str:
        """The short word for a value, different for each: what tables and pictures show."""
        return self.names()[self.position(value)]

    def corners(self) -> list[Any]:
        return list(self.values)

    @property
    def middle(self) -> Any:
        return self.values[0]

    def encode(self, value: Any) -> str:
        return self.label(value)

    def decode(self, encoded: str) -> Any:
        return self.values[self.names().index(encoded)]

    def named(self, word: object) -> list[Any]:
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
class Fixed(Domain):
    """One value, given to every trial in which the parameter is active."""

    value: Any

    meaning = "one value, for use with `when`"
    searched = False

    @classmethod
    def read(cls, node: Node) -> "Fixed":
        return cls(node.plain())

    @classmethod
    def schema(cls) -> dict[str, Any]:
        return {}

    @property
    def count(self) -> int:
        return 1

    def value_at(self, index: int) -> Any:
        return self.value

    def position(self, value: Any) -> int:
        return 0

    def named(self, word: object) -> list[Any]:
        by_name = isinstance(self.value, dict) and short(self.value) == word
        return [self.value] if by_name or word in self else []

    def __contains__(self, value: object) -> bool:
        return same(self.value, value)
