"""How sure a mean of a few trainings is, and whether two of them differ by more than noise."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

# Halvings of an interval until it is as narrow as a float can tell.
HALVINGS = 200
TINY = 1e-300


@dataclass(frozen=True)
class Summary:
    """Mean of some values, and the interval that holds the true mean with 95 % confidence.

    Attributes:
        count: number of values.
        mean: their mean.
        deviation: standard deviation of one value; None for a single one.
        low: lower end of the interval; None for a single value.
        high: upper end.
    """

    count: int
    mean: float
    deviation: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Lead:
    """A comparison of two settings, the first of which is ahead.

    Attributes:
        difference: mean of the first less mean of the second.
        probability: of a difference at least as large were both the same; None where it cannot be
            told.
        test: name of the test.
    """

    difference: float
    probability: float | None
    test: str


def summary(values: Sequence[float], confidence: float = 0.95) -> Summary:
    """Mean and Student's interval: mean +- t * s / sqrt(n).

    >>> summary([1.0, 2.0, 3.0]).mean
    2.0
    """
    count = len(values)
    mean = math.fsum(values) / count
    if count < 2:
        return Summary(count, mean)
    deviation = statistics.stdev(values)
    reach = t_quantile(0.5 + confidence / 2, count - 1) * deviation / math.sqrt(count)
    return Summary(count, mean, deviation, mean - reach, mean + reach)


def paired(first: Sequence[float], second: Sequence[float]) -> Lead:
    """Two settings trained with the same seeds: Student's test of the differences."""
    differences = [one - other for one, other in zip(first, second, strict=True)]
    mean = math.fsum(differences) / len(differences)
    if len(differences) < 2:
        return Lead(mean, None, "none: one training each")
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    name = "paired t test"
    if error == 0:
        return Lead(mean, 1.0 if mean == 0 else 0.0, name)
    return Lead(mean, two_sided(mean / error, len(differences) - 1), name)


def welch(first: Sequence[float], second: Sequence[float]) -> Lead:
    """Two settings with unlike numbers of trainings: Welch's test, variances unequal.

    Degrees of freedom (a + b)^2 / (a^2 / (n - 1) + b^2 / (m - 1)), with a and b the squared errors
    of the two means (Welch 1947).
    """
    difference = statistics.fmean(first) - statistics.fmean(second)
    if min(len(first), len(second)) < 2:
        return Lead(difference, None, "none: one training each")
    a = statistics.variance(first) / len(first)
    b = statistics.variance(second) / len(second)
    name = "Welch's t test"
    if a + b == 0:
        return Lead(difference, 1.0 if difference == 0 else 0.0, name)
    freedom = (a + b) ** 2 / (a**2 / (len(first) - 1) + b**2 / (len(second) - 1))
    return Lead(difference, two_sided(difference / math.sqrt(a + b), freedom), name)


def two_sided(t: float, freedom: float) -> float:
    """Probability of a Student's t at least as far from 0."""
    return incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5)


def t_quantile(share: float, freedom: float) -> float:
    """The t below which a share > 1/2 of Student's distribution lies, by bisection.

    >>> round(t_quantile(0.975, 4), 4)
    2.7764
    """
    low, high = 0.0, 1.0
    while two_sided(high, freedom) / 2 > 1 - share:
        high *= 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided(middle, freedom) / 2 > 1 - share else (low, middle)
    return (low + high) / 2


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function I_x(a, b).

    By its continued fraction (Abramowitz & Stegun 26.5.8), from the side where it converges fast.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(1 - x, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(scale + a * math.log(x) + b * math.log1p(-x)) / a
    # Lentz's evaluation: the value as a product of ratios of successive convergents.
    value, c, d = 1.0, 1.0, 0.0
    for step in range(HALVINGS):
        d = 1 / _away(1 + _term(step, x, a, b) * d)
        c = _away(1 + _term(step, x, a, b) / c)
        value *= c * d
        if step and abs(c * d - 1) < 1e-15:
            break
    return front * (value - 1)


def _term(step: int, x: float, a: float, b: float) -> float:
    """Coefficient of the continued fraction; the first one starts it."""
    if step == 0:
        return 1.0
    half = step // 2
    if step % 2 == 0:
        return half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
    return -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))


def _away(value: float) -> float:
    return value if abs(value) > TINY else TINY
