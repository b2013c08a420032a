"""Low-rank adapters: only they train, they fit in a small file, and can be added to the weights."""

import keras
import numpy as np
import pytest

from keras_recipes.models import TrainingModel, lora

X = np.random.default_rng(0).integers(0, 9, (16, 6)).astype("float32")


def network():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,))
    hidden = keras.layers.Embedding(9, 8, name="words")(inputs)
    hidden = keras.layers.MultiHeadAttention(2, 4, name="attention")(hidden, hidden)
    hidden = keras.layers.Dense(300, "relu", name="wide")(keras.layers.Flatten()(hidden))
    hidden = keras.layers.BatchNormalization(name="norm")(hidden)
    body = keras.Model(inputs, keras.layers.Dense(300, name="wider")(hidden), name="backbone")
    rows = keras.Input((6,))
    return TrainingModel(rows, keras.layers.Dense(1, name="head")(body(rows)))


def in_backbone(path):
    return path.startswith("backbone")


@pytest.fixture(scope="module")
def trained():
    model = network()
    before = {v.path: np.asarray(v) for v in model.weights}
    chosen = lora.enable_lora(model, 2, ["."], base=in_backbone, alpha=3.0)
    model.compile(keras.optimizers.Adam(0.01), "mse", run_eagerly=True)
    model.fit(X, X[:, :1], epochs=3, verbose=0)
    return model, before, chosen


def test_the_base_stays_as_it_is_to_the_bit(trained):
    model, before, chosen = trained
    after = {v.path: np.asarray(v) for v in model.weights}
    changed = {path for path in before if (before[path] != after[path]).any()}
    assert changed == {"head/kernel", "head/bias"}
    assert chosen == [
        "backbone/words", "backbone/attention/query", "backbone/attention/key",
        "backbone/attention/value", "backbone/attention/attention_output", "backbone/wide",
        "backbone/wider",
    ]  # fmt: skip
    assert all((matrix != 0).any() for matrix in lora.adapters(model).values())


def test_the_file_holds_adapters_alone_and_gives_them_back(trained, tmp_path):
    model, _, _ = trained
    with open(tmp_path / "adapter.npz", "wb") as file:
        lora.save_adapters(model, file)
    sizes = [v.size for v in lora.adapters(model).values()]
    assert sum(sizes) < 0.05 * model.count_params()
    again = network()
    lora.enable_lora(again, 2, ["."], base=in_backbone, alpha=3.0)
    again.get_layer("head").set_weights(model.get_layer("head").get_weights())
    assert np.abs(again(X) - model(X)).max() > 1e-3
    lora.load_adapters(again, tmp_path / "adapter.npz")
    # The statistics of the frozen normalization have not changed either.
    np.testing.assert_array_equal(again(X), model(X))
    with pytest.raises(ValueError, match="has adapters"):
        lora.load_adapters(network(), tmp_path / "adapter.npz")


def test_the_merged_network_has_no_adapters_and_predicts_the_same(trained, tmp_path):
    model, before, _ = trained
    merged = model.network()
    assert [v.path for v in merged.weights] == list(before)
    np.testing.assert_allclose(merged(X), model(X), rtol=1e-5, atol=1e-6)
    merged.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert not lora.adapters(loaded)
    np.testing.assert_array_equal(loaded(X), merged(X))
    plain = keras.Model(loaded.inputs[0], loaded.outputs[0])
    assert lora.merged(plain) is plain


def test_a_pattern_that_matches_no_such_layer():
    with pytest.raises(lora.NothingAdapted, match=r"`norm` matches no dense.*backbone/words"):
        lora.enable_lora(network(), 2, ["wide", "norm"], base=in_backbone)
