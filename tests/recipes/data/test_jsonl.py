"""JSON lines: what they are as columns, and the line of what is wrong."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pytest

from keras_recipes.recipes.data.jsonl import read_jsonl
from keras_recipes.recipes.errors import DataError


def columns(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    frame = read_jsonl(path).typed()
    return {
        name: column.to_pylist() if isinstance(column, pa.Array) else column.tolist()
        for name, column in frame.columns.items()
    }


def test_rows_come_back_as_they_were_written(tmp_path):
    draw = np.random.default_rng(0)
    rows = [
        {"number": float(draw.normal()), "word": str(draw.choice(["a", "\u00fc\nx", "\U0001f600"]))}
        for _ in range(500)
    ]
    content = "\r\n".join(json.dumps(row) for row in rows)
    for found in (content, gzip.compress(content.encode(), mtime=0), "\ufeff" + content + "\n\n"):
        assert columns(tmp_path / "t.jsonl", found) == {
            "number": [row["number"] for row in rows],
            "word": [row["word"] for row in rows],
        }


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"a": 1}\n{"b": "x"}\n', {"a": [1, None], "b": [None, "x"]}),
        ('{"a": 1}\n{"a": "x"}\n', {"a": ["1", "x"]}),
        ('{"a": NaN, "b": null}\n{"a": 2, "b": 1}', {"a": [None, 2.0], "b": [None, 1]}),
        ('{"a": true}\n{"a": false}', {"a": [1, 0]}),
        ('{"a": true}\n{"a": "x"}', {"a": ["true", "x"]}),
        ('{"a": [1, 2]}\n{"a": [3, 4]}', {"a": [[1, 2], [3, 4]]}),
    ],
)
def test_what_values_become(tmp_path, content, expected):
    assert columns(tmp_path / "t.jsonl", content) == expected


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        ("", "has no rows"),
        ("\n \n", "has no rows"),
        ("null\n{}", "line 1: expected an object. Received null"),
        ('{"a": 1}\n\n[1, 2]\n', r"line 3: expected an object. Received \[1, 2\]"),
        ('{"a": 1}\n{"a": 1\n', "line 2 is no JSON object"),
        ('{"a": 1} {"a": 2}', "line 1 is no JSON object: Extra data"),
        ("[" * 100_000, "line 1 is no JSON object"),
        ('{"a": {"b": 1}}\n', "line 1, column `a`: expected a number, words"),
        ('{"a": [1, 2]}\n{"a": [1]}', "column `a` cannot be read"),
        ('{"": 1}\n', "a column has no name"),
        ('{"a": 1, "a": 2}\n', "line 1 is no JSON object: a key stands in it twice"),
        ('{"a": "\\ud800"}\n', "line 1, column `a`: expected"),
        (b'{"\x80": 1}\n', "line 1 is no JSON object"),
        (gzip.compress(b'{"a": 1}' * 99, mtime=0)[:-9], "is a damaged gzip file"),
    ],
)
def test_the_line_of_what_is_wrong(tmp_path, content, fragment):
    with pytest.raises(DataError, match=fragment) as caught:
        columns(tmp_path / "t.jsonl", content)
    assert str(tmp_path / "t.jsonl") in str(caught.value)


def test_a_row_has_the_place_of_its_line(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"a": 1}\n\n{"a": 2}\n')
    frame = read_jsonl(tmp_path / "t.jsonl")
    assert [frame.locate(row) for row in range(2)] == ["line 1", "line 3"]
