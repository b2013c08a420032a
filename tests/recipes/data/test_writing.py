"""Columns come back from each kind of file as they were."""

import csv
import io
import json

import pytest
from pyarrow import parquet

from keras_recipes.recipes.data.writing import write_columns, write_csv
from keras_recipes.recipes.errors import RequestError

COLUMNS = {
    "id": ["a,1", "한글", "x\ny"],
    "prediction": [0.5, None, float("nan")],
    "error": [None, 'bad "cell"', None],
    "none": [None, None, None],
}


def test_csv(tmp_path):
    write_columns(tmp_path / "p.csv", COLUMNS)
    with open(tmp_path / "p.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == COLUMNS["id"]
    assert [row["prediction"] for row in rows] == ["0.5", "", "nan"]
    assert rows[1]["error"] == 'bad "cell"'


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_no_control_characters():
    columns = {"a\x1b[2J": ["b\x07", "한글", "x\ny"]}
    screen, pipe = Terminal(), io.StringIO()
    for file in (screen, pipe):
        write_csv(file, columns)
    assert screen.getvalue() == 'a?[2J\nb?\n한글\n"x\ny"\n'
    assert pipe.getvalue() == 'a\x1b[2J\nb\x07\n한글\n"x\ny"\n'


def test_json_lines(tmp_path):
    write_columns(tmp_path / "p.JSONL", COLUMNS)
    rows = [json.loads(line) for line in (tmp_path / "p.JSONL").read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == COLUMNS["id"]
    assert [row["prediction"] for row in rows] == [0.5, None, None]
    assert list(rows[0]) == list(COLUMNS)


def test_parquet(tmp_path):
    write_columns(tmp_path / "p.parquet", COLUMNS)
    table = parquet.read_table(tmp_path / "p.parquet")
    assert table.column("id").to_pylist() == COLUMNS["id"]
    assert table.column("prediction").to_pylist()[:2] == [0.5, None]
    assert str(table.schema.field("prediction").type) == "double"


@pytest.mark.parametrize("name", ["p.xlsx", "p.csv.gz"])
def test_other_formats_are_refused(tmp_path, name):
    with pytest.raises(RequestError, match=r"`\.csv`, `\.jsonl` or `\.parquet` file"):
        write_columns(tmp_path / name, COLUMNS)
    assert not list(tmp_path.iterdir())


def test_a_name_without_an_end_is_csv(tmp_path):
    write_columns(tmp_path / "p", COLUMNS)
    assert (tmp_path / "p").read_text("utf-8").startswith("id,prediction")
