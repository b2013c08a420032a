"""Tables of text are read as Python's own csv reader reads them, and refused with the line."""

import csv
import gzip
import random

import numpy as np
import pytest

from keras_recipes.recipes.data import delimited
from keras_recipes.recipes.data.cell_types import words
from keras_recipes.recipes.data.delimited import read_delimited
from keras_recipes.recipes.errors import DataError


def written(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


CELLS = ["a", "b c", "é", "나무", "😀", 'say "hi"', "1,5", "line\nbreak", "x;y", ""]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_cells_are_those_of_the_csv_module(tmp_path, seed, end):
    draw = random.Random(seed)
    rows = [[draw.choice(CELLS) for _ in range(3)] for _ in range(50)]
    path = tmp_path / "table.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator=end).writerows([["one", "two", "three"], *rows])
    table = read_delimited(path)
    read = list(zip(*(words(column).tolist() for column in table.columns.values()), strict=True))
    assert read == [tuple(row) for row in rows]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "cp949"])
def test_encodings(tmp_path, encoding):
    path = written(tmp_path / "table.csv", "이름,수\n나무,1\n", encoding)
    table = read_delimited(path, encoding="cp949" if encoding == "cp949" else "utf-8")
    assert words(table["이름"]).tolist() == ["나무"]
    assert table["수"].to_pylist() == ["1"]


def test_an_encoding_that_is_wrong_is_named_with_likely_ones(tmp_path):
    path = written(tmp_path / "table.csv", "a,나무\n1,2\n", "cp949")
    with pytest.raises(DataError, match=r"is not UTF-8 text.*`encoding: cp949`.*나무"):
        read_delimited(path)


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "2", "-3"], [1, 2, -3]),
        (["1", " 2.5 ", "1e3"], [1.0, 2.5, 1000.0]),
        (["1", "", "NA"], [1, None, None]),
        (["1", "1_000", "x"], ["1", "1_000", "x"]),
        (["inf", "1", "2"], ["inf", "1", "2"]),
        (["a", "", " b "], ["a", None, "b"]),
        (["0x10", "1", "2"], ["0x10", "1", "2"]),
        (["1e39", "1", "2"], ["1e39", "1", "2"]),
        (["+1", ".5", "5."], [1.0, 0.5, 5.0]),
        (["01", "2", "?"], [1, 2, None]),
        (["9" * 30, "1", "2"], [1e30, 1.0, 2.0]),
    ],
)
def test_a_column_has_the_type_of_all_its_cells(tmp_path, cells, values):
    path = written(tmp_path / "table.csv", "x,y\n" + "".join(f"{cell},0\n" for cell in cells))
    assert read_delimited(path).typed()["x"].to_pylist() == values
    kept = read_delimited(path).typed(["x"])["x"].to_pylist()
    assert kept == [cell.strip() or None for cell in cells]


def test_a_row_is_found_by_its_line(tmp_path):
    path = written(tmp_path / "table.csv", 'a,b\n\n"1\n2",x\n\n3,y\n')
    table = read_delimited(path)
    assert [table.locate(row) for row in range(2)] == ["line 3", "line 6"]
    assert table.take(np.array([1])).locate(0) == "line 6"


def test_every_row_that_is_ragged_is_counted_and_the_first_are_listed(tmp_path):
    lines = ["1,2", "3", "4,5,6"] + ["7"] * 5
    path = written(tmp_path / "table.csv", "\n".join(["a,b", *lines]))
    with pytest.raises(DataError) as caught:
        read_delimited(path)
    message = str(caught.value)
    assert "7 rows cannot be used" in message
    assert "line 3 has 1 cell; the header has 2." in message
    assert "line 4 has 3 cells" in message
    assert "and 2 more rows" in message


def test_ragged_rows_are_noted_where_they_may_be_skipped(tmp_path):
    path = written(tmp_path / "table.csv", "a,b\n1,2\n3\n4,5\n")
    skipped = {}
    table = read_delimited(path, skipped=skipped)
    assert table.typed()["a"].to_pylist() == [1, None, 4]
    assert skipped == {1: "line 3 has 1 cell; the header has 2."}


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (b"", "is empty"),
        (b"a,b\n", "a header and no rows"),
        (b'a,b\n1,"2\n3,4\n', "line 2 is no CSV"),
        (b"a,b\n1,\x00\n", "zero byte"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_files_that_are_no_tables(tmp_path, content, fragment, compressed):
    path = tmp_path / "table.csv"
    path.write_bytes(gzip.compress(content) if compressed else content)
    with pytest.raises(DataError, match=fragment):
        read_delimited(path)


def test_a_gzip_file_cut_short_at_any_byte(tmp_path):
    content = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(300)))
    path = tmp_path / "table.csv.gz"
    path.write_bytes(content)
    assert len(read_delimited(path)) == 300
    for length in range(2, len(content), 97):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"damaged gzip file|is empty"):
            read_delimited(path)


def test_a_gzip_file_that_unfolds_to_more_than_the_memory(tmp_path, monkeypatch):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 100_000))
    monkeypatch.setattr(delimited, "memory", lambda: 100_000)
    with pytest.raises(DataError, match="do not fit into the memory"):
        read_delimited(path)
