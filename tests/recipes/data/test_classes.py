"""The order of classes, as the recipe gives it."""

import numpy as np
import pytest

from keras_recipes.recipes.data import Splits, load_data
from keras_recipes.recipes.data.table import TableOptions
from keras_recipes.recipes.errors import DataError

SPLITS = Splits(validation=None, test=None)


def loaded(tmp_path, cells, classes=None, task=None, target=("grade",)):
    lines = "".join(f"{i},{cell}\n" for i, cell in enumerate(cells))
    (tmp_path / "d.csv").write_text(f"x,{','.join(target)}\n{lines}")
    path = {"path": tmp_path / "d.csv"}
    table = TableOptions(target, {"x": "auto"})
    return load_data("csv", path, splits=SPLITS, table=table, classes=classes, task=task)


def test_words_are_numbered_in_the_order_of_the_recipe(tmp_path):
    cells = ["good", "fair", "ideal", "fair"]
    data = loaded(tmp_path, cells, ["fair", "good", "ideal"])
    assert data.classes == ("fair", "good", "ideal")
    assert data.train.y.tolist() == [1, 0, 2, 0]
    other = loaded(tmp_path, cells, ["ideal", "good", "fair"])
    assert other.train.y.tolist() == [1, 2, 0, 2]
    assert data.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("cells", "classes", "known", "y"),
    [
        (["7", "3", "5", "3"], [7, 5, 3], (7, 5, 3), [0, 2, 1, 2]),
        (["07", "3", "5", "3"], ["07", "5", "3"], ("07", "5", "3"), [0, 2, 1, 2]),
        (["True", "False", "True", "False"], [True, False], ("True", "False"), [0, 1, 0, 1]),
        (["1", "0", "1", "0"], [True, False], (1, 0), [0, 1, 0, 1]),
        (["1", "3", "1", "3"], [1, 2, 3], (1, 2, 3), [0, 2, 0, 2]),
        (["-4", "9", "-4", "9"], None, (-4, 9), [0, 1, 0, 1]),
    ],
)
def test_classes_of_every_kind(tmp_path, cells, classes, known, y):
    data = loaded(tmp_path, cells, classes)
    assert data.classes == known
    assert data.train.y.tolist() == y


@pytest.mark.parametrize(
    ("cells", "classes", "task", "said"),
    [
        (["a", "b", "c"], ["a", "b"], None, "1 row of 3 with another class; line 4, column `grad"),
        (["1", "2", "9"], [1, 2], None, r"expected one of `1` or `2` \(`classes`\). Received 9"),
        (["1", "2"], [True, "two"], None, r"the classes are numbers, `1` or `2`; name these"),
        (["a", "b"], None, "ordinal", r"needs the order of the classes: write `classes: \[...\]`"),
        (["0.5", "1.5"], ["a", "b"], None, "with another class"),
        (["3", "-1"], None, "count", r"1 row of 2 without a count; line 3, column `grade`"),
        (["3", "1.5"], None, "count", r"expected a count, a whole number from 0.* Received 1.5"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_place(tmp_path, cells, classes, task, said):
    with pytest.raises(DataError, match=said):
        loaded(tmp_path, cells, classes, task)


def test_numbers_need_no_order(tmp_path):
    data = loaded(tmp_path, ["3", "1", "2", "1"], task="ordinal")
    assert (data.task, data.classes) == ("ordinal", (1, 2, 3))
    assert data.train.y.tolist() == [2, 0, 1, 0]


def test_counts_are_numbers(tmp_path):
    data = loaded(tmp_path, ["3", "0", "2", "0"], task="count")
    assert (data.task, data.classes) == ("count", ())
    np.testing.assert_array_equal(data.train.y, [3, 0, 2, 0])
