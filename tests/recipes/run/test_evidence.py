"""What a report draws of predictions, against numbers that are computed another way."""

import base64

import numpy as np
import pytest
from sklearn.metrics import auc, log_loss, roc_auc_score

from keras_recipes.recipes.data import Data, Split
from keras_recipes.recipes.data.scale import Scaling
from keras_recipes.recipes.run.evidence import of_answers, of_numbers, spread
from keras_recipes.recipes.run.quality import Answers

SCALE = Scaling("none", np.zeros(1), np.ones(1))
RNG = np.random.default_rng(0)


def data(x, y):
    split = Split(x, y, np.arange(100, 100 + len(y)))
    return split, Data(split, None, split, "classification", (0, 1, 2), SCALE, "", "x")


def answers(rows=300, classes=3):
    scores = RNG.dirichlet(np.ones(classes), rows)
    y = np.array([RNG.choice(classes, p=row) for row in scores])
    return Answers(y, scores, tuple("abc"[:classes]))


def test_curves_have_the_area_that_they_had_before_they_were_thinned():
    given = answers(5000, 2)
    split, whole = data(np.zeros((5000, 4)), given.y)
    (curve,) = of_answers(given, split, whole).shown["curves"]
    x, y = curve["roc"]
    assert len(x) <= 100
    assert auc(x, y) == pytest.approx(roc_auc_score(given.y, given.probabilities[:, 1]), abs=0.005)
    assert curve["name"] == "b"


def test_rows_have_the_losses_whose_mean_is_the_loss():
    given = answers()
    split, whole = data(np.zeros((300, 4)), given.y)
    found = of_answers(given, split, whole)
    assert found.rows["log_loss"].mean() == pytest.approx(log_loss(given.y, given.probabilities))
    right = given.probabilities.argmax(axis=1) == given.y
    assert found.rows["right"].tolist() == right.tolist()


def test_the_worst_rows_are_those_whose_truth_was_least_likely():
    given = answers()
    split, whole = data(RNG.random((300, 16)), given.y)
    worst = of_answers(given, split, whole).shown["worst"]
    said = given.probabilities[np.arange(300), given.y]
    assert [row["row"] - 100 for row in worst] == np.argsort(said)[:12].tolist()
    pixels = np.frombuffer(base64.b64decode(worst[0]["pixels"]), "uint8")
    assert worst[0]["shape"] == [4, 4]
    assert (pixels.min(), pixels.max()) == (0, 255)


def test_errors_of_numbers():
    y, predicted = RNG.normal(size=2500), RNG.normal(size=(2500, 1))
    split, whole = data(np.zeros((2500, 3)), y)
    found = of_numbers(y, predicted, split, whole)
    assert found.rows["absolute_error"].mean() == pytest.approx(np.abs(predicted[:, 0] - y).mean())
    shown = found.shown["residuals"]
    assert (len(shown["true"]), shown["rows"]) == (1000, 2500)
    assert found.shown["mean"][0] == pytest.approx(np.abs(predicted[:, 0] - y).mean())


def test_errors_whose_squares_are_no_32_bit_floats():
    y, predicted = RNG.normal(size=50) * 1e30, RNG.normal(size=(50, 1)) * 1e30
    split, whole = data(np.zeros((50, 4)), y)
    found = of_numbers(y, predicted, split, whole).rows["squared_error"]
    np.testing.assert_allclose(found, (predicted[:, 0] - y) ** 2)


def test_spread_indices_are_distinct_and_have_both_ends():
    for count in (1, 2, 99, 100, 101, 12345):
        found = spread(count, 100)
        assert (found[0], found[-1]) == (0, count - 1)
        assert len(set(found.tolist())) == min(count, 100)
