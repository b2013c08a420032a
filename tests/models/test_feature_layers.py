"""Layers between raw columns and numbers: their numbers, their shapes, and their saving."""

import datetime

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.models.feature_layers import DateParts, FillMissing, IsMissing, SignedLog

NUMBERS = np.array([[1.0], [np.nan], [-3.0], [0.0]], "float32")
DATES = np.array([["2013-01-31"], ["2024-02-29 13:00:00"], [""], ["1999-12-31T23:59"]])
LAYERS = [
    (FillMissing(2.5), NUMBERS),
    (IsMissing(), NUMBERS),
    (SignedLog(), np.nan_to_num(NUMBERS)),
    (DateParts(["year", "month", "weekday", "hour"], 1999, 25), DATES),
]
IDS = [type(layer).__name__ for layer, _ in LAYERS]


def test_a_missing_number_is_filled():
    assert FillMissing(2.5)(NUMBERS).numpy().tolist() == [[1], [2.5], [-3], [0]]


def test_a_missing_number_is_marked():
    assert IsMissing()(NUMBERS).numpy().tolist() == [[0], [1], [0], [0]]


def test_the_logarithm_keeps_the_sign_and_the_order():
    found = SignedLog()(np.array([[-100.0], [-1], [0], [1], [100]])).numpy()[:, 0]
    assert found.tolist() == sorted(found)
    assert found == pytest.approx(-found[::-1])
    assert found[-1] == pytest.approx(np.log(101))


def test_the_year_is_counted_from_the_first():
    found = DateParts(["year"], first_year=1999, years=25)(tf.constant(DATES)).numpy()
    assert found[:, 0] == pytest.approx([14 / 25, 1, 0, 0])


def test_the_weekday_of_every_day_of_some_years():
    first = datetime.date(1999, 12, 1)
    days = [first + datetime.timedelta(days=index) for index in range(900)]
    text = tf.constant([[day.isoformat()] for day in days])
    found = DateParts(["weekday"])(text).numpy()
    angle = np.round(np.arctan2(found[:, 1], found[:, 0]) / (2 * np.pi) * 7) % 7
    assert angle.tolist() == [day.weekday() for day in days]


def test_a_missing_date_is_zeros():
    found = DateParts(["year", "month", "hour"], 1999)(tf.constant(DATES)).numpy()
    assert found[2].tolist() == [0] * 5
    assert found[0].any()


@pytest.mark.parametrize(("layer", "rows"), LAYERS, ids=IDS)
def test_shapes_are_known_before_any_row(layer, rows):
    dtype = "string" if rows.dtype.kind == "U" else "float32"
    symbolic = layer(keras.Input((1,), dtype=dtype))
    real = layer(tf.constant(rows))
    assert symbolic.shape[1:] == real.shape[1:]
    assert layer.compute_output_shape((None, 1))[1:] == tuple(real.shape[1:])


@pytest.mark.parametrize(("layer", "rows"), LAYERS, ids=IDS)
def test_a_saved_layer_computes_the_same(tmp_path, layer, rows):
    dtype = "string" if rows.dtype.kind == "U" else "float32"
    inputs = keras.Input((1,), dtype=dtype)
    keras.Model(inputs, layer(inputs)).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded(tf.constant(rows)).numpy().tolist() == layer(tf.constant(rows)).numpy().tolist()
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize(("layer", "rows"), LAYERS, ids=IDS)
def test_a_graph_computes_the_same(layer, rows):
    compiled = tf.function(layer)
    assert compiled(tf.constant(rows)).numpy() == pytest.approx(layer(tf.constant(rows)).numpy())
