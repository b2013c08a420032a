"""Rows that Python gives: tables have features, run directory and resume as those of a file."""

import csv
import json

import numpy as np
import pyarrow as pa
import pytest

import keras_recipes
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.data.tables import read_table
from keras_recipes.recipes.errors import DataError, RequestError

RNG = np.random.default_rng(0)
ROWS = 120
COLUMNS = {
    "age": [None if n % 9 == 4 else int(n) for n in RNG.integers(18, 70, ROWS)],
    "income": (100 * RNG.random(ROWS)).round(2).tolist(),
    "home": RNG.choice(["rent", "own", "parents"], ROWS).tolist(),
    "status": np.where(RNG.random(ROWS) < 0.5, "good", "bad").tolist(),
}


def recipe_of(source="arrays", target="status", epochs=1, **data):
    return keras_recipes.load(
        {
            "name": "x",
            "data": {"source": source, "target": target, "batch_size": 16, **data},
            "model": {"layers": [{"dense": {"units": 4}}]},
            "epochs": epochs,
            "jit_compile": False,
        }
    )


def frames():
    """The same table from each library that is installed."""
    yield "mapping", COLUMNS
    yield "arrow", pa.table(COLUMNS)
    for name in ("pandas", "polars"):
        try:
            yield name, __import__(name).DataFrame(COLUMNS)
        except ImportError:
            continue


def test_a_frame_is_read_as_a_file_of_the_same_cells(tmp_path):
    path = tmp_path / "t.csv"
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for cells in zip(*COLUMNS.values(), strict=True):
            writer.writerow(["" if cell is None else cell for cell in cells])
    of_file = data_of(recipe_of({"csv": {"path": str(path)}}))
    for name, frame in frames():
        data = data_of(recipe_of(), (frame, None))
        assert data.features == of_file.features, name
        assert data.notes == of_file.notes, name
        assert data.fingerprint == of_file.fingerprint, name
        assert data.classes == ("bad", "good")
    assert read_table(path).columns.keys() == COLUMNS.keys()


def test_a_frame_trains_resumes_and_predicts(tmp_path, eager):
    table = pa.table(COLUMNS)
    result = recipe_of().train(table, out=tmp_path / "run", progress=False)
    assert result.status == "completed"
    described = json.loads((tmp_path / "run" / "data.json").read_text())
    assert described["target"] == ["status"]
    assert len(described["features"]) == 3
    more = recipe_of(epochs=2).train(
        table, out=tmp_path / "run", progress=False, resume=True, allow_change=["epochs"]
    )
    assert more.epochs == 2
    found = more.predict(table.slice(0, 5))
    assert set(found.values) <= {"good", "bad"}
    assert keras_recipes.evaluate(tmp_path / "run", table)["accuracy"] >= 0
    with pytest.raises(RequestError, match="the data has changed"):
        recipe_of(epochs=3).train(
            table.slice(1), out=tmp_path / "run", resume=True, allow_change=["epochs"]
        )


def test_an_array_in_each_row_of_a_table_is_the_row(tmp_path):
    images = RNG.integers(0, 256, (60, 4, 4), dtype="uint8")
    labels = np.array(["cat", "dog"] * 30)
    data = data_of(recipe_of(target="label"), ({"image": images, "label": labels}, None))
    assert data.input_shape == (4, 4)
    assert data.classes == ("cat", "dog")
    plain = data_of(
        keras_recipes.load(
            {"name": "x", "data": {"source": "arrays"}, "model": {"layers": []}, "epochs": 1}
        ),
        (images, labels),
    )
    np.testing.assert_array_equal(data.train.x, plain.train.x)
    np.testing.assert_array_equal(data.train.y, plain.train.y)


WRONG = {
    "targets twice": ({}, (COLUMNS, COLUMNS["status"]), "leave `y` out"),
    "no columns": ({}, (np.zeros((9, 2)), None), "x has no columns"),
    "another target": ({"target": "stats"}, (COLUMNS, None), "Did you mean `status`"),
    "no target": ({"target": None}, (COLUMNS, None), "give the targets too"),
    "no rows": ({}, ({"a": [], "status": []}, None), "equally long and not empty"),
    "unequal": ({}, ({"a": [1], "status": ["x", "y"]}, None), "equally long"),
    "ragged lists": (
        {}, (pa.table({"a": [[1], [1, 2]], "status": ["x", "y"]}), None), "from 1 to 2 values"),
}  # fmt: skip


@pytest.mark.parametrize(("keys", "arrays", "reason"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_table_is_refused(keys, arrays, reason):
    with pytest.raises(DataError, match=reason):
        data_of(recipe_of(**keys), arrays)
