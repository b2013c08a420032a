"""Checks that every schedule makes of its arguments, and the names of their kinds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, TypeAlias

import keras

# A duration in optimizer updates. A recipe may write `500 steps`, `3 epochs` or `10%` for it.
Steps: TypeAlias = int
# A nested schedule; a plain number is taken too.
Schedule: TypeAlias = keras.optimizers.schedules.LearningRateSchedule
# Rates are computed in 64-bit floats, which represent every whole number up to here. Sums of two
# lengths still fit the 64-bit integers that steps are counted in.
MOST_STEPS = 2**53


def number(
    name: str,
    value: Any,
    *,
    gt: float | None = None,
    ge: float | None = None,
    le: float | None = None,
    lt: float | None = None,
) -> float:
    """A finite number within bounds, as a float: integers give the same curve as floats.

    Keras computes `CosineDecay(1, 1000)` with pi = 3 and `ExponentialDecay(1, 10, 0.5)(5)` as 0,
    because an integer rate makes its arithmetic integer.
    """
    if not is_number(value):
        raise ValueError(f"Argument `{name}` must be a number. Received: {name}={value!r}")
    if not is_finite(value):
        raise ValueError(f"Argument `{name}` must be finite. Received: {name}={shown(value)}")
    if gt is not None and not value > gt:
        raise ValueError(f"Argument `{name}` must be > {gt:g}. Received: {name}={value}")
    if ge is not None and not value >= ge:
        raise ValueError(f"Argument `{name}` must be >= {ge:g}. Received: {name}={value}")
    if le is not None and not value <= le:
        raise ValueError(f"Argument `{name}` must be <= {le:g}. Received: {name}={value}")
    if lt is not None and not value < lt:
        raise ValueError(f"Argument `{name}` must be < {lt:g}. Received: {name}={value}")
    return float(value)


def steps(name: str, value: Any, *, ge: int = 1) -> int:
    """A whole number of optimizer updates, at most `MOST_STEPS`; 100.0 is 100."""
    if not is_number(value):
        raise ValueError(
            f"Argument `{name}` must be a whole number of steps. Received: {name}={value!r}"
        )
    if not isinstance(value, Integral) and not float(value).is_integer():
        raise ValueError(f"Argument `{name}` must be a whole number. Received: {name}={value}")
    whole = int(value)
    if whole < ge:
        raise ValueError(f"Argument `{name}` must be >= {ge}. Received: {name}={shown(whole)}")
    if whole > MOST_STEPS:
        raise ValueError(
            f"Argument `{name}` must be <= {MOST_STEPS} (2^53). Received: {name}={shown(whole)}"
        )
    return whole


def is_number(value: Any) -> bool:
    """Whether a value is a real number, of Python or of NumPy; a bool is none.

    >>> import numpy as np
    >>> [is_number(value) for value in (1, np.int64(1), np.float32(0.5), True, np.True_, "1")]
    [True, True, True, False, False, False]
    """
    return isinstance(value, Real) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Whether a number is one that a 64-bit float can hold; 10^400 is not."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def shown(value: Any) -> str:
    """A number for a message: of a very long one, how long it is."""
    if isinstance(value, Integral) and abs(int(value)) >= 10**30:
        digits = int(int(value).bit_length() * math.log10(2)) + 1
        return f"a whole number of about {digits} digits"
    return str(value)


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"Argument `{name}` must be True or False. Received: {name}={value!r}")
    return value


def one_of(name: str, value: Any, choices: Sequence[str]) -> str:
    """One of a few words."""
    if value not in choices:
        raise ValueError(
            f"Argument `{name}` must be one of {', '.join(choices)}. Received: {name}={value!r}"
        )
    return value


def boundaries(name: str, values: Any) -> list[int]:
    """Strictly increasing steps, the first at least 1."""
    if isinstance(values, str) or not isinstance(values, (list, tuple)):
        raise ValueError(f"Argument `{name}` must be a list. Received: {name}={values!r}")
    found = [steps(f"{name}[{index}]", value) for index, value in enumerate(values)]
    if any(later <= earlier for earlier, later in itertools.pairwise(found)):
        raise ValueError(f"Argument `{name}` must increase strictly. Received: {name}={found}")
    return found


def rates(name: str, values: Any, count: int, reason: str) -> list[float]:
    """`count` rates, each at least 0."""
    if isinstance(values, str) or not isinstance(values, (list, tuple)):
        raise ValueError(f"Argument `{name}` must be a list. Received: {name}={values!r}")
    if len(values) != count:
        raise ValueError(
            f"Argument `{name}` must have {count} items, {reason}. "
            f"Received: {name}={list(values)!r}"
        )
    return [number(f"{name}[{index}]", value, ge=0) for index, value in enumerate(values)]
