"""Checks of the arguments of schedules, and the names of their kinds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from numbers import Integral
from typing import Any, TypeAlias

import keras

from ..arguments import check_number, invalid, is_number

# A duration in optimizer updates. A recipe may write `500 steps`, `3 epochs` or `10%` for it.
Steps: TypeAlias = int
# A nested schedule; a plain number is accepted too.
Schedule: TypeAlias = keras.optimizers.schedules.LearningRateSchedule
# Rates are computed in 64-bit floats, which represent every integer up to here. The sum of two
# such durations still fits the 64-bit integers that steps are counted in.
MOST_STEPS = 2**53


def check_steps(name: str, value: Any, *, ge: int = 1) -> int:
    """A whole number of optimizer updates, at most `MOST_STEPS`; 100.0 is 100."""
    if not is_number(value):
        raise invalid(name, "a whole number of steps", value)
    if not isinstance(value, Integral) and not float(value).is_integer():
        raise invalid(name, "a whole number", value)
    steps = int(value)
    if steps < ge:
        raise invalid(name, f">= {ge}", steps)
    if steps > MOST_STEPS:
        raise invalid(name, f"<= {MOST_STEPS} (2^53)", steps)
    return steps


def check_rate(name: str, value: object) -> float:
    """A learning rate, >= 0, as a float: integers and floats give the same curve.

    Keras computes `CosineDecay(1, 1000)` with pi = 3 and `ExponentialDecay(1, 10, 0.5)(5)` as 0,
    because an integer rate makes its arithmetic integer.
    """
    return check_number(name, value, ge=0)


def check_boundaries(name: str, values: object) -> list[int]:
    """Strictly increasing steps, the first at least 1."""
    found = [check_steps(f"{name}[{i}]", value) for i, value in enumerate(_listed(name, values))]
    if any(later <= earlier for earlier, later in itertools.pairwise(found)):
        raise ValueError(f"Argument `{name}` must increase strictly. Received: {name}={found}")
    return found


def check_rates(name: str, values: object, count: int, reason: str) -> list[float]:
    """`count` rates, each at least 0; `reason` says why there must be as many."""
    rates = _listed(name, values)
    if len(rates) != count:
        raise ValueError(
            f"Argument `{name}` must have {count} items, {reason}. Received: {name}={list(rates)!r}"
        )
    return [check_rate(f"{name}[{i}]", value) for i, value in enumerate(rates)]


def _listed(name: str, values: object) -> Sequence[object]:
    if not isinstance(values, (list, tuple)):
        raise invalid(name, "a list", values)
    return values
