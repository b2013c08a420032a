"""Raw rows to predict, in the form that the model was trained on."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from keras_recipes.recipes.data import Splits, delimited, load_data, read_rows
from keras_recipes.recipes.data.cell_types import words
from keras_recipes.recipes.data.reading import Reading
from keras_recipes.recipes.data.rows import rows_of
from keras_recipes.recipes.data.table import TableOptions
from keras_recipes.recipes.errors import DataError


def described(data):
    return json.loads(json.dumps(data.to_json()))


@pytest.fixture
def table(tmp_path):
    """What a run keeps of a table with words in it, and another delimiter."""
    path = tmp_path / "train.csv"
    path.write_text("size;colour;price\n1;red;a\n2;blue;b\n3;red;a\n")
    arguments = {"path": str(path), "delimiter": ";"}
    options = TableOptions(("price",))
    return described(load_data("csv", arguments, splits=Splits(None, None), table=options))


def columns(rows):
    """Columns as lists."""
    return {name: column.to_pylist() for name, column in rows.columns.items()}


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
    found = read_rows(written(tmp_path / "new.CSV", text), table)
    assert columns(found) == {"size": [7], "colour": ["blue"]}


def test_a_table_in_another_format(tmp_path, table):
    expected = {"size": [7, None], "colour": ["blue", None]}
    rows = pa.table({"colour": ["blue", None], "size": [7, None], "note": ["a", "b"]})
    parquet.write_table(rows, tmp_path / "new.parquet")
    text = '{"size": 7, "colour": "blue"}\n{"size": null, "colour": null}\n'
    written(tmp_path / "new.jsonl", text)
    (tmp_path / "new.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "new.csv.gz").write_bytes(gzip.compress(b"size;colour\n7;blue\n;\n"))
    for name in ("new.parquet", "new.jsonl", "new.jsonl.gz", "new.csv.gz"):
        assert columns(read_rows(tmp_path / name, table)) == expected


def test_cells_that_a_model_fills_or_leaves_unknown(tmp_path, table):
    found = read_rows(written(tmp_path / "new.csv", "size;colour\n;pink\n?;\n"), table)
    assert columns(found) == {"size": [None, None], "colour": ["pink", None]}


def test_words_stay_words_where_all_look_like_numbers(tmp_path):
    path = written(tmp_path / "train.csv", "code,y\n01,a\n1,b\nx,a\n")
    data = load_data(
        "csv", {"path": str(path)}, splits=Splits(None, None), table=TableOptions(("y",))
    )
    assert data.features[0].vocabulary == ("01", "1", "x")
    for given in (written(tmp_path / "new.csv", "code\n01\n1\n"), {"code": ["01", "1"]}):
        found = rows_of(given, Reading(described(data))).x
        assert words(found["code"]).tolist() == ["01", "1"]


def test_classes_stay_words_where_all_look_like_numbers(tmp_path):
    path = written(tmp_path / "train.csv", "size,y\n1,01\n2,1\n3,x\n")
    options = TableOptions(("y",))
    data = load_data("csv", {"path": str(path)}, splits=Splits(None, None), table=options)
    given = written(tmp_path / "new.csv", "size,y\n1,1\n2,01\n")
    assert rows_of(given, Reading(described(data), with_target=True)).y.tolist() == [1, 0]


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
        ("size;colour\nx;red\n", 'line 2, column `size`: expected a number. Received "x".$'),
        (
            "size;colour\n1e39;red\n",
            'line 2, column `size`: .* Received "1e39", which is too large: 32-bit',
        ),
        ("size;colour\ninf;red\n", 'line 2, column `size`: .* Received "inf".$'),
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
        (lambda path: path / "new.txt", r"a `.csv`, `.tsv`, .* or `.npy` file"),
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


BAD = "colour;note;size;price\nred;1;7;a\npink;1;x;a\nblue;1;2\nblue;1;8;c\nred;1;9;b\n"


def test_rows_that_cannot_be_used_are_all_reported(tmp_path, table):
    path = written(tmp_path / "new.csv", BAD)
    with pytest.raises(DataError) as caught:
        rows_of(path, Reading(table))
    lines = str(caught.value).splitlines()
    assert "2 of 5 rows cannot be used:" in lines[0]
    assert "line 3, column `size`: expected a number" in lines[1]
    assert "line 4 has 3 cells; the header has 4" in lines[2]
    assert "--on-error skip" in lines[-1]


def test_rows_that_cannot_be_used_are_skipped(tmp_path, table):
    path = written(tmp_path / "new.csv", BAD)
    found = rows_of(path, Reading(table, on_error="skip"))
    assert columns(found.x) == {"size": [7, 8, 9], "colour": ["red", "blue", "red"]}
    assert found.usable.tolist() == [True, False, False, True, True]
    assert list(found.errors) == [1, 2]
    assert found.notes == (f"{path}: the column `note` is not used.",)
    found = rows_of(path, Reading(table, with_target=True, on_error="skip"))
    assert found.y.tolist() == [0, 1]
    assert 'the class "c" is none that the model knows, which are `a` or `b`' in found.errors[3]


def test_no_row_that_can_be_used(tmp_path, table):
    path = written(tmp_path / "new.csv", "size;colour\nx;red\n")
    with pytest.raises(DataError, match="expected a number"):
        rows_of(path, Reading(table, on_error="skip"))


def test_rows_without_a_target_or_with_a_wrong_one(tmp_path, table):
    path = written(tmp_path / "new.csv", "size;colour;price\n1;red;a\n2;red;\n3;red;z\n")
    found = rows_of(path, Reading(table, with_target=True, on_error="skip"))
    assert found.usable.tolist() == [True, False, False]
    assert found.errors[1] == "line 3, column `price`: the row has no target."
    assert found.errors[2].startswith('line 4, column `price`: the class "z" is none')


def test_targets_that_are_numbers(tmp_path):
    path = written(tmp_path / "train.csv", "size,y\n1,0.5\n2,1.5\n3,7\n")
    options = TableOptions(("y",))
    data = load_data("csv", {"path": str(path)}, splits=Splits(None, None), table=options)
    reading = Reading(described(data), with_target=True, on_error="skip")
    found = rows_of(written(tmp_path / "new.csv", "size,y\n1,1\n2,x\n3,\n4,2.5\n"), reading)
    assert found.y.tolist() == [1, 2.5]
    assert 'line 3, column `y`: expected a number. Received "x"' in found.errors[1]
    assert found.errors[2] == "line 4, column `y`: the row has no target."


def test_the_line_of_many_faults_is_found_in_one_pass(tmp_path, table, monkeypatch):
    reads = []
    records = delimited.records
    monkeypatch.setattr(delimited, "records", lambda *args: reads.append(1) or records(*args))
    path = written(tmp_path / "new.csv", "size;colour\n" + "1;red\n" + "x;red\n" * 3000)
    found = rows_of(path, Reading(table, on_error="skip"))
    assert len(found.errors) == 3000
    assert found.errors[3000].startswith("line 3002, column `size`")
    assert len(reads) == 1


def test_columns_and_targets_from_python(table):
    given = {"size": [7, 8], "colour": ["red", "blue"], "price": ["b", "a"]}
    assert columns(rows_of(given, Reading(table)).x) == {"size": [7, 8], "colour": ["red", "blue"]}
    assert rows_of(given, Reading(table, with_target=True)).y.tolist() == [1, 0]
    del given["price"]
    assert rows_of((given, ["b", "a"]), Reading(table, with_target=True)).y.tolist() == [1, 0]
    with pytest.raises(DataError, match="has no column `size`, `colour`"):
        rows_of({"price": [1]}, Reading(table))


def test_arrays_with_and_without_targets(tmp_path, numbers):
    x, y = np.arange(6.0).reshape(3, 2), np.array([1, 0, 2])
    reading = Reading(numbers, with_target=True, on_error="skip", arrays=("pictures", "labels"))
    found = rows_of((x, y), reading)
    assert (found.x.tolist(), found.y.tolist()) == (x[:2].tolist(), [1, 0])
    assert found.errors[2].startswith("row 2 (from 0): the class 2 is none")
    np.savez(tmp_path / "new.npz", pictures=x, labels=y)
    assert rows_of(tmp_path / "new.npz", reading).y.tolist() == [1, 0]
    x[1, 1] = np.nan
    found = rows_of(x, Reading(numbers, on_error="skip"))
    assert found.usable.tolist() == [True, False, True]
    assert "nan is no finite number" in found.errors[1]
    np.save(tmp_path / "new.npy", x)
    for given, fragment in (
        (tmp_path / "new.npy", "has no targets"),
        (x, "give a pair"),
        (written(tmp_path / "new.csv", "a,b\n1,2\n"), "was not trained on a table"),
        ({"a": [1], "b": [2]}, "was not trained on a table"),
    ):
        with pytest.raises(DataError, match=fragment):
            rows_of(given, reading)


def test_a_later_file_in_the_encoding_of_the_first(tmp_path):
    path = tmp_path / "train.csv"
    path.write_bytes("색,y\n빨강,a\n파랑,b\n".encode("cp949"))
    arguments = {"path": str(path), "encoding": "cp949"}
    options = TableOptions(("y",))
    kept = described(load_data("csv", arguments, splits=Splits(None, None), table=options))
    for encoding in ("cp949", "utf-8-sig", "utf-16"):
        (tmp_path / "new.csv").write_bytes("색\n파랑\n".encode(encoding))
        assert columns(read_rows(tmp_path / "new.csv", kept)) == {"색": ["파랑"]}
