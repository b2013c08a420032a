"""Mistakes about windows that are known before any data is read, each at its place."""

import pytest
from series import daily, hours, write

import keras_recipes
from keras_recipes.recipes import RecipeError
from keras_recipes.recipes.cli import main


def recipe(folder, window=None, data=None, **changes):
    rows = {"t": hours(60), "s": ["a"] * 60, "y": daily(60), "x": daily(60)}
    section = {
        "source": {"csv": {"path": str(write(folder / "rows.csv", rows))}},
        "target": "y",
        "window": {"inputs": 6, "horizon": 2, "time": "t", **(window or {})},
        **(data or {}),
    }
    return {"name": "w", "data": section, "model": {"layers": ["flatten"]}, **changes}


def test_a_sound_recipe(tmp_path):
    loaded = keras_recipes.load(recipe(tmp_path, {"known": ["x"], "by": "s"}))
    assert loaded.data.window.stride == 1


@pytest.mark.parametrize(
    ("window", "data", "changes", "message"),
    [
        ({"horizon": 0}, {}, {}, "data.window.horizon: expected a whole number > 0. Received 0"),
        ({"inputs": -1}, {}, {}, "data.window.inputs: expected a whole number > 0"),
        ({"season": 0}, {}, {}, "data.window.season: expected a whole number > 0"),
        ({"horizn": 1}, {}, {}, "there is no key `horizn` here. Did you mean `horizon`"),
        ({"gaps": "fill"}, {}, {}, "data.window.gaps: expected `split` or `bridge`"),
        ({"time": "y"}, {}, {}, "data.window.time: `y` is the target"),
        ({"by": "t"}, {}, {}, "data.window.by: `t` is the `time`"),
        ({"known": ["y"]}, {}, {}, r"data.window.known\[0\]: `y` is the target"),
        ({"known": ["x"]}, {"features": {"y": "auto"}}, {}, "`x` is left out by `features`"),
        ({"known": ["x"], "horizon": 9}, {}, {}, "Received 6 inputs, horizon 9"),
        ({}, {"source": "iris", "target": None}, {}, "`iris` is no table with columns; leave `win"),
        ({}, {"split_by": {"time": "t"}}, {}, "data.split_by: windows are split by time already"),
        ({}, {"validation": {"csv": {"path": "v.csv"}}}, {}, "data.validation: windows are cut by"),
        ({}, {"num_labeled": 3}, {}, "data.num_labeled: is not for windows"),
        ({}, {"targets": "inputs"}, {}, "data.targets: windows have the rows after them"),
        ({}, {"task": "classification"}, {}, "data.task: windows forecast numbers"),
        ({}, {"limit": 7, "batch_size": 1}, {}, r"data.limit: a window has 6 \+ 2 rows"),
        ({}, {}, {"loss": "binary_crossentropy"}, "loss: `binary_crossentropy` compares classes"),
        ({}, {}, {"metrics": ["accuracy"]}, "metrics.*`accuracy` compares classes"),
        ({}, {}, {"pretraining": {"dbn": {"layers": [{"units": 2}], "epochs": 1}}},
         "pretraining: an RBM takes rows"),
        ({}, {}, {"model": {"layers": [{"dense": {"units": 3}}]}}, "Put `flatten`"),
        ({"inputs": 2}, {}, {"model": {"layers": [
            {"conv1d": {"filters": 3, "kernel_size": 5}}, "flatten"]}}, "a window of 5 does not"),
    ],
)  # fmt: skip
def test_mistakes_that_need_no_data(tmp_path, window, data, changes, message):
    with pytest.raises(RecipeError, match=message):
        keras_recipes.load(recipe(tmp_path, window, data, **changes))


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ({"time": "when"}, "data.window.time: "),
        ({"by": "station"}, "data.window.by: "),
        ({"known": ["holiday"]}, "data.window.known[0]: "),
    ],
)
def test_validate_reads_the_names_of_the_columns(tmp_path, window, message, capsys):
    path = tmp_path / "w.yaml"
    path.write_text(str(recipe(tmp_path, window)).replace("None", "null"))
    assert main(["validate", str(path)]) == 2
    reported = capsys.readouterr().err
    assert message in reported
    assert "rows.csv has no column" in reported
