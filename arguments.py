"""Checks of constructor arguments: each returns the value, or raises `ValueError` with its name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, TypeVar

T = TypeVar("T")


def check_number(
    name: str,
    value: Any,
    *,
    gt: float | None = None,
    ge: float | None = None,
    lt: float | None = None,
    le: float | None = None,
) -> float:
    """A finite number within bounds, as a float; neither a bool nor a string is a number.

    >>> check_number("alpha", 1, ge=0, le=1)
    1.0
    """
    if not is_number(value):
        raise invalid(name, "a number", value)
    if not is_finite(value):
        raise invalid(name, "finite", value)
    _check_bounds(name, value, gt, ge, lt, le)
    return float(value)


def check_positive(name: str, value: Any) -> float:
    """A finite number > 0, as a float."""
    if is_number(value) and not (is_finite(value) and value > 0):
        raise invalid(name, "> 0 and finite", value)
    return check_number(name, value)


def check_fraction(name: str, value: Any) -> float:
    """A number from 0 to 1, both included, as a float."""
    return check_number(name, value, ge=0, le=1)


def check_between(name: str, value: Any, low: float, high: float) -> float:
    """A number between two bounds, both excluded, as a float."""
    number = check_number(name, value)
    if not low < number < high:
        raise invalid(name, f"between {low:g} and {high:g}, both excluded", value)
    return number


def check_int(name: str, value: Any, *, ge: int | None = None, le: int | None = None) -> int:
    """An integer of Python or NumPy within bounds, as an int; neither a bool nor 2.0 is one."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise invalid(name, "a whole number", value)
    _check_bounds(name, value, None, ge, None, le)
    return int(value)


def check_bool(name: str, value: Any) -> bool:
    """True or False, and not 1 or 0."""
    if not isinstance(value, bool):
        raise invalid(name, "True or False", value)
    return value


def check_str(name: str, value: Any) -> str:
    """A string that is not empty."""
    if not isinstance(value, str) or not value:
        raise invalid(name, "a non-empty string", value)
    return value


def check_choice(name: str, value: Any, choices: Sequence[T]) -> T:
    """One of the given values."""
    if value not in choices:
        raise invalid(name, f"one of {', '.join(map(str, choices))}", value)
    return value


def optional(check: Callable[..., T], name: str, value: Any, **bounds: Any) -> T | None:
    """None, or what the check returns.

    >>> optional(check_int, "every", None, ge=1)
    """
    return None if value is None else check(name, value, **bounds)


def is_number(value: Any) -> bool:
    """Whether a value is a real number of Python or NumPy; a bool is not.

    >>> import numpy as np
    >>> [is_number(value) for value in (1, np.int64(1), np.float32(0.5), True, np.True_, "1")]
    [True, True, True, False, False, False]
    """
    return isinstance(value, Real) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Whether a 64-bit float can hold a number; 10^400 is too large."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def invalid(name: str, requirement: str, value: Any) -> ValueError:
    """The error of an argument, to be raised.

    >>> str(invalid("units", ">= 1", 0))
    'Argument `units` must be >= 1. Received: units=0'
    """
    return ValueError(f"Argument `{name}` must be {requirement}. Received: {name}={shown(value)}")


def shown(value: Any) -> str:
    """A value for a message. Python refuses to print integers of thousands of digits."""
    if isinstance(value, Integral) and abs(int(value)) >= 10**30:
        digits = int(int(value).bit_length() * math.log10(2)) + 1
        return f"a whole number of about {digits} digits"
    return str(value) if is_number(value) else repr(value)


def _check_bounds(
    name: str,
    value: Any,
    gt: float | None,
    ge: float | None,
    lt: float | None,
    le: float | None,
) -> None:
    if gt is not None and not value > gt:
        raise invalid(name, f"> {gt:g}", value)
    if ge is not None and not value >= ge:
        raise invalid(name, f">= {ge:g}", value)
    if lt is not None and not value < lt:
        raise invalid(name, f"< {lt:g}", value)
    if le is not None and not value <= le:
        raise invalid(name, f"<= {le:g}", value)
