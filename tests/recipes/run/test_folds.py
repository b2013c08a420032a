"""Cross-validation: a run for each fold, their mean and spread, and rows no network had seen."""

import csv
import json
import re
import statistics
import zipfile

import keras
import numpy as np
import pytest
from extras import needs
from small_runs import as_if_killed, copy_of, without_reports

import keras_recipes
from keras_recipes.recipes import RequestError
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.record.directory import open_run
from keras_recipes.recipes.run.folds import summary
from keras_recipes.recipes.run.reload import members
from keras_recipes.recipes.run.reproduce import compare_runs, reproduce
from keras_recipes.recipes.run.stored_recipe import recipe_of

HOMES = ("rent", "own", "parents", "other")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """A recipe of a small table of words, numbers and holes, in three folds."""
    draw = np.random.default_rng(0)
    lines = ["size,home,since,status"]
    for row in range(90):
        size = "" if row % 11 == 0 else f"{draw.normal():.3f}"
        status = "good" if draw.random() < 0.6 else "bad"
        lines.append(f"{size},{HOMES[row % 4]},20{row % 20:02}-03-01,{status}")
    path = tmp_path_factory.mktemp("table") / "table.csv"
    path.write_text("\n".join(lines))
    return {
        "name": "folded",
        "seed": 5,
        "data": {
            "source": {"csv": {"path": str(path)}},
            "target": "status",
            "folds": 3,
            "batch_size": 16,
        },
        "model": {"layers": [{"dense": {"units": 4}}, {"dropout": {"rate": 0.2}}]},
        "epochs": 3,
        "steps_per_execution": 1,
        "checkpoints": {"every": "1 epochs"},
        "callbacks": [{"early_stopping": {"monitor": "val_loss", "patience": 1}}],
    }


@pytest.fixture(scope="module")
def run(recipe, tmp_path_factory):
    """One finished cross-validation that several tests read."""
    out = tmp_path_factory.mktemp("runs") / "folded"
    return keras_recipes.load(recipe).train(out=out, progress=False), out


