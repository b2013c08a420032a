"""The part about probabilities: what is shown, and that no name becomes markup."""

from pages import HOSTILE, Elements

from keras_recipes.recipes.report.quality import section

BINS = [
    {"rows": 10, "predicted": 0.1, "observed": 0.0},
    {"rows": 5, "predicted": 0.9, "observed": 1.0},
]


def test_classes():
    found = {
        "figures": {"pr_auc": 0.75, "ece": 0.125, HOSTILE: 1.0},
        "reliability": BINS,
        "confusion": {"classes": [HOSTILE, "b"], "rows": [[7, 1], [2, 3]]},
    }
    page = section({"validation": found, "test": found}, [0.25])
    assert "average precision (PR-AUC)" in page
    assert "0.7500" in page
    assert "decided on above 0.2500" in page
    assert "test rows: true class by row" in page
    assert all(name != "img" for name in Elements(page).names)
    assert {kind for kind, _ in Elements(page).scripts} == {"application/json"}


def test_labels():
    row = {"label": HOSTILE, "threshold": 0.5, "fraction": 0.1, "f1_score": 0.5}
    # The second label has no curve: all its rows have the same answer.
    rows = [{**row, "pr_auc": 0.5}, row]
    found = {"figures": {"brier": 0.1}, "reliability": BINS, "labels": rows}
    page = section({"test": found}, [0.5, 0.5])
    assert "Each label, test rows" in page
    assert "decided on above" not in page
    assert all(name != "img" for name in Elements(page).names)
    assert {kind for kind, _ in Elements(page).scripts} == {"application/json"}
