"""Targets of several outputs as records, and the label that splits are stratified by."""

import numpy as np
import pytest

from keras_recipes.recipes.data.head import Head, HeadOptions
from keras_recipes.recipes.data.heads import ENOUGH, records, strata
from keras_recipes.recipes.data.load import load_data
from keras_recipes.recipes.data.split import Splits
from keras_recipes.recipes.data.table import TableOptions

AMOUNT = Head("amount", ("amount",), "regression")
RISK = Head("risk", ("risk",), "classification", ("bad", "good"))
HOME = Head("home", ("home",), "ordinal", ("no", "rent", "own"))


def targets(*pairs):
    """Records of (risk, home, rows)."""
    risk, home = (np.repeat([p[i] for p in pairs], [p[2] for p in pairs]) for i in (0, 1))
    return records({"amount": np.ones(len(risk)), "risk": risk, "home": home})


def test_the_combination_where_each_has_enough_rows():
    found = strata(targets((0, 0, ENOUGH), (0, 2, 40), (1, 1, 30)), [AMOUNT, RISK, HOME])
    assert found is not None
    _, counts = np.unique(found, return_counts=True)
    assert sorted(counts.tolist()) == [ENOUGH, 30, 40]


@pytest.mark.parametrize(("rows", "enough"), [(ENOUGH - 1, ENOUGH), (ENOUGH, ENOUGH + 1)])
def test_the_first_output_with_classes_where_a_combination_is_rare(rows, enough):
    y = targets((0, 0, rows), (0, 2, 40), (1, 1, 30))
    found = strata(y, [AMOUNT, RISK, HOME], enough)
    assert found is not None
    assert found.tolist() == ["bad"] * (rows + 40) + ["good"] * 30


def test_no_label_without_classes():
    assert strata(targets((0, 0, 5)), [AMOUNT]) is None


def test_all_splits_have_each_combination_in_proportion():
    draw = np.random.default_rng(0)
    risk, home = draw.choice(["bad", "good"], 600, p=[0.8, 0.2]), draw.choice([0, 1, 2], 600)
    table = {"x": draw.normal(size=600), "risk": risk, "home": home}
    heads = {"risk": HeadOptions(("risk",)), "home": HeadOptions(("home",), "classification")}
    data = load_data(
        "arrays",
        {},
        splits=Splits(0.2, 0.1),
        arrays=(table, None),
        table=TableOptions(("risk", "home"), heads=heads),
    )

    def counts(y):
        return np.bincount(y["risk"] * 3 + y["home"], minlength=6)

    parts = [counts(split.y) for split in (data.train, data.validation, data.test) if split]
    for part, fraction in zip(parts, (0.7, 0.2, 0.1), strict=True):
        np.testing.assert_allclose(part, fraction * np.sum(parts, axis=0), atol=1.01)