def rows_of(out):
    with open(out / "out_of_fold.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_mean_and_standard_deviation_by_hand():
    mean, deviation = summary([{"loss": 1.0, "auc": 0.5}, {"loss": 4.0, "auc": 0.7}])
    assert mean == {"loss": 2.5, "auc": 0.6}
    assert deviation["loss"] == pytest.approx(((1.5**2 + 1.5**2) / 1) ** 0.5)
    assert deviation["auc"] == pytest.approx(statistics.stdev([0.5, 0.7]))


def test_an_export_without_words_says_that_folds_have_learned_other_columns(run, capsys, tmp_path):
    _, out = run
    assert main(["export", str(out), "-o", str(tmp_path / "m.onnx")]) == 2
    reported = capsys.readouterr().err
    assert "mean of parts, as of folds" in reported
    assert "RUN/folds/1" in reported
    assert main(["export", str(out), "-o", str(tmp_path / "m.keras")]) == 0
    needs("ai_edge_litert")
    assert main(["export", str(out / "folds" / "1"), "-o", str(tmp_path / "m.tflite")]) == 0


def test_the_result_has_each_fold_their_mean_and_their_spread(run):
    result, out = run
    written = json.loads((out / "result.json").read_text())
    assert written["status"] == "completed"
    assert len(written["folds"]) == 3
    for name, value in result.validation.items():
        values = [fold["validation"][name] for fold in written["folds"]]
        assert value == pytest.approx(statistics.fmean(values))
        assert result.validation_std[name] == pytest.approx(statistics.stdev(values))
    assert written["epochs"] == sum(fold["epochs"] for fold in written["folds"])


def test_predictions_out_of_fold_are_those_of_the_model_of_the_fold(run, recipe):
    _, out = run
    rows = rows_of(out)
    lines = [line.split(",") for line in _table(recipe)]
    whole = data_of(keras_recipes.load(recipe))
    assert [int(row["row"]) for row in rows] == whole.train.numbers.tolist()
    for index in (1, 2, 3):
        mine = [row for row in rows if row["fold"] == str(index)]
        given = [lines[int(row["row"])] for row in mine]
        columns = dict(zip(("size", "home", "since"), zip(*given, strict=True), strict=False))
        columns["size"] = [float(cell) if cell else None for cell in columns["size"]]
        made = keras_recipes.predict(out / "folds" / str(index), columns)
        assert [row["prediction"] for row in mine] == made.values.tolist()
        assert [row["target"] for row in mine] == [line[3] for line in given]
        found = [[float(row["output_bad"]), float(row["output_good"])] for row in mine]
        np.testing.assert_allclose(found, made.outputs, rtol=1e-6)


def _table(recipe):
    path = recipe["data"]["source"]["csv"]["path"]
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()[1:]


def test_a_metric_of_a_fold_is_that_of_its_rows_out_of_fold(run):
    result, out = run
    for index, fold in enumerate(result.folds, start=1):
        mine = [row for row in rows_of(out) if row["fold"] == str(index)]
        right = [row["prediction"] == row["target"] for row in mine]
        assert fold["validation"]["accuracy"] == pytest.approx(np.mean(right))


def test_the_model_is_the_mean_of_the_models_of_all_folds(run, recipe):
    result, out = run
    columns = {"size": [0.5, None], "home": ["own", "rent"], "since": ["2003-03-01"] * 2}
    each = [keras_recipes.predict(out / "folds" / str(k), columns).outputs for k in (1, 2, 3)]
    together = keras_recipes.predict(out, columns).outputs
    np.testing.assert_allclose(together, np.mean(each, axis=0), atol=1e-6)
    assert not np.allclose(each[0], each[1])
    assert keras_recipes.evaluate(out) == pytest.approx(result.test)
    for fold, evaluated in zip(result.folds, members(out), strict=True):
        assert evaluated == pytest.approx(fold["test"])


def test_a_fold_is_a_run_like_any_other(run, tmp_path):
    _, out = run
    fold = open_run(out / "folds" / "2")
    assert recipe_of(fold).data.fold == 2
    assert reproduce(fold.path, progress=False).same
    measured = keras_recipes.evaluate(fold.path, "validation")
    assert measured == pytest.approx(json.loads((fold / "result.json").read_text())["validation"])


def test_validation_rows_of_all_folds_are_asked_for_fold_by_fold(run):
    _, out = run
    with pytest.raises(RequestError, match="Each fold has one"):
        keras_recipes.evaluate(out, "validation")


def test_the_page_shows_the_folds_with_their_spread(run):
    result, out = run
    page = (out / "report.html").read_text()
    assert "mean ± standard deviation" in page
    loss, spread = result.validation["loss"], result.validation_std["loss"]
    assert f"{loss:.4f} ± {spread:.4f}" in page
    assert page.count("fold 3") > 1
    assert 'class="plot"' in page


def test_the_command_line_tells_each_fold_and_the_mean(run, capsys):
    _, out = run
    assert main(["evaluate", str(out)]) == 0
    assert "fold 2: accuracy" in capsys.readouterr().out
    assert main(["resume", str(out)]) == 0
    reported = capsys.readouterr().out
    assert "fold 3: accuracy" in reported
    assert "validation: accuracy" in reported
    assert " ± " in reported


def same(first, second):
    assert compare_runs(open_run(first), open_run(second)) == []
    for index in (1, 2, 3):
        folds = (open_run(out / "folds" / str(index)) for out in (first, second))
        assert compare_runs(*folds) == []
    for name in ("model.keras", "folds/2/model.keras"):
        # Names of layers do not depend on how many models a process has made before.
        assert config_of(first / name) == config_of(second / name)
    assert (first / "out_of_fold.csv").read_bytes() == (second / "out_of_fold.csv").read_bytes()


def config_of(model):
    """The configuration of a saved model, without the ids that objects have in a process."""
    with zipfile.ZipFile(model) as archive:
        return re.sub(r'"shared_object_id": \d+', "", archive.read("config.json").decode())


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(2, id="inside a fold"),
        pytest.param(4, id="between folds", marks=pytest.mark.slow),
    ],
)
def test_a_run_killed_anywhere_is_resumed_bit_for_bit(run, recipe, tmp_path, monkeypatch, place):
    _, uninterrupted = run
    out = tmp_path / "run"
    without_reports(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(keras.callbacks.CallbackList, "on_epoch_end", stopping(place))
        with pytest.raises(KeyboardInterrupt):
            keras_recipes.load(recipe).train(out=out, progress=False)
    assert keras_recipes.resume(out, progress=False).status == "completed"
    same(uninterrupted, out)


def test_a_run_killed_after_its_last_fold_trains_nothing_again(run, tmp_path, monkeypatch):
    _, uninterrupted = run
    out = copy_of(uninterrupted, tmp_path / "run")
    as_if_killed(out)
    (out / "out_of_fold.csv").unlink()
    without_reports(monkeypatch)
    monkeypatch.setattr(keras.Model, "fit", None)
    assert keras_recipes.resume(out, progress=False).status == "completed"
    same(uninterrupted, out)


def stopping(place):
    """`on_epoch_end` that ends the process's training at the n-th epoch of all folds."""
    original, seen = keras.callbacks.CallbackList.on_epoch_end, [0]

    def ended(self, epoch, logs=None):
        seen[0] += 1
        if seen[0] == place:
            raise KeyboardInterrupt
        original(self, epoch, logs)

    return ended


def test_numbers_to_predict_and_rows_from_python(tmp_path, monkeypatch):
    without_reports(monkeypatch)
    draw = np.random.default_rng(1)
    x = draw.normal(size=(40, 3))
    y = x @ [1.0, -2.0, 0.5]
    recipe = keras_recipes.load(
        {
            "name": "numbers",
            "data": {"source": "arrays", "folds": 2, "test": None, "batch_size": 8},
            "model": {"layers": [{"dense": {"units": 2}}]},
            "epochs": 2,
        }
    )
    result = recipe.train(x, y, out=tmp_path / "run", progress=False)
    assert result.test == {}
    rows = rows_of(tmp_path / "run")
    np.testing.assert_allclose([float(row["target"]) for row in rows], y, rtol=1e-6)
    for index in (1, 2):
        mine = [row for row in rows if row["fold"] == str(index)]
        error = [float(row["target"]) - float(row["prediction"]) for row in mine]
        rmse = result.folds[index - 1]["validation"]["rmse"]
        assert rmse == pytest.approx(np.mean(np.square(error)) ** 0.5, rel=1e-4)


def test_a_fold_that_fails_fails_the_run_and_says_which(recipe, tmp_path):
    loaded = keras_recipes.load(
        recipe, {"data.target": "size", "data.missing_target": "drop", "optimizer": "sgd",
                 "learning_rate": 1e20, "callbacks": []}
    )  # fmt: skip
    result = loaded.train(out=tmp_path / "run", progress=False, raises=False)
    assert result.status == "failed"
    assert result.reason.startswith("fold 1: ")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data.folds": 60}, "60 folds are asked for"),
        ({"data.batch_size": 60}, "a batch of 60 rows is larger than the training split of 5"),
    ],
)
def test_what_no_fold_can_train_on_leaves_nothing_behind(recipe, tmp_path, changes, message):
    loaded = keras_recipes.load(recipe, changes)
    with pytest.raises(RequestError, match=message):
        loaded.train(out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
