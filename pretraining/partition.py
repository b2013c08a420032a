"""Estimates of log Z from weights of independent runs, with their errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize, special, stats


@dataclass(frozen=True)
class LogPartition:
    """An estimate of log Z.

    Attributes:
        value: the estimate.
        low, high: log of the mean weight minus and plus three standard errors; `low` is -inf if
            the error is as large as the mean.
        runs: number of runs; 0 for an exact value.
        error: standard error of `value`.

    >>> LogPartition(value=10.0, low=9.5, high=10.4, runs=100).high
    10.4
    """

    value: float
    low: float
    high: float
    runs: int
    error: float = 0.0

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The ends of a confidence interval, by Student's t with `runs - 1` degrees of freedom.

        It holds the exact value as often as it says where the weights have a standard deviation
        below their mean. Where few runs have most of the weight it is too narrow.

        >>> [round(end, 2) for end in LogPartition(10.0, 9.7, 10.3, 100, error=0.1).interval()]
        [9.8, 10.2]
        """
        if not self.runs:
            return self.value, self.value
        reach = self.error * float(stats.t.ppf(0.5 + level / 2, max(self.runs - 1, 1)))
        return self.value - reach, self.value + reach


@dataclass(frozen=True)
class Bracket:
    """log Z from both sides.

    Attributes:
        lower: from the known RBM to the RBM. In the mean over repetitions it lies below log Z.
        upper: from samples of the RBM to the known RBM. In the mean over repetitions it lies
            above log Z, if the samples are the RBM's.
        value: of both together, by Bennett's acceptance ratio.

    >>> exact = LogPartition(3.0, 3.0, 3.0, 0)
    >>> Bracket(exact, exact, exact).gap
    0.0
    """

    lower: LogPartition
    upper: LogPartition
    value: LogPartition

    @property
    def gap(self) -> float:
        """Upper minus lower estimate, in nats."""
        return self.upper.value - self.lower.value

    @property
    def partition(self) -> LogPartition:
        """The value, whose `low` and `high` are the estimates from both sides."""
        low, high = sorted((self.lower.value, self.upper.value))
        return replace(self.value, low=low, high=high)


@dataclass(frozen=True)
class Ratio:
    """log(Z_1 / Z_0), and how much each run moved the estimate.

    Attributes:
        value: the estimate.
        influence: one array for each group of independent runs: the part of the estimate's error
            that is due to each run, to first order.
    """

    value: float
    influence: Sequence[np.ndarray]

    def __add__(self, other: Ratio) -> Ratio:
        """Of Z_2 / Z_0, where both ratios come from the same runs."""
        pairs = zip(self.influence, other.influence, strict=True)
        return Ratio(self.value + other.value, [one + two for one, two in pairs])

    def __neg__(self) -> Ratio:
        return Ratio(-self.value, [-part for part in self.influence])

    def partition(self, known: float) -> LogPartition:
        """log Z_1, where log Z_0 is known."""
        value, squares = known + self.value, 0.0
        for part in self.influence:
            squares += len(part) / (len(part) - 1) * np.square(part - part.mean()).sum()
        error, runs = math.sqrt(squares), min(len(part) for part in self.influence)
        low = value + math.log1p(-3 * error) if 3 * error < 1 else -math.inf
        return LogPartition(value, low, value + math.log1p(3 * error), runs, error)


def mean_weight(logs: np.ndarray) -> Ratio:
    """log(Z_1 / Z_0) as the log of the mean of exp(logs), logs = log p_1(x) / p_0(x), x ~ p_0.

    Args:
        logs: unnormalized log ratios; the first axis is that of independent runs.
    """
    weights = np.exp(logs - logs.max()).reshape(len(logs), -1).mean(1)
    value = logs.max() + np.log(weights.mean())
    return Ratio(float(value), [(weights / weights.mean() - 1) / len(weights)])


def bennett(forward: np.ndarray, reverse: np.ndarray, *, paired: bool = False) -> Ratio:
    """log(Z_1 / Z_0) by Bennett's acceptance ratio (Bennett 1976; Shirts et al. 2003).

    The c for which sum_i sigmoid(f_i - c - m) = sum_i sigmoid(c + m - r_i), m = log(n_f / n_r):
    among estimates from both samples it has the least variance.

    Args:
        forward: f = log p_1(x) / p_0(x), unnormalized, of x ~ p_0; the first axis is that of
            independent runs.
        reverse: r = log p_1(x) / p_0(x) of x ~ p_1.
        paired: whether run i of both is the same run.
    """
    shift = math.log(forward.size / reverse.size)

    def excess(c: float) -> float:
        up, down = special.expit(forward - c - shift), special.expit(c + shift - reverse)
        return float(up.sum() - down.sum())

    ends = min(forward.min(), reverse.min()) - 50, max(forward.max(), reverse.max()) + 50
    c = float(optimize.brentq(excess, *ends, xtol=1e-9))  # type: ignore[arg-type]
    up, down = special.expit(forward - c - shift), special.expit(c + shift - reverse)
    slope = (up * (1 - up)).sum() + (down * (1 - down)).sum()
    groups = [part.reshape(len(part), -1).sum(1) / slope for part in (up, -down)]
    return Ratio(c, [groups[0] + groups[1]] if paired else groups)
