"""Which columns go in and which come out, and tables that are too large to do it."""

import numpy as np
import pyarrow as pa
import pytest
from frames import frame_of_cells

from keras_recipes.recipes.data import Splits, cell_types, frame, load_data
from keras_recipes.recipes.data import table as module
from keras_recipes.recipes.data.features import Category, Date, Numeric, Text
from keras_recipes.recipes.data.frame import Frame
from keras_recipes.recipes.data.python_columns import from_columns
from keras_recipes.recipes.data.reading import Reading
from keras_recipes.recipes.data.rows import rows_of
from keras_recipes.recipes.data.table import (
    TableOptions,
    describe_inferred,
    fit_features,
    with_target,
)
from keras_recipes.recipes.errors import DataError

ROWS = from_columns(
    {"size": [1.5, 2, 7], "colour": ["red", "blue", "red"], "same": [4, 4, 4]}, "rows"
)
DAYS = ["2013-01-05", "2014-01-11", "2014-01-18"]


def fitted(features, scale="none"):
    found, notes = fit_features(ROWS, TableOptions((), features), scale)
    return [(each.name, each.kind) for each in found], notes


def test_all_columns_are_inferred_by_default():
    found, notes = fitted(None)
    assert found == [("size", "numeric"), ("colour", "category")]
    assert notes == (
        "size: numeric, standardize; numbers from 1.5 to 7",
        "colour: category; 2 categories",
        "same: left out; all training rows have 4",
    )


def test_columns_that_a_recipe_names():
    assert fitted({"size": Numeric()})[0] == [("size", "numeric")]
    found, notes = fitted({"*": "auto", "size": Category(), "colour": "drop"})
    assert found == [("size", "category")]
    assert "colour: left out" in notes
    assert fitted({"*": Category()})[0] == [(name, "category") for name in ROWS.columns]


def test_the_scale_of_a_recipe_is_that_of_columns_which_say_nothing():
    options = TableOptions((), {"size": "auto", "same": Numeric("none")})
    size, same = fit_features(ROWS, options, "minmax")[0]
    assert (size.offset, size.divisor) == (1.5, 5.5)
    assert (same.offset, same.divisor) == (0, 1)


@pytest.mark.parametrize(
    ("features", "fragment"),
    [
        ({"siez": "auto"}, "has no column `siez`; .* Did you mean `size`"),
        ({"*": "drop"}, "no column is left to learn from"),
        ({"same": "auto"}, "no column is left to learn from. same: left out; all training rows"),
        ({"colour": Numeric()}, "row 0 .*, column `colour`: expected a number"),
    ],
)
def test_columns_that_cannot_be_used(features, fragment):
    with pytest.raises(DataError, match="(?s)" + fragment):
        fitted(features)


@pytest.mark.parametrize(
    ("feature", "cells", "expected"),
    [
        (Numeric(), [1, "", 3], "missing ones become 2, and an indicator says so"),
        (Numeric(), [1, 2, 3], None),
        (Numeric(indicator=True), [1, "", 3], None),
        (Category(), ["a", "b", "a"], "2 categories, one-hot"),
        (Category(), list(range(40)), "40 categories, 13 numbers each"),
        (Category(output="hashing"), ["a", "b", "a"], None),
        (Date(), DAYS, "its year"),
        (Date(parts=["month"]), DAYS, None),
        (Text(), ["a b", "b", ""], None),
    ],
    ids=range(9),
)
def test_what_a_feature_left_open(feature, cells, expected):
    assert describe_inferred(feature, feature.fit("x", frame_of_cells(x=cells))) == expected


def test_what_was_left_open_is_among_the_notes():
    rows = frame_of_cells(size=[1, "", 3], colour=["a", "b", "a"], n=[1, 2, 4])
    asked = {"size": Numeric(), "colour": Category(), "n": Numeric()}
    _, notes = fit_features(rows, TableOptions(features=asked))
    assert notes == (
        "size: numeric, standardize; missing ones become 2, and an indicator says so",
        "colour: category; 2 categories, one-hot",
    )


