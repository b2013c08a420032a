"""The best threshold is the best of all that differ, by scikit-learn's scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from keras_recipes.recipes.run.thresholds import SCORES, best_threshold
from keras_recipes.recipes.spec.targets import MAXIMIZED

ORACLES = {
    "f1_score": lambda y, decided: metrics.f1_score(y, decided, zero_division=0),
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "youden": lambda y, decided: metrics.balanced_accuracy_score(y, decided, adjusted=True),
    "accuracy": metrics.accuracy_score,
    "matthews_correlation": metrics.matthews_corrcoef,
}


def test_every_name_of_the_language_has_a_score():
    assert set(MAXIMIZED) == set(SCORES) == set(ORACLES)


@pytest.mark.parametrize("maximize", MAXIMIZED)
@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=2, max_size=30))
def test_no_other_threshold_is_better(maximize, rows):
    y = np.array([int(one) for one, _ in rows])
    if y.min() == y.max():
        return
    found = np.array([tenths / 10 for _, tenths in rows], "float32")
    best = best_threshold(y, found, maximize)
    scores = [
        ORACLES[maximize](y, (found.astype("float64") > limit).astype(int))
        for limit in (best, *np.linspace(-0.05, 0.95, 21))
    ]
    assert scores[0] == pytest.approx(max(scores), abs=1e-12)


def test_of_equally_good_ones_the_closest_to_one_half_is_taken():
    y, found = np.array([0, 1, 0, 1]), np.array([0.05, 0.15, 0.45, 0.65])
    assert best_threshold(y, found, "accuracy") == pytest.approx(0.55)
