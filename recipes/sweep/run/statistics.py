"""How certain a mean of a few trainings is, and whether two of them differ by more than noise."""

import math
import statistics
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats


@dataclass(frozen=True)
class Lead:
    """A comparison of two settings, the first of which is ahead.

    Attributes:
        difference: mean of the first less mean of the second.
        probability: of a difference at least as large if both were the same; None where single
            trainings give none.
        test: name of the test.
    """

    difference: float
    probability: float | None
    test: str


def interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float] | None:
    """Student's interval of a mean: mean +- t * s / sqrt(n); None for a single value.

    >>> low, high = interval([1.0, 2.0, 3.0])
    >>> round(low, 4), round(high, 4)
    (-0.4841, 4.4841)
    """
    count = len(values)
    if count < 2:
        return None
    mean = statistics.fmean(values)
    error = statistics.stdev(values) / math.sqrt(count)
    half = float(stats.t.ppf(0.5 + confidence / 2, count - 1)) * error
    return mean - half, mean + half


def compare(first: Sequence[float], second: Sequence[float]) -> Lead:
    """Two settings: Student's paired test where they have the same seeds, Welch's otherwise."""
    difference = statistics.fmean(first) - statistics.fmean(second)
    if min(len(first), len(second)) < 2:
        return Lead(difference, None, "none: one training each")
    found: Any
    with warnings.catch_warnings():
        # Values without any spread make scipy warn; the probability is then 0, or NaN for 1.
        warnings.simplefilter("ignore")
        if len(first) == len(second):
            test, found = "paired t test", stats.ttest_rel(first, second)
        else:
            test, found = "Welch's t test", stats.ttest_ind(first, second, equal_var=False)
    probability = float(found.pvalue)
    return Lead(difference, 1.0 if math.isnan(probability) else probability, test)
