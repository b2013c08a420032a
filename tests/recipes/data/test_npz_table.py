"""An `npz` file as a table: its arrays are columns where the recipe names the target."""

import numpy as np
import pytest

import keras_recipes
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.data.npz_table import npz_columns
from keras_recipes.recipes.errors import DataError, RecipeError
from keras_recipes.recipes.spec.source_files import file_problems

ROWS = 12


@pytest.fixture
def machines(tmp_path):
    """A file of waves, vectors, ages, words and labels, and names of another length."""
    draw = np.random.default_rng(0)
    path = tmp_path / "machines.npz"
    np.savez(
        path,
        wave=draw.normal(size=(ROWS, 8, 2)),
        vector=draw.normal(size=(ROWS, 3)),
        age=np.arange(ROWS) % 5 + 0.5,
        maker=np.array(["a", "b"])[np.arange(ROWS) % 2],
        label=np.arange(ROWS) % 2,
        names=np.array(["fine", "broken"]),
    )
    return path


FEATURES = {"wave": "auto", "vector": "array", "age": "numeric", "maker": "category"}
PARTS = {
    "waves": {"from": "wave", "layers": [{"conv1d": {"filters": 2, "kernel_size": 3}}, "flatten"]},
    "rest": {"from": "*", "layers": [{"dense": {"units": 2}}]},
    "joined": {"from": ["waves", "rest"], "layers": [{"dense": {"units": 2}}]},
}


def recipe(path, source=None, model=None, **data):
    given = {"target": "label", "features": FEATURES, "task": "classification", **data}
    section = {"source": {"npz": {"path": str(path), **(source or {})}}, "batch_size": 4, **given}
    model = {"parts": PARTS} if model is None else model
    return keras_recipes.load({"name": "x", "data": section, "model": model, "epochs": 1})


def test_arrays_become_columns_of_their_shape(machines):
    data = data_of(recipe(machines))
    assert {each.name: each.kind for each in data.features} == {
        "wave": "array", "vector": "array", "age": "numeric", "maker": "category",
    }  # fmt: skip
    assert data.train.x["wave"].shape == (len(data.train), 8, 2)
    assert data.classes == (0, 1)


def test_arrays_that_are_not_named_are_not_read(machines):
    assert set(npz_columns(machines, ["age", "label"]).columns) == {"age", "label"}
    with pytest.raises(DataError, match="equally long"):
        data_of(recipe(machines, features={"*": "auto"}))
    left_out = recipe(machines, features={"*": "auto", "names": "drop"}, model={"layers": []})
    assert len(data_of(left_out).features) == 4


def test_one_array_and_its_target_are_rows_and_targets(machines, tmp_path):
    with np.load(machines) as file:
        np.savez(tmp_path / "two.npz", rows=file["vector"], label=file["label"])
    table = recipe(tmp_path / "two.npz", features=None, model={"layers": []})
    plain = recipe(
        tmp_path / "two.npz",
        {"x": "rows", "y": "label"},
        features=None,
        target=None,
        model={"layers": []},
    )
    one, other = data_of(table), data_of(plain)
    np.testing.assert_array_equal(one.train.x, other.train.x)
    np.testing.assert_array_equal(one.train.y, other.train.y)


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        ({"target": "labl"}, "data.target", "has no array `labl`"),
        ({"features": {"wavs": "auto"}}, "data.features.wavs", "has no array `wavs`"),
        ({"source": {"x": "wave"}}, "data.source.npz.x", "each array is a column"),
        (
            {"target": "label", "features": {"label": "auto"}},
            "data.features.label",
            "is the target",
        ),
    ],
    ids=["target", "feature", "x", "leak"],
)
def test_each_mistake_is_reported_before_tensorflow_is_imported(machines, changes, place, message):
    try:
        problems = list(file_problems(recipe(machines, model={"layers": []}, **changes)))
    except RecipeError as error:
        problems = list(error.problems)
    assert any(place in str(problem) and message in str(problem) for problem in problems)


def test_an_input_that_no_array_is_called_is_reported_with_its_place(machines):
    parts = {"waves": {"from": "wav", "layers": ["flatten"]}}
    with pytest.raises(RecipeError, match=r"model\.parts\.waves\.from.*`wav`"):
        recipe(machines, model={"parts": parts}, features={"wave": "array"})


@pytest.mark.usefixtures("eager")
def test_a_graph_takes_several_arrays_and_its_model_the_raw_ones(machines, tmp_path):
    result = recipe(machines).train(out=tmp_path / "run", progress=False)
    assert keras_recipes.evaluate(tmp_path / "run") == result.test
    with np.load(machines) as file:
        rows = {name: file[name] for name in FEATURES}
    from_python = keras_recipes.predict(tmp_path / "run", rows)
    from_file = keras_recipes.predict(tmp_path / "run", machines)
    np.testing.assert_array_equal(from_python.outputs, from_file.outputs)
    keras_recipes.evaluate(tmp_path / "run", machines)
    short = {**rows, "wave": rows["wave"][:, :4]}
    with pytest.raises(Exception, match=r"arrays of shape \(4, 2\); the model takes \(8, 2\)"):
        keras_recipes.predict(tmp_path / "run", short)


@pytest.mark.usefixtures("eager")
def test_a_list_of_layers_takes_one_array_with_the_rest_beside(machines, tmp_path):
    layers = [{"conv1d": {"filters": 2, "kernel_size": 3}}, "flatten", {"dense": {"units": 2}}]
    asked = recipe(machines, model={"layers": layers})
    result = asked.train(out=tmp_path / "run", progress=False)
    assert keras_recipes.evaluate(tmp_path / "run") == result.test
