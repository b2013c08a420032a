"""Networks with several outputs: trained, evaluated, resumed and predicted with."""

import csv
import json

import keras
import numpy as np
import pytest
from extras import needs
from tables import write_table

import keras_recipes
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.errors import RequestError
from keras_recipes.recipes.sweep.run.result import TrialRow
from keras_recipes.recipes.sweep.run.winner import evaluate_winner

CUTS = ["Fair", "Good", "Ideal"]


def recipe(path, price=None, cut=None, **more):
    return {
        "name": "two",
        "data": {"source": {"csv": {"path": str(path)}}, "target": ["price", "cut"],
            "batch_size": 16},
        "model": {
            "parts": {
                "trunk": {"from": "*", "layers": [{"dense": {"units": 6, "activation": "relu"}}]},
                "end": {"from": "trunk", "layers": [{"dense": {"units": 4}}]},
            },
            "outputs": {
                "price": {"from": "trunk", "task": "regression", **(price or {})},
                "cut": {"from": "end", "layers": [{"dropout": {"rate": 0.2}}], **(cut or {})},
            },
        },
        "epochs": 2,
        **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_table("diamonds", tmp_path_factory.mktemp("diamonds"), 60)


@pytest.fixture(scope="module")
def weighted(path, tmp_path_factory):
    """A run of a price that weighs 0.5 and ordered cuts."""
    run = tmp_path_factory.mktemp("weighted") / "run"
    found = recipe(path, {"weight": 0.5}, {"task": "ordinal", "classes": CUTS})
    return run, keras_recipes.load(found).train(out=run, progress=False)


SCHEDULE = {"linear": {"initial_learning_rate": 1.0, "decay_steps": 6, "end_learning_rate": 0.25}}


@pytest.fixture(scope="module")
def moving(path, tmp_path_factory):
    """A recipe whose weights are learned and scheduled, and its run."""
    run = tmp_path_factory.mktemp("moving") / "run"
    found = keras_recipes.load(recipe(path, {"weight": "learned"}, {"weight": SCHEDULE}))
    return found, run, found.train(out=run, progress=False)


def test_the_loss_is_the_weighted_sum_and_each_output_has_its_metrics(weighted):
    _, result = weighted
    for split in (result.validation, result.test):
        expected = 0.5 * split["price_loss"] + split["cut_loss"]
        np.testing.assert_allclose(split["loss"], expected, rtol=1e-5)
    assert {"price_rmse", "price_mae", "cut_accuracy", "cut_rank_mae"} <= set(result.test)
    assert {"cut_roc_auc", "cut_brier"} <= set(result.quality["test"])
    assert "val_cut_accuracy" in result.history


def test_a_run_is_evaluated_on_its_splits_and_on_other_rows(weighted, path):
    run, result = weighted
    assert keras_recipes.evaluate(run) == result.test
    found = keras_recipes.evaluate(run, path)
    predicted = keras_recipes.predict(run, path)
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    error = predicted.heads["price"].values - np.array([float(row["price"]) for row in rows])
    np.testing.assert_allclose(found["price_mae"], np.abs(error).mean(), rtol=1e-5)
    right = predicted.heads["cut"].values == np.array([row["cut"] for row in rows])
    np.testing.assert_allclose(found["cut_accuracy"], right.mean(), rtol=1e-5)


def test_predictions_have_columns_for_each_output(weighted, path, tmp_path):
    run, _ = weighted
    out = tmp_path / "p.csv"
    assert main(["predict", str(run), str(path), "--out", str(out)]) == 0
    with open(out, newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "price_prediction", "cut_prediction", *(f"cut_output_{name}" for name in CUTS),
    ]  # fmt: skip
    np.testing.assert_allclose(sum(float(rows[0][f"cut_output_{c}"]) for c in CUTS), 1, rtol=1e-5)


@pytest.mark.parametrize("name", ["m.onnx", "m.tflite", "m.keras", "m"])
def test_an_exported_file_writes_the_columns_of_the_run_in_its_order(
    weighted, path, name, tmp_path
):
    needs("tf2onnx", "onnxruntime", "ai_edge_litert")
    run, _ = weighted
    keras_recipes.export(run, tmp_path / name)
    wanted = keras_recipes.predict(run, path).columns()
    found = keras_recipes.predict(tmp_path / name, path).columns()
    assert list(found) == list(wanted)
    assert found["cut_prediction"] == wanted["cut_prediction"]
    np.testing.assert_allclose(
        found["price_prediction"], wanted["price_prediction"], rtol=1e-4, atol=1e-4
    )
    assert list(keras_recipes.load_predictor(tmp_path / name)(path).heads) == ["price", "cut"]


def test_weights_follow_the_schedule_and_the_gradient(moving):
    """d(exp(-s) L + s)/ds = 1 - exp(-s) L: below 1 the weight grows, above it shrinks."""
    _, run, result = moving
    history = result.history
    steps = np.array(history["step"])
    np.testing.assert_allclose(history["cut_weight"], np.maximum(1 - 0.75 * steps / 6, 0.25))
    assert history["price_weight"][-1] != history["price_weight"][0] != 1
    described = json.loads((run / "data.json").read_text())["heads"]
    weight, offset = described["price"]["term"]
    np.testing.assert_allclose(weight, np.exp(-offset), rtol=1e-6)
    assert keras_recipes.evaluate(run) == result.test
    # The terms as they are summed.
    np.testing.assert_allclose(
        result.test["loss"], result.test["price_loss"] + result.test["cut_loss"], rtol=1e-6
    )


def test_the_winner_of_a_sweep_is_measured_by_the_weights_that_it_learned(moving):
    _, run, result = moving
    row = TrialRow("0", "completed", 0.0, None, None, {}, directories=[run.name])
    assert evaluate_winner(run.parent, row) == result.test


def test_learned_weights_resume_exactly(moving, tmp_path):
    whole, run, _ = moving
    short = whole.model_copy(update={"epochs": 1})
    short.train(out=tmp_path / "run", progress=False)
    whole.train(out=tmp_path / "run", resume=True, allow_change=["epochs"], progress=False)
    models = [keras.models.load_model(where / "model.keras") for where in (run, tmp_path / "run")]
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)
    assert set(models[0].output) == {"price", "cut"}
    terms = [json.loads((where / "data.json").read_text()) for where in (run, tmp_path / "run")]
    assert terms[0]["heads"] == terms[1]["heads"]
    # What was trained for the loss alone is no part of the network.
    assert not any("loss_weight" in weight.path for weight in models[0].weights)


