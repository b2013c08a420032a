"""A run as a whole: the same recipe gives the same weights, and its directory tells the truth."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_recipes
from keras_recipes.recipes import DataError, RecipeError, RequestError, TrainingFailed
from keras_recipes.recipes.build.experiment import experiment
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.data.table import note_lines
from keras_recipes.recipes.record.directory import open_run
from keras_recipes.recipes.run.analysis import dry_run
from keras_recipes.recipes.run.reload import evaluate, predict
from keras_recipes.recipes.run.stored_recipe import recipe_of

SMALL = {
    "name": "small",
    "seed": 5,
    "data": {"source": "iris", "scale": "standardize", "batch_size": 16},
    "model": {
        "layers": [{"dense": {"units": 8, "activation": "tanh"}}, {"dropout": {"rate": 0.2}}]
    },
    "optimizer": {"sgd": {"momentum": 0.9}},
    "learning_rate": {"warmup": {"steps": "10%", "then": 0.1}},
    "gradient_clipping": {"global_norm": 1.0},
    "weight_decay": {"rate": 0.001},
    "epochs": 4,
    "callbacks": [{"early_stopping": {"patience": 3}}],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One finished run that several tests read."""
    out = tmp_path_factory.mktemp("runs") / "small"
    result = keras_recipes.load(SMALL).train(out=out, progress=False)
    return result, out


def weights(path):
    return keras.models.load_model(path / "model.keras", compile=False).get_weights()


def test_the_directory_holds_what_it_promises(run):
    result, out = run
    assert {path.name for path in out.iterdir()} == {
        "recipe.yaml",
        "manifest.json",
        "metrics.jsonl",
        "gradients.jsonl",
        "data.json",
        "network.json",
        "quality.json",
        "evidence.json",
        "evidence.npz",
        "tensorboard",
        "checkpoints",
        "model.keras",
        "result.json",
        "report.html",
    }
    assert sorted(path.name for path in (out / "checkpoints").iterdir()) == ["best.keras", "state"]
    assert sorted(path.name for path in (out / "tensorboard").iterdir()) == ["train", "validation"]
    saved = json.loads((out / "result.json").read_text())
    assert saved["status"] == result.status == "completed"
    assert saved["test"] == result.test
    assert saved["steps"] == 4 * 7  # 104 training rows in batches of 16
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert len(lines) == saved["epochs"]
    assert {"epoch", "step", "learning_rate", "loss", "val_loss", "gradient_norm"} <= set(lines[0])
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["seed"] == 5
    assert manifest["versions"]["keras"] == keras.__version__
    assert len(manifest["fingerprints"]["data"]) == 64


def test_the_report_is_one_page_that_needs_no_other_file(run):
    page = (run[1] / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert page.count('class="plot"') >= 4
    assert "global_norm: 1.0" in page
    assert 'http-equiv="refresh"' not in page
    assert 'src="http' not in page


def test_the_same_recipe_gives_the_same_weights_bit_for_bit(run, tmp_path):
    keras_recipes.load(SMALL).train(out=tmp_path / "again", progress=False)
    for first, second in zip(weights(run[1]), weights(tmp_path / "again"), strict=True):
        np.testing.assert_array_equal(first, second)


def test_the_resolved_recipe_reproduces_the_run(run, tmp_path):
    keras_recipes.train(run[1] / "recipe.yaml", out=tmp_path / "again", progress=False)
    for first, second in zip(weights(run[1]), weights(tmp_path / "again"), strict=True):
        np.testing.assert_array_equal(first, second)


def test_another_seed_gives_other_weights(run, tmp_path):
    keras_recipes.load(SMALL, {"seed": 6, "epochs": 1}).train(out=tmp_path / "x", progress=False)
    assert any(
        (first != second).any()
        for first, second in zip(weights(run[1]), weights(tmp_path / "x"), strict=True)
    )


def test_two_epochs_have_different_orders_and_the_same_rows(tmp_path):
    recipe = keras_recipes.load(SMALL)
    training = experiment(recipe, data_of(recipe), tmp_path).training

    def order(epoch):
        training.epoch.assign(epoch)
        return np.concatenate([rows.numpy() for rows, _ in training.dataset])

    first, second = order(0), order(1)
    assert (first != second).any()
    np.testing.assert_array_equal(np.sort(first, axis=0), np.sort(second, axis=0))
    np.testing.assert_array_equal(order(0), first)


def test_the_model_takes_raw_rows_and_scaling_is_fitted_on_training_rows_alone(run):
    recipe = recipe_of(open_run(run[1]))
    data = data_of(recipe)
    scaling = keras.models.load_model(run[1] / "model.keras").get_layer("scaling")
    scaled = np.asarray(scaling(data.train.x))
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-4)
    assert abs(np.asarray(scaling(data.test.x)).mean(axis=0)).max() > 1e-3


