"""Sources as a recipe names them, their own splits, and the fingerprint."""

import json
import subprocess
import sys

import numpy as np
import pytest

from keras_recipes.recipes.data import Splits, load_data
from keras_recipes.recipes.data.arrays import ALIGNMENT, placed
from keras_recipes.recipes.data.features import Category, Numeric
from keras_recipes.recipes.data.fitted import FITTED
from keras_recipes.recipes.data.sources import SOURCES
from keras_recipes.recipes.data.table import TableOptions
from keras_recipes.recipes.errors import DataError
from keras_recipes.recipes.spec import catalog

NONE = Splits(validation=None, test=None)


@pytest.mark.parametrize(
    ("name", "rows", "features", "classes"),
    [
        ("digits", 1797, 64, tuple(range(10))),
        ("iris", 150, 4, (0, 1, 2)),
        ("wine", 178, 13, (0, 1, 2)),
        ("breast_cancer", 569, 30, (0, 1)),
        ("diabetes", 442, 10, ()),
    ],
)
def test_bundled_sets(name, rows, features, classes):
    data = load_data(name, {}, splits=Splits(), scale="standardize", seed=3)
    assert len(data.train) + len(data.validation) + len(data.test) == rows
    assert data.input_shape == (features,)
    assert data.classes == classes
    assert data.num_outputs == 1
    assert data.task == ("classification" if classes else "regression")
    assert data.train.x.dtype == "float32"
    assert json.loads(json.dumps(data.to_json()))["rows"]["train"] == len(data.train)


