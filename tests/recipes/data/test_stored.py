"""Tables that are kept in the cache, or are larger than memory, are the tables that were read."""

import errno
import os
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from tables import write_table

from keras_recipes import disk
from keras_recipes.recipes.data import (
    Splits,
    background,
    cache,
    column_file,
    dialect,
    load_data,
    stored,
    table_files,
)
from keras_recipes.recipes.data.columns import LargeColumns
from keras_recipes.recipes.data.delimited import read_delimited
from keras_recipes.recipes.data.frame import Frame
from keras_recipes.recipes.data.npz import memory
from keras_recipes.recipes.data.table import TableOptions
from keras_recipes.recipes.data.table_files import open_delimited, open_parquet
from keras_recipes.recipes.errors import DataError

OPTIONS = TableOptions(("arr_delay",), drop_missing_target=True)


@pytest.fixture(autouse=True)
def small_tables(monkeypatch):
    """Small tables are kept too, in pieces of a few rows, and the cache is on."""
    monkeypatch.setattr(stored, "MOST_UNCACHED", 0)
    monkeypatch.setattr(dialect, "BLOCK", 1 << 12)
    monkeypatch.setattr(table_files, "PARQUET_ROWS", 50)
    monkeypatch.setattr(column_file, "BATCH_ROWS", 64)


@pytest.fixture
def little_memory(monkeypatch):
    """No table fits into memory."""
    monkeypatch.setenv("KERAS_RECIPES_MEMORY", "1 KB")


@pytest.fixture
def table(tmp_path):
    return write_table("flights", tmp_path, 700)


def load(path, **arguments):
    return load_data(
        "csv",
        {"path": str(path), **arguments},
        splits=Splits(0.2, 0.2),
        task="regression",
        table=OPTIONS,
    )


def rows_of(data):
    """Everything of data as plain values."""
    splits = [data.train, data.validation, data.test]
    cells = [{n: c.to_pylist() for n, c in each.x.columns.items()} for each in splits]
    return data.to_json(), cells, [each.y.tolist() for each in splits]


def files():
    root = cache.folder()
    return [] if root is None else sorted(path for path in root.rglob("*") if path.is_file())


@pytest.fixture
def reads(monkeypatch):
    """Names of the columns of each reading of a file."""
    found = []
    real = table_files.read_typed

    def read(path, delimiter, encoding, columns, *others):
        found.append(list(columns))
        return real(path, delimiter, encoding, columns, *others)

    monkeypatch.setattr(table_files, "read_typed", read)
    return found