def test_evaluate_gives_what_the_run_measured(run):
    result, out = run
    assert evaluate(out) == pytest.approx(result.test, rel=1e-6)
    assert evaluate(out, "validation") == pytest.approx(result.validation, rel=1e-6)


def test_evaluate_refuses_data_that_has_changed(tmp_path):
    rows = "\n".join(f"{i % 7},{i % 3},{'ab'[i % 2]}" for i in range(60))
    (tmp_path / "t.csv").write_text(f"u,v,y\n{rows}\n")
    recipe = {**SMALL, "data": {"source": {"csv": {"path": "t.csv"}}, "target": "y"}}
    keras_recipes.train(recipe, {"epochs": 1}, out=tmp_path / "run", progress=False)
    (tmp_path / "t.csv").write_text(f"u,v,y\n{rows.replace('6,', '5,')}\n")
    with pytest.raises(RequestError, match="the data has changed since this run"):
        evaluate(tmp_path / "run")


def test_predict_takes_raw_rows(run, tmp_path):
    data = data_of(recipe_of(open_run(run[1])))
    np.savez(tmp_path / "rows.npz", x=data.test.x)
    header, rows = predict(run[1], tmp_path / "rows.npz").table()
    assert header == ["prediction", "output_0", "output_1", "output_2"]
    accuracy = np.mean([row[0] == y for row, y in zip(rows, data.test.y, strict=True)])
    assert accuracy == pytest.approx(run[0].test["accuracy"])
    assert all(sum(row[1:]) == pytest.approx(1, abs=1e-4) for row in rows)


@pytest.mark.parametrize("bad", ["rows.txt", "absent.npz", "wide.npz"])
def test_predict_tells_what_is_wrong_with_the_rows(run, tmp_path, bad):
    np.savez(tmp_path / "wide.npz", x=np.zeros((2, 9)))
    (tmp_path / "rows.txt").write_text("1 2 3 4")
    with pytest.raises(DataError, match=bad):
        predict(run[1], tmp_path / bad)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data.batch_size": 1000}, "larger than the training split"),
        ({"data.source": {"csv": {"path": "absent.csv"}}, "data.target": "y"}, "no such file"),
        ({"model.layers": [{"conv2d": {"filters": 2, "kernel_size": 3}}]}, "layers\\[0\\]"),
        ({"model.layers": [{"dense": {"units": 8, "activation": "relu"}}, "lstm"]}, "needs"),
        ({"model.output": {"dense": {"units": 4}}}, "ends in 4 units where the data needs 3"),
        ({"model.layers": [{"reshape": {"target_shape": [2, 2]}}]}, "Put `flatten`"),
        (
            {"model.layers": [{"residual": [{"dense": {"units": 7}}]}]},
            "shortcut: projection",
        ),
        (
            {"learning_rate": {"piecewise_constant": {"boundaries": [5, 2], "values": [1, 2, 3]}}},
            "must increase strictly",
        ),
    ],
)
def test_a_wrong_request_leaves_nothing_behind(change, message, tmp_path):
    out = tmp_path / "deep" / "run"
    with pytest.raises(RequestError, match=message):
        keras_recipes.train(SMALL, change, out=out, progress=False)
    assert not out.parent.exists()


