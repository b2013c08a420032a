"""Constructor arguments of the training parts: their checks, and how they are saved."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, Self, TypeAlias, TypeVar

from ..arguments import invalid

# A duration in optimizer updates. A recipe may write `500 steps`, `3 epochs` or `10%` for it.
Steps: TypeAlias = int
# No count of updates comes near, and 65,536 times a seed still fits the 64 bits of a random key.
MAX_STEPS = 2**47 - 1

T = TypeVar("T")


class Configurable:
    """An object that Keras saves by the arguments of its constructor, each of them an attribute."""

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            name: _plain(getattr(self, name)) for name in inspect.signature(type(self)).parameters
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The object that `get_config` described."""
        return cls(**config)


def _plain(value: Any) -> Any:
    """An argument as JSON holds it."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.get_config() if isinstance(value, Configurable) else value


def check_steps(name: str, value: Any, *, ge: int = 0) -> int:
    """A whole number from `ge`, small enough for a count of updates."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < ge:
        raise invalid(name, f"a whole number >= {ge}", value)
    if int(value) > MAX_STEPS:
        raise invalid(name, "< 2^47", value)
    return int(value)


def check_pattern(name: str, pattern: Any) -> str:
    """A regular expression, as text."""
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ValueError(
            f"Argument `{name}` is not a regular expression: {error}. Received: {pattern!r}"
        ) from None
    return pattern


def check_patterns(name: str, patterns: Any) -> list[str]:
    """A list of regular expressions."""
    if isinstance(patterns, str) or not isinstance(patterns, Sequence):
        raise invalid(name, "a list of regular expressions", patterns)
    return [check_pattern(name, pattern) for pattern in patterns]


def from_mapping(name: str, value: T | Mapping[str, Any], cls: type[T]) -> T:
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


def from_value(name: str, value: Any, cls: type[T], first: str) -> T | None:
    """None, or an object of `cls` from itself, from its first argument, or from all by name.

    This is how a recipe writes `z_score: 2.5` and `z_score: {threshold: 2.5, alpha: 0.97}`.
    """
    if value is None:
        return None
    plain = not isinstance(value, (cls, Mapping))
    return from_mapping(name, {first: value} if plain else value, cls)


def from_list(name: str, values: Sequence[T | Mapping[str, Any]], cls: type[T]) -> tuple[T, ...]:
    """Objects of `cls` from a list of them, or of their arguments by name."""
    if isinstance(values, (str, Mapping)) or not isinstance(values, Sequence):
        raise invalid(name, "a list", values)
    return tuple(from_mapping(f"{name}[{index}]", value, cls) for index, value in enumerate(values))
