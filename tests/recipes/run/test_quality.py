"""Ranking, calibration and decisions, by scikit-learn's figures and by loops."""

import numpy as np
import pytest
from sklearn import metrics

from keras_recipes.recipes.run.quality import (
    Answers,
    are_probabilities,
    calibration_error,
    decided,
    quality,
    reliability,
)

RNG = np.random.default_rng(0)
TWO = RNG.random(200).astype("float32")
Y2 = (RNG.random(200) < TWO**2).astype("int32")
THREE = RNG.dirichlet([1, 2, 3], 200).astype("float32")
Y3 = np.array([RNG.choice(3, p=row / row.sum()) for row in THREE.astype("float64")])
LABELS = (RNG.random((200, 2)) < [0.2, 0.6]).astype("uint8")
EACH = np.clip(LABELS * 0.4 + 0.6 * RNG.random((200, 2)), 0, 1).astype("float32")


def error_by_hand(probabilities, truth, bins=15):
    """Guo et al. (2017), equation 3, row by row: bin m holds ((m - 1) / M, m / M]."""
    total = 0.0
    for m in range(bins):
        rows = [
            (p, o)
            for p, o in zip(probabilities, truth, strict=True)
            if m / bins < p <= (m + 1) / bins or (m == 0 and p == 0)
        ]
        if rows:
            said = sum(p for p, _ in rows) / len(rows)
            seen = sum(o for _, o in rows) / len(rows)
            total += len(rows) / len(truth) * abs(said - seen)
    return total


def both(p):
    return np.stack([1 - p, p], axis=1)


def test_two_classes():
    found = quality(Answers(Y2, both(TWO), ("no", "yes"), thresholds=[0.3]))
    said, chosen = (TWO > 0.5).astype(int), (TWO > 0.3).astype(int)
    expected = {
        "pr_auc": metrics.average_precision_score(Y2, TWO),
        "roc_auc": metrics.roc_auc_score(Y2, TWO),
        "brier": metrics.brier_score_loss(Y2, TWO),
        "ece": error_by_hand(TWO.tolist(), Y2.tolist()),
        "accuracy": metrics.accuracy_score(Y2, said),
        "balanced_accuracy": metrics.balanced_accuracy_score(Y2, said),
        "f1_score": metrics.f1_score(Y2, said),
        "accuracy_at_threshold": metrics.accuracy_score(Y2, chosen),
        "balanced_accuracy_at_threshold": metrics.balanced_accuracy_score(Y2, chosen),
        "f1_score_at_threshold": metrics.f1_score(Y2, chosen),
    }
    assert found["figures"] == pytest.approx(expected, rel=1e-5)
    assert found["confusion"]["rows"] == metrics.confusion_matrix(Y2, chosen).tolist()
    assert sum(each["rows"] for each in found["reliability"]) == 200


def test_several_classes():
    found = quality(Answers(Y3, THREE, ("a", "b", "c")))
    top = THREE.argmax(axis=1)
    truth = np.eye(3)[Y3]
    expected = {
        "pr_auc": metrics.average_precision_score(truth, THREE, average="macro"),
        "roc_auc": metrics.roc_auc_score(
            Y3,
            THREE.astype("float64") / THREE.sum(axis=1, dtype="float64")[:, None],
            multi_class="ovr",
        ),
        "brier": np.square(THREE - truth).sum(axis=1).mean(),
        "ece": error_by_hand(THREE.max(axis=1).tolist(), (top == Y3).tolist()),
        "accuracy": metrics.accuracy_score(Y3, top),
        "balanced_accuracy": metrics.balanced_accuracy_score(Y3, top),
        "f1_score": metrics.f1_score(Y3, top, average="macro"),
    }
    assert found["figures"] == pytest.approx(expected, rel=1e-5)


def test_several_labels():
    found = quality(Answers(LABELS, EACH, ("a", "b"), thresholds=[0.4, 0.6]))
    chosen = (EACH > [0.4, 0.6]).astype(int)
    figures = found["figures"]
    assert figures["pr_auc"] == pytest.approx(metrics.average_precision_score(LABELS, EACH))
    assert figures["roc_auc"] == pytest.approx(metrics.roc_auc_score(LABELS, EACH))
    assert figures["brier"] == pytest.approx(np.square(EACH - LABELS).mean(), rel=1e-5)
    errors = [error_by_hand(EACH[:, i].tolist(), LABELS[:, i].tolist()) for i in range(2)]
    assert figures["ece"] == pytest.approx(np.mean(errors), rel=1e-5)
    f1 = metrics.f1_score(LABELS, chosen, average="macro")
    assert figures["f1_score_at_threshold"] == pytest.approx(f1)
    assert [each["label"] for each in found["labels"]] == ["a", "b"]
    assert [each["threshold"] for each in found["labels"]] == [0.4, 0.6]


def test_ordered_classes_are_decided_by_the_median():
    found = quality(Answers(Y3, THREE, (1, 2, 3), ordered=True))
    medians = [next(k for k in range(3) if row[: k + 1].sum() >= 0.5) for row in THREE]
    assert found["figures"]["rank_mae"] == pytest.approx(np.abs(medians - Y3).mean())
    assert found["figures"]["accuracy"] == pytest.approx(np.mean(np.array(medians) == Y3))


def test_a_class_that_is_not_there_has_no_curve():
    found = quality(Answers(np.zeros(5, int), both(TWO[:5]), (0, 1)))["figures"]
    assert "pr_auc" not in found
    assert found["balanced_accuracy"] == found["accuracy"]


def test_perfect_calibration_has_no_error():
    p = np.repeat([0.25, 0.75], 40)
    truth = np.tile([1, 0, 0, 0], 10), np.tile([1, 1, 1, 0], 10)
    assert calibration_error(reliability(p, np.concatenate(truth))) == pytest.approx(0)
    assert calibration_error(reliability(np.ones(4), np.zeros(4))) == 1


def test_a_threshold_is_compared_in_64_bits():
    p = np.array([[0.9, 0.1], [0.9, np.nextafter(np.float32(0.1), np.float32(1))]], "float32")
    between = float(p[:, 1].astype("float64").mean())
    assert decided(p, False, [between]).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("outputs", "labels", "expected"),
    [
        ([[0.2, 0.8]], False, True),
        ([[0.9, 0.8]], False, False),
        ([[0.9, 0.8]], True, True),
        ([[1.5, -0.5]], False, False),
        ([[float("nan"), 0.5]], True, False),
    ],
)
def test_what_is_a_probability(outputs, labels, expected):
    assert are_probabilities(np.array(outputs), labels=labels) is expected