def test_what_a_class_refuses_is_reported_at_its_line(tmp_path):
    (tmp_path / "r.yaml").write_text(
        "data: {source: iris}\nmodel:\n  layers:\n    - dense: {units: 4}\n"
        "    - group_normalization: {groups: 3}\n"
    )
    with pytest.raises(RecipeError) as caught:
        keras_recipes.train(tmp_path / "r.yaml", out=tmp_path / "run", progress=False)
    (problem,) = caught.value.problems
    assert (problem.line, problem.path) == (5, "model.layers[1]")


def test_a_training_that_diverges_fails_with_the_story(tmp_path):
    with pytest.raises(TrainingFailed, match=r"became (nan|inf) in epoch \d.*gradient_clipping"):
        keras_recipes.train("exploding_gradients", out=tmp_path / "run", progress=False)
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["status"] == "failed"
    assert result["test"] == {}
    assert (tmp_path / "run" / "report.html").is_file()


def test_a_training_that_breaks_is_recorded(tmp_path, monkeypatch):
    def breaks(self, *arguments, **keywords):
        raise RuntimeError("no such device")

    monkeypatch.setattr(keras.Model, "fit", breaks)
    with pytest.raises(TrainingFailed, match="no such device"):
        keras_recipes.train(SMALL, out=tmp_path / "run", progress=False)
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["status"] == "failed"
    assert "no such device" in (tmp_path / "run" / "traceback.txt").read_text()


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM]
)
def test_a_signal_ends_a_run_cleanly(tmp_path, number):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "keras_recipes", "train", "digits_mlp", "epochs=100000"]
    process = subprocess.Popen(
        [*command, "callbacks=[]", "learning_rate=0.1", "--out", str(out), "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not (out / "metrics.jsonl").is_file() and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(1)
    os.kill(process.pid, number)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 128 + number, errors
    assert "Traceback" not in errors
    assert output.startswith("interrupted: ")
    result = json.loads((out / "result.json").read_text())
    assert result["status"] == "interrupted"
    assert result["test"] == {}, "the test split is for the end of a complete training"
    assert (out / "model.keras").is_file()
    assert evaluate(out, "validation")["accuracy"] > 0.5


class TestFit:
    X = np.random.default_rng(0).normal(size=(96, 5)).astype("float32")
    Y = (X.sum(axis=1) > 0).astype(int) + (X[:, 0] > 1)

    def model(self, activation="softmax", units=3):
        return keras.Sequential(
            [
                keras.Input((5,)),
                keras.layers.Dense(16, "relu"),
                keras.layers.Dense(units, activation),
            ]
        )

    def test_trains_a_model_of_ones_own(self):
        model = self.model()
        recipe = keras_recipes.load(SMALL, {"epochs": 15})
        history = recipe.fit(model, self.X, self.Y, progress=False)
        assert {"gradient_norm", "clipped_steps", "val_loss"} <= set(history.history)
        predicted = model.predict(self.X, verbose=0).argmax(axis=1)
        assert np.mean(predicted == self.Y) > 0.75
        assert isinstance(history.model.optimizer, keras.optimizers.SGD)
        # 96 rows, 14 kept for validation: 6 batches of 16 an epoch.
        assert int(history.model.optimizer.iterations) == 6 * len(history.epoch)

    def test_takes_validation_data(self):
        recipe = keras_recipes.load(SMALL, {"epochs": 1})
        history = recipe.fit(
            self.model(), self.X, self.Y, validation_data=(self.X, self.Y), progress=False
        )
        assert int(history.model.optimizer.iterations) == 6

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"activation": "linear"}, "from_logits: true"),
            ({"units": 2}, r"whole numbers from 0 to 1. Received 2"),
        ],
    )
    def test_a_model_that_does_not_fit_is_reported(self, arguments, message):
        recipe = keras_recipes.load(SMALL)
        with pytest.raises(RequestError, match=message):
            recipe.fit(self.model(**arguments), self.X, self.Y, progress=False)

    def test_a_model_without_weights_is_reported(self):
        with pytest.raises(RequestError, match="has no weights yet"):
            keras_recipes.load(SMALL).fit(keras.Sequential([keras.layers.Dense(3)]), self.X, self.Y)

    def test_arrays_train_as_a_recipe_of_their_own(self, tmp_path):
        recipe = keras_recipes.load(SMALL, {"data.source": "arrays", "epochs": 2})
        result = recipe.train(self.X, self.Y, out=tmp_path / "run", progress=False)
        assert result.status == "completed"
        with pytest.raises(DataError, match="which only Python can give"):
            recipe.train(out=tmp_path / "other")