def test_data_and_gradients_are_checked_for_each_output(path, tmp_path, capsys):
    import yaml

    written = tmp_path / "two.yaml"
    written.write_text(yaml.safe_dump(recipe(path, {"weight": "learned"})))
    assert main(["check-data", str(written)]) in (0, 1)
    assert main(["check-gradients", str(written), "--rows", "4", "--entries", "2"]) == 0
    assert "price_loss_weight/log_variance" in capsys.readouterr().out


WRONG = {
    "loss": ({"loss": "mean_squared_error"}, None, "loss: each output has its own"),
    "balance": (None, {"balance": "class_weights"}, "data.balance: each output has its own"),
    "task": (None, {"task": "regression"}, "data.task: each output has its own"),
}


@pytest.mark.parametrize(("top", "data", "wrong"), WRONG.values(), ids=WRONG)
def test_what_stands_elsewhere_with_several_outputs_is_refused(path, top, data, wrong):
    given = {**recipe(path), **(top or {})}
    given["data"] = {**given["data"], **(data or {})}
    with pytest.raises(RequestError) as found:
        keras_recipes.load(given)
    assert wrong in str(found.value)


HEADS = {
    "unknown target": ({"target": "prize"}, {}, "outputs.price.target: `prize` is not among"),
    "taken target": ({}, {"target": ["price"]}, "outputs.cut.target: `price` is predicted by"),
    "unknown part": ({"from": "trunc"}, {}, "outputs.price.from: no part is called `trunc`. Did"),
    "metric": ({"metrics": ["accuracy"]}, {}, "outputs.price.metrics[0]: `accuracy` compares"),
    "weight": ({"weight": -1.0}, {}, "outputs.price.weight: expected a number >= 0"),
    "layer": ({"layers": ["add"]}, {}, "outputs.price.layers[0]: `add` takes several inputs"),
    "shape": ({"layers": [{"lstm": {"units": 2}}]}, {}, "outputs.price.layers[0]: `lstm` does"),
    "unused part": ({"from": "trunk"}, {"from": "trunk"}, "parts.end: no other part takes `end`"),
    "ambiguous": ({"from": None}, {"task": "ordinal", "classes": CUTS}, None),
}  # fmt: skip


@pytest.mark.parametrize(("price", "cut", "wrong"), HEADS.values(), ids=HEADS)
def test_a_mistake_in_an_output_is_reported_with_its_place(path, price, cut, wrong):
    if wrong is None:  # the one part that no other takes
        assert keras_recipes.load(recipe(path, price, cut)).model.outputs["price"].source is None
        return
    with pytest.raises(RequestError) as found:
        keras_recipes.load(recipe(path, price, cut))
    assert wrong in str(found.value)


def test_what_only_the_data_shows_is_reported_at_the_output(path, tmp_path):
    wrong = {
        "cut": {"loss": "binary_crossentropy"},
        "ordered": {"task": "ordinal"},
        "activation": {"output": {"dense": {"units": 3}}},
        "units": {"output": {"dense": {"units": 2, "activation": "softmax"}}},
    }
    places = {
        "cut": "model.outputs.cut.loss: `binary_crossentropy` decides between two classes",
        "ordered": "output `cut`: ",
        "activation": "model.outputs.cut.output: `sparse_categorical_crossentropy` compares",
        "units": "model.outputs.cut.output: the network ends in 2 units where the data needs 3",
    }
    for name, cut in wrong.items():
        with pytest.raises(RequestError) as found:
            keras_recipes.load(recipe(path, None, cut)).train(out=tmp_path / "run", progress=False)
        assert places[name] in str(found.value), name
        assert not (tmp_path / "run").exists()


def test_a_network_with_learned_weights_starts_from_a_saved_one(moving, path, tmp_path):
    _, run, _ = moving
    found = recipe(
        path,
        {"weight": "learned"},
        {"weight": SCHEDULE},
        initialize={"weights": str(run / "model.keras")},
        learning_rate=1e-30,
        epochs=1,
    )
    keras_recipes.load(found).train(out=tmp_path / "run", progress=False)
    before, after = (keras.models.load_model(r / "model.keras") for r in (run, tmp_path / "run"))
    for one, other in zip(before.get_weights(), after.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
