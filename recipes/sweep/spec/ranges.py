"""Domains that are ranges of numbers: real ones, by orders of magnitude, or whole ones."""

import math
from dataclasses import dataclass
from typing import Self

from ...spec.nodes import Node
from .domains import Domain
from .kinds import FLAG, NUMBER, POSITIVE, WHOLE, wrong
from .labels import same

# What a person can read and retype; it is much finer than any search.
DIGITS = 6


@dataclass(frozen=True)
class Range(Domain[float]):
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
        return value if self.step is None else self.position(value)

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
        return value if self.step == 1 else self.position(value)

    def decode(self, encoded: float) -> float:
        return int(encoded) if self.step == 1 else super().decode(encoded)