def test_the_next_reading_is_of_the_cache_and_the_same(table, reads, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("KERAS_RECIPES_CACHE", "off")
        expected = rows_of(load(table))
        assert rows_of(load(table)) == expected
        assert len(reads) == 2
    assert rows_of(load(table)) == expected
    assert len(reads) == 3
    assert rows_of(load(table)) == expected
    assert len(reads) == 3
    assert files()


def test_a_table_that_is_still_being_written_is_waited_for(table, reads, monkeypatch):
    """By the process that writes it, which would read the file again otherwise."""
    monkeypatch.setattr(background, "FEW_BYTES", 0)
    real = stored.write_column

    def slow(path, array):
        time.sleep(0.02)
        real(path, array)

    monkeypatch.setattr(stored, "write_column", slow)
    expected = rows_of(load(table))
    assert rows_of(load(table)) == expected
    assert len(reads) == 1


def test_a_copy_is_the_same_table_and_a_change_is_not(table, reads, tmp_path):
    load(table)
    copy = tmp_path / "copy.csv"
    copy.write_bytes(table.read_bytes())
    load(copy)
    assert len(reads) == 1
    load(copy, encoding="latin-1")
    assert len(reads) == 2
    changed = copy.read_text().replace("UA", "XX", 1)
    copy.write_text(changed)
    assert load(copy).fingerprint != load(table).fingerprint
    assert len(reads) == 3


def test_columns_that_are_there_are_not_read_again(table, reads):
    first = open_delimited(table)
    first.select(["day", "carrier"]).typed()
    found = first.select(["carrier", "month", "day"]).typed(["day"])
    assert reads == [["day", "carrier"], ["month", "day"]]
    expected = read_delimited(table).select(["carrier", "month", "day"]).typed(["day"])
    assert list(found.columns) == list(expected.columns)
    assert all(found[name].equals(expected[name]) for name in expected.columns)


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty"])
def test_a_damaged_file_is_made_again(table, damage):
    expected = rows_of(load(table))
    for path in files():
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        shorter = {"flipped": bytes(content), "cut": bytes(content[:-9]), "empty": b""}[damage]
        path.unlink()
        path.write_bytes(shorter)
    assert rows_of(load(table)) == expected
    assert all(column_file.opened(path) is not None for path in files())


def test_no_cache_is_no_failure(table, tmp_path, monkeypatch):
    expected = rows_of(load(table))
    (tmp_path / "file").write_text("")
    for place in ("off", str(tmp_path / "file"), "/proc/nothing"):
        monkeypatch.setenv("KERAS_RECIPES_CACHE", place)
        assert rows_of(load(table)) == expected
    assert not (tmp_path / "off").exists()


def test_a_full_disk_is_no_failure(table, tmp_path, monkeypatch):
    expected = rows_of(load(table))
    monkeypatch.setenv("KERAS_RECIPES_CACHE", str(tmp_path / "other"))

    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(disk.Cached, "write", full)
        assert rows_of(load(table)) == expected
    assert files() == []
    monkeypatch.setattr(cache, "has_room", lambda size: False)
    assert rows_of(load(table)) == expected
    assert files() == []


def test_a_table_that_fits_nowhere_is_an_error(table, little_memory, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(disk.Cached, "write", full)
        with pytest.raises(DataError, match="KERAS_RECIPES_CACHE"):
            load(table)
    assert files() == []
    monkeypatch.setenv("KERAS_RECIPES_CACHE", "off")
    with pytest.raises(DataError, match="do not fit into the memory"):
        load(table)


@pytest.mark.slow
def test_two_processes_at_once(table):
    code = (
        "import sys; from pathlib import Path\n"
        "from keras_recipes.recipes.data import stored\n"
        "from keras_recipes.recipes.data.table_files import open_delimited\n"
        "stored.MOST_UNCACHED = 0\n"
        "for _ in range(5):\n"
        "    found = open_delimited(Path(sys.argv[1])).typed()\n"
        "print(sum(hash(str(c.to_pylist())) for c in found.columns.values()))\n"
    )
    command = [sys.executable, "-c", code, str(table)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(2)]
    found = {process.communicate()[0] for process in started}
    assert [process.returncode for process in started] == [0, 0]
    assert len(found) == 1


def test_data_of_a_table_larger_than_memory_are_the_same(table, little_memory, monkeypatch):
    large = load(table)
    assert isinstance(large.train.x.columns.base, LargeColumns)
    with monkeypatch.context() as patch:
        patch.delenv("KERAS_RECIPES_MEMORY")
        patch.setenv("KERAS_RECIPES_CACHE", "off")
        expected = rows_of(load(table))
    assert rows_of(large) == expected
    assert rows_of(load(table)) == expected


CELLS = {
    "whole": [str(n) for n in range(400)],
    "fractions_late": [str(n) for n in range(399)] + ["0.5"],
    "whole_late": ["0.5"] + [str(n) for n in range(399)],
    "words_late": [str(n) for n in range(399)] + ["x"],
    "words_first": ["x"] + [str(n) for n in range(399)],
    "missing": [""] * 400,
    "spelled": ["NA"] * 400,
    "spelled_then_words": ["NA"] * 399 + ["x"],
    "spelled_then_whole": ["NA"] * 399 + ["7"],
    "empty_then_words": [""] * 399 + [" x "],
    "zeros": ["01"] * 400,
    "large": ["1"] * 399 + ["123456789012345678901"],
    "hexadecimal": ["1"] * 399 + ["0x10"],
    "infinite": ["1.5"] * 399 + ["inf"],
}


@pytest.mark.parametrize("keep", [(), ("zeros", "whole", "missing", "spelled")])
def test_a_stream_is_typed_as_the_whole(tmp_path, little_memory, keep, monkeypatch):
    path = tmp_path / "t.csv"
    rows = zip(*CELLS.values(), strict=True)
    text = "\n".join(",".join(row) for row in [tuple(CELLS), *rows])
    path.write_text(text)
    found = open_delimited(path).typed(keep)
    assert isinstance(found.columns, LargeColumns)
    assert len(found) == 400
    monkeypatch.delenv("KERAS_RECIPES_MEMORY")
    for name, column in read_delimited(path).typed(keep).columns.items():
        assert found[name].equals(column), name


def test_a_stream_of_parquet(tmp_path, little_memory, monkeypatch):
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "n": rng.normal(size=300),
            "i": pa.array([None, *range(299)]),
            "w": [f"w{n % 7}" for n in range(300)],
            "number": [str(n) for n in range(300)],
            "none": pa.nulls(300, pa.int64()),
            "when": pa.array(np.arange(300).astype("datetime64[D]")),
        }
    )
    path = tmp_path / "t.parquet"
    parquet.write_table(table, path)
    found = open_parquet(path).typed()
    assert isinstance(found.columns, LargeColumns)
    monkeypatch.delenv("KERAS_RECIPES_MEMORY")
    monkeypatch.setenv("KERAS_RECIPES_CACHE", "off")
    for name, column in open_parquet(path).typed().columns.items():
        assert found[name].equals(column), name