def test_no_source_imports_tensorflow():
    code = """
import sys
from keras_recipes.recipes.data import Splits, load_data, read_rows
load_data("iris", {}, splits=Splits())
assert not {"keras", "tensorflow"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def csv(path, text, **arguments):
    path.write_text(text)
    return {"path": str(path), **arguments}


def table(arguments, features=None, splits=NONE, **more):
    return load_data(
        "csv", arguments, splits=splits, table=TableOptions(("price",), features), **more
    )


def lists(split):
    return {name: column.to_pylist() for name, column in split.x.columns.items()}


MIXED = 'size,colour,price\n1,red,a\n2,"blue",b\n\n 3 ,red,a\n4,"sea, green",b\n'


def test_a_table(tmp_path):
    data = table(csv(tmp_path / "t.csv", "\ufeff" + MIXED), scale="minmax")
    assert lists(data.train) == {
        "size": [1, 2, 3, 4],
        "colour": ["red", "blue", "red", "sea, green"],
    }
    assert data.train.y.tolist() == [0, 1, 0, 1]
    assert data.classes == ("a", "b")
    size, colour = data.features
    # Words in the order of the alphabet; the scaling is for numbers.
    assert colour.vocabulary == ("blue", "red", "sea, green")
    assert (size.offset, size.divisor) == (1, 3)
    assert data.scaling.kind == "none"
    assert data.notes == (
        "size: numeric, minmax; numbers from 1 to 4",
        "colour: category; 3 categories",
    )
    assert FITTED.validate_python(json.loads(json.dumps(data.to_json()))["features"]) == (
        data.features
    )


@pytest.mark.parametrize(
    ("cells", "task", "y", "classes"),
    [
        ("123", None, [0, 1, 2], (1, 2, 3)),
        (["1.0", "2", "2"], "classification", [0, 1, 1], (1, 2)),
        (["1", "2", "x"], None, [0, 1, 2], ("1", "2", "x")),
        (["yes", "no", "no"], None, [1, 0, 0], ("no", "yes")),
        (["1.5", "2", "3"], None, [1.5, 2, 3], ()),
        ("123", "regression", [1, 2, 3], ()),
        (["1.5", "2.5", "x"], "classification", [0, 1, 2], ("1.5", "2.5", "x")),
    ],
)
def test_the_task_follows_from_the_target(tmp_path, cells, task, y, classes):
    text = "size,price\n" + "".join(f"{row},{cell}\n" for row, cell in enumerate(cells))
    data = table(csv(tmp_path / "t.csv", text), task=task)
    assert data.train.y.tolist() == y
    assert data.classes == classes


def test_a_chosen_part_of_the_columns(tmp_path):
    text = "id,size,colour,price\nx,1,red,a\ny,2,blue,b\n"
    arguments = csv(tmp_path / "t.csv", text)
    for features, names in (
        ({"size": Numeric()}, ["size"]),
        ({"colour": "auto"}, ["colour"]),
        ({"*": "auto", "id": "drop"}, ["size", "colour"]),
        ({"*": Category(), "size": Numeric()}, ["id", "size", "colour"]),
    ):
        assert [each.name for each in table(arguments, features).features] == names


def test_rows_without_a_target_are_left_out_where_the_recipe_says_so(tmp_path):
    arguments = csv(tmp_path / "t.csv", "size,price\n1,a\n2,\n3,b\n")
    options = TableOptions(("price",), drop_missing_target=True)
    data = load_data("csv", arguments, splits=NONE, table=options)
    assert (lists(data.train), data.train.y.tolist()) == ({"size": [1, 3]}, [0, 1])


def test_features_are_learned_from_training_rows_alone(tmp_path):
    rows = [f"{row * row},c{row % 7},{'ab'[row % 2]}" for row in range(60)]
    arguments = csv(tmp_path / "t.csv", "\n".join(["size,colour,price", *rows]))
    data = table(arguments, splits=Splits(0.2, 0.2))
    size, colour = data.features
    assert size.fill == np.median(lists(data.train)["size"])
    assert set(colour.vocabulary) == set(lists(data.train)["colour"])


def test_splits_in_files_of_their_own(tmp_path):
    arguments = csv(tmp_path / "t.csv", MIXED)
    # Other order of columns, another delimiter, one column more, fewer words and classes; and
    # cells that the training table does not have, which the model takes.
    text = "price;more;colour;size\nb;?;red;7\na;?;pink;\n"
    other = csv(tmp_path / "v.csv", text, delimiter=";")
    data = table(arguments, splits=Splits(("csv", other), None))
    assert lists(data.validation) == {"size": [7, None], "colour": ["red", "pink"]}
    assert data.validation.y.tolist() == [1, 0]
    assert len(data.train) == 4


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("size,colour,price\n7,red,c\n", "class c is not among the training rows"),
        ("size,colour,price\n7,red,\n", "line 2, column `price`: the row has no target"),
        ("size,price\n7,a\n", "has no column `colour`"),
        ("size,colour\n7,red\n", "has no column `price`"),
    ],
)
def test_a_file_of_its_own_that_does_not_fit(tmp_path, text, fragment):
    arguments, other = csv(tmp_path / "t.csv", MIXED), csv(tmp_path / "v.csv", text)
    with pytest.raises(DataError, match=fragment):
        table(arguments, splits=Splits(("csv", other), None))


def test_a_table_and_an_array_are_no_parts_of_the_same_data(tmp_path):
    np.savez(tmp_path / "v.npz", x=np.zeros((2, 2)), y=["a", "b"])
    other = ("npz", {"path": str(tmp_path / "v.npz")})
    with pytest.raises(DataError, match=r"v\.npz: has no column `price`; it has `x` or `y`"):
        table(csv(tmp_path / "t.csv", MIXED), splits=Splits(other, None))


def test_words_that_look_like_numbers_stay_words(tmp_path):
    arguments = csv(tmp_path / "t.csv", "code,price\n01,01\n1,2\ny,x\n")
    other = csv(tmp_path / "v.csv", "code,price\n01,01\n1,2\n")
    data = table(arguments, splits=Splits(("csv", other), None))
    assert data.validation.y.tolist() == [0, 1]
    assert lists(data.validation) == {"code": ["01", "1"]}
    # So do those of a column that the recipe calls a category.
    arguments = csv(tmp_path / "t.csv", "code,price\n01,a\n1,b\n")
    assert table(arguments, {"code": Category()}).features[0].vocabulary == ("01", "1")


def test_npz_and_its_own_test_rows(tmp_path):
    path = str(tmp_path / "f.npz")
    x, y = np.zeros((6, 4, 4, 1), "uint8"), np.array([3, 5] * 3, "uint8")
    np.savez(path, x=x, y=y[:, None], tx=x[:2], ty=y[:2])
    data = load_data("npz", {"path": path, "x_test": "tx", "y_test": "ty"}, splits=Splits(None))
    assert data.train.x.dtype == "uint8"  # raw pixels stay raw
    assert data.input_shape == (4, 4, 1)
    assert data.classes == (3, 5)
    assert data.test.y.tolist() == [0, 1]
    # A test split that the recipe asks for comes out of the training rows instead.
    data = load_data("npz", {"path": path, "x_test": "tx", "y_test": "ty"}, splits=Splits(None, 2))
    assert (len(data.train), len(data.test)) == (4, 2)


@pytest.mark.parametrize(
    ("x", "y", "task", "classes"),
    [
        ([1, 2, 3], [0, 1, 1], "classification", (0, 1)),
        ([[1], [2], [3]], ["b", "a", "b"], "classification", ("a", "b")),
        (np.zeros((3, 2)), np.array(["b", "a", "b"], object), "classification", ("a", "b")),
        (np.zeros((3, 2)), np.array([b"b", b"a", b"b"]), "classification", ("a", "b")),
        (np.zeros((3, 2), bool), [True, False, True], "classification", (False, True)),
        (np.zeros((3, 2), ">i4"), np.array([7, 9, 7], ">u2"), "classification", (7, 9)),
        (np.zeros((3, 2), "float16"), np.zeros((3, 1)), "regression", ()),
        (np.zeros((3, 2), ">f8"), np.array([1, 2, 3], ">f8"), "regression", ()),
        (np.zeros((3, 2)), np.zeros((3, 4)), "regression", ()),
    ],
)
def test_arrays_of_many_kinds(x, y, task, classes):
    data = load_data("arrays", {}, splits=NONE, scale="standardize", arrays=(x, y))
    assert (data.task, data.classes) == (task, classes)
    assert data.train.x.dtype.isnative
    assert data.train.x.dtype.kind != "f" or data.train.x.dtype == "float32"
    json.dumps(data.to_json())


def test_several_targets():
    data = load_data("arrays", {}, splits=NONE, arrays=(np.zeros((3, 2)), np.zeros((3, 4))))
    assert data.num_outputs == 4


def test_training_rows_lie_where_tensorflow_reads_them():
    data = load_data("digits", {}, splits=Splits())
    for part in (data.train, data.validation, data.test):
        assert part.x.ctypes.data % ALIGNMENT == 0
        assert placed(part.x) is part.x
    assert placed(data.train.x[:, ::2]).flags.c_contiguous


def test_a_keras_set(monkeypatch):
    import keras

    x, y = np.zeros((20, 28, 28), "uint8"), np.arange(20, dtype="uint8") % 10
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: ((x, y), (x[:10], y[:10])))
    data = load_data("mnist", {}, splits=Splits(validation=None), scale="minmax")
    assert (len(data.train), len(data.test)) == (20, 10)
    assert data.input_shape == (28, 28)
    assert data.scaling.offset.ndim == 0  # pixels share one range


@pytest.mark.parametrize("error", [Exception("URL fetch"), OSError("no route"), ValueError("hash")])
def test_a_keras_set_that_is_not_there(monkeypatch, capsys, error):
    import keras

    def load(**arguments):
        print("Downloading data from somewhere")
        raise error

    monkeypatch.setenv("KERAS_HOME", "/some/home")
    for name in ("mnist", "fashion_mnist", "cifar10", "cifar100", "california_housing"):
        monkeypatch.setattr(getattr(keras.datasets, name), "load_data", load)
        with pytest.raises(DataError, match=f"{name}: is neither in .*{error}.* /some/home/datas"):
            load_data(name, {}, splits=Splits())
    assert capsys.readouterr().out == ""  # stdout belongs to results


def test_the_table_of_sources_is_whole():
    assert set(catalog.names("sources")) == {*SOURCES, "arrays"}
    assert all(source.__doc__ for source in SOURCES.values())
