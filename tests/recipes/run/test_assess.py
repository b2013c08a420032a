"""Several outputs: each has its weights, its threshold and the quality of its probabilities."""

import csv
import json

import keras
import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score
from tables import write_table

import keras_recipes
from keras_recipes.recipes.build.experiment import experiment
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.errors import RequestError
from keras_recipes.recipes.report import write_report

OUTPUTS = {
    "risk": {"target": "Status", "balance": "class_weights", "threshold": {"maximize": "f1_score"}},
    "home": {"target": "Marital", "balance": "focal"},
    "Amount": {"task": "regression"},
}


def recipe(path, outputs=OUTPUTS, **data):
    return {
        "name": "three",
        "data": {
            "source": {"csv": {"path": str(path)}},
            "target": ["Status", "Marital", "Amount"],
            "batch_size": "all",
            **data,
        },
        "model": {"layers": [{"dense": {"units": 4, "activation": "relu"}}], "outputs": outputs},
        "epochs": 1,
        "steps_per_execution": 1,
    }


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_table("credit", tmp_path_factory.mktemp("credit"), 300)


@pytest.fixture(scope="module")
def run(path, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return keras_recipes.load(recipe(path)).train(out=out, progress=False), out


def test_figures_and_thresholds_are_those_of_each_output(run, path):
    result, out = run
    data = data_of(keras_recipes.load(recipe(path)))
    predicted = keras_recipes.predict(out, path).heads
    described = json.loads((out / "data.json").read_text())["heads"]
    threshold = described["risk"]["threshold"]
    assert result.threshold == {"risk": threshold}
    for name, split in (("validation", data.validation), ("test", data.test)):
        y = split.y["risk"]
        scores = predicted["risk"].outputs[split.numbers, 1].astype("float64")
        found = result.quality[name]
        np.testing.assert_allclose(found["risk_pr_auc"], average_precision_score(y, scores))
        np.testing.assert_allclose(found["risk_brier"], brier_score_loss(y, scores), rtol=1e-5)
        decided = predicted["risk"].values[split.numbers] == "good"
        np.testing.assert_array_equal(decided, scores > threshold[0])
        np.testing.assert_allclose(found["risk_f1_score_at_threshold"], f1_score(y, decided))
        if name == "validation":  # where no other threshold decides better
            others = (f1_score(y, scores > limit) for limit in [0, *scores[:-1]])
            assert f1_score(y, decided) == pytest.approx(max(others))
    assert "home_ece" in result.quality["test"]
    assert "home_f1_score_at_threshold" not in result.quality["test"]
    assert not any(figure.startswith("Amount") for figure in result.quality["test"])


def test_tables_are_in_the_file_the_report_and_the_evaluation(run, capsys):
    result, out = run
    written = json.loads((out / "quality.json").read_text())
    assert set(written) == {"outputs"}
    assert set(written["outputs"]) == {"risk", "home"}
    home = written["outputs"]["home"]["test"]
    assert home["confusion"]["classes"] == ["married", "single", "widow"]
    assert result.quality["test"]["home_ece"] == home["figures"]["ece"]
    page = write_report([out]).read_text()
    assert "Probabilities of risk" in page
    assert "Probabilities of home" in page
    assert f"decided on above {result.threshold['risk'][0]:.4f}" in page
    assert main(["evaluate", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["quality"]["outputs"]
    assert found == {name: each["test"] for name, each in written["outputs"].items()}
    assert main(["evaluate", str(out)]) == 0
    assert "test home quality: pr_auc" in capsys.readouterr().out


def test_each_output_has_its_weights_in_the_loss_of_training(path, tmp_path):
    loaded = keras_recipes.load(recipe(path))
    built = experiment(loaded, data_of(loaded), tmp_path)
    x, y, weights = next(iter(built.training.dataset))
    risk, home = (np.asarray(y[name]).astype(int) for name in ("risk", "home"))
    expected = len(risk) / (2 * np.bincount(risk))
    np.testing.assert_allclose(np.asarray(weights["risk"]), expected[risk], rtol=1e-6)
    for name in ("home", "Amount"):
        np.testing.assert_array_equal(np.asarray(weights[name]), 1)
    outputs = {name: np.asarray(found) for name, found in built.model(x).items()}
    each = -np.log(outputs["risk"][np.arange(len(risk)), risk])
    loss = (expected[risk] * each).mean()
    labels = home.argmax(axis=1)
    alpha = 1 / np.bincount(labels)
    p = outputs["home"][np.arange(len(labels)), labels]
    loss += (-(alpha / alpha.sum())[labels] * (1 - p) ** 2 * np.log(p)).mean()
    price = data_of(loaded).train.y["Amount"]
    # Standardized, with the deviation that divides by n.
    scaled = np.asarray(y["Amount"])[:, 0] - outputs["Amount"][:, 0]
    loss += np.square(scaled / price.std()).mean()
    trained = built.model.compute_loss(x, y, built.model(x), weights)
    np.testing.assert_allclose(float(trained), loss, rtol=1e-4)


WRONG = {
    "resample": ({"balance": "resample"}, "outputs.risk.balance: `resample` draws rows by"),
    "numbers": (
        {"task": "regression", "balance": "focal"},
        "outputs.risk.balance: `focal` balances classes, and the targets are numbers",
    ),
    "threshold": (
        {"task": "count", "threshold": 0.3},
        "outputs.risk.threshold: a threshold decides between two classes",
    ),
    "above 1": ({"threshold": 2}, "outputs.risk.threshold: expected a probability"),
}


@pytest.mark.parametrize(("risk", "wrong"), WRONG.values(), ids=WRONG)
def test_what_an_output_cannot_have_is_reported_at_its_line(path, risk, wrong):
    given = {**OUTPUTS, "risk": {"target": "Status", **risk}}
    with pytest.raises(RequestError) as found:
        keras_recipes.load(recipe(path, given))
    assert wrong in str(found.value)


def test_a_threshold_among_three_classes_is_reported_before_training(path, tmp_path):
    given = {**OUTPUTS, "home": {"target": "Marital", "threshold": 0.3}}
    with pytest.raises(RequestError, match=r"outputs\.home\.threshold: .*there are 3 classes"):
        keras_recipes.load(recipe(path, given)).train(out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_folds_average_each_output(path, tmp_path):
    """The test split and all validation rows, each predicted by networks that had not seen it."""
    out = tmp_path / "run"
    loaded = keras_recipes.load(recipe(path, folds=2))
    result = loaded.train(out=out, progress=False)
    average, *parts = (
        keras_recipes.predict(where, path).heads
        for where in (out, out / "folds/1", out / "folds/2")
    )
    for name in OUTPUTS:
        mean = np.mean([part[name].outputs for part in parts], axis=0)
        np.testing.assert_allclose(average[name].outputs, mean, rtol=1e-5)
    with open(out / "out_of_fold.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    with open(path, newline="") as file:
        cells = list(csv.DictReader(file))
    assert list(rows[0])[:6] == ["row", "fold", "risk_target", "home_target", "Amount_target",
        "risk_prediction"]  # fmt: skip
    assert len(rows) == len(data_of(loaded).train.y)
    for row in rows:
        source = cells[int(row["row"])]
        assert (row["risk_target"], row["home_target"]) == (source["Status"], source["Marital"])
        part = parts[int(row["fold"]) - 1]["Amount"]
        predicted = part.values[int(row["row"])]
        np.testing.assert_allclose(float(row["Amount_prediction"]), predicted, rtol=1e-5)
    assert set(keras.models.load_model(out / "model.keras").output) == set(OUTPUTS)
    assert result.validation_std["risk_accuracy"] >= 0
    assert result.quality["test"]["risk_pr_auc"] > 0