def test_columns_that_are_words_whatever_they_look_like():
    features = {"a": Category(), "b": Numeric(), "c": Text(), "*": "auto", "d": "drop"}
    assert TableOptions((), features).words == {"a", "c"}
    assert TableOptions().words == frozenset()


def test_rows_without_a_target_are_left_out():
    rows = from_columns({"a": [1, 2, 3], "y": ["u", "", "v"], "z": [1, 2, None]}, "rows").typed()
    assert with_target(rows, ["y"]).tolist() == [0, 2]
    assert with_target(rows, ["y", "z"]).tolist() == [0]
    assert with_target(rows, ["a"]).tolist() == [0, 1, 2]


def calls_of(monkeypatch, place, name):
    """The calls of a function of a module from now on: work is counted, which no clock can."""
    calls, original = [], getattr(place, name)

    def counted(*arguments, **more):
        calls.append(arguments)
        return original(*arguments, **more)

    monkeypatch.setattr(place, name, counted)
    return calls


def test_a_hundred_thousand_columns_are_refused_before_one_is_looked_at(monkeypatch):
    column = pa.array([1.0, 2.0])
    rows = Frame({f"c{index}": column for index in range(100_000)}, "rows")
    inferred = calls_of(monkeypatch, module, "infer")
    with pytest.raises(DataError, match="100000 columns are more than a network can take") as error:
        fit_features(rows, TableOptions())
    assert inferred == []
    fit_features(ROWS, TableOptions())
    assert len(inferred) == len(ROWS.columns)
    assert len(str(error.value)) < 1000
    # Those that are not asked for cost nothing.
    assert len(fit_features(rows, TableOptions((), {"c7": Numeric()}))[0]) == 1


def test_of_a_file_of_a_hundred_thousand_columns_the_used_ones_get_types(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    names = [f"c{index}" for index in range(100_000)]
    path.write_text("\n".join([",".join(names), ",".join("1" * 100_000), ",".join("2" * 100_000)]))
    typed = calls_of(monkeypatch, frame, "typed")
    arguments, splits = {"path": str(path)}, Splits(None, None)
    with pytest.raises(DataError, match="99999 columns are more than a network can take"):
        load_data("csv", arguments, splits=splits, table=TableOptions(("c0",)))
    options = TableOptions(("c0",), {"c7": Numeric()})
    data = load_data("csv", arguments, splits=splits, table=options)
    assert list(data.train.x.columns) == ["c7"]
    assert len(rows_of(path, Reading(data.to_json())).x.columns) == 1
    assert 0 < len(typed) <= 4  # two columns for the training, and one or two for the rows


def test_a_column_of_a_million_words_is_parsed_as_a_whole(monkeypatch):
    cells = pa.array(np.char.mod("w%d", np.arange(1_000_000)))
    rows = Frame(
        {"id": cells, "n": pa.array(np.random.default_rng(0).normal(size=len(cells)))}, "rows"
    )
    parsed = calls_of(monkeypatch, cell_types, "_parsed")
    assert "id: left out; it names the rows" in fit_features(rows, TableOptions())[1][0]
    with pytest.raises(DataError, match="`id` has 1000000 categories"):
        fit_features(rows, TableOptions((), {"id": Category()}))
    assert 0 < len(parsed) < 10


def test_numbers_that_do_not_fit_into_memory(monkeypatch):
    rows = from_columns({"a": [f"w{index}" for index in range(900)], "b": range(900)}, "rows")
    monkeypatch.setattr(module, "memory", lambda: 1e6)
    monkeypatch.setenv("KERAS_RECIPES_CACHE", "off")
    options = TableOptions((), {"a": Category(output="one_hot"), "b": Numeric()})
    with pytest.raises(DataError, match=r"900 rows of 901 numbers .* `a` alone is 900"):
        fit_features(rows, options)
    options = TableOptions((), {"a": Category(output="embedding"), "b": Numeric()})
    assert len(fit_features(rows, options)[0]) == 2
