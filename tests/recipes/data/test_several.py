"""Several files of one table by a pattern: the rows of all, as of one file."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from keras_recipes.recipes.data.several import read_tables, several
from keras_recipes.recipes.data.sources import SOURCES
from keras_recipes.recipes.data.tables import read_jsonl
from keras_recipes.recipes.errors import DataError

ROWS = [{"a": n, "b": n / 2, "c": f"word {n}"} for n in range(30)]


def csv_of(rows):
    return "".join(
        f"{','.join(map(str, cells))}\n" for cells in [["a", "b", "c"], *(r.values() for r in rows)]
    )


def write(path, rows):
    kind = path.name.split(".")[1]
    if kind == "jsonl":
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    elif kind == "parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(csv_of(rows).encode()))
    else:
        path.write_text(csv_of(rows))


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "jsonl", "parquet"])
def test_the_parts_of_a_table_are_the_table(tmp_path, kind):
    write(tmp_path / f"whole.{kind}", ROWS)
    # Written in another order than that of their names.
    for number, rows in ((2, ROWS[20:]), (1, ROWS[:20])):
        write(tmp_path / f"part-{number}.{kind}", rows)
    source = SOURCES[kind.removesuffix(".gz")]
    whole, parts = (source(str(tmp_path / name)) for name in (f"whole.{kind}", f"part-?.{kind}"))
    assert {name: column.to_pylist() for name, column in whole.columns.items()} == {
        name: column.to_pylist() for name, column in parts.columns.items()
    }
    assert parts.fault(25, "a", "x").startswith(f"{tmp_path}/part-2.{kind}, ")
    if kind == "csv":
        assert parts.locate(25) == f"{tmp_path}/part-2.csv, line 7"


def test_a_file_whose_name_is_a_pattern_is_that_file(tmp_path):
    for name in ("part-[1].csv", "part-1.csv"):
        write(tmp_path / name, ROWS[: len(name)])
    assert len(read_tables(tmp_path / "part-[1].csv")) == len("part-[1].csv")


def test_columns_may_stand_in_another_order_and_lack_values(tmp_path):
    (tmp_path / "1.jsonl").write_text('{"a": 1, "b": null, "c": "x"}\n')
    (tmp_path / "2.jsonl").write_text('{"c": null, "b": 2.5, "a": 1.5}\n')
    frame = several(str(tmp_path / "*.jsonl"), read_jsonl)
    assert {name: column.to_pylist() for name, column in frame.columns.items()} == {
        "a": [1.0, 1.5], "b": [None, 2.5], "c": ["x", ""],
    }  # fmt: skip


WRONG = {
    "an extra column": ("a,b,c,d\n1,2,3,4\n", "has a column `d`, which .*1.csv does not have"),
    "a missing column": ("a,c\n1,2\n", "has no column `b`, which .*1.csv has"),
    "a damaged part": ("a,b,c\n1,2\n", "line 2 has 2 cells; the header has 3"),
    "no rows": ("a,b,c\n", "a header and no rows"),
}


@pytest.mark.parametrize(("text", "reason"), WRONG.values(), ids=WRONG.keys())
def test_the_file_that_differs_is_named(tmp_path, text, reason):
    (tmp_path / "1.csv").write_text("a,b,c\n1,2,3\n")
    (tmp_path / "2.csv").write_text(text)
    with pytest.raises(DataError, match=reason) as found:
        read_tables(tmp_path / "*.csv")
    assert str(tmp_path / "2.csv") in str(found.value)


def test_words_in_one_file_and_numbers_in_another(tmp_path):
    (tmp_path / "1.jsonl").write_text('{"a": 1}\n')
    (tmp_path / "2.jsonl").write_text('{"a": "x"}\n')
    with pytest.raises(
        DataError, match=r"2.jsonl: column `a` holds words, and in .*1.jsonl it hol"
    ):
        several(str(tmp_path / "*.jsonl"), read_jsonl)


def test_rows_that_are_skipped_are_counted_over_all_files(tmp_path):
    for name in ("1.csv", "2.csv"):
        (tmp_path / name).write_text("a,b\n1,2\n1\n3,4\n")
    skipped: dict[int, str] = {}
    assert len(read_tables(tmp_path / "*.csv", skipped=skipped)) == 6
    assert list(skipped) == [1, 4]
    assert skipped[4] == f"{tmp_path}/2.csv, line 3 has 1 cell; the header has 2."


def test_arrays_of_several_files(tmp_path):
    x, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    for part in (0, 1):
        rows = slice(12 * part, 12 + 8 * part)
        np.savez(tmp_path / f"part-{part}.npz", x=x[rows], y=y[rows])
        np.save(tmp_path / f"x-{part}.npy", x[rows])
        np.save(tmp_path / f"y-{part}.npy", y[rows])
    for source in (
        SOURCES["npz"](str(tmp_path / "part-*.npz")),
        SOURCES["npy"](str(tmp_path / "x-*.npy"), str(tmp_path / "y-*.npy")),
    ):
        np.testing.assert_array_equal(source.x, x)
        np.testing.assert_array_equal(source.y, y)
        assert source.task == "classification"
    np.savez(tmp_path / "part-2.npz", x=x[:, :1], y=y)
    with pytest.raises(DataError, match=r"part-2.npz: array `x` has shape \(20, 1\)"):
        SOURCES["npz"](str(tmp_path / "part-*.npz"))
