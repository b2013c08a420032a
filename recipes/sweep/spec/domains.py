"""The values a key may take: how each kind is measured from 0 to 1, counted and gone through.

Every kind is measured by a share u from 0 to 1, so that drawing, narrowing and drawing pictures is
one and the same for all of them:

- uniform: min + u (max - min)
- log_uniform: min (max / min)^u
- int, uniform with a step, choice: the values in order, each an equal part of the unit interval;
  `int` with `log` gives each value k the part from log k to log (k + step)
"""

import math
from typing import Any

from .labels import index_of
from .records import Choice, Domain, Fixed, Int, LogUniform, Uniform

# What a person can read and retype; it is much finer than any search.
DIGITS = 6


def from_unit(domain: Domain, u: float) -> Any:
    """The value at a share of the domain.

    >>> from_unit(LogUniform(1e-4, 1.0), 0.5), from_unit(Int(1, 4), 0.99)
    (0.01, 4)
    """
    if isinstance(domain, Fixed):
        return domain.value
    if isinstance(domain, LogUniform):
        return _rounded(domain.min * (domain.max / domain.min) ** u, domain)
    if isinstance(domain, Uniform) and domain.step is None:
        return _rounded(domain.min + u * (domain.max - domain.min), domain)
    if isinstance(domain, Int) and domain.log:
        top = _last(domain) + domain.step
        return nearest(domain, math.floor(domain.min * (top / domain.min) ** u + 1e-9))
    size = count(domain)
    assert size is not None
    return value_at(domain, min(int(u * size), size - 1))


def to_unit(domain: Domain, value: Any) -> float:
    """The share at which a value stands: the middle of its part where the values are counted.

    >>> to_unit(LogUniform(1e-4, 1.0), 0.01), to_unit(Int(1, 4), 4)
    (0.5, 0.875)
    """
    low, high = part_of(domain, value)
    return (low + high) / 2


def part_of(domain: Domain, value: Any) -> tuple[float, float]:
    """The shares that give a value: a single one where the values are not counted."""
    if isinstance(domain, LogUniform):
        share = math.log(value / domain.min) / math.log(domain.max / domain.min)
        return share, share
    if isinstance(domain, Uniform) and domain.step is None:
        share = (value - domain.min) / (domain.max - domain.min)
        return share, share
    if isinstance(domain, Int) and domain.log:
        width = math.log((_last(domain) + domain.step) / domain.min)
        ends = (value / domain.min, (value + domain.step) / domain.min)
        return math.log(ends[0]) / width, math.log(ends[1]) / width
    size, index = count(domain), position(domain, value)
    assert size is not None
    return index / size, (index + 1) / size


def count(domain: Domain) -> int | None:
    """How many values there are; None where they are not counted.

    >>> count(Uniform(0.0, 1.0, 0.1)), count(Int(2, 9, 3)), count(LogUniform(1e-3, 1.0))
    (11, 3, None)
    """
    if isinstance(domain, Fixed):
        return 1
    if isinstance(domain, Choice):
        return len(domain.values)
    if isinstance(domain, Int):
        return (domain.max - domain.min) // domain.step + 1
    if isinstance(domain, Uniform) and domain.step is not None:
        # A tenth is no binary fraction: ten steps of it may fall short of one by a hair.
        return math.floor((domain.max - domain.min) / domain.step + 1e-9) + 1
    return None


def value_at(domain: Domain, index: int) -> Any:
    """One of counted values, from 0."""
    if isinstance(domain, Fixed):
        return domain.value
    if isinstance(domain, Choice):
        return domain.values[index]
    if isinstance(domain, Int):
        return domain.min + index * domain.step
    assert isinstance(domain, Uniform)
    assert domain.step is not None
    return _rounded(domain.min + index * domain.step, domain)


def position(domain: Domain, value: Any) -> int:
    """Index of one of counted values."""
    if isinstance(domain, Choice):
        index = index_of(domain.values, value)
        if index is None:
            raise ValueError(f"Argument `value` must be a choice. Received: value={value!r}")
        return index
    if isinstance(domain, Int):
        return (value - domain.min) // domain.step
    if isinstance(domain, Uniform) and domain.step is not None:
        return round((value - domain.min) / domain.step)
    return 0


def ends(domain: Domain) -> list[Any]:
    """The corners of a domain: the ends of a range, every value of a choice."""
    if isinstance(domain, Choice):
        return list(domain.values)
    size = count(domain)
    if size == 1:
        return [value_at(domain, 0)]
    if size is not None:
        return [value_at(domain, 0), value_at(domain, size - 1)]
    assert isinstance(domain, (Uniform, LogUniform))
    return [domain.min, domain.max]


def middle(domain: Domain) -> Any:
    """A value to stand for the domain: the middle of a range, the first of a choice."""
    return domain.values[0] if isinstance(domain, Choice) else from_unit(domain, 0.5)


def points(domain: Domain, most: int) -> list[Any]:
    """Values spread over the whole domain, both ends among them.

    Every counted value of a choice or of a range with a step is one; a range without takes `most`.

    >>> points(LogUniform(1e-3, 1.0), 4), points(Uniform(0.0, 1.0, 0.5), 2), points(Int(1, 9), 3)
    ([0.001, 0.01, 0.1, 1.0], [0.0, 0.5, 1.0], [1, 5, 9])
    """
    size = count(domain)
    thinned = isinstance(domain, Int) and domain.step == 1
    if size is not None and not (thinned and size > most):
        return [value_at(domain, index) for index in range(size)]
    shares = [index / (most - 1) for index in range(most)]
    if not isinstance(domain, Int):
        return [from_unit(domain, share) for share in shares]
    span = domain.max - domain.min
    raw = [
        domain.min * (domain.max / domain.min) ** share if domain.log else domain.min + share * span
        for share in shares
    ]
    return sorted({round(value) for value in raw})


def nearest(domain: Int, value: int) -> int:
    """The value of a range of whole numbers at or below a number."""
    index = (value - domain.min) // domain.step
    size = count(domain)
    assert size is not None
    return value_at(domain, max(0, min(index, size - 1)))


def _last(domain: Int) -> int:
    return domain.min + (domain.max - domain.min) // domain.step * domain.step


def _rounded(value: float, domain: Uniform | LogUniform) -> float:
    """Six significant digits, and never outside of the range."""
    return min(max(float(f"{value:.{DIGITS}g}"), domain.min), domain.max)
