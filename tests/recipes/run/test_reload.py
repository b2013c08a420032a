"""What a finished run gives back: metrics of any rows, predictions, its model, its history."""

import json
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_recipes
from keras_recipes import disk
from keras_recipes.callbacks import BestCheckpoint
from keras_recipes.models import TrainingModel, WeightDecay
from keras_recipes.recipes import DataError, RequestError
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.record.directory import RunDirectory
from keras_recipes.recipes.run.predictions import predictions
from keras_recipes.recipes.run.reproduce import reproduce
from keras_recipes.schedules import Linear

pytestmark = pytest.mark.usefixtures("eager_module")
LINES = [f"{index % 7},{'red' if index % 2 else 'blue'},{'ab'[index % 2]}" for index in range(40)]
RECIPE = {
    "name": "small",
    "data": {
        "source": {"csv": {"path": "data/t.csv"}},
        "target": "y",
        "batch_size": 16,
    },
    "model": {"layers": [{"dense": {"units": 2, "activation": "tanh"}}]},
    "learning_rate": {"linear": {"initial_learning_rate": 0.1, "decay_steps": "100%"}},
    "weight_decay": {"rate": 0.001},
    "epochs": 2,
    "callbacks": [
        {"best_checkpoint": {"path": "checkpoints/best.keras"}},
        {"top_checkpoints": {"path": "checkpoints/top", "k": 1}},
        {"periodic_checkpoint": {"path": "checkpoints/every", "epochs": 2}},
        {"model_checkpoint": {"filepath": "checkpoints/last.keras"}},
    ],
}
NEW = "extra,colour,size\n1,red,2\n1,red,x\n1,blue,1e39\n1,blue,3\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with a table and a run that was trained on it; tests do not change it."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "data").mkdir()
    (folder / "data/t.csv").write_text("\n".join(["size,colour,y", *LINES]) + "\n")
    path = str(folder / "data/t.csv")
    recipe = keras_recipes.load(RECIPE, {"data.source.csv.path": path})
    return folder, recipe.train(out=folder / "run", progress=False)


@pytest.fixture
def moved(project, tmp_path):
    """The same project elsewhere, and nothing where it was."""
    shutil.copytree(project[0], tmp_path / "moved")
    for name in ("recipe.yaml", "manifest.json"):
        path = tmp_path / "moved/run" / name
        # As if the old place were gone.
        path.write_text(path.read_text().replace(str(project[0]), "/nowhere/project"))
    run = RunDirectory(tmp_path / "moved/run")
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["fingerprints"]["recipe"] = disk.hashed(run / "recipe.yaml").sha256
    (run / "manifest.json").write_text(json.dumps(manifest))
    run.write_result(json.loads((run / "result.json").read_text()))
    return tmp_path / "moved"


