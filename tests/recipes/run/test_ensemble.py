"""An ensemble: members that differ as asked, and a model that is their mean."""

import json

import keras
import numpy as np
import pytest

import keras_recipes
from keras_recipes.recipes import TrainingFailed
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.record.directory import open_run
from keras_recipes.recipes.run.ensemble import members_of
from keras_recipes.recipes.run.reload import evaluate, members
from keras_recipes.recipes.run.stored_recipe import recipe_of

SMALL = {
    "name": "several",
    "seed": 5,
    "data": {"source": "iris", "scale": "standardize", "batch_size": 16},
    "model": {"layers": [{"dense": {"units": 4, "activation": "tanh"}}]},
    "learning_rate": 0.05,
    "ensemble": {"members": 3},
    "epochs": 2,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One finished ensemble that several tests read."""
    out = tmp_path_factory.mktemp("runs") / "several"
    return keras_recipes.load(SMALL).train(out=out, progress=False), out


def test_the_model_is_the_mean_of_the_members(run):
    _, out = run
    rows = data_of(keras_recipes.load(SMALL)).test.x
    model = keras.models.load_model(out / "model.keras", compile=False)
    each = [
        keras.models.load_model(out / "members" / str(index) / "model.keras", compile=False)
        for index in (1, 2, 3)
    ]
    outputs = [one.predict(rows, verbose=0) for one in each]
    np.testing.assert_allclose(model.predict(rows, verbose=0), np.mean(outputs, axis=0), atol=1e-6)
    assert not np.allclose(outputs[0], outputs[1])


def test_result_and_evaluate_tell_of_members_and_ensemble(run):
    result, out = run
    written = json.loads((out / "result.json").read_text())
    assert written["status"] == "completed"
    assert (written["epochs"], len(written["members"])) == (6, 3)
    assert evaluate(out) == pytest.approx(result.test)
    for member, evaluated in zip(result.members, members(out), strict=True):
        assert evaluated == pytest.approx(member["test"])
    assert (out / "report.html").is_file()


def test_a_member_is_a_run_that_can_be_made_again(run, tmp_path):
    _, out = run
    recipe = recipe_of(open_run(out / "members" / "2"))
    again = keras_recipes.load(out / "members" / "2" / "recipe.yaml")
    assert recipe == again
    again.train(out=tmp_path / "run", progress=False)
    for ours, theirs in zip(
        keras.models.load_model(tmp_path / "run" / "model.keras").get_weights(),
        keras.models.load_model(out / "members" / "2" / "model.keras").get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_members_differ_by_seed_and_have_the_same_rows():
    found = members_of(keras_recipes.load(SMALL))
    assert [one.seed for one in found] == [5, 6, 7]
    assert {one.data.seed for one in found} == {5}
    splits = [data_of(one) for one in found]
    for one in splits[1:]:
        np.testing.assert_array_equal(one.train.x, splits[0].train.x)
        np.testing.assert_array_equal(one.test.x, splits[0].test.x)


def test_members_by_data_draw_their_rows_with_replacement():
    found = members_of(keras_recipes.load(SMALL, {"ensemble.vary": "data"}))
    whole = data_of(keras_recipes.load(SMALL))
    drawn = [data_of(one) for one in found]
    for one in drawn:
        assert len(one.train.y) == len(whole.train.y)
        np.testing.assert_array_equal(one.test.x, whole.test.x)
        kept = {tuple(row) for row in one.train.x}
        assert kept < {tuple(row) for row in whole.train.x}
    assert not np.array_equal(drawn[0].train.x, drawn[1].train.x)
    # About 1 - 1/e of the rows are drawn.
    assert 0.5 < len({tuple(row) for row in drawn[0].train.x}) / len(whole.train.x) < 0.75


def test_a_member_that_fails_fails_the_ensemble(tmp_path):
    recipe = keras_recipes.load(
        SMALL, {"data.source": "diabetes", "optimizer": "sgd", "learning_rate": 1e10}
    )
    with pytest.raises(TrainingFailed, match="member 1: "):
        recipe.train(out=tmp_path / "run", progress=False)
    written = json.loads((tmp_path / "run" / "result.json").read_text())
    assert written["status"] == "failed"
    assert not (tmp_path / "run" / "model.keras").exists()


@pytest.mark.parametrize("ensemble", [{"members": 1}, {}, {"members": 3, "vary": "age"}, 5])
def test_an_ensemble_that_is_none_is_reported(ensemble):
    with pytest.raises(keras_recipes.recipes.RecipeError, match="ensemble"):
        keras_recipes.load(SMALL, {"ensemble": ensemble})
