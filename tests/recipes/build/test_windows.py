"""Windows over encoded rows, read by index, and the model that takes raw windows."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.lib.stride_tricks import sliding_window_view
from series import daily, hours, write

from keras_recipes.recipes.build.encoding import encoded
from keras_recipes.recipes.build.raw_columns import raw
from keras_recipes.recipes.build.windows import WindowBlock, raw_windows
from keras_recipes.recipes.data.evaluation import batches_of
from keras_recipes.recipes.data.features import Category, Numeric, Text
from keras_recipes.recipes.data.series import WindowOptions
from keras_recipes.recipes.data.split import Splits
from keras_recipes.recipes.data.table import TableOptions
from keras_recipes.recipes.data.windows import load_windows
from keras_recipes.recipes.errors import DataError


def test_windows_are_those_of_a_sliding_view():
    rows = np.random.default_rng(0).normal(size=(50, 3)).astype("float32")
    block = WindowBlock(rows, np.arange(44), 7)
    expected = sliding_window_view(rows, 7, axis=0).transpose(0, 2, 1)
    assert block.shape == expected.shape
    assert (block[:] == expected).all()
    chosen = np.array([43, 0, 7, 7])
    assert (block.gather(tf.constant(chosen)).numpy() == expected[chosen]).all()
    assert (block.take(chosen)[1:3] == expected[chosen[1:3]]).all()


def load(tmp_path, known=(), **features):
    rows = 120
    columns = {
        "t": hours(rows),
        "y": daily(rows),
        "holes": ["" if row % 7 == 0 else row % 5 for row in range(rows)],
        "work": [int(row % 24 in range(8, 17)) for row in range(rows)],
        "kind": [f"k{row % 4}" for row in range(rows)],
    }
    path = write(tmp_path / "t.csv", columns)
    options = WindowOptions(6, 3, time="t", known=known)
    table = TableOptions(("y",), {"*": "auto", **features}, window=options)
    return load_windows("csv", {"path": str(path)}, splits=Splits(0.2, 0.2), table=table)


def both_ways(data):
    """Blocks of the test windows as training has them, and as the saved model does."""
    trained, prepared = encoded(data)
    columns = raw(data.features, data.test.x.frame)
    given = raw_windows(columns, data.features, data.test.x)
    found = [prepared.model(batch) for batch in batches_of(given, 7)]
    if not isinstance(trained.test.x, dict):
        return {"matrix": trained.test.x[:]}, {"matrix": np.concatenate(found)}
    joined = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    return {name: block[:] for name, block in trained.test.x.items()}, joined


@pytest.mark.parametrize("known", [(), ("work", "kind")], ids=["past alone", "known ahead"])
def test_raw_windows_become_what_the_network_was_trained_on(tmp_path, known):
    trained, given = both_ways(load(tmp_path, known))
    assert trained["matrix"].shape[1] == 6
    assert trained["matrix"] == pytest.approx(given["matrix"], abs=1e-6)


def test_an_embedding_is_a_block_of_its_own(tmp_path):
    data = load(tmp_path, kind=Category("embedding"), known=("work",))
    trained, given = both_ways(data)
    assert trained.keys() == {"matrix", "categories"}
    assert (trained["categories"] == given["categories"]).all()
    assert trained["matrix"] == pytest.approx(given["matrix"], abs=1e-6)
    prepared = encoded(data)[1]
    inputs, outputs = prepared.head(encoded(data)[0].train.x)
    assert outputs.shape[:2] == (None, 6)
    assert keras.Model(inputs, outputs)(given).shape == (
        *given["matrix"].shape[:2],
        outputs.shape[2],
    )


def test_what_is_known_ahead_reaches_to_the_end_of_the_horizon(tmp_path):
    work = {"work": Numeric("none"), "*": "drop"}
    data = load(tmp_path, known=("work",), **work)
    block = encoded(data)[0].test.x[:]
    column = np.array(data.test.x.frame["work"].to_pylist())
    first = data.test.x.starts[5]
    assert block[5].tolist() == [[column[first + i], column[first + i + 3]] for i in range(6)]


def test_the_rows_are_held_once_for_all_splits(tmp_path):
    data = encoded(load(tmp_path))[0]
    assert data.train.x.rows is data.validation.x.rows is data.test.x.rows
    assert data.train.x.rows.shape[0] == 120


def test_text_is_refused(tmp_path):
    with pytest.raises(DataError, match="column `kind` is text, of which windows have none"):
        encoded(load(tmp_path, kind=Text()))


def test_a_column_that_is_known_ahead_is_no_embedding(tmp_path):
    with pytest.raises(DataError, match="column `kind` is known ahead and has an embedding"):
        encoded(load(tmp_path, known=("kind",), kind=Category("embedding")))
