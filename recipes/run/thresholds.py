"""The probability above which a class is decided on, chosen by its score on some rows."""

from collections.abc import Callable

import numpy as np

# Counts at each threshold: true and false positives, and all positive and negative rows.
Score = Callable[[np.ndarray, np.ndarray, int, int], np.ndarray]


def best_threshold(y: np.ndarray, probabilities: np.ndarray, maximize: str) -> float:
    """The threshold t for which deciding `probability > t` scores best.

    The candidates are all thresholds that differ on the rows: the midpoints between neighbouring
    probabilities, one above all of them and one below. Of those that score equally well, the one
    closest to 0.5 is returned.

    Args:
        y: 0 or 1 for each row, both among them.
        probabilities: of 1 (rows,).
        maximize: a name of `SCORES`.

    >>> best_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4]), "accuracy")
    0.25
    """
    p = np.asarray(probabilities, "float64")
    order = np.argsort(-p, kind="stable")
    values, positive = p[order], np.asarray(y)[order] == 1
    # One cut after each run of equal probabilities: they are decided on together.
    cuts = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
    true = np.append(0, np.cumsum(positive)[cuts])
    false = np.append(0, cuts + 1) - true
    # Below 0, so that a probability of 0 is above the lowest threshold.
    edges = np.concatenate([[1.0], values[cuts], [-1e-9]])
    thresholds = (edges[:-1] + edges[1:]) / 2
    scores = SCORES[maximize](true, false, int(positive.sum()), int((~positive).sum()))
    best = np.flatnonzero(scores == scores.max())
    return float(thresholds[best[np.argmin(np.abs(thresholds[best] - 0.5))]])


def f1_score(true: np.ndarray, false: np.ndarray, positive: int, negative: int) -> np.ndarray:
    """2 TP / (2 TP + FP + FN)."""
    return 2 * true / np.maximum(true + false + positive, 1)


def youden(true: np.ndarray, false: np.ndarray, positive: int, negative: int) -> np.ndarray:
    """Youden's J (1950): sensitivity + specificity - 1."""
    return true / max(positive, 1) - false / max(negative, 1)


def accuracy(true: np.ndarray, false: np.ndarray, positive: int, negative: int) -> np.ndarray:
    """(TP + TN) / rows."""
    return (true + negative - false) / (positive + negative)


def matthews(true: np.ndarray, false: np.ndarray, positive: int, negative: int) -> np.ndarray:
    """Matthews's correlation (1975) of truth and decision; 0 where all decisions are the same."""
    decided, rows = true + false, positive + negative
    spread = np.sqrt(
        decided.astype("float64") * (rows - decided) * float(positive) * float(negative)
    )
    covariance = true * float(negative) - false * float(positive)
    return np.divide(covariance, spread, out=np.zeros_like(spread), where=spread > 0)


SCORES: dict[str, Score] = {
    "f1_score": f1_score,
    # Balanced accuracy is (J + 1) / 2.
    "balanced_accuracy": youden,
    "youden": youden,
    "accuracy": accuracy,
    "matthews_correlation": matthews,
}
