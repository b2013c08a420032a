"""Columns that predict the target alone, or that differ between training and test rows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import stats
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ..spec.tasks import NUMBERS
from .cell_types import floats, is_text, words
from .data_finding import FEW_ROWS, Columns, DataFinding, scalar_columns
from .frame import plain
from .infer import NAMES_ROWS
from .loaded import Data

# Rows that are looked at for leaks and drift; more change no verdict.
MOST_ROWS = 20_000
# A single column that explains this much of the target, as no column honestly does.
LEAK = 0.98
# How far two distributions may be apart: the largest difference of their cumulative fractions.
DRIFT, DRIFT_PROBABILITY = 0.15, 1e-4
FOLDS = 3


def leaks(data: Data, columns: Columns) -> Iterator[DataFinding]:
    """Columns that predict the target alone, by a small tree on held-out training rows."""
    rows = sampled(len(data.train))
    y = data.train.y[rows]
    if y.ndim != 1 or len(y) < 3 * FEW_ROWS:
        return
    regression = data.task in NUMBERS
    # Rows of a file may stand in the order of the target.
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    tree = DecisionTreeRegressor if regression else DecisionTreeClassifier
    for name, column in columns.items():
        x = codes(column)[rows, None]
        model = tree(max_depth=None if regression else 8, min_samples_leaf=5, random_state=0)
        predicted = np.asarray(cross_val_predict(model, x, y, cv=folds))
        score = explained(y, predicted, regression=regression)
        if score >= LEAK:
            yield DataFinding(
                "leakage",
                f"column `{plain(name)}`",
                f"predicts the target alone: it explains {100 * score:.1f} % of it.",
                "If it is known only after the target, leave it out: "
                f"`features: {{'*': auto, {plain(name)}: drop}}`.",
            )


def sampled(count: int) -> np.ndarray:
    """Indices of at most `MOST_ROWS` rows, drawn from all."""
    drawn = np.random.default_rng(0).permutation(count)[:MOST_ROWS]
    return np.sort(drawn)


def explained(y: np.ndarray, predicted: np.ndarray, *, regression: bool) -> float:
    """How much better a prediction is than the best constant one: 0 for none, 1 for perfect.

    >>> explained(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), regression=False)
    0.5
    """
    if regression:
        spread = float(np.sum((y - y.mean()) ** 2))
        return 1 - float(np.sum((y - predicted) ** 2)) / spread if spread else 0.0
    wrong = float(np.mean(predicted != y))
    constant = 1 - float(np.bincount(y.astype(int)).max()) / len(y)
    return 1 - wrong / constant if constant else 0.0


def codes(column: pa.Array) -> np.ndarray:
    """A column as numbers (rows,): words by their frequency, missing cells apart."""
    if not is_text(column):
        return np.nan_to_num(floats(column), nan=-1e30)
    found, inverse, counts = np.unique(
        words(column).astype(str), return_inverse=True, return_counts=True
    )
    places = np.empty(len(found))
    places[np.lexsort((found, counts))] = np.arange(len(found))
    return places[inverse]


def drifts(data: Data, used: set[str]) -> Iterator[DataFinding]:
    """Columns whose cells differ between training and test rows."""
    if data.test is None:
        return
    train, test = scalar_columns(data.train.x), scalar_columns(data.test.x)
    for name in sorted(used & set(train)):
        if len(train[name].unique()) > NAMES_ROWS * len(train[name]) and is_text(train[name]):
            continue
        both = codes(pa.concat_arrays([train[name], test[name].cast(train[name].type)]))
        parts = both[: len(train[name])], both[len(train[name]) :]
        train_part, test_part = (part[sampled(len(part))] for part in parts)
        apart: Any = stats.ks_2samp(train_part, test_part)
        if apart.statistic > DRIFT and apart.pvalue < DRIFT_PROBABILITY:
            yield DataFinding(
                "drift",
                f"column `{plain(name)}`",
                f"differs between training and test rows: their cumulative fractions are up to "
                f"{100 * apart.statistic:.0f} % apart.",
                "Split by the seed rather than by time, or expect worse figures on new rows.",
            )
