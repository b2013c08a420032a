"""`keras-recipes reproduce`: the same, or what differs."""

import json

import numpy as np
import pytest

import keras_recipes
from keras_recipes.recipes import RequestError
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.record.compare import surroundings
from keras_recipes.recipes.record.directory import RunDirectory
from keras_recipes.recipes.run.reproduce import compare_runs

SMALL = {
    "name": "small",
    "data": {"source": "iris", "scale": "standardize", "batch_size": 32},
    "model": {"layers": [{"dense": {"units": 4}}, {"dropout": {"rate": 0.2}}]},
    "learning_rate": 0.01,
    "epochs": 2,
}


@pytest.fixture
def run(tmp_path):
    keras_recipes.load(SMALL).train(out=tmp_path / "run", progress=False)
    return tmp_path / "run"


def test_the_same_comes_out(run, capsys):
    assert main(["reproduce", str(run), "--quiet", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["same"] is True
    assert found["epochs"] == 2
    assert found["differences"] == found["surroundings"] == []


def test_what_differs_is_reported(run, tmp_path, capsys):
    """Another metric, another weight, another version."""
    path = run / "metrics.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[1]["loss"] += 1e-7
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["versions"]["keras"] = "3.0.0"
    (run / "manifest.json").write_text(json.dumps(manifest))
    RunDirectory(run).write_result(json.loads((run / "result.json").read_text()))
    assert main(["reproduce", str(run), "--quiet", "--out", str(tmp_path / "again")]) == 1
    written = capsys.readouterr().out
    assert "differs: metrics.jsonl line 2: loss was" in written
    assert "environment differs: versions: keras was '3.0.0'" in written
    assert written.rstrip().endswith("1 differences")
    assert (tmp_path / "again" / "model.keras").is_file()


def test_one_bit_of_a_weight_is_seen(run, tmp_path):
    other = tmp_path / "other"
    keras_recipes.load({**SMALL, "seed": 1}).train(out=other, progress=False)
    found = compare_runs(RunDirectory(run), RunDirectory(other))
    assert any(line.startswith("model.keras: layers/dense") for line in found)
    assert any("numbers, by" in line for line in found)
    assert any(line.startswith("state: model 0") for line in found)
    assert surroundings(RunDirectory(run), RunDirectory(other)) == []


def test_only_a_completed_run_can_be_compared(run, tmp_path, capsys):
    (run / "result.json").write_text('{"status": "interrupted"}')
    with pytest.raises(RequestError, match=r"only a completed run .* this one is interrupted"):
        from keras_recipes.recipes.run.reproduce import reproduce

        reproduce(run)
    assert main(["reproduce", str(tmp_path / "absent")]) == 2
    assert "no such run directory" in capsys.readouterr().err


def test_weights_that_are_no_numbers_are_compared_by_their_bits():
    from keras_recipes.recipes.record.compare import same_array

    nan = np.array([np.nan, -0.0], "float32")
    assert same_array(nan, nan.copy())
    assert not same_array(nan, np.array([np.nan, 0.0], "float32"))