@pytest.mark.parametrize(
    ("loss", "units"),
    [
        ("sum_of_squares", 3),
        pytest.param("mean_squared_error", 3, marks=pytest.mark.slow),
        pytest.param("mean_absolute_error", 3, marks=pytest.mark.slow),
        pytest.param("root_mean_squared_error", 3, marks=pytest.mark.slow),
        ("categorical_crossentropy", 3),
        ({"sparse_categorical_crossentropy": {"from_logits": True}}, 3),
        pytest.param("binary_crossentropy", 1, marks=pytest.mark.slow),
        ({"binary_crossentropy": {"from_logits": True}}, 1),
    ],
)
def test_every_loss_gets_the_targets_and_output_it_needs(loss, units, tmp_path):
    source = "breast_cancer" if units == 1 else "iris"
    change = {"loss": loss, "data.source": source, "epochs": 6, "weight_decay": None}
    recipe = keras_recipes.load(SMALL, change)
    result = recipe.train(out=tmp_path / "run", progress=False)
    assert result.test["accuracy"] > 0.75
    model = keras.models.load_model(Path(result.directory) / "model.keras")
    assert model.output_shape == (None, units)


@pytest.mark.parametrize(
    "optimizer",
    [
        "sgd",
        pytest.param({"sgd": {"momentum": 0.9}}, marks=pytest.mark.slow),
        {"sgd": {"momentum": 0.9, "nesterov": True}},
        "adagrad",
        "rmsprop",
        "adam",
        pytest.param("adamw", marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_every_optimizer_of_the_textbook_learns(optimizer, tmp_path):
    recipe = keras_recipes.load(
        SMALL, {"optimizer": optimizer, "learning_rate": 0.05, "epochs": 8, "data.test": None}
    )
    result = recipe.train(out=tmp_path / "run", progress=False)
    assert result.validation["accuracy"] > 0.7


def test_what_each_column_was_taken_for_is_reported(tmp_path, capsys):
    rows = [f"{index},{index % 7}.5,{'ab'[index % 2]},{index % 2}" for index in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["number,size,colour,y", *rows]))
    source = {"csv": {"path": str(tmp_path / "t.csv")}}
    recipe = keras_recipes.load(
        {**SMALL, "epochs": 1, "data": {"source": source, "target": "y", "test": None}}
    )
    notes = [
        "size: numeric, standardize; numbers from 0.5 to 6.5",
        "colour: category; 2 categories",
    ]
    result = recipe.train(out=tmp_path / "run", progress=True)
    reported = capsys.readouterr().err
    assert [line for line in reported.splitlines() if line.startswith("column ")][1:] == [
        f"column {note}" for note in notes
    ]
    assert reported.index("column size") < reported.index("epoch")
    assert json.loads((tmp_path / "run/data.json").read_text())["notes"][1:] == notes
    assert f"column {notes[1]}\n" in dry_run(recipe, data_of(recipe))
    recipe.train(out=tmp_path / "quiet", progress=False)
    assert "column " not in capsys.readouterr().err
    assert result.status == "completed"


def test_of_many_columns_the_first_are_reported():
    lines = note_lines([f"c{index}: category; 2 categories" for index in range(41)])
    assert len(lines) == 31
    assert lines[29].startswith("column c29: ")
    assert lines[30] == "... and 11 more of 41 columns"
    assert len(note_lines(["a", "b"])) == 2
