"""What the files of a sweep may hold."""

from typing import Any, Literal

import pytest

from keras_recipes import RequestError
from keras_recipes.recipes.sweep.run.folder import trial_folder
from keras_recipes.recipes.sweep.run.result import SweepResult, read_result
from keras_recipes.recipes.sweep.stored import fits, is_trial_id, read_json


@pytest.mark.parametrize(
    ("value", "hint", "good"),
    [
        (1, int, True),
        (True, int, False),
        (1.5, int, False),
        (1, float, True),
        (float("nan"), float, False),
        (float("inf"), float, False),
        (10**400, float, False),
        (None, float | None, True),
        ("a", float | None, False),
        ([1, 2], list[float], True),
        ([1, "a"], list[float], False),
        ({"a": 1}, list[float], False),
        ({"a": [1]}, dict[str, Any], True),
        ({"a": "b"}, dict[str, float], False),
        ("min", Literal["min", "max"], True),
        ("least", Literal["min", "max"], False),
        ([], bool, False),
    ],
)
def test_a_value_fits_its_annotation(value, hint, good):
    assert fits(value, hint) == good


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 10**5, b"9" * 10**5])
def test_what_is_no_json_is_refused_with_its_file(tmp_path, content):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(RequestError, match=r"x\.json: is not valid JSON.*Do that"):
        read_json(tmp_path / "x.json", "Do that.")


@pytest.mark.parametrize(
    "name", ["", "..", "../../x", "0/1", "-1", "1" * 10, "\u0661", "1\n", 1, None]
)
def test_a_trial_is_a_number_and_its_folder_is_below_the_sweeps(tmp_path, name):
    assert not is_trial_id(name)
    with pytest.raises(RequestError, match="name of a trial is a number"):
        trial_folder(tmp_path, name)


def test_a_result_does_not_say_where_things_are_written(tmp_path):
    (tmp_path / "result.json").write_text(
        '{"status": "completed", "reason": "done", "directory": "/somewhere", "new key": 1}'
    )
    expected = SweepResult("completed", str(tmp_path), "done")
    assert read_result(tmp_path / "result.json") == expected
