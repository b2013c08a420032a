"""A sweep of a recipe with folds: the mean over them decides, and all of them are one model."""

import json
import statistics

import keras
import numpy as np
import pytest

import keras_recipes
from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.record.metrics import curves, read_metrics
from keras_recipes.recipes.sweep.engine.hyperparameters import hyperparameters
from keras_recipes.recipes.sweep.engine.trial import Trial, plan_of, recipes_of
from keras_recipes.recipes.sweep.run.sweep import run_sweep

FOLDS = {"overrides": {"data.folds": 2}}


def test_a_setting_is_trained_on_each_fold(tiny):
    sweep = tiny(**FOLDS)
    settings = hyperparameters(sweep).values
    recipes = recipes_of(sweep, plan_of(sweep, Trial("0", settings)))
    assert [recipe.data.fold for recipe in recipes] == [1, 2]
    assert len({recipe.seed for recipe in recipes}) == 1


def test_the_mean_over_folds_decides_and_the_winner_is_all_of_them(tiny, tmp_path):
    changes = {"budget": {"trials": 2}, "evaluate_test": True, "ensemble": 2}
    out = tmp_path / "sweep"
    result = run_sweep(tiny(**FOLDS, **changes), out=out, progress=False)
    assert result.status == "completed"
    for row in json.loads((out / "trials.json").read_text()):
        assert row["directories"] == [f"trials/000{row['trial']}/fold-{k}" for k in (1, 2)]
        best = [min(curves(read_metrics(out / name))["val_loss"][1]) for name in row["directories"]]
        assert row["score"] == pytest.approx(statistics.fmean(best))
        assert row["epochs"] == 4
    best = keras_recipes.load(out / "best.yaml")
    assert (best.data.folds, best.data.fold) == (2, None)
    assert set(result.test) == {"loss", "accuracy"}
    rows = np.random.default_rng(0).uniform(0, 16, (3, 64)).astype("float32")
    whole = keras.models.load_model(out / result.ensemble["model"], compile=False)
    each = [
        keras.models.load_model(path, compile=False).predict(rows, verbose=0)
        for path in sorted(out.glob("trials/*/fold-*/model.keras"))
    ]
    assert len(each) == 4
    np.testing.assert_allclose(whole.predict(rows, verbose=0), np.mean(each, axis=0), rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algorithm": {"asha": {}}}, "`asha` judges a training while it runs"),
        ({"algorithm": {"median": {"warmup": 1}}}, "the 2 folds of the recipe are judged together"),
        ({"repeats": 2}, "each setting is trained on the 2 folds"),
        ({"space": {"data.folds": {"choice": [2, 3]}}}, "judged on the same rows"),
        ({"space": {"data.fold": {"choice": [1, 2]}}}, "judged on the same rows"),
    ],
)
def test_what_a_sweep_over_folds_does_not_go_with(tiny, changes, message):
    with pytest.raises(RecipeError, match=message):
        tiny(**FOLDS, **changes)