@pytest.mark.parametrize(
    "bad", ["1,2,3\n", "1\n", '"1,2\n', "1\0,2\n", '1,2\n"x"y,3,4\n', b"\xff\xfe,1\n"]
)
def test_a_stream_finds_the_faults_that_the_whole_has(tmp_path, little_memory, bad, monkeypatch):
    path = tmp_path / "t.csv"
    tail = bad if isinstance(bad, bytes) else bad.encode()
    path.write_bytes(b"a,b\n" + b"1,2\n" * 3000 + tail + b"1,2\n" * 3000)
    with pytest.raises(DataError) as streamed:
        open_delimited(path).typed()
    assert files() == []
    monkeypatch.delenv("KERAS_RECIPES_MEMORY")
    with pytest.raises(DataError) as whole:
        read_delimited(path)
    assert str(streamed.value) == str(whole.value)


@pytest.mark.parametrize(
    "rows", [[0, 5, 5, 399], [399, 0, 64, 63, 64], [], range(60, 200)], ids=str
)
def test_rows_of_a_column_file(tmp_path, rows):
    column = pa.array([None if n % 9 == 0 else n for n in range(400)])
    writer = column_file.ColumnWriter(tmp_path / "c", column.type)
    for first in range(0, 400, 70):
        writer.add(column.slice(first, 70))
    writer.finish()
    found = column_file.opened(tmp_path / "c")
    assert found is not None
    assert found.rows == 400
    assert found.whole().equals(column)
    assert found.take(np.array(rows, int)).equals(column.take(pa.array(rows, pa.int64())))


def test_rows_of_rows_are_picked_once():
    table = Frame({"n": pa.array(range(10)), "x": np.arange(20).reshape(10, 2)}, "rows")
    few = table.take(np.array([8, 1, 5])).take(np.array([2, 0]))
    assert few["n"].to_pylist() == [5, 8]
    assert few["x"].tolist() == [[10, 11], [16, 17]]
    assert len(few) == 2
    assert few.locate(0) == "row 5 (from 0)"


def test_entries_that_were_not_used_for_longest_go_first(tmp_path):
    for index in range(3):
        place = cache.entry("tables", {"index": index})
        assert place is not None
        column_file.write_column(place / "column", pa.array(range(1000)))
        os.utime(place, (time.time() - 1e5 + index,) * 2)
    size = cache.entries()[0][2]
    cache.trim(2 * size)
    assert len(cache.entries()) == 2
    place = cache.entry("tables", {"index": 0})
    assert place is not None
    assert not place.exists()
    for place, *_ in cache.entries():
        cache.used(place)
    cache.trim(0)
    assert len(cache.entries()) == 2  # they may be in use


def test_the_hash_of_a_large_file_is_kept_until_it_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "MEMO", 0)
    path = tmp_path / "file"
    path.write_bytes(b"a")
    os.utime(path, (1e9, 1e9))
    first = cache.content_of(path)
    hashed = []
    monkeypatch.setattr(disk, "hashed", hashed.append)
    assert cache.content_of(path) == first
    assert hashed == []
    monkeypatch.undo()
    path.write_bytes(b"b")
    assert cache.content_of(path) != first


@pytest.mark.parametrize(
    ("given", "bytes_"), [("1000", 1000), ("4 GB", 4 << 30), ("1.5kb", 1536), ("2TB", 2 << 40)]
)
def test_the_memory_that_is_allowed(monkeypatch, given, bytes_):
    monkeypatch.setenv("KERAS_RECIPES_MEMORY", given)
    assert memory() == bytes_


def test_memory_that_is_no_amount(monkeypatch):
    monkeypatch.setenv("KERAS_RECIPES_MEMORY", "much")
    with pytest.raises(DataError, match="Received 'much'"):
        memory()
