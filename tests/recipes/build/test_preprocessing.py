"""Raw columns become the same numbers in training and in the saved model."""

import datetime

import keras
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from keras_recipes.models.feature_layers import DateParts
from keras_recipes.recipes.build.feature_blocks import head
from keras_recipes.recipes.build.preprocessing import Preprocessing
from keras_recipes.recipes.build.raw_columns import raw
from keras_recipes.recipes.data.cell_types import typed
from keras_recipes.recipes.data.evaluation import batches_of
from keras_recipes.recipes.data.features import Category, Date, Numeric, Text
from keras_recipes.recipes.data.frame import Frame
from keras_recipes.recipes.errors import DataError

RNG = np.random.default_rng(0)


def table(**columns):
    cells = {name: typed(pa.array([str(c) for c in column])) for name, column in columns.items()}
    return Frame(cells, "rows")


def encoded(feature, cells):
    rows = table(x=cells)
    return Preprocessing([feature.fit("x", rows)]).encoded(rows)


def test_numbers_are_standardized_as_scikit_learn_does():
    cells = RNG.normal(5, 3, size=(200, 1))
    assert encoded(Numeric(), cells[:, 0]) == pytest.approx(
        StandardScaler().fit_transform(cells), abs=1e-5
    )


def test_a_missing_number_is_filled_and_marked():
    found = encoded(Numeric(scale="none"), ["1", "", "3"])
    assert found.tolist() == [[1, 0], [2, 1], [3, 0]]


def test_times_keep_their_differences():
    found = encoded(Numeric(), [1.7e9 + 100 * i for i in range(5)])
    assert np.diff(found[:, 0]) == pytest.approx([1 / np.sqrt(2)] * 4, rel=1e-5)


def test_categories_are_those_of_scikit_learn():
    cells = RNG.choice(["red", "green", "blue"], size=(50, 1))
    expected = OneHotEncoder(sparse_output=False).fit_transform(cells)
    assert encoded(Category(), cells[:, 0]).tolist() == expected.tolist()


def test_an_unseen_category_is_zeros_and_a_missing_one_its_own():
    fitted = Category().fit("x", table(x=["a", "b", ""]))
    found = Preprocessing([fitted]).encoded(table(x=["a", "", "new"]))
    assert found.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]


def test_categories_beside_numbers_are_32_bit_floats_as_in_the_model():
    rows = table(size=[1.5, 2.5, 4.0], colour=["a", "b", "a"])
    features = [Numeric().fit("size", rows), Category().fit("colour", rows)]
    prepared = Preprocessing(features)
    found = prepared.encoded(rows)
    assert found.dtype == np.float32
    of_model = prepared.model(raw(features, rows))
    assert of_model.dtype == found.dtype
    assert np.array_equal(of_model, found)


@pytest.mark.parametrize(
    "text",
    ["2024-02-29", "2013-01-01 05:00:00", "1999-12-31T23:10", "2000-03-01", "1900-01-01"],
)
def test_parts_of_dates_are_those_of_datetime(text):
    date = datetime.datetime.fromisoformat(text)
    found = DateParts(["month", "weekday", "hour"])(tf.constant([[text]])).numpy()[0]
    angles = np.arctan2(found[1::2], found[::2]) / (2 * np.pi) * [12, 7, 24]
    expected = [date.month - 1, date.weekday(), date.hour]
    assert np.round(angles) % [12, 7, 24] == pytest.approx(expected)


def test_words_are_counted_as_scikit_learn_does():
    texts = ["red red blue", "blue green", "green red"]
    fitted = Text("tf_idf").fit("x", table(x=texts))
    block = Preprocessing([fitted]).encoded(table(x=texts))
    inputs = keras.Input(block.shape[1:], dtype="int32")
    found = keras.Model(inputs, head([fitted], inputs))(block).numpy()
    counts = CountVectorizer(vocabulary=list(fitted.vocabulary)).fit_transform(texts).toarray()
    assert found == pytest.approx(counts * np.array(fitted.idf), rel=1e-5)


def test_the_width_of_each_feature_is_what_memory_is_counted_by():
    n = 40
    rows = table(
        n=[("" if i % 7 == 0 else i * 0.5) for i in range(n)],
        c=[f"c{i % 5}" for i in range(n)],
        d=[f"2013-0{1 + i % 9}-1{i % 10}" for i in range(n)],
        t=["red green"] * n,
    )
    for feature, name in (
        (Numeric(), "n"), (Numeric("quantile"), "n"), (Category(), "c"), (Category("one_hot"), "c"),
        (Category("embedding"), "c"), (Category("hashing"), "c"), (Date(), "d"), (Text(), "t"),
    ):  # fmt: skip
        fitted = feature.fit(name, rows)
        assert Preprocessing([fitted]).encoded(rows).shape == (n, fitted.width)


def test_two_columns_that_would_be_one_input():
    rows = table(**{"a/b": [1, 2], "a|b": [3, 4]})
    with pytest.raises(DataError, match=r"columns `a/b` and `a\|b` cannot both enter"):
        Preprocessing([Numeric().fit(name, rows) for name in rows.columns])


def test_a_number_that_32_bits_cannot_hold_is_refused_with_its_row():
    fitted = Numeric().fit("x", table(x=[1, 2, 3]))
    with pytest.raises(DataError, match=r'(?s)row 1.*Received "1e39"'):
        Preprocessing([fitted]).encoded(table(x=["1", "1e39"]))


def test_the_saved_model_takes_raw_columns(tmp_path):
    n = 300
    rows = table(
        **{
            "a number": [("" if i % 7 == 0 else i * 0.5) for i in range(n)],
            "log/scale": RNG.lognormal(size=n),
            "bins": RNG.normal(size=n),
            "종류": RNG.choice(["가", "나", ""], size=n),
            "many": [f"c{i % 40}" for i in range(n)],
            "when": [f"2013-0{1 + i % 9}-1{i % 10} 0{i % 10}:00:00" for i in range(n)],
            "said": [" ".join(RNG.choice(["red", "green", "blue"], 4)) for _ in range(n)],
        }
    )
    kinds = [
        Numeric(), Numeric("log"), Numeric("quantile"), Category(), Category(), Date(),
        Text("embedding"),
    ]  # fmt: skip
    features = [kind.fit(name, rows) for kind, name in zip(kinds, rows.columns, strict=True)]
    preprocessing = Preprocessing(features)
    blocks = preprocessing.encoded(rows)
    inputs = {
        name: keras.Input(block.shape[1:], dtype=block.dtype, name=name)
        for name, block in blocks.items()
    }
    network = keras.Model(inputs, keras.layers.Dense(2)(head(features, inputs)))
    whole = preprocessing.model.input
    keras.Model(whole, network(preprocessing.model(whole))).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    found = loaded.predict(batches_of(raw(features, rows), 64), verbose=0)
    assert found == pytest.approx(network.predict(blocks, verbose=0), abs=1e-5)
