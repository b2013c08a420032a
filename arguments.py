"""Constructor arguments: their checks, which raise `ValueError` with the name, and their saving."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Self, TypeAlias, TypeGuard, TypeVar

# A duration in optimizer updates. A recipe may write `500 steps`, `3 epochs` or `10%` for it.
Steps: TypeAlias = int
# No count of updates comes near, and 65,536 times a seed still fits the 64 bits of a random key.
MAX_STEPS = 2**47 - 1

T = TypeVar("T")


def check_number(
    name: str,
    value: object,
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


def check_positive(name: str, value: object) -> float:
    """A finite number > 0, as a float."""
    if is_number(value) and not (is_finite(value) and value > 0):
        raise invalid(name, "> 0 and finite", value)
    return check_number(name, value)


def check_fraction(name: str, value: object) -> float:
    """A number from 0 to 1, both included, as a float."""
    return check_number(name, value, ge=0, le=1)


def check_between(name: str, value: object, low: float, high: float) -> float:
    """A number between two bounds, both excluded, as a float."""
    number = check_number(name, value)
    if not low < number < high:
        raise invalid(name, f"between {low:g} and {high:g}, both excluded", value)
    return number


def check_int(name: str, value: object, *, ge: int | None = None, le: int | None = None) -> int:
    """An integer of Python or NumPy within bounds, as an int; neither a bool nor 2.0 is one."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise invalid(name, "a whole number", value)
    _check_bounds(name, int(value), None, ge, None, le)
    return int(value)


def check_steps(name: str, value: object, *, ge: int = 0) -> int:
    """A whole number from `ge`, small enough for a count of updates."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < ge:
        raise invalid(name, f"a whole number >= {ge}", value)
    if int(value) > MAX_STEPS:
        raise invalid(name, "< 2^47", value)
    return int(value)


def check_bool(name: str, value: object) -> bool:
    """True or False, and not 1 or 0."""
    if not isinstance(value, bool):
        raise invalid(name, "True or False", value)
    return value


def check_str(name: str, value: object) -> str:
    """A string that is not empty."""
    if not isinstance(value, str) or not value:
        raise invalid(name, "a non-empty string", value)
    return value


def check_pattern(name: str, pattern: Any) -> str:
    """A regular expression, as text."""
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ValueError(
            f"Argument `{name}` is not a regular expression: {error}. Received: {pattern!r}"
        ) from None
    return pattern


def check_patterns(name: str, patterns: object) -> list[str]:
    """A list of regular expressions."""
    if isinstance(patterns, str) or not isinstance(patterns, Sequence):
        raise invalid(name, "a list of regular expressions", patterns)
    return [check_pattern(name, pattern) for pattern in patterns]


def check_choice(name: str, value: Any, choices: Sequence[T]) -> T:
    """One of the given values."""
    if value not in choices:
        raise invalid(name, f"one of {', '.join(map(str, choices))}", value)
    return value


def check_instance(name: str, value: object, cls: type[T]) -> T:
    """An object of a class."""
    if not isinstance(value, cls):
        raise invalid(name, f"a `{cls.__name__}`", value)
    return value


def optional(check: Callable[..., T], name: str, value: object, **bounds: object) -> T | None:
    """None, or what the check returns.

    >>> optional(check_int, "every", None, ge=1)
    """
    return None if value is None else check(name, value, **bounds)


def from_mapping(name: str, value: T | Mapping[str, object], cls: type[T]) -> T:
    """An object of `cls` from itself, or from its arguments by name."""
    if isinstance(value, cls):
        return value
    if not isinstance(value, Mapping):
        raise invalid(name, f"a `{cls.__name__}` or its arguments by name", value)
    try:
        return cls(**value)
    except TypeError as error:
        message = str(error).replace(f"{cls.__name__}.__init__()", f"`{name}`")
        raise ValueError(f"{message}. Received: {name}={dict(value)!r}") from None


def from_value(name: str, value: object, cls: type[T], first: str) -> T | None:
    """None, or an object of `cls` from itself, from its first argument, or from all by name.

    This is how a recipe writes `z_score: 2.5` and `z_score: {threshold: 2.5, alpha: 0.97}`.
    """
    if value is None:
        return None
    plain = not isinstance(value, (cls, Mapping))
    return from_mapping(name, {first: value} if plain else value, cls)


def from_list(name: str, values: Sequence[T | Mapping[str, object]], cls: type[T]) -> tuple[T, ...]:
    """Objects of `cls` from a list of them, or of their arguments by name."""
    if isinstance(values, (str, Mapping)) or not isinstance(values, Sequence):
        raise invalid(name, "a list", values)
    return tuple(from_mapping(f"{name}[{index}]", value, cls) for index, value in enumerate(values))


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a real number of Python or NumPy; a bool is not.

    >>> import numpy as np
    >>> [is_number(value) for value in (1, np.int64(1), np.float32(0.5), True, np.True_, "1")]
    [True, True, True, False, False, False]
    """
    return isinstance(value, Real) and not isinstance(value, bool)


def is_finite(value: float) -> bool:
    """Whether a 64-bit float can hold a number; 10^400 is too large."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def invalid(name: str, requirement: str, value: object) -> ValueError:
    """The error of an argument, to be raised.

    >>> str(invalid("units", ">= 1", 0))
    'Argument `units` must be >= 1. Received: units=0'
    """
    return ValueError(f"Argument `{name}` must be {requirement}. Received: {name}={shown(value)}")


def shown(value: object) -> str:
    """A value for a message. Python refuses to print integers of thousands of digits."""
    if isinstance(value, Integral) and abs(int(value)) >= 10**30:
        digits = int(int(value).bit_length() * math.log10(2)) + 1
        return f"a whole number of about {digits} digits"
    return str(value) if is_number(value) else repr(value)


def _check_bounds(
    name: str,
    value: float,
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


class Configurable:
    """An object that Keras saves by the arguments of its constructor, each of them an attribute."""

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            name: _plain(getattr(self, name)) for name in inspect.signature(type(self)).parameters
        }

    @classmethod
    def from_config(cls, config: dict[str, object]) -> Self:
        """The object that `get_config` described."""
        return cls(**config)


def _plain(value: object) -> Any:
    """An argument as JSON holds it."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.get_config() if isinstance(value, Configurable) else value
