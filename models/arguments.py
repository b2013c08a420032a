"""Checks that the constructors of this room share."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, TypeVar

# A duration in optimizer updates.
Steps = int
# No count of updates comes near, and 65,536 times a seed still fits the 64 bits of a key.
MOST_STEPS = 2**47 - 1

Made = TypeVar("Made")


def number(name: str, value: Any) -> float:
    """A finite number as a float; neither a bool nor a text."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"Argument `{name}` must be a number. Received: {name}={value!r}")
    if not _finite(value):
        raise ValueError(f"Argument `{name}` must be finite. Received: {name}={_shown(value)}")
    return float(value)


def positive(name: str, value: Any) -> float:
    """A finite number > 0 as a float."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"Argument `{name}` must be a number > 0. Received: {name}={value!r}")
    if not _finite(value) or value <= 0:
        raise ValueError(
            f"Argument `{name}` must be > 0 and finite. Received: {name}={_shown(value)}"
        )
    return float(value)


def positive_or_none(name: str, value: Any) -> float | None:
    """A finite number > 0 as a float, or None."""
    return None if value is None else positive(name, value)


def between(name: str, value: Any, low: float, high: float) -> float:
    """A number strictly between two bounds, as a float."""
    made = number(name, value)
    if not low < made < high:
        raise ValueError(
            f"Argument `{name}` must be between {low:g} and {high:g}, without them. "
            f"Received: {name}={value}"
        )
    return made


def whole(name: str, value: Any, least: int) -> int:
    """A whole number that is not below `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(
            f"Argument `{name}` must be a whole number >= {least}. Received: {name}={_shown(value)}"
        )
    if int(value) > MOST_STEPS:
        raise ValueError(f"Argument `{name}` must be < 2^47. Received: {name}={_shown(value)}")
    return int(value)


def _finite(value: Any) -> bool:
    """Whether a number is one that a 64-bit float can hold."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _shown(value: Any) -> str:
    """A value for a message; Python writes no number of thousands of digits."""
    too_long = isinstance(value, Integral) and abs(int(value)) >= 10**30
    return f"a whole number of {int(value).bit_length()} bits" if too_long else repr(value)


def flag(name: str, value: Any) -> bool:
    """True or False, and no number instead."""
    if not isinstance(value, bool):
        raise ValueError(f"Argument `{name}` must be true or false. Received: {name}={value!r}")
    return value


def one_of(name: str, value: Any, names: tuple[str, ...]) -> str:
    """One of some words."""
    if not isinstance(value, str) or value not in names:
        raise ValueError(
            f"Argument `{name}` must be one of {', '.join(names)}. Received: {name}={value!r}"
        )
    return value


def expression(name: str, pattern: Any) -> str:
    """A regular expression, as text."""
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ValueError(
            f"Argument `{name}` holds no regular expression: {error}. Received: {pattern!r}"
        ) from None
    return pattern


def made(name: str, value: Any, cls: type[Made], first: str) -> Made | None:
    """An object of `cls` from itself, from its first argument, or from its arguments by name.

    This is how a recipe writes `z_score: 2.5` and `z_score: {threshold: 2.5, alpha: 0.97}`.
    """
    if value is None or isinstance(value, cls):
        return value
    if not isinstance(value, Mapping):
        return cls(**{first: value})
    try:
        return cls(**value)
    except TypeError as error:
        message = str(error).replace(f"{cls.__name__}.__init__()", f"`{name}`")
        raise ValueError(f"{message}. Received: {name}={dict(value)!r}") from None
