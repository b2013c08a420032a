"""Files of tables in every format, and what is said of those that are damaged or too large."""

import gzip

import pyarrow as pa
import pytest
from pyarrow import parquet

from keras_recipes.recipes.data import delimited, tables
from keras_recipes.recipes.data.tables import read_table
from keras_recipes.recipes.errors import DataError

EXPECTED = {"size": [1, None, 2.5], "colour": ["red", None, "ä"]}
TEXT = "size,colour\n1,red\n,\n2.5,ä\n"
JSON = """{"size": 1, "colour": "red"}
{"size": null, "colour": null}
{"colour": "ä", "size": 2.5}
"""


def values(path, **more):
    return {n: c.to_pylist() for n, c in read_table(path, **more).typed().columns.items()}


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", TEXT),
        ("t.CSV", TEXT),
        ("t.tsv", TEXT.replace(",", "\t")),
        ("t.csv.gz", gzip.compress(TEXT.encode(), mtime=0)),
        ("t.tsv.gz", gzip.compress(TEXT.replace(",", "\t").encode(), mtime=0)),
        ("t.jsonl", JSON),
        ("t.jsonl.gz", gzip.compress(JSON.encode(), mtime=0)),
    ],
)
def test_the_end_of_the_name_says_the_format(tmp_path, name, content):
    assert values(written(tmp_path / name, content)) == EXPECTED


def test_a_delimiter_and_an_encoding(tmp_path):
    path = written(tmp_path / "t.tsv", TEXT.replace(",", ";").encode("latin-1"))
    assert values(path, dialect={"delimiter": ";", "encoding": "latin-1"}) == EXPECTED


def test_parquet(tmp_path):
    rows = pa.table(EXPECTED)
    parquet.write_table(rows, tmp_path / "t.parquet")
    assert values(tmp_path / "t.parquet") == EXPECTED
    parquet.write_table(rows.slice(0, 0), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="has no rows"):
        values(tmp_path / "t.parquet")


def test_a_key_that_some_lines_lack_is_missing_there(tmp_path):
    path = written(tmp_path / "t.jsonl", '{"a": 1}\n{"b": "x"}\n')
    assert values(path) == {"a": [1, None], "b": [None, "x"]}


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        ("", "is no file of JSON objects|has no rows"),
        ("[1, 2]\n", "is no file of JSON objects"),
        ('{"a": 1\n', "is no file of JSON objects"),
        ('{"a": 1}\n{"a": "x"}\n', "Column.* changed from number to string in row 1"),
        ('{"a": {"b": 1}}\n', "t.jsonl: column `a` holds struct<b: int64> values"),
        ('{"a": ["x", "y"]}\n', "t.jsonl: column `a`: its lists hold string values"),
        ('{"": 1}\n', "a column has no name"),
        ('{"a": 1, "a": 2}\n', "is no file of JSON objects"),
        (b'{"\x80": 1}\n', "damaged columns"),
        (b'{"a": "\x80"}\n', "damaged columns"),
        (gzip.compress(JSON.encode(), mtime=0)[:-9], "is a damaged gzip file"),
    ],
)
def test_files_that_are_no_lines_of_json(tmp_path, content, fragment):
    path = written(tmp_path / "t.jsonl", content)
    with pytest.raises(DataError, match=fragment) as caught:
        values(path)
    assert str(path) in str(caught.value)


def test_files_that_are_no_parquet(tmp_path):
    path = tmp_path / "t.parquet"
    for content in (b"", b"PAR1", b"size,colour\n1,red\n"):
        with pytest.raises(DataError, match=r"t\.parquet: is no Parquet file, or is damaged"):
            values(written(path, content))
    parquet.write_table(pa.table(EXPECTED), path)
    content = path.read_bytes()
    for length in range(0, len(content), 41):
        with pytest.raises(DataError, match="is no Parquet file, or is damaged"):
            values(written(path, content[:length]))


def test_files_that_unfold_to_more_than_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "memory", lambda: 100_000)
    monkeypatch.setattr(tables, "memory", lambda: 100_000)
    path = written(tmp_path / "t.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 100_000, mtime=0))
    with pytest.raises(DataError, match="do not fit into the memory"):
        values(path)
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"a": range(100_000)}), path)
    with pytest.raises(DataError, match="do not fit into the memory"):
        values(path)


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_a_device_is_no_file(tmp_path, name):
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(DataError, match="is a device or a pipe, not a file"):
        values(tmp_path / name)
