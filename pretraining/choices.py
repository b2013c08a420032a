"""Arguments that name one of several parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def made(name: str, value: Any, table: Mapping[str, Any], base: type) -> Any:
    """Units from their name, or as they are."""
    if isinstance(value, str):
        if value not in table:
            raise ValueError(
                f"Argument `{name}` must be one of {', '.join(table)}. Received: {name}={value!r}"
            )
        try:
            return table[value]()
        except TypeError:
            raise ValueError(
                f"Argument `{name}` needs arguments for {value!r}; give a {table[value].__name__}."
            ) from None
    return instance(name, value, base)


def instance(name: str, value: Any, base: type) -> Any:
    if not isinstance(value, base):
        raise ValueError(
            f"Argument `{name}` must be a `{base.__name__}`. Received: {name}={value!r}"
        )
    return value
