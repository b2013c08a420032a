"""Sources as a recipe names them, their own splits, and the fingerprint."""

import json
import subprocess
import sys

import numpy as np
import pytest

from keras_recipes.recipes.data import Splits, load_data
from keras_recipes.recipes.data.arrays import ALIGNMENT, placed
from keras_recipes.recipes.data.sources import SOURCES
from keras_recipes.recipes.errors import DataError

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
    return {"path": str(path), "target": "price", **arguments}


MIXED = 'size,colour,price\n1,red,a\n2,"blue",b\n\n 3 ,red,a\n4,"sea, green",b\n'


def test_a_table(tmp_path):
    arguments = csv(tmp_path / "t.csv", "\ufeff" + MIXED, categorical=["colour"])
    data = load_data("csv", arguments, splits=NONE, scale="minmax")
    # Words in the order of the alphabet, one column a word.
    assert data.train.x.tolist() == [
        [1, 0, 1, 0],
        [2, 1, 0, 0],
        [3, 0, 1, 0],
        [4, 0, 0, 1],
    ]
    assert data.train.y.tolist() == [0, 1, 0, 1]
    assert data.classes == ("a", "b")
    assert data.columns.categories == {"size": None, "colour": ("blue", "red", "sea, green")}
    # Marks of words are left alone by the scaling.
    assert data.scaling.offset.tolist() == [1, 0, 0, 0]
    assert data.scaling.divisor.tolist() == [3, 1, 1, 1]
    assert type(data.columns).from_json(json.loads(json.dumps(data.columns.to_json()))) == (
        data.columns
    )


@pytest.mark.parametrize(
    ("cells", "task", "y", "classes"),
    [
        ("123", None, [0, 1, 2], (1, 2, 3)),
        (["1.0", "2", "2"], None, [0, 1, 1], (1, 2)),
        (["1", "2", "x"], None, [0, 1, 2], ("1", "2", "x")),
        (["yes", "no", "no"], None, [1, 0, 0], ("no", "yes")),
        (["1.5", "2", "3"], None, [1.5, 2, 3], ()),
        ("123", "regression", [1, 2, 3], ()),
        (["1.5", "2.5", "x"], "classification", [0, 1, 2], ("1.5", "2.5", "x")),
    ],
)
def test_the_task_follows_from_the_target(tmp_path, cells, task, y, classes):
    text = "size,price\n" + "".join(f"1,{cell}\n" for cell in cells)
    data = load_data("csv", csv(tmp_path / "t.csv", text, task=task), splits=NONE)
    assert data.train.y.tolist() == y
    assert data.classes == classes


def test_a_chosen_part_of_the_columns(tmp_path):
    text = "id,size,colour,price\nx,1,red,a\ny,2,blue,b\n"
    arguments = csv(tmp_path / "t.csv", text, numeric=["size"])
    assert load_data("csv", arguments, splits=NONE).train.x.tolist() == [[1], [2]]
    arguments = csv(tmp_path / "t.csv", text, numeric=[], categorical=["colour"])
    assert load_data("csv", arguments, splits=NONE).input_shape == (2,)


def test_splits_in_files_of_their_own(tmp_path):
    arguments = csv(tmp_path / "t.csv", MIXED, categorical=["colour"])
    # Other order of columns, another delimiter, one column more, fewer words and classes.
    other = csv(tmp_path / "v.csv", "price;more;colour;size\nb;?;red;7\n", delimiter=";")
    data = load_data("csv", arguments, splits=Splits(("csv", other), None))
    assert data.validation.x.tolist() == [[7, 0, 1, 0]]
    assert data.validation.y.tolist() == [1]
    assert len(data.train) == 4


@pytest.mark.parametrize(
    ("text", "more", "fragment"),
    [
        ("size,colour,price\n7,pink,a\n", {}, 'column `colour`: "pink" was not in the table'),
        ("size,colour,price\n7,,a\n", {}, "an empty cell was not in the table"),
        ("size,colour,price\n7,red,c\n", {}, "class c is not among the training rows"),
        ("size,price\n7,a\n", {}, "has no column `colour`"),
        ("size,colour\n7,red\n", {}, "has no column `price`"),
        (MIXED, {"target": "colour"}, "`target` must be what it is for the training table"),
        (MIXED, {"categorical": ["size"]}, "`categorical` must be"),
        (MIXED, {"numeric": ["size", "colour"]}, "`numeric` must be"),
        (MIXED, {"task": "regression"}, "`task` must be"),
    ],
)
def test_a_file_of_its_own_that_does_not_fit(tmp_path, text, more, fragment):
    arguments = csv(tmp_path / "t.csv", MIXED, categorical=["colour"])
    other = {**csv(tmp_path / "v.csv", text), **more}
    with pytest.raises(DataError, match=fragment):
        load_data("csv", arguments, splits=Splits(("csv", other), None))


def test_classes_that_look_like_numbers_stay_words(tmp_path):
    arguments = csv(tmp_path / "t.csv", "size,price\n1,01\n2,2\n3,x\n")
    other = csv(tmp_path / "v.csv", "size,price\n1,01\n2,2\n")
    data = load_data("csv", arguments, splits=Splits(("csv", other), None))
    assert data.validation.y.tolist() == [0, 1]


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


def test_the_fingerprint_sees_everything():
    x, y = np.arange(20.0).reshape(10, 2), np.array(list("ab") * 5)
    flipped = x.copy()
    flipped[9, 1] += 1

    def fingerprint(x, y, test=0.2, seed=0):
        splits = Splits(0.2, test)
        return load_data("arrays", {}, splits=splits, seed=seed, arrays=(x, y)).fingerprint

    same = [fingerprint(x, y), fingerprint(x.copy(), y), fingerprint(x.tolist(), y.tolist())]
    assert len(set(same)) == 1
    others = [
        fingerprint(flipped, y),
        fingerprint(x, np.where(y == "a", "c", y)),
        fingerprint(x, y, seed=1),
        fingerprint(x, y, test=0.3),
        fingerprint(x.astype("int32"), y),
        fingerprint(x.reshape(10, 1, 2), y),
    ]
    assert len({same[0], *others}) == 1 + len(others)


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
    assert set(SOURCES) == {
        "mnist", "fashion_mnist", "cifar10", "cifar100", "california_housing",
        "digits", "iris", "wine", "breast_cancer", "diabetes", "npz", "csv",
    }  # fmt: skip
    assert all(source.__doc__ for source in SOURCES.values())
