"""Tables of any size and shape: every bad cell is counted, and messages stay short."""

import numpy as np
import pytest

from keras_recipes.recipes.data import Splits, load_data
from keras_recipes.recipes.data import cells as module
from keras_recipes.recipes.data import table as table_module
from keras_recipes.recipes.data.cells import Table
from keras_recipes.recipes.errors import DataError
from keras_recipes.recipes.spec import fields

NONE = Splits(None, None)


def load(path, **arguments):
    return load_data("csv", {"path": str(path), "target": "y", **arguments}, splits=NONE)


def written(path, lines):
    path.write_text("\n".join(lines) + "\n")
    return path


def test_all_bad_cells_are_counted_and_the_first_are_shown(tmp_path):
    rows = ["1,2,a", "x,2,a", "1,?,b", "1,2", ",,", "1,2,b", "z,2,a", "1,w,b", "q,q,a"]
    with pytest.raises(DataError) as caught:
        load(written(tmp_path / "t.csv", ["u,v,y", *rows]))
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("t.csv: 7 of 9 rows cannot be used (for 10 cells):")
    assert [line.split(":")[0].strip() for line in lines[1:6]] == [
        "line 3, column `u`",
        "line 4, column `v`",
        "line 5 has 2 cells; the header has 3.",
        "line 6, column `y`",
        "line 8, column `u`",
    ]
    assert lines[6].strip() == "and 2 more rows."
    assert lines[7].strip() == "If a column holds words, list it under `categorical`."


def test_many_columns_of_words_are_named_in_short(tmp_path):
    names = [f"c{index}" for index in range(3000)]
    path = written(tmp_path / "t.csv", [",".join([*names, "y"]), "a," * 3000 + "1"] * 1)
    with pytest.raises(DataError, match=r"3000 columns hold words .* and 2970 more") as caught:
        load(path)
    assert len(str(caught.value)) < 1000
    assert load(written(path, [",".join([*names, "y"]), "a," * 3000 + "1", "b," * 3000 + "2"]),
                categorical=names).train.x.shape == (2, 6000)  # fmt: skip


def test_a_name_is_compared_with_a_bounded_number_of_columns(tmp_path, monkeypatch):
    compared = []
    real = fields.difflib.get_close_matches
    monkeypatch.setattr(
        fields.difflib,
        "get_close_matches",
        lambda word, known, **more: compared.append(len(known)) or real(word, known, **more),
    )
    names = [f"column_{index:06d}" for index in range(20_000)]
    table = Table.read(written(tmp_path / "t.csv", [",".join(names), ",".join("1" * 20_000)]))
    with pytest.raises(DataError, match="has no column `colmun_000003`") as caught:
        table.cells("colmun_000003")
    assert compared == [fields.MOST_COMPARED]
    assert len(str(caught.value)) < 1000
    with pytest.raises(DataError, match="Did you mean `column_019999`"):
        table.cells("Column-019999")


def test_a_table_that_does_not_fit_into_memory(tmp_path, monkeypatch):
    path = written(tmp_path / "t.csv", ["a,b,y", *["1,2,0"] * 2000])
    monkeypatch.setattr(module, "memory", lambda: 64 * 3 * 1000.0)
    with pytest.raises(DataError, match="first 1001 rows of 3 columns fill the memory"):
        load(path)
    # Columns that are not asked for take none.
    path = written(path, ["a,b,c,d,e,f,y", *["1,2,3,4,5,6,0"] * 1400])
    with pytest.raises(DataError, match="all rows have the class 0"):
        load(path, numeric=["a"])


def test_features_that_do_not_fit_into_memory(tmp_path, monkeypatch):
    path = written(tmp_path / "t.csv", ["a,y", *[f"w{index},{index % 2}" for index in range(900)]])
    monkeypatch.setattr(table_module, "memory", lambda: 1e6)
    with pytest.raises(DataError, match=r"900 rows of 900 features .* `a` alone is 900"):
        load(path, categorical=["a"])


def test_cells_that_look_like_numbers(tmp_path):
    path = written(tmp_path / "t.csv", ["a", "1", " 2.5 ", "-3e2", ".5", "0x1", "1_0", "1e39"])
    table = Table.read(path)
    found = table.numbers("a")
    np.testing.assert_array_equal(found, np.float32([1, 2.5, -300, 0.5, *[np.nan] * 3]))
    assert table.usable.tolist() == [True] * 4 + [False] * 3


def test_columns_given_from_python():
    table = Table.of_columns({"a": [1, None, float("nan"), "x"], "b": np.arange(4.0)}, "rows")
    assert table.cells("a") == ["1", "", "", "x"]
    assert table.numbers("b").tolist() == [0, 1, 2, 3]
    table.numbers("a")
    with pytest.raises(DataError, match="3 of 4 rows cannot be used:\n  row 1, column `a`"):
        table.refuse_faults()
    for wrong in ({}, {"a": []}, {"a": [1], "b": [1, 2]}):
        with pytest.raises(DataError, match="equally long and not empty"):
            Table.of_columns(wrong, "rows")


def test_the_encoding_of_the_file_is_kept_for_later_ones(tmp_path):
    text = "색,y\n빨강,a\n파랑,b\n"
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode("cp949"))
    data = load(path, categorical=["색"], encoding="cp949")
    assert data.to_json()["columns"]["encoding"] == "cp949"
    path.write_text(text)
    plain = load(path, categorical=["색"])
    # As before there were encodings: the fingerprint of older runs holds.
    assert "encoding" not in plain.to_json()["columns"]
