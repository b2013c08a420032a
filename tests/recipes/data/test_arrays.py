"""Columns whose values 32-bit floats cannot tell apart are scaled in 64, in NumPy and in Keras."""

import keras
import numpy as np
import pytest

from keras_recipes.recipes import DataError
from keras_recipes.recipes.build.experiment import experiment
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.data import Splits, load_data
from keras_recipes.recipes.data.arrays import lost_in_float32
from keras_recipes.recipes.data.evaluation import batches_of, evaluation_dataset
from keras_recipes.recipes.data.order import training_dataset
from keras_recipes.recipes.data.table import TableOptions
from keras_recipes.recipes.spec import load

RNG = np.random.default_rng(0)
SECONDS = 1.7e9 + 100 * RNG.random(64)
ROWS = np.stack([SECONDS, RNG.normal(size=64)], axis=1)
LATE = (SECONDS > 1.7e9 + 50).astype(int)
NONE = Splits(None, None)


def test_columns_that_need_64_bits():
    assert lost_in_float32(ROWS).tolist() == [True, False]
    assert lost_in_float32(ROWS.astype("int64")).tolist() == [True, False]
    assert not lost_in_float32(np.full((4, 1), 1.7e9)).any()  # a constant has nothing to lose
    assert not lost_in_float32(RNG.integers(0, 255, (9, 4)).astype("uint8")).any()


@pytest.mark.parametrize("kind", ["standardize", "minmax"])
def test_the_scale_is_fitted_and_applied_in_64_bits(kind):
    data = load_data("arrays", {}, splits=NONE, scale=kind, arrays=(ROWS, LATE))
    assert data.train.x.dtype == "float64"
    scaled = data.scaling.apply(data.train.x)
    center, spread = (
        (ROWS.min(0), np.ptp(ROWS, 0)) if kind == "minmax" else (ROWS.mean(0), ROWS.std(0))
    )
    np.testing.assert_allclose(scaled, (ROWS - center) / spread, atol=1e-6)


def test_a_table_keeps_its_digits(tmp_path):
    cells = "".join(f"{row[0]:.4f},{row[1]:.6f},{y}\n" for row, y in zip(ROWS, LATE, strict=True))
    path = tmp_path / "t.csv"
    path.write_text("time,more,late\n" + cells)
    table = TableOptions(("late",))
    data = load_data("csv", {"path": str(path)}, splits=NONE, scale="standardize", table=table)
    assert data.features[0].divisor == pytest.approx(SECONDS.std(), rel=1e-6)
    assert [feature.double for feature in data.features] == [True, False]


def test_rows_that_do_not_need_it_stay_in_32_bits():
    other = ROWS - [1.7e9, 0]
    for rows, scale in ((other, "standardize"), (ROWS, "none")):
        data = load_data("arrays", {}, splits=NONE, scale=scale, arrays=(rows, LATE))
        assert data.train.x.dtype == "float32"


def test_targets_that_need_it_are_refused():
    with pytest.raises(DataError, match="Subtract an offset"):
        load_data("arrays", {}, splits=NONE, arrays=(ROWS, SECONDS))


def test_the_saved_model_takes_raw_rows_of_64_bits(tmp_path):
    recipe = load(
        {
            "name": "x",
            "data": {"source": "arrays", "scale": "standardize", "validation": 8, "test": None},
            "model": {"layers": [{"residual": [{"dense": {"units": 2, "activation": "tanh"}}]}]},
            "epochs": 1,
        }
    )
    data = data_of(recipe, (ROWS, LATE))
    built = experiment(recipe, data, tmp_path)
    for dataset in (built.training.dataset, built.validation):
        assert next(iter(dataset))[0].dtype == "float64"
    built.model.fit(
        built.training.dataset, validation_data=built.validation, shuffle=False, verbose=0
    )
    built.model.network().save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert {layer.compute_dtype for layer in model.layers[2:]} == {"float32"}
    # `predict` rounds arrays to 32 bits, calls and datasets do not.
    scaled = keras.Model(model.inputs, model.get_layer("rounding").output)
    np.testing.assert_allclose(scaled(ROWS), data.scaling.apply(ROWS), atol=1e-6)
    np.testing.assert_allclose(scaled.predict(batches_of(ROWS)), scaled(ROWS), atol=1e-6)
    np.testing.assert_allclose(model(ROWS), built.model(ROWS), rtol=1e-6)


def test_datasets_keep_the_type_of_the_rows():
    data = load_data("arrays", {}, splits=NONE, scale="minmax", arrays=(ROWS, LATE))
    made = training_dataset(data.train, batch_size=8, seed=0).dataset
    assert next(iter(made))[0].dtype == "float64"
    assert next(iter(evaluation_dataset(data.train)))[0].dtype == "float64"
