"""Durations carry their unit, and are converted to optimizer updates in one place."""

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Unit = Literal["steps", "epochs", "%"]
TEXT = re.compile(
    r"(?P<amount>[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?|\.[0-9]+)\s*(?P<unit>steps?|epochs?|%)"
)
# Beyond these, a count of optimizer updates would leave 64 bits.
MOST_EPOCHS = 10**9
MOST = {"steps": 10**15, "epochs": MOST_EPOCHS, "%": 100}
EXPECTED = "a duration: `500 steps`, `3 epochs`, `10%` of the run, or a number of optimizer updates"


class NotADuration(ValueError):
    """A value does not have the form of a duration."""


@dataclass(frozen=True)
class Duration:
    """A stretch of a training: optimizer updates, epochs, or percent of the run.

    >>> Duration.parse("10%").to_steps(steps_per_epoch=40, epochs=5)
    20
    """

    amount: float
    unit: Unit

    @classmethod
    def parse(cls, value: object) -> "Duration":
        """Read a duration from a recipe's scalar.

        Raises:
            ValueError: the value is not a duration, is negative, or is more than the whole run.
        """
        if isinstance(value, Duration):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            if value < 0:
                raise ValueError("a duration must not be negative")
            return cls(bounded(value, "steps"), "steps")
        found = TEXT.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            raise NotADuration(f"expected {EXPECTED}")
        amount = float(found["amount"])
        unit: Unit = "%" if found["unit"] == "%" else _plural(found["unit"])
        bounded(amount, unit)
        if unit == "steps" and amount != int(amount):
            raise ValueError("a number of steps must be whole")
        return cls(amount, unit)

    def to_steps(self, steps_per_epoch: int | Fraction, epochs: int) -> int:
        """The duration in optimizer updates, to the nearest one, halves up.

        A duration that is not zero never becomes zero: it is one update at least.

        Args:
            steps_per_epoch: optimizer updates an epoch; a fraction where batches are accumulated.
            epochs: epochs of the run, which percents are taken of.
        """
        if self.unit == "steps":
            return int(self.amount)
        # As a fraction of decimals, so that 5% of 1,000 updates is 50 and not 50.000000000000007.
        amount = Fraction(str(self.amount))
        if self.unit == "epochs":
            exact = amount * steps_per_epoch
        else:
            exact = amount * steps_per_epoch * epochs / 100
        return max(1, math.floor(exact + Fraction(1, 2))) if exact > 0 else 0

    def __str__(self) -> str:
        number = str(int(self.amount) if self.amount == int(self.amount) else self.amount)
        return f"{number}%" if self.unit == "%" else f"{number} {self.unit}"

    def to_yaml(self) -> int | str:
        """The scalar that is read back as this duration."""
        return int(self.amount) if self.unit == "steps" else str(self)


def bounded(amount: float, unit: Unit) -> float:
    """The amount of a duration, unless it is more than any training takes."""
    if amount > MOST[unit]:
        if unit == "%":
            raise ValueError("more than 100% of the run")
        raise ValueError(f"no training takes more than {MOST[unit]} {unit}")
    return amount


def _plural(word: str) -> Unit:
    return "steps" if word.startswith("step") else "epochs"
