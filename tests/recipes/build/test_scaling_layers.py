"""The layers compute what the scaling does in NumPy, and are saved with the model."""

import keras
import numpy as np
import pytest

from keras_recipes.recipes.build.scaling_layers import scaling_layer
from keras_recipes.recipes.data.scale import Scaling

TABLE = np.array([[1, -5, 7], [3, 5, 7], [2, 0, 7], [2, 4, 7]], "float32")
CASES = [
    TABLE,
    TABLE.astype("int64"),
    (TABLE + 5).astype("uint8"),
    TABLE > 1,
    TABLE * 1e-9,  # below what Keras's Normalization divides by
    TABLE * 1e25,  # whose squares are no 32-bit floats
    TABLE.astype("float16"),
    np.arange(24, dtype="uint8").reshape(2, 3, 4),
]


@pytest.mark.parametrize("kind", ["minmax", "standardize", "none"])
@pytest.mark.parametrize("pixels", [False, True])
@pytest.mark.parametrize("case", range(len(CASES)))
def test_the_layer_computes_the_same(kind, pixels, case):
    x = CASES[case]
    scaling = Scaling.fit(kind, x, pixels=pixels)
    layer = scaling_layer(scaling)
    if kind == "none":
        assert layer is None
        np.testing.assert_array_equal(scaling.apply(x), x.astype("float32"))
        return
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, layer(inputs))
    found = keras.ops.convert_to_numpy(model(x))
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, scaling.apply(x), rtol=2e-6, atol=2e-6)
    if kind == "minmax":
        assert scaling.apply(x).min() == 0
        assert np.isclose(scaling.apply(x).max(), 1)


@pytest.mark.parametrize("case", [0, 2, 4])
@pytest.mark.parametrize("pixels", [False, True])
def test_the_layer_is_saved_with_the_model(tmp_path, case, pixels):
    x = CASES[case]
    inputs = keras.Input(x.shape[1:])
    layer = scaling_layer(Scaling.fit("standardize", x, pixels=pixels))
    model = keras.Model(inputs, keras.layers.Dense(2)(layer(inputs)))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(x), loaded(x))