def test_predictions_of_a_file_with_bad_rows(project, tmp_path, capsys):
    new = tmp_path / "new.csv"
    new.write_text(NEW)
    with pytest.raises(DataError, match="2 of 4 rows cannot be used"):
        keras_recipes.predict(project[0] / "run", new)
    found = keras_recipes.predict(project[0] / "run", new, on_error="skip")
    assert found.values.tolist()[1:3] == [None, None]
    assert set(found.values.tolist()) <= {"a", "b", None}
    assert np.isnan(found.outputs).all(axis=1).tolist() == [False, True, True, False]
    assert list(found.errors) == [1, 2]
    assert len(repr(found)) < 100
    columns = {"size": [2, 3], "colour": ["red", "blue"]}
    np.testing.assert_array_equal(project[1].predict(columns).outputs, found.outputs[[0, 3]])

    assert main(["predict", str(project[0] / "run"), str(new), "--on-error", "skip"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "prediction,output_a,output_b,error"
    assert [line.startswith(",,,") for line in lines[1:]] == [False, True, True, False]
    assert 'line 3, column `size`: expected a number. Received "x"' in err
    assert "the column `extra` is not used" in err
    assert main(["predict", str(project[0] / "run"), str(new)]) == 2


def test_cells_that_are_missing_or_new_are_predicted(project, tmp_path, capsys):
    new = tmp_path / "new.csv"
    new.write_text("colour,size\npink,2\n,\nblue,?\n")
    assert set(keras_recipes.predict(project[0] / "run", new).values) <= {"a", "b"}
    # The saved model alone does the same.
    found = project[1].model.predict(
        tf.data.Dataset.from_tensors(
            {"colour": tf.constant([["pink"], [""]]), "size": tf.constant([[2.0], [np.nan]])}
        ),
        verbose=0,
    )
    columns = {"colour": ["pink", None], "size": [2, None]}
    np.testing.assert_array_equal(found, project[1].predict(columns).outputs)


def test_metrics_of_a_file_of_arrays_and_of_columns(project, tmp_path, capsys):
    folder, result = project
    assert keras_recipes.evaluate(folder / "run") == pytest.approx(result.test)
    everything = keras_recipes.evaluate(folder / "run", folder / "data/t.csv")
    cells = [line.split(",") for line in LINES]
    columns = {"size": [c[0] for c in cells], "colour": [c[1] for c in cells]}
    y = [c[2] for c in cells]
    assert keras_recipes.evaluate(folder / "run", (columns, y)) == pytest.approx(everything)
    labels = result.predict(columns).values
    assert everything["accuracy"] == pytest.approx(np.mean(labels == np.array(y)))

    other = tmp_path / "more.csv"
    other.write_text("size,colour,y\n" + "\n".join([*LINES, "x,red,a", "1,red,c"]) + "\n")
    assert main(["evaluate", str(folder / "run"), str(other)]) == 2
    assert "2 of 42 rows cannot be used" in capsys.readouterr().err
    words = ["evaluate", str(folder / "run"), str(other), "--on-error", "skip", "--json"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["metrics"] == pytest.approx(everything)
    assert 'the class "c" is none that the model knows' in err
    assert main([*words[:3], "--split", "test"]) == 2


def test_the_model_of_a_table_loads_with_the_layers_of_this_package(project):
    code = (
        "import keras, keras_recipes\n"
        f"model = keras.models.load_model({str(project[0] / 'run/model.keras')!r})\n"
        "assert type(model).__module__.startswith('keras.')\n"
        "assert sorted(model.input) == ['colour', 'size']\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_a_result_hands_back(project):
    result = project[1]
    assert result.model is result.model
    assert result.model.output_shape == (None, 2)
    assert result.history["epoch"] == [1, 2]
    assert {len(values) for values in result.history.values()} == {2}
    assert len(repr(result)) < 200
    recipe = keras_recipes.load(project[0] / "run/recipe.yaml")
    assert repr(recipe) == str(recipe)
    assert len(repr(recipe)) < 200


def test_a_moved_project(moved, capsys):
    found = keras_recipes.evaluate(moved / "run")
    assert found == pytest.approx(json.loads((moved / "run/result.json").read_text())["test"])
    written = capsys.readouterr().err
    assert "there is no /nowhere/project/data/t.csv; " in written
    assert f"{moved / 'data/t.csv'} is read instead" in written
    assert keras_recipes.resume(moved / "run", progress=False).status == "completed"
    assert reproduce(moved / "run", progress=False).same


def test_data_that_was_moved_alone(moved, tmp_path, capsys):
    (moved / "data/t.csv").rename(tmp_path / "u.csv")
    run = str(moved / "run")
    assert main(["evaluate", run]) == 2
    assert "/nowhere/project/data/t.csv: there is no such file" in capsys.readouterr().err
    path = "data.source.csv.path"
    assert main(["evaluate", run, f"{path}={tmp_path / 'u.csv'}"]) == 0
    assert reproduce(run, {path: str(tmp_path / "u.csv")}, progress=False).same
    (tmp_path / "u.csv").write_text("\n".join(["size,colour,y", *LINES[::-1]]) + "\n")
    capsys.readouterr()
    for verb in ("evaluate", "reproduce"):
        assert main([verb, run, f"{path}={tmp_path / 'u.csv'}"]) == 2
        assert "the data has changed since this run" in capsys.readouterr().err
    # What is asked for is used, or refused.
    (moved / "data/t.csv").write_text("\n".join(["size,colour,y", *LINES]) + "\n")
    with pytest.raises(RequestError, match=r"absent/t\.csv: there is no such file"):
        keras_recipes.evaluate(run, "test", [f"{path}=absent/t.csv"])


def test_models_load_where_there_is_only_keras(tmp_path):
    """Those of a run without this package, one of a fit with its model class with it."""
    data = {"source": "iris", "batch_size": 16}
    keras_recipes.load({**RECIPE, "data": data}).train(out=tmp_path / "run", progress=False)
    inputs = keras.Input((2,))
    outputs = keras.layers.Dense(1)(inputs)
    model = TrainingModel(inputs, outputs, weight_decay=WeightDecay(0.01))
    model.compile(keras.optimizers.SGD(Linear(0.1, decay_steps=10), momentum=0.9), "mse")
    whole = tmp_path / "whole.keras"
    own = BestCheckpoint(str(whole), monitor="loss")
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0, callbacks=[own])
    run = tmp_path / "run"
    paths = [path for path in sorted(run.rglob("*.keras")) if "state" not in path.parts]
    names = {str(path.relative_to(run)) for path in paths}
    assert names >= {
        "model.keras",
        "checkpoints/best.keras",
        "checkpoints/last.keras",
        "checkpoints/every/epoch-0002.keras",
    }
    code = (
        "import sys, keras\n"
        f"for path in {[str(path) for path in paths]!r}:\n"
        "    model = keras.models.load_model(path)\n"
        "    assert type(model).__module__.startswith('keras.'), path\n"
        "    assert model.output_shape == (None, 3)\n"
        "assert not any(name.startswith('keras_recipes') for name in sys.modules)\n"
        "import keras_recipes\n"
        f"whole = keras.models.load_model({str(whole)!r})\n"
        "print(whole.training_parts.weight_decay.rate, int(whole.optimizer.iterations))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0.01", "1"]


def test_one_unit_speaks_for_the_second_class():
    described = {"classes": ["a", "b"], "task": "classification"}
    likely = predictions(np.array([[0.2], [0.8]]), described)
    assert likely.values.tolist() == ["a", "b"]
    np.testing.assert_allclose(likely.outputs, [[0.8, 0.2], [0.2, 0.8]], rtol=1e-6)
    # A logit of 0.2 is a probability of 0.55.
    logits = predictions(np.array([[0.2], [-0.2]]), {**described, "output_function": "sigmoid"})
    assert logits.values.tolist() == ["b", "a"]
    np.testing.assert_allclose(logits.outputs[:, 1], [0.549834, 0.450166], rtol=1e-5)


def test_predicted_numbers():
    described = {"classes": [], "task": "regression"}
    one = predictions(np.array([[1.5], [2.5]]), described)
    assert one.values.tolist() == [1.5, 2.5]
    assert one.table() == (["prediction"], [[1.5], [2.5]])
    usable = np.array([True, False, True])
    two = predictions(np.array([[1.0, 2.0], [3.0, 4.0]]), described, usable=usable)
    assert two.values.shape == (3, 2)
    assert two.table()[0] == ["prediction_0", "prediction_1"]
    assert np.isnan(two.values[1]).all()


def test_a_regression_on_a_file_has_the_metrics_of_the_same_rows(tmp_path):
    """The loss too, which is that of targets standardized by the training rows."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 2))
    np.savez(tmp_path / "all.npz", x=x, y=2e5 + 3e4 * x[:, 0], xt=x[:9], yt=2e5 + 3e4 * x[:9, 0])
    source = {"npz": {"path": str(tmp_path / "all.npz"), "x_test": "xt", "y_test": "yt"}}
    recipe = {"data": {"source": source}, "model": {"layers": []}, "epochs": 1, "name": "r"}
    result = keras_recipes.load(recipe).train(out=tmp_path / "run", progress=False)
    np.savez(tmp_path / "test.npz", x=x[:9], y=2e5 + 3e4 * x[:9, 0])
    found = keras_recipes.evaluate(tmp_path / "run", tmp_path / "test.npz")
    assert found == pytest.approx(result.test, rel=1e-6)
    assert found["rmse"] > 100 * found["loss"]
