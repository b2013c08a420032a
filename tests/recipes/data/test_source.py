"""What targets are taken for, by their values, by the loss, and by what the recipe asks for."""

import numpy as np
import pytest

from keras_recipes.recipes import DataError
from keras_recipes.recipes.data import Splits, load_data
from keras_recipes.recipes.data.table import TableOptions

NONE = Splits(None, None)
X = np.arange(60, dtype="float32").reshape(30, 2)
CLASSES = np.arange(30) % 3
ONE_HOT = np.eye(3)[CLASSES]
LABELS = np.stack([CLASSES == 0, CLASSES != 1, CLASSES != 2], axis=1).astype(int)


def load(y, source="arrays", **more):
    arguments = {} if source == "arrays" else {"path": source}
    arrays = (X[: len(y)], y) if source == "arrays" else None
    return load_data(source, arguments, splits=NONE, arrays=arrays, **more)


@pytest.mark.parametrize("kind", ["int64", "float32", "uint8", "bool"])
def test_several_columns_of_zeros_and_ones(kind):
    data = load(ONE_HOT.astype(kind))
    assert (data.task, data.classes) == ("classification", (0, 1, 2))
    assert data.train.y.tolist() == CLASSES.tolist()
    data = load(LABELS.astype(kind))
    assert (data.task, data.classes, data.num_outputs) == ("multilabel", (), 3)
    assert data.train.y.tolist() == LABELS.tolist()


def test_a_class_without_rows_keeps_its_column():
    assert load(np.eye(5)[CLASSES]).classes == (0, 1, 2, 3, 4)


def test_a_binary_loss_makes_labels_of_one_hot_rows():
    data = load(ONE_HOT, loss="binary_crossentropy")
    assert data.task == "multilabel"
    assert data.train.y.tolist() == ONE_HOT.tolist()
    assert load(ONE_HOT, loss="categorical_crossentropy").task == "classification"


def test_a_loss_for_classes_makes_classes_of_whole_floats():
    data = load(CLASSES * 1.0, loss="sparse_categorical_crossentropy")
    assert data.classes == (0, 1, 2)
    assert load(CLASSES * 1.0).task == "regression"
    assert load(CLASSES / 2, loss="sparse_categorical_crossentropy").task == "regression"


@pytest.mark.parametrize(
    "y",
    [
        np.arange(30, 60),  # ages
        np.arange(22) % 11 * 7,  # few rows of values with gaps between them
        (CLASSES > 0) * 1.0,  # two classes as floats
    ],
)
def test_what_may_be_either_is_refused_with_both_spellings(y):
    with pytest.raises(DataError, match="`task: classification` or `task: regression`"):
        load(y)
    assert load(y, task="regression").task == "regression"
    assert load(y, task="classification").classes == tuple(np.unique(y).astype(int))
    assert load(y, loss="sparse_categorical_crossentropy").task == "classification"


@pytest.mark.parametrize(
    "y",
    [
        np.arange(30) % 10,  # digits
        np.arange(30) % 6 + 3,  # grades from 3 to 8
        np.arange(30) % 2 * 2 - 1,  # -1 and 1
        np.arange(30) % 20,
        np.char.mod("species %d", np.arange(30)),  # words are names
    ],
)
def test_ordinary_classes_go_on(y):
    assert load(y).task == "classification"


@pytest.mark.parametrize(
    ("y", "task", "reason"),
    [
        (CLASSES, "multilabel", r"shape \(rows, labels\)"),
        (LABELS * 2, "multilabel", "targets of 0 and 1 only"),
        (LABELS, "classification", "are no classes"),
        (LABELS * 2, None, "are no classes"),
        (np.char.mod("%d", CLASSES), "regression", "holds text"),
    ],
)
def test_targets_that_are_not_what_is_asked_for(y, task, reason):
    with pytest.raises(DataError, match=reason):
        load(y, task=task)


def test_every_source_takes_a_task(tmp_path):
    digits = load_data("digits", {}, splits=NONE, task="regression")
    assert (digits.task, digits.train.y.max()) == ("regression", 9)
    path = str(tmp_path / "f.npz")
    np.savez(path, x=X, y=ONE_HOT, tx=X[:3], ty=ONE_HOT[:3])
    arguments = {"path": path, "x_test": "tx", "y_test": "ty"}
    data = load_data("npz", arguments, splits=Splits(None), task="multilabel")
    assert data.test.y.tolist() == ONE_HOT[:3].tolist()
    data = load_data("npz", arguments, splits=Splits(None), loss="binary_crossentropy")
    assert data.test.y.tolist() == ONE_HOT[:3].tolist()
    assert load_data("npz", arguments, splits=Splits(None)).test.y.tolist() == [0, 1, 2]
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{i * i},{i + 30}\n" for i in range(30)))
    arguments, table = {"path": str(path)}, TableOptions(("y",))
    with pytest.raises(DataError, match=r"t\.csv: the targets are 30 different whole numbers"):
        load_data("csv", arguments, splits=NONE, table=table)
    found = load_data("csv", arguments, splits=NONE, task="regression", table=table)
    assert found.num_outputs == 1
    with pytest.raises(DataError, match="needs one column of 0 and 1 for each label"):
        load_data("csv", arguments, splits=NONE, task="multilabel", table=table)
    both = {"path": path, "task": "classification"}
    with pytest.raises(DataError, match="`task` of the source `npz` is `classification`"):
        load_data("npz", both, splits=NONE, task="regression")


def test_several_target_columns(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,a,b,c\n" + "".join(f"{i * i},{i % 2},1,{i / 4}\n" for i in range(8)))
    for target, task in ((("a", "b"), "multilabel"), (("a", "c"), "regression")):
        data = load_data("csv", {"path": str(path)}, splits=NONE, table=TableOptions(target))
        assert (data.task, data.num_outputs, data.target) == (task, 2, target)
    path.write_text("x,a,b\n1,2,c\n4,5,d\n9,5,d\n")
    with pytest.raises(DataError, match="`b` holds words; several targets must be numbers"):
        load_data("csv", {"path": str(path)}, splits=NONE, table=TableOptions(("a", "b")))
