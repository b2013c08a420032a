"""Columns as numbers in NumPy: what the Keras layers make of them is the oracle."""

import numpy as np
import pytest

from keras_recipes.recipes.build.preprocessing import Preprocessing
from keras_recipes.recipes.build.raw_columns import raw
from keras_recipes.recipes.data.fitted import (
    FITTED,
    FittedCategory,
    FittedDate,
    FittedNumeric,
    FittedText,
)
from keras_recipes.recipes.data.python_columns import from_columns
from keras_recipes.recipes.data.series import WindowOptions
from keras_recipes.recipes.export.encode import cannot, encoded

NUMBERS = [1.5, None, -3.0, 1e4, 0.0, 2.5]
WORDS = ["red", "blue", "", "green", "red", "Ä"]
DATES = ["2013-01-31", "", "2016-02-29 23:00:00", "1999-12-31", "2013-07-01", "2020-03-01"]
TEXTS = ["The last, NIGHT!", "", "of a city\tof love ", "night night", "it's", "Über alles"]
FEATURES = [
    FittedNumeric("n", 2.0, True, 1.5, 3.0),
    FittedNumeric("l", 0.0, False, 0.5, 2.0, log=True),
    FittedNumeric("q", 1.0, True, boundaries=(0.0, 1.5, 2.5)),
    FittedNumeric("d", 2.0, False, 1e9, 3.0, double=True),
    FittedNumeric("p", 2.0, False),
    FittedCategory("c", ("blue", "red"), True, "one_hot"),
    FittedCategory("k", ("", "blue", "green", "red", "Ä"), False, "one_hot"),
    FittedCategory("e", ("blue", "red"), True, "embedding", 2),
    FittedDate("t", ("year", "month", "weekday", "hour"), 2010.0, 5.0),
    FittedText("w", ("night", "of", "the", "über", "its"), "embedding", 4, 2),
]
CELLS = {"n": NUMBERS, "l": NUMBERS, "q": NUMBERS, "d": NUMBERS, "p": NUMBERS, "c": WORDS,
         "k": WORDS, "e": WORDS, "t": DATES, "w": TEXTS}  # fmt: skip


def given(feature):
    cells = CELLS[feature.name]
    if isinstance(feature, FittedNumeric):
        return np.array([np.nan if cell is None else cell for cell in cells])
    return np.array(cells, dtype=object)


@pytest.fixture(scope="module")
def oracle():
    table = from_columns(CELLS, "rows")
    model = Preprocessing(FEATURES).model
    return {name: np.asarray(block) for name, block in model(raw(FEATURES, table)).items()}


def test_every_kind_of_column_is_encoded_as_in_keras(oracle):
    plain = FITTED.dump_python(tuple(FEATURES), mode="json")
    found = encoded(plain, {feature.name: given(feature) for feature in FEATURES})
    assert set(found) == set(oracle)
    for name, block in found.items():
        np.testing.assert_allclose(block, oracle[name], rtol=1e-6, atol=3e-7, err_msg=name)


def test_windows_are_encoded_as_in_keras():
    features = [FEATURES[0], FEATURES[5], FEATURES[7]]
    options = WindowOptions(
        inputs=3, horizon=2, stride=1, time=None, by=None, known=("n",), season=None
    )
    model = Preprocessing(features, options).model
    cells = {f.name: given(f) for f in features}
    windows = {
        name: np.stack([array[first : first + (5 if name == "n" else 3)] for first in (0, 1)])
        for name, array in cells.items()
    }
    tensors = {
        name: array.astype("float32" if name == "n" else str) for name, array in windows.items()
    }
    wanted = model(tensors)
    found = encoded(
        FITTED.dump_python(tuple(features), mode="json"), windows, {"inputs": 3, "horizon": 2}
    )
    assert set(found) == set(wanted)
    for name, block in found.items():
        np.testing.assert_allclose(block, np.asarray(wanted[name]), rtol=1e-6, atol=3e-7)


def test_hashing_is_said_to_need_tensorflow():
    hashed = FittedCategory("c", (), True, "hashing", 8)
    assert "hashed" in str(cannot(FITTED.dump_python((hashed,), mode="json")))
    assert cannot(FITTED.dump_python(tuple(FEATURES), mode="json")) is None
