"""Runs with windows over series: trained, resumed, measured, and asked for what comes next."""

import csv
import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from series import daily, hours, write

import keras_recipes
from keras_recipes.recipes import RequestError
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.record.directory import RunDirectory
from keras_recipes.recipes.run.reproduce import compare_runs
from keras_recipes.recipes.spec import dump

ROWS = 150
BASE = {
    "name": "forecast",
    "seed": 2,
    "data": {
        "source": {"csv": {"path": "rows.csv"}},
        "target": "y",
        "window": {"inputs": 12, "horizon": 4, "time": "t", "by": "s"},
        "validation": 0.2,
        "test": 0.2,
        "batch_size": 32,
    },
    "model": {"layers": [{"conv1d": {"filters": 4, "kernel_size": 3}}, "flatten"]},
    "learning_rate": 0.01,
    "epochs": 2,
    "steps_per_execution": 1,
    "checkpoints": {"every": "1 steps"},
}


def rows_of_two_series(rows=ROWS):
    return {
        "t": [*hours(rows), *hours(rows)],
        "s": ["north"] * rows + ["south"] * rows,
        "y": [f"{value:.4f}" for value in (*daily(rows), *(10 * daily(rows, 1)))],
        "x": ["" if row % 11 == 0 else row % 7 for row in range(2 * rows)],
    }


def load(path: Path, window=None, **changes):
    data = {**BASE["data"], "source": {"csv": {"path": str(path)}}}
    data["window"] = {**data["window"], **(window or {})}
    return keras_recipes.load({**BASE, "data": data, **changes})


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write(tmp_path_factory.mktemp("rows") / "rows.csv", rows_of_two_series())


@pytest.fixture(scope="module")
def run(path, tmp_path_factory):
    """A finished run, and the run directory."""
    return load(path).train(out=tmp_path_factory.mktemp("run") / "run", progress=False)


def test_the_result_has_the_errors_beside_the_seasonal_naive(run):
    assert run.status == "completed"
    for split in ("validation", "test"):
        found, steps = getattr(run, split), run.horizon[split]
        names = ["mae", "rmse", "mase"]
        assert [*steps] == [*names, *(f"seasonal_naive_{name}" for name in names)]
        assert {"loss", *steps} == {*found}
        assert all(len(values) == 4 for values in steps.values())
        # All steps have as many windows.
        assert found["mae"] == pytest.approx(np.mean(steps["mae"]), rel=1e-5)
        assert found["rmse"] == pytest.approx(np.sqrt(np.mean(np.square(steps["rmse"]))), rel=1e-5)
        assert found["seasonal_naive_mae"] > 0
    written = json.loads((Path(run.directory) / "result.json").read_text())
    assert written["horizon"]["test"] == run.horizon["test"]


def test_the_report_has_a_row_for_each_step(run):
    page = (Path(run.directory) / "report.html").read_text()
    assert "Errors at each step of the horizon" in page
    assert "seasonal-naive mase" in page
    assert ">mase</th>" in page


@pytest.mark.parametrize("split", ["validation", "test"])
def test_evaluate_measures_the_saved_model_the_same(run, split):
    found = keras_recipes.evaluate(run.directory, split)
    assert found == pytest.approx(getattr(run, split), rel=1e-5)


def test_evaluate_on_a_file_takes_all_of_its_windows(run, path):
    found = keras_recipes.evaluate(run.directory, path)
    assert {*found} == {*run.test}
    assert found["mae"] > 0


def test_predict_forecasts_the_rows_after_the_last_of_each_series(run, path, capsys):
    found = run.predict(path)
    assert found.values.shape == (2, 4)
    header, rows = found.table()
    assert header == ["s", "t", "step", "prediction"]
    after = hours(4, ROWS)
    assert [row[:3] for row in rows] == [
        [name, time, step]
        for name in ("north", "south")
        for step, time in enumerate(after, start=1)
    ]
    assert main(["predict", run.directory, str(path)]) == 0
    reported = list(csv.reader(capsys.readouterr().out.splitlines()))
    assert reported[0] == header
    assert [row[:3] for row in reported[1:]] == [[str(cell) for cell in row[:3]] for row in rows]


def test_every_window_can_be_forecast(run, path):
    found = run.predict(path, all_windows=True)
    assert len(found) == 2 * (ROWS - 12 + 1)
    assert found.values[ROWS - 12] == pytest.approx(run.predict(path).values[0], rel=1e-6)
    assert main(["predict", run.directory, str(path), "--all-windows", "--out", "/dev/null/x"]) == 2


def test_the_saved_model_alone_predicts_the_same_from_raw_windows(run, path):
    columns = rows_of_two_series()
    model = keras.models.load_model(Path(run.directory) / "model.keras")
    last = slice(ROWS - 12, ROWS)
    window = {
        "t": tf.constant([columns["t"][last]]),
        "x": tf.constant([[float("nan" if cell == "" else cell) for cell in columns["x"][last]]]),
        "y": tf.constant([[float(cell) for cell in columns["y"][last]]]),
    }
    assert {*model.input} == {*window}
    assert model(window).numpy()[0] == pytest.approx(run.predict(path).values[0], rel=1e-5)


