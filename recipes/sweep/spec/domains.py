"""The values a key may take, whatever kind of domain they are.

Every kind is measured by a number u from 0 to 1, so that drawing values, narrowing ranges and
plotting are the same for all of them:

- uniform: min + u (max - min)
- log_uniform: min (max / min)^u
- int, uniform with a step, choice: the values in order, each an equal part of the unit interval;
  `int` with `log` gives each value k the part from log k to log (k + step)
"""

from typing import Any, ClassVar, Generic, TypeVar

from ...spec.nodes import Node
from ...spec.wording import shown
from .kinds import ChoiceNodes, DomainKind

V = TypeVar("V")


class Domain(DomainKind, Generic[V]):
    """The values a key may take, measured, counted and enumerated.

    The methods here are those of a domain whose values are counted.

    Attributes:
        searched: whether a search chooses the value.
    """

    searched: ClassVar[bool] = True

    @classmethod
    def read(cls, node: Node) -> "Domain[V] | ChoiceNodes":
        """The domain whose arguments a node holds.

        Raises:
            DomainError: with every mistake in them.
        """
        raise NotImplementedError

    @property
    def count(self) -> int | None:
        """How many values there are; None where they are not counted.

        >>> from .ranges import Int, LogUniform, Uniform
        >>> Uniform(0.0, 1.0, 0.1).count, Int(2, 9, 3).count, LogUniform(1e-3, 1.0).count
        (11, 3, None)
        """
        raise NotImplementedError

    def value_at(self, index: int) -> V:
        """One of the counted values, from 0."""
        raise NotImplementedError

    def position(self, value: V) -> int:
        """Index of one of the counted values."""
        raise NotImplementedError

    def from_unit(self, u: float) -> V:
        """The value at a point of the unit interval.

        >>> from .ranges import Int, LogUniform
        >>> LogUniform(1e-4, 1.0).from_unit(0.5), Int(1, 4).from_unit(0.99)
        (0.01, 4)
        """
        count = self.count or 1
        return self.value_at(min(int(u * count), count - 1))

    def interval(self, value: V) -> tuple[float, float]:
        """The part of the unit interval that gives a value: a point if values are not counted."""
        count, index = self.count or 1, self.position(value)
        return index / count, (index + 1) / count

    def to_unit(self, value: V) -> float:
        """The middle of the part of the unit interval that gives a value.

        >>> from .ranges import Int, LogUniform
        >>> LogUniform(1e-4, 1.0).to_unit(0.01), Int(1, 4).to_unit(4)
        (0.5, 0.875)
        """
        return sum(self.interval(value)) / 2

    def corners(self) -> list[V]:
        """The ends of a range, or every value of a choice."""
        return [self.value_at(index) for index in sorted({0, (self.count or 1) - 1})]

    @property
    def middle(self) -> V:
        """A value to represent the domain: the middle of a range, the first of a choice."""
        return self.from_unit(0.5)

    def points(self, most: int) -> list[V]:
        """Values spread over the whole domain, both ends included.

        Every value of a choice or of a range with a step is one; a range without takes `most`.

        >>> from .ranges import Int, LogUniform, Uniform
        >>> LogUniform(1e-3, 1.0).points(4), Uniform(0.0, 1.0, 0.5).points(2), Int(1, 9).points(3)
        ([0.001, 0.01, 0.1, 1.0], [0.0, 0.5, 1.0], [1, 5, 9])
        """
        return [self.value_at(index) for index in range(self.count or 0)]

    def encode(self, value: V) -> float | str:
        """A value as a number or text, all that keras-tuner stores: the index if it is counted."""
        return self.position(value)

    def decode(self, encoded: Any) -> V:
        """The value that was encoded."""
        return self.value_at(int(encoded))

    def named(self, word: object) -> list[object]:
        """The values that a word of a condition means: equal ones, else those of that name."""
        return [word] if self.count is not None and word in self else []

    def names(self) -> list[str]:
        """Words for the values, for a message."""
        return [shown(self.value_at(0)), "..."]

    def __contains__(self, value: object) -> bool:
        """Whether a value is one of the domain's."""
        raise NotImplementedError
