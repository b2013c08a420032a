"""Exported files that read what a run reads: series row by row, and pictures."""

import csv
import io
import os
import subprocess
import sys

import numpy as np
import pytest
from extras import needs
from images import hollow, write_folder
from series import daily, hours, write
from small_runs import without_reports

import keras_recipes
from keras_recipes.recipes.cli import main

ROWS, HORIZON = 80, 4
FILES = ["m.onnx", "m.tflite", "m.keras"]


def columns():
    """Two series of which a category is known ahead, and no target over the last horizon."""
    north, south = ([f"{v:.4f}" for v in daily(ROWS, seed)] for seed in (0, 1))
    ahead = [""] * HORIZON
    asked = [*north[:-HORIZON], *ahead, *south[:-HORIZON], *ahead]
    rows = range(2 * ROWS)
    found = {
        "t": [*hours(ROWS), *hours(ROWS)],
        "s": ["north"] * ROWS + ["south"] * ROWS,
        "x": ["" if row % 11 == 0 else str(row % 7) for row in rows],
        "k": [("ab", "cd", "ef")[row % 3] for row in rows],
    }
    return {**found, "y": [*north, *south]}, {**found, "y": asked}


def train(recipe, run):
    """Train a recipe for an epoch, step by step, without a report; its run directory."""
    with pytest.MonkeyPatch.context() as patch:
        without_reports(patch)
        loaded = keras_recipes.load({**recipe, "epochs": 1, "steps_per_execution": 1})
        loaded.train(out=run, progress=False)
    return run


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """A run with windows, and a table to forecast from."""
    folder = tmp_path_factory.mktemp("series")
    known, asked = columns()
    window = {"inputs": 12, "horizon": HORIZON, "time": "t", "by": "s", "known": ["k"]}
    recipe = {
        "name": "forecast",
        "data": {
            "source": {"csv": {"path": str(write(folder / "rows.csv", known))}},
            "target": "y",
            "window": window,
            "validation": 0.2,
            "test": 0.2,
        },
        "model": {"layers": [{"conv1d": {"filters": 2, "kernel_size": 3}}, "flatten"]},
    }
    return train(recipe, folder / "run"), write(folder / "asked.csv", asked)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A run on pictures of different sizes, and their folder."""
    folder = tmp_path_factory.mktemp("pictures")
    recipe = {
        "name": "pictures",
        "data": {
            "source": {"image_folder": {"path": str(write_folder(folder / "in", size=None))}},
            "features": {"image": {"image": {"size": [9, 8]}}},
            "batch_size": 4,
        },
        "model": {"layers": [{"conv2d": {"filters": 2, "kernel_size": 3}}, "flatten"]},
    }
    return train(recipe, folder / "run"), folder / "in"


@pytest.fixture(scope="module")
def exported(series, pictures, tmp_path_factory):
    """Both runs in each format: the files by the name of the run and of the file."""
    needs("tf2onnx", "onnxruntime", "ai_edge_litert")
    found = {}
    for what, (run, _) in (("series", series), ("pictures", pictures)):
        folder = tmp_path_factory.mktemp(what)
        for name in FILES:
            keras_recipes.export(run, folder / name)
            found[what, name] = folder / name
    return found


def same(found, wanted, apart=1e-5):
    np.testing.assert_allclose(found.outputs, wanted.outputs, rtol=apart, atol=apart)
    of_file, of_run = found.columns(), wanted.columns()
    assert list(of_file) == list(of_run)
    for name, cells in of_file.items():
        if not isinstance(cells[0], float):
            assert cells == of_run[name]


@pytest.mark.parametrize("name", FILES)
def test_a_file_forecasts_from_a_table_as_the_run_does(series, exported, name):
    run, asked = series
    path = exported["series", name]
    for every in (False, True):
        wanted = keras_recipes.predict(run, asked, all_windows=every)
        same(keras_recipes.predict(path, asked, all_windows=every), wanted)
    predictor = keras_recipes.load_predictor(path)
    table = columns()[1]
    wanted = keras_recipes.predict(run, table)
    assert wanted.values.shape == (2, HORIZON)
    same(predictor(table), wanted)
    same(predictor(asked), wanted)
    last = {
        key: [cells[-HORIZON - 12 :] if key == "k" else cells[-HORIZON - 12 : -HORIZON]]
        for key, cells in table.items()
    }
    numbers = {**last, "x": [[float(c or "nan") for c in last["x"][0]]]}
    one = predictor(numbers).outputs
    np.testing.assert_allclose(one, wanted.outputs[1:], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", FILES)
def test_a_file_takes_pictures_by_folder_path_and_content(pictures, exported, name, tmp_path):
    run, folder = pictures
    path, apart = exported["pictures", name], 1e-6 if name == "m.keras" else 1e-3
    wanted = keras_recipes.predict(run, folder)
    same(keras_recipes.predict(path, folder), wanted, apart)
    predictor = keras_recipes.load_predictor(path)
    same(predictor(folder), wanted, apart)
    one = folder / "cats" / "01.png"
    table = write(tmp_path / "table.csv", {"image": ["01.png"], "more": ["a"]})
    (tmp_path / "01.png").write_bytes(one.read_bytes())
    wanted = keras_recipes.predict(run, one)
    same(keras_recipes.predict(path, one), wanted, apart)
    for given in (str(one), {"image": str(one)}, {"image": [str(one)]}, table):
        np.testing.assert_allclose(predictor(given).outputs, wanted.outputs, atol=apart)
    by_content = predictor({"image": one.read_bytes()}).outputs
    np.testing.assert_allclose(by_content, wanted.outputs, atol=apart)
    kept = keras_recipes.predict(path, table, keep=["more"]).columns()
    assert (kept["more"], kept["file"]) == (["a"], ["01.png"])


@pytest.mark.parametrize("name", ["m.onnx", "m.keras"])
def test_a_picture_that_cannot_be_decoded_is_refused_or_skipped(exported, name, tmp_path):
    write_folder(tmp_path / "in", count=1)
    (tmp_path / "in" / "hollow.png").write_bytes(hollow())
    path = exported["pictures", name]
    with pytest.raises(keras_recipes.DataError, match=r"hollow\.png: cannot be decoded"):
        keras_recipes.predict(path, tmp_path / "in")
    found = keras_recipes.predict(path, tmp_path / "in", on_error="skip")
    assert (len(found), len(found.errors)) == (3, 1)


def test_windows_are_for_files_that_have_them(exported, pictures, capsys):
    path = str(exported["pictures", "m.onnx"])
    assert main(["predict", "--all-windows", path, str(pictures[1])]) == 2
    assert "has no windows" in capsys.readouterr().err


def test_no_tensorflow_reads_rows_for_light_files(series, pictures, exported):
    asked = {"series": series[1], "pictures": pictures[1]}
    light = [
        (str(p), str(asked[what])) for (what, name), p in exported.items() if "keras" not in p.name
    ]
    code = (
        "import sys\n"
        "from keras_recipes.recipes.cli import main\n"
        f"for path, rows in {light!r}:\n"
        "    assert main(['predict', path, rows]) == 0\n"
        "    assert main(['verify', path]) == 0\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 0, done.stderr
    header = next(csv.reader(io.StringIO(done.stdout)))
    assert header == ["s", "t", "step", "prediction"]