def test_columns_of_python_in_any_order_are_sorted(run, path):
    columns = rows_of_two_series()
    order = np.random.default_rng(0).permutation(2 * ROWS)
    mixed = {name: [cells[i] for i in order] for name, cells in columns.items()}
    assert run.predict(mixed).values == pytest.approx(run.predict(path).values, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": None}, "has no column `y`"),
        ({"t": None}, "has no column `t`"),
        ({"t": ["soon"] * 40}, "expected a date"),
        ({"t": [*hours(15), *hours(5, 16), *hours(20)]}, "needs 12 rows without a gap at the end; "
         "series north has fewer"),
    ],
    ids=["no target", "no time", "no date", "a gap"],
)  # fmt: skip
def test_rows_that_cannot_be_forecast(run, change, message):
    columns = {name: cells[:20] + cells[-20:] for name, cells in rows_of_two_series().items()}
    columns["t"] = [*hours(20), *hours(20)]
    columns = {name: cells for name, cells in {**columns, **change}.items() if cells is not None}
    with pytest.raises(RequestError, match=message):
        run.predict(columns)


def test_no_row_of_a_series_can_be_skipped(run, path):
    with pytest.raises(RequestError, match="none can be skipped"):
        run.predict(path, on_error="skip")


def test_what_comes_after_the_cut_changes_no_weight(run, path, tmp_path):
    columns = rows_of_two_series()
    # Validation begins at 60 % of the time.
    for name, value in (("y", "1e5"), ("x", "-3e4")):
        for row in range(2 * ROWS):
            if row % ROWS >= 0.6 * ROWS:
                columns[name][row] = value
    other = load(write(tmp_path / "rows.csv", columns)).train(out=tmp_path / "run", progress=False)
    first, second = (
        keras.models.load_model(Path(result.directory) / "model.keras") for result in (run, other)
    )
    for before, after in zip(first.variables, second.variables, strict=True):
        assert (np.asarray(before) == np.asarray(after)).all(), before.path
    assert run.test != other.test


def test_resumed_in_the_middle_of_an_epoch_it_ends_the_same(run, path, tmp_path, signalled):
    signalled(4)
    broken = load(path).train(out=tmp_path / "run", progress=False)
    signalled(0)
    assert broken.status == "interrupted"
    assert 0 < broken.steps < run.steps
    assert keras_recipes.resume(tmp_path / "run", progress=False).status == "completed"
    runs = RunDirectory(Path(run.directory)), RunDirectory(tmp_path / "run")
    assert compare_runs(*runs) == []


def test_what_is_known_ahead_is_read_from_the_rows_of_the_horizon(path, tmp_path):
    made = load(path, {"known": ["x"]}, epochs=1, model={"layers": [{"gru": {"units": 3}}]})
    result = made.train(out=tmp_path / "run", progress=False)
    columns = rows_of_two_series()
    for name, cells in columns.items():
        columns[name] = cells[:40] + cells[ROWS : ROWS + 40]
    columns["y"][36:40] = columns["y"][76:80] = [""] * 4
    found = result.predict(columns)
    assert [times[0] for times in found.times] == [hours(1, 36)[0]] * 2
    later = {**columns, "x": [*columns["x"][:36], 6, 6, 6, 6, *columns["x"][40:]]}
    changed = result.predict(later)
    assert (changed.values[0] != found.values[0]).any()
    assert (changed.values[1] == found.values[1]).all()
    without = {name: cells[:36] for name, cells in columns.items()}
    with pytest.raises(RequestError, match=r"4 rows with the columns that are known ahead \(x\)"):
        result.predict(without)


def test_two_targets_without_a_time(tmp_path):
    values = daily(100)
    table = write(tmp_path / "rows.csv", {"a": values, "b": 1000 * values[::-1]})
    data = {**BASE["data"], "source": {"csv": {"path": str(table)}}, "target": ["a", "b"]}
    data["window"] = {"inputs": 6, "horizon": 2, "season": 24}
    made = keras_recipes.load({**BASE, "data": data, "epochs": 1, "callbacks": []})
    result = made.train(out=tmp_path / "run", progress=False)
    header, rows = result.predict(table).table()
    assert header == ["row", "step", "prediction_a", "prediction_b"]
    assert [row[:2] for row in rows] == [[100, 1], [101, 2]]
    # Each is in its own unit.
    assert rows[0][2] < 10 < 100 < rows[0][3]


def test_an_ensemble_has_the_errors_too(path, tmp_path):
    made = load(path, {"by": None}, ensemble={"members": 2}, epochs=1)
    with pytest.raises(RequestError, match="has the same time"):
        made.train(out=tmp_path / "other", progress=False)
    result = load(path, ensemble={"members": 2}, epochs=1).train(
        out=tmp_path / "run", progress=False
    )
    assert result.status == "completed"
    assert result.test["mase"] > 0


def test_verbs_that_read_the_data_say_what_was_found(path, tmp_path, capsys):
    recipe = tmp_path / "forecast.yaml"
    recipe.write_text(dump(load(path)))
    assert main(["train", str(recipe), "--dry-run"]) == 0
    reported = capsys.readouterr().out
    assert "series: 2 by s, 300 rows, 1 hour apart by t" in reported
    assert "season: 24 rows, a day" in reported
    assert "windows of 12 + 4 rows: 150 train, 54 validation, 54 test; 12 left out" in reported
    assert main(["check-data", str(recipe)]) == 0
