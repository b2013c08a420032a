"""Labels written as words are 1 and 0."""

import numpy as np
import pyarrow as pa
import pytest

from keras_recipes.recipes.data import Splits, load_data
from keras_recipes.recipes.data.table import TableOptions
from keras_recipes.recipes.data.truth import truth_as_digits
from keras_recipes.recipes.errors import DataError


def labels(tmp_path, text, task=None):
    (tmp_path / "d.csv").write_text(text)
    table = TableOptions(("a", "b"), {"x": "auto"})
    splits = Splits(validation=None, test=None)
    return load_data("csv", {"path": tmp_path / "d.csv"}, splits=splits, table=table, task=task)


@pytest.mark.parametrize(
    ("on", "off"), [("yes", "no"), ("TRUE", "FALSE"), ("True", "False"), ("y", "n"), ("1", "0")]
)
def test_labels_of_words(tmp_path, on, off):
    data = labels(tmp_path, f"x,a,b\n1,{on},{off}\n2,{on},1\n3,{off},0\n")
    assert data.task == "multilabel"
    assert data.train.y.tolist() == [[1, 0], [1, 1], [0, 0]]


def test_other_words_are_refused(tmp_path):
    with pytest.raises(DataError, match="column `a` holds words; several targets must be numbers"):
        labels(tmp_path, "x,a,b\n1,yes,no\n2,perhaps,no\n")


def test_numbers_to_predict_are_no_words(tmp_path):
    with pytest.raises(DataError, match=r'expected a number to predict\. Received "yes"'):
        labels(tmp_path, "x,a,b\n1,yes,no\n2,no,no\n", "regression")


def test_several_numbers(tmp_path):
    data = labels(tmp_path, "x,a,b\n1,1.5,2\n2,2.5,3\n")
    assert data.task == "regression"
    np.testing.assert_array_equal(data.train.y, [[1.5, 2], [2.5, 3]])


def test_missing_cells_stay_missing():
    assert truth_as_digits(pa.array([None, "No"])).to_pylist() == [None, "0"]
