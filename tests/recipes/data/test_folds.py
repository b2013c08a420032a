"""Folds: each row validates once, classes and groups in balance, no row from the future."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from sklearn.model_selection import GroupKFold, StratifiedKFold

import keras_recipes
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.data.features import Category, Numeric
from keras_recipes.recipes.data.folds import Fold, fit_each, folds_of
from keras_recipes.recipes.data.frame import Frame
from keras_recipes.recipes.data.split import SplitBy
from keras_recipes.recipes.data.table import TableOptions
from keras_recipes.recipes.errors import DataError, RecipeError

SEEDS = range(8)


def table(**columns) -> Frame:
    return Frame({name: pa.array(values) for name, values in columns.items()}, "table")


def drawn(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def each_row_validates_once(folds: list[Fold], rows: int) -> None:
    validated = np.concatenate([fold.validation for fold in folds])
    np.testing.assert_array_equal(np.sort(validated), np.arange(rows))
    for fold in folds:
        together = np.concatenate([fold.train, fold.validation])
        np.testing.assert_array_equal(np.sort(together), np.arange(rows))


@pytest.mark.parametrize("seed", SEEDS)
def test_without_classes_sizes_differ_by_one_at_most(seed):
    rows, count = int(drawn(seed).integers(7, 60)), int(drawn(seed).integers(2, 7))
    folds = folds_of(np.zeros((rows, 1)), None, None, count, seed)
    each_row_validates_once(folds, rows)
    sizes = [len(fold.validation) for fold in folds]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("seed", SEEDS)
def test_classes_are_in_the_proportion_of_scikit_learn(seed):
    count = int(drawn(seed).integers(2, 6))
    labels = np.concatenate([drawn(seed).integers(0, 3, 50), np.repeat([0, 1, 2], count)])
    folds = folds_of(np.zeros((len(labels), 1)), labels, None, count, seed)
    each_row_validates_once(folds, len(labels))
    theirs = StratifiedKFold(count).split(labels, labels)
    wanted = [np.bincount(labels[validation], minlength=3) for _, validation in theirs]
    found = [np.bincount(labels[fold.validation], minlength=3) for fold in folds]
    np.testing.assert_array_equal(np.sort(found, axis=0), np.sort(wanted, axis=0))
    sizes = [len(fold.validation) for fold in folds]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("classes", [0, 2])
def test_no_group_is_in_two_folds(seed, classes):
    groups = drawn(seed).integers(0, 12, 80)
    labels = drawn(seed + 100).integers(0, classes, 80) if classes else None
    x = table(who=[f"g{group}" for group in groups])
    folds = folds_of(x, labels, SplitBy("group", "who"), 4, seed)
    each_row_validates_once(folds, 80)
    for fold in folds:
        assert not set(groups[fold.train]) & set(groups[fold.validation])
    if labels is None:
        theirs = GroupKFold(4).split(groups, groups=groups)
        wanted = sorted(len(validation) for _, validation in theirs)
        assert sorted(len(fold.validation) for fold in folds) == wanted


@pytest.mark.parametrize("seed", SEEDS)
def test_windows_expand_and_see_no_row_of_the_future(seed):
    years = drawn(seed).integers(1990, 2020, 90)
    x = table(day=[f"{year}-01-01" for year in years])
    folds = folds_of(x, None, SplitBy("time", "day"), 5, seed)
    for fold in folds:
        assert years[fold.train].max() < years[fold.validation].min()
    for earlier, later in itertools.pairwise(folds):
        known = np.sort(np.concatenate([earlier.train, earlier.validation]))
        np.testing.assert_array_equal(later.train, known)
    last = np.sort(np.concatenate([folds[-1].train, folds[-1].validation]))
    np.testing.assert_array_equal(last, np.arange(90))


def test_blocks_of_different_times_are_equally_long():
    x = table(day=[f"2001-01-{day:02}" for day in range(1, 13)])
    folds = folds_of(x, None, SplitBy("time", "day"), 3, 0)
    assert [len(fold.train) for fold in folds] == [3, 6, 9]
    assert [len(fold.validation) for fold in folds] == [3, 3, 3]


def test_folds_follow_from_the_seed_alone():
    labels = np.repeat([0, 1], 20)
    x = np.zeros((40, 1))
    first, again, other = (folds_of(x, labels, None, 4, seed) for seed in (3, 3, 4))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.validation, two.validation)
    assert not np.array_equal(first[0].validation, other[0].validation)


@pytest.mark.parametrize(
    ("rows", "labels", "by", "message"),
    [
        (3, None, None, "4 folds are asked for, and 3 rows are left"),
        (9, [0] * 6 + [1] * 3, None, "class 1 has 3 rows left"),
        (9, None, SplitBy("group", "who"), "`who` has 3 groups"),
        (9, None, SplitBy("time", "day"), "`day` has 2 different times"),
    ],
)
def test_too_few_for_the_folds(rows, labels, by, message):
    who = ["a", "b", "c"] * 3
    x = table(who=who[:rows], day=["2001-01-01"] * (rows - 1) + ["2001-01-02"])
    given = None if labels is None else np.array(labels)
    with pytest.raises(DataError, match=message):
        folds_of(x, given, by, 4, 0)


def test_a_model_of_all_folds_takes_each_column_of_one_of_them():
    # In the first fold's training rows `rare` has one value, in the second's two.
    x = table(size=[float(n) for n in range(8)], rare=["a", "a", "a", "b"] + ["a"] * 4)
    first, second = np.arange(4), np.arange(4, 8)
    fitted, _ = fit_each(x, [Fold(second, first), Fold(first, second)], TableOptions(("y",)))
    assert [feature.name for feature in fitted] == ["size", "rare"]


def test_a_column_that_is_a_date_in_one_fold_alone_is_refused():
    days = [f"2001-0{month}-01" for month in range(1, 5)]
    x = table(when=[*days, "soon", "later", "soon", "later"])
    first, second = np.arange(4), np.arange(4, 8)
    with pytest.raises(DataError, match="`when` is category in one fold and date in another"):
        fit_each(x, [Fold(second, first), Fold(first, second)], TableOptions(("y",)))


RECIPE = {
    "name": "folded",
    "seed": 3,
    "data": {"source": {"csv": {"path": "table.csv"}}, "target": "y", "folds": 3},
    "model": {"layers": [{"dense": {"units": 2}}]},
}


def written(folder, rows=30):
    """A table with a number and a word that occur in one row each, and rows without a target."""
    lines = ["size,word,y"]
    for row in range(rows):
        word = "planted" if row == 7 else "ab"[row % 2]
        size = 1e6 if row == 7 else row % 5
        lines.append(f"{size},{word},{'' if row == 4 else ('yes', 'no')[row // 2 % 2]}")
    path = folder / "table.csv"
    path.write_text("\n".join(lines))
    return str(path)


def test_what_is_learned_of_columns_is_learned_from_the_training_rows_of_the_fold(tmp_path):
    kinds = {"size": "numeric", "word": "category"}
    changes = {
        "data.source.csv.path": written(tmp_path),
        "data.features": kinds,
        "data.missing_target": "drop",
        "data.test": None,
    }
    seen = 0
    for fold in (1, 2, 3):
        data = data_of(keras_recipes.load(RECIPE, {**changes, "data.fold": fold}))
        assert data.train.numbers is not None
        expected = Numeric().fit("size", data.train.x), Category().fit("word", data.train.x)
        assert data.features == expected
        here = 7 in data.train.numbers
        seen += here
        assert ("planted" in data.features[1].vocabulary) is here
        assert (data.features[0].divisor > 1000) is here
    assert seen == 2


def test_rows_keep_their_number_in_the_source(tmp_path):
    changes = {
        "data.source.csv.path": written(tmp_path),
        "data.missing_target": "drop",
        "data.limit": 24,
        "data.batch_size": 8,
    }
    lines = (tmp_path / "table.csv").read_text().splitlines()[1:]
    validated = []
    for fold in (1, 2, 3):
        data = data_of(keras_recipes.load(RECIPE, {**changes, "data.fold": fold}))
        split = data.validation
        for number, word, y in zip(
            split.numbers, split.x["word"].to_pylist(), split.y, strict=True
        ):
            assert lines[number].split(",")[1:] == [word, data.classes[y]]
        validated += split.numbers.tolist()
    whole = data_of(keras_recipes.load(RECIPE, changes))
    assert sorted(validated) == whole.train.numbers.tolist()
    assert 4 not in validated
    assert whole.validation is None


def test_the_test_rows_are_those_without_folds():
    changes = {"data.source": "iris", "data.target": None}
    plain = data_of(keras_recipes.load(RECIPE, {**changes, "data.folds": None}))
    for fold in (None, 1, 2):
        data = data_of(keras_recipes.load(RECIPE, {**changes, "data.fold": fold}))
        np.testing.assert_array_equal(data.test.x, plain.test.x)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data.folds": 1}, "data.folds: expected a whole number >= 2"),
        ({"data.folds": None, "data.fold": 2}, "the recipe has no `folds`"),
        ({"data.fold": 4}, "the recipe has 3 folds. Received 4"),
        ({"ensemble": {"members": 2}}, "a recipe has `folds` or `ensemble`"),
        ({"data.validation": {"npz": {"path": "x.npz"}}}, "`validation` is another source"),
        ({"data.limit": 2}, "3 folds need as many rows"),
        ({"data.split_by": {"column": "part"}}, "names the part of each row itself"),
    ],
)
def test_what_folds_do_not_go_with(changes, message):
    with pytest.raises(RecipeError, match=message):
        keras_recipes.load(RECIPE, {"data.source": "iris", "data.target": None, **changes})


def test_folds_may_stand_beside_a_validation_that_is_null():
    callbacks = [{"early_stopping": {"monitor": "val_loss"}}]
    changes = {"data.source": "iris", "data.target": None, "data.validation": None}
    assert keras_recipes.load(RECIPE, {**changes, "callbacks": callbacks}).data.folds == 3
