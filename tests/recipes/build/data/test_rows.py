"""Raw rows to predict, in the form that the model was trained on."""

import json

import numpy as np
import pytest

from keras_recipes.recipes.build.data import Splits, load_data, read_rows
from keras_recipes.recipes.errors import DataError


def described(data):
    return json.loads(json.dumps(data.to_json()))


@pytest.fixture
def table(tmp_path):
    """What a run keeps of a table with words in it, and another delimiter."""
    path = tmp_path / "train.csv"
    path.write_text("size;colour;price\n1;red;a\n2;blue;b\n3;red;a\n")
    arguments = {
        "path": str(path), "target": "price", "categorical": ["colour"], "delimiter": ";",
    }  # fmt: skip
    return described(load_data("csv", arguments, splits=Splits(None, None)))


@pytest.fixture
def numbers():
    """What a run keeps of rows of two numbers."""
    arrays = (np.arange(8.0).reshape(4, 2), [0, 1, 0, 1])
    return described(load_data("arrays", {}, splits=Splits(None, None), arrays=arrays))


def written(path, text):
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "size;colour;price\n7;blue;a\n",
        "size;colour\n7;blue\n",  # no target: it is not known yet
        "note;colour;size\n?;blue;7\n",  # another order, a column more
    ],
)
def test_a_table_as_the_training_table(tmp_path, table, text):
    assert read_rows(written(tmp_path / "new.CSV", text), table).tolist() == [[7, 1, 0]]


def test_numbers(tmp_path, numbers):
    rows = [[1.0, 2.0], [3.0, 4.0]]
    np.savez(tmp_path / "new.npz", x=rows)
    np.save(tmp_path / "new.npy", rows)
    written(tmp_path / "new.csv", "a,b\n1,2\n3,4\n")
    for name in ("new.npz", "new.npy", "new.csv"):
        assert read_rows(tmp_path / name, numbers).tolist() == rows


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("size;colour\n7;pink\n", 'line 2, column `colour`: "pink" was not in the table'),
        ("size;colour\nx;red\n", 'line 2, column `size`: expected a number. Received "x".$'),
        ("size;colour\n;red\n", "The cell is empty"),
        ("size,colour\n7,red\n", "has no column `size`"),
        ("size\n7\n", "has no column `colour`"),
    ],
)
def test_a_table_that_does_not_fit(tmp_path, table, text, fragment):
    with pytest.raises(DataError, match=fragment):
        read_rows(written(tmp_path / "new.csv", text), table)


def saved(path, array):
    np.save(path, array, allow_pickle=True)
    return path


@pytest.mark.parametrize(
    ("make", "fragment"),
    [
        (lambda path: path / "new.npy", "there is no such file"),
        (lambda path: path / "new.npz", "there is no such file"),
        (lambda path: path / "new.csv", "there is no such file"),
        (lambda path: path / "new.txt", "a .csv, .npz or .npy file"),
        (lambda path: saved(path / "new.npy", np.zeros((2, 3))), "the model takes \\(2,\\)"),
        (lambda path: saved(path / "new.npy", np.zeros((2, 2, 1))), "the model takes \\(2,\\)"),
        (lambda path: saved(path / "new.npy", np.zeros(())), "at least one row"),
        (lambda path: saved(path / "new.npy", np.full((2, 2), np.nan)), "nan at \\[0, 0\\]"),
        (lambda path: saved(path / "new.npy", np.full((2, 2), {})), "Python objects"),
        (lambda path: written(path / "new.npy", "PK"), "is no npy file"),
        (lambda path: written(path / "new.csv", "a,b,c\n1,2,3\n"), "has 3 columns"),
    ],
)
def test_numbers_that_do_not_fit(tmp_path, numbers, make, fragment):
    with pytest.raises(DataError, match=fragment):
        read_rows(make(tmp_path), numbers)


def test_an_npy_that_claims_more_than_it_holds(tmp_path, numbers):
    path = saved(tmp_path / "new.npy", np.zeros((2, 2)))
    path.write_bytes(path.read_bytes().replace(b"(2, 2)", b"(9999999999999, 2)"))
    with pytest.raises(DataError, match="is damaged"):
        read_rows(path, numbers)
