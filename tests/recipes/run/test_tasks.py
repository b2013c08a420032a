"""Runs of every task, from the recipe to predictions: messages, metrics and predictions."""

import json

import keras
import numpy as np
import pytest

import keras_recipes
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.run.reload import evaluate, predict

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
LATE = np.stack([X[:, 0], 1.7e9 + 100 * RNG.random(120)], axis=1)


def recipe_file(path, y, x=X, **keys):
    np.savez(path / "d.npz", x=x, y=y)
    sections = {
        "name": "x",
        "data": {"source": {"npz": {"path": str(path / "d.npz")}}, "scale": "standardize"},
        "model": {"layers": [{"dense": {"units": 8, "activation": "tanh"}}]},
        "learning_rate": 0.05,
        "epochs": 4,
        **keys,
    }
    (path / "r.yaml").write_text(json.dumps(sections))
    return str(path / "r.yaml")


def rows_file(path, x=X):
    np.savez(path / "rows.npz", x=x[:5])
    return path / "rows.npz"


def test_several_labels(tmp_path, capsys):
    recipe = recipe_file(tmp_path, (X > 0).astype(int))
    assert main(["train", recipe, "--out", str(tmp_path / "run")]) == 0
    said = "task: multilabel, 3 labels; loss: binary_crossentropy; output: dense, 3 x sigmoid"
    assert said in capsys.readouterr().err
    header, rows = predict(tmp_path / "run", rows_file(tmp_path)).table()
    names = [f"{what}_{index}" for what in ("label", "probability") for index in range(3)]
    assert header == names
    decided, rows = np.array(rows)[:, :3], np.array(rows)[:, 3:]
    np.testing.assert_array_equal(decided, rows > 0.5)
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    np.testing.assert_allclose(rows, model.predict(X[:5], verbose=0), rtol=1e-5)
    assert 0 <= np.min(rows) <= np.max(rows) <= 1
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert evaluate(tmp_path / "run") == result["test"]
    assert set(result["test"]) == {"loss", "accuracy", "auc"}


@pytest.mark.slow
def test_numbers_in_their_own_unit_and_a_resume_with_the_same_bits(tmp_path):
    y = 2e5 + 3e4 * X[:, 0]
    path = recipe_file(tmp_path, y, metrics=["mean_absolute_error", "r2_score"])
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    keras_recipes.load(path).train(out=whole, progress=False)
    keras_recipes.load(path, {"epochs": 2}).train(out=parts, progress=False)
    keras_recipes.resume(parts, {"epochs": 4}, allow_change=["epochs"], progress=False)
    models = [keras.models.load_model(run / "model.keras") for run in (whole, parts)]
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)
    assert evaluate(whole)["r2_score"] > 0.8
    header, rows = predict(whole, rows_file(tmp_path)).table()
    assert header == ["prediction"]
    assert np.abs(np.ravel(rows) - y[:5]).max() < 3e4


def test_logits_are_predicted_as_probabilities(tmp_path):
    loss = {"binary_crossentropy": {"from_logits": True}}
    path = recipe_file(tmp_path, (X[:, 0] > 0.5).astype(int), loss=loss)
    keras_recipes.load(path).train(out=tmp_path / "run", progress=False)
    _, rows = predict(tmp_path / "run", rows_file(tmp_path)).table()
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    logits = model.predict(X[:5], verbose=0)[:, 0]
    assert [row[0] for row in rows] == (logits > 0).astype(int).tolist()
    np.testing.assert_allclose([row[2] for row in rows], 1 / (1 + np.exp(-logits)), rtol=1e-5)


def test_rows_of_64_bits(tmp_path):
    late = (LATE[:, 1] > 1.7e9 + 50).astype(int)
    path = recipe_file(tmp_path, late, LATE, epochs=20)
    result = keras_recipes.load(path).train(out=tmp_path / "run", progress=False)
    assert result.test["accuracy"] > 0.9
    _, rows = predict(tmp_path / "run", rows_file(tmp_path, LATE)).table()
    assert [row[0] for row in rows] == late[:5].tolist()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("digits", "# task: classification"),
        ("diabetes", "# task: regression"),
        ({"npz": {"path": "x.npz"}}, "# task: decided by the targets; `train --dry-run`"),
        ({"npz": {"path": "x.npz", "task": "multilabel"}}, "# task: multilabel"),
    ],
)
def test_show_describes_the_task_of_the_recipe(source, said, tmp_path, capsys):
    sections = {"name": "x", "data": {"source": source}, "model": {"layers": []}}
    (tmp_path / "r.yaml").write_text(json.dumps(sections))
    assert main(["show", str(tmp_path / "r.yaml")]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(said)
    (tmp_path / "again.yaml").write_text(shown)
    keras_recipes.load(tmp_path / "again.yaml")


def test_a_dry_run_says_the_task(tmp_path, capsys):
    assert main(["train", recipe_file(tmp_path, np.arange(120) % 3), "--dry-run"]) == 0
    said = "task: classification, 3 classes (0, 1, 2); loss: sparse_categorical_crossentropy"
    assert said in capsys.readouterr().out


def test_a_constant_answer_is_called_so(tmp_path):
    x = RNG.normal(size=(220, 2))
    path = recipe_file(tmp_path, (np.arange(220) % 11 == 0).astype(int), x, epochs=3)
    result = keras_recipes.load(path).train(out=tmp_path / "run", progress=False)
    said = " ".join(result.findings)
    assert "No better than the majority class (0, 91 %)" in said
    assert "class_weight" in said
    assert "More units" not in said
