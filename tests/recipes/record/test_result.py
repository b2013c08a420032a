"""Results and metrics survive being written and read, whatever their values are."""

import json
import math

import pytest

from keras_recipes.recipes.record.directory import RunDirectory, read_result
from keras_recipes.recipes.record.metrics import curves, read_metrics
from keras_recipes.recipes.record.result import Result, StopReason


def test_a_result_survives_being_written(tmp_path):
    result = Result(
        "failed",
        str(tmp_path),
        stop_reason=StopReason.DIVERGED,
        validation={"loss": math.nan, "accuracy": 0.5},
        members=[{"directory": "members/1", "validation": {"loss": 1.0}, "test": {}}],
    )
    RunDirectory(tmp_path).write_result(result.to_json())
    assert json.loads((tmp_path / "result.json").read_text())["validation"]["loss"] is None
    found = read_result(RunDirectory(tmp_path))
    assert math.isnan(found.validation["loss"])
    assert found.stop_reason is StopReason.DIVERGED
    assert found.members == result.members


def test_keys_of_other_versions_are_no_error():
    found = Result.from_json({"status": "completed", "directory": "x", "colour": "red"})
    assert found == Result("completed", "x")
    with pytest.raises(ValueError, match="for `stop_reason`"):
        Result.from_json({"status": "completed", "directory": "x", "stop_reason": "boredom"})


def test_metrics_end_at_a_line_that_is_cut(tmp_path):
    assert read_metrics(tmp_path) == []
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 1, "loss": 2.0}\n{"epoch": 2, "lo')
    assert curves(read_metrics(tmp_path))["loss"] == ([1], [2.0])
    assert Result("running", str(tmp_path)).history == {"epoch": [1], "loss": [2.0]}
