"""Files of tables piece by piece; columns of numbers in text as if they got types afterwards."""

import random

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from keras_recipes.recipes.data import delimited, dialect, table_files
from keras_recipes.recipes.data.column_file import BATCH_ROWS, ColumnFile, ColumnWriter
from keras_recipes.recipes.data.delimited import read_delimited
from keras_recipes.recipes.data.table_files import PARQUET_ROWS, open_parquet, read_typed
from keras_recipes.recipes.errors import DataError

GROUPS = 8
# What a cell may hold among whole numbers, and what makes a reader of tables guess.
NUMBERS = "7 007 +5 -0 1. .5 +.5 1.0 1e3 1E-400 1e400 3.5e38 5f 1_0 1e 1d3 0x10 0X1f -0x1 x0x1"
LARGE = "9223372036854775807 9223372036854775808 -9223372036854775808"
NAMED = "inf -inf Infinity nan -nan NAN NA N/A NaN null NULL None ? - true False a N0X1"
SPACED = ("", " ", " 5 ", "\t6", "5\u00a0", " NA ", "\uff11")
QUOTED = ('"7"', '" 7 "', '""', '"NA"', '"a\nb"')
TIMES = ("2013-01-31", "05:00")
CELLS = [*NUMBERS.split(), *LARGE.split(), *NAMED.split(), *SPACED, *QUOTED, *TIMES]


def test_row_groups_that_were_read_leave_the_memory(tmp_path):
    path, rng = tmp_path / "table.parquet", np.random.default_rng(0)
    with parquet.ParquetWriter(path, pa.schema([("x", pa.float64())])) as writer:
        for _ in range(GROUPS):
            writer.write_table(pa.table({"x": rng.normal(size=4 * PARQUET_ROWS)}))
    stream = open_parquet(path).columns.file.stream
    before, held = pa.total_allocated_bytes(), []
    for pieces in stream(["x"]):
        del pieces
        held.append(pa.total_allocated_bytes() - before)
    group = 8 * 4 * PARQUET_ROWS
    assert max(held) < 3 * group < GROUPS * group


def test_a_writer_of_a_column_keeps_no_more_than_a_part_of_a_batch(tmp_path):
    before = pa.total_allocated_bytes()
    writer = ColumnWriter(tmp_path / "x", pa.float64())
    for piece in range(4):
        writer.add(pa.array(range(BATCH_ROWS), pa.float64()))
        assert pa.total_allocated_bytes() == before, piece
    writer.add(pa.array([0.5]))
    writer.finish()
    assert ColumnFile(tmp_path / "x").whole().to_pylist() == [*range(BATCH_ROWS)] * 4 + [0.5]


def same(path, keep=(), delimiter=",", encoding="utf-8"):
    """Whether both ways give the same columns, or the same complaint."""
    try:
        expected = read_delimited(path, delimiter, encoding).typed(keep)
    except DataError as error:
        with pytest.raises(DataError) as caught:
            read_typed(path, delimiter, encoding, list("abc"), keep)
        return str(caught.value) == str(error)
    found = read_typed(path, delimiter, encoding, list("abc"), keep)
    return all(found[name].equals(expected[name]) for name in expected.columns) and len(
        found.columns
    ) == len(expected.columns)


def written(path, rows, encoding="utf-8"):
    path.write_text("\n".join(["a,b,c", *rows]) + "\n", encoding=encoding)
    return path


@pytest.mark.parametrize("sample", [1 << 19, 40])
@pytest.mark.parametrize("cell", CELLS, ids=range(len(CELLS)))
def test_any_cell_among_numbers(tmp_path, monkeypatch, cell, sample):
    """Also where it comes after the rows that the types are guessed from."""
    monkeypatch.setattr(table_files, "TEXT_SAMPLE", sample)
    rows = [f"{n},{n / 4},{n % 3}" for n in range(20)]
    for strange in (f"{cell},1.5,x", f"3,{cell},x", f"3,{cell},{cell}"):
        path = written(tmp_path / "table.csv", [*rows, strange, *rows])
        assert same(path)
        assert same(path, keep=["a"])
        assert same(written(tmp_path / "first.csv", [strange, *rows]))


def test_random_tables(tmp_path, monkeypatch):
    monkeypatch.setattr(table_files, "TEXT_SAMPLE", 60)
    monkeypatch.setattr(dialect, "BLOCK", 200)
    dice = random.Random(1)
    for number in range(60):
        pools = [dice.choices(CELLS, k=dice.randint(1, 3)) + ["1", "2"] * 9 for _ in range(3)]
        rows = [",".join(dice.choice(pool) for pool in pools) for _ in range(dice.randint(1, 60))]
        encoding = dice.choice(("utf-8", "utf-16", "utf-8-sig"))
        assert same(written(tmp_path / "t.csv", rows, encoding), encoding=encoding), number


def test_numbers_are_not_read_as_text(tmp_path, monkeypatch):
    rows = [f"{n},{n / 4},N0x{n}" for n in range(20)]
    path = written(tmp_path / "table.csv", rows)
    monkeypatch.setattr(delimited, "_cells", None)
    found = read_typed(path, ",", "utf-8", ["a", "b", "c"], [])
    assert [str(found[name].type) for name in "abc"] == ["int64", "double", "string"]


def test_a_mark_of_hexadecimal_numbers_at_a_border_of_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(dialect, "BLOCK", 16)
    monkeypatch.setattr(table_files, "TEXT_SAMPLE", 20)
    for length in range(1, 20):
        path = written(tmp_path / "table.csv", ["1,2,3"] * 5 + [f"{'1' * length},0x1,3"])
        assert same(path)
