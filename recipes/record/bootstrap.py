"""Intervals by the bootstrap (Efron 1979): means over rows that are drawn with replacement."""

from collections.abc import Sequence
from typing import Any

import numpy as np

# Percentiles of a 95 % interval.
ENDS = (2.5, 97.5)
RESAMPLES = 1000
# Rows that are drawn in all: with many rows, fewer resamples suffice.
MOST_DRAWS = 10_000_000
FEWEST = 200


def means(values: np.ndarray, seed: int = 0) -> np.ndarray:
    """Means of resamples (resamples, columns) of values (columns, rows).

    Each resample is the same for all columns, so that their differences are paired.
    """
    count = values.shape[1]
    rng: Any = np.random.default_rng(seed)
    resamples = max(FEWEST, min(RESAMPLES, MOST_DRAWS // max(count, 1)))
    found = np.empty((resamples, len(values)))
    for index in range(resamples):
        chosen: np.ndarray = rng.integers(0, count, count)
        times = np.bincount(chosen, minlength=count)
        found[index] = values @ times / count
    return found


def interval(values: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of the mean of values (rows,), by percentiles.

    >>> interval(np.ones(10))
    (1.0, 1.0)
    """
    drawn = means(np.asarray(values, "float64")[None], seed)[:, 0]
    low, high = np.percentile(drawn, ENDS)
    return float(low), float(high)


def paired(
    first: np.ndarray, others: np.ndarray, seed: int = 0
) -> list[tuple[float, float, float]]:
    """Mean difference of each of the others minus the first, of the same rows, and its interval.

    Args:
        first: (rows,).
        others: (others, rows).

    >>> paired(np.zeros(10), np.ones((1, 10)))
    [(1.0, 1.0, 1.0)]
    """
    differences = np.asarray(others, "float64") - np.asarray(first, "float64")
    ends = np.percentile(means(differences, seed), ENDS, axis=0)
    return [
        (float(difference.mean()), float(low), float(high))
        for difference, low, high in zip(differences, *ends, strict=True)
    ]


def recall_and_precision(
    confusion: Sequence[Sequence[int]], seed: int = 0
) -> list[dict[str, tuple[float, float, float] | None]]:
    """Recall and precision of each class with 95 % intervals, from a table of confusion.

    The table counts rows by true and by decided class. Rows that are drawn with replacement fall
    into its cells as a multinomial variable does, so that it is all that is needed. None where a
    class has no rows.
    """
    counts = np.asarray(confusion, "int64")
    total = int(counts.sum())
    if not total:
        return [{"recall": None, "precision": None} for _ in counts]
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(total, counts.ravel() / total, RESAMPLES)
    drawn = drawn.reshape(-1, *counts.shape)
    found: list[dict[str, tuple[float, float, float] | None]] = []
    for index in range(len(counts)):
        right = drawn[:, index, index]
        each: dict[str, tuple[float, float, float] | None] = {}
        for name, whole, all_drawn in (
            ("recall", counts[index].sum(), drawn[:, index].sum(axis=1)),
            ("precision", counts[:, index].sum(), drawn[:, :, index].sum(axis=1)),
        ):
            if not whole:
                each[name] = None
                continue
            shares = right[all_drawn > 0] / all_drawn[all_drawn > 0]
            low, high = np.percentile(shares, ENDS)
            each[name] = float(counts[index, index] / whole), float(low), float(high)
        found.append(each)
    return found
