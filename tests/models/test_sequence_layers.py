"""Positions, transformer blocks and stochastic depth: compared with numpy, and their laws."""

import keras
import numpy as np
import pytest

import keras_recipes
from keras_recipes.models import (
    MaskedAveragePooling1D,
    PositionalEmbedding,
    StochasticDepth,
    TransformerBlock,
)
from keras_recipes.models.sequence_layers import LAYERS

X = np.random.default_rng(0).normal(size=(3, 5, 8)).astype("float32")


def block(**arguments):
    keras.utils.set_random_seed(0)
    layer = TransformerBlock(num_heads=2, units=6, **arguments)
    layer.build((None, 5, 8))
    for weight in layer.weights:  # biases of 0 and scales of 1 would hide a mistake
        if "seed" not in weight.path:
            noise = np.random.default_rng(len(weight.shape)).normal(size=weight.shape)
            weight.assign(weight + 0.3 * noise.astype("float32"))
    return layer


def weights(layer):
    return {w.path.split("/", 1)[1]: np.array(w) for w in layer.weights}


def softmax(x):
    found = np.exp(x - x.max(-1, keepdims=True))
    return found / found.sum(-1, keepdims=True)


def normalized(x, w, index):
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
    return scaled * w[f"norm_{index}/gamma"] + w[f"norm_{index}/beta"]


def attended(x, w, allowed):
    """Each head on its own, a row at a time."""
    q, k, v = (
        np.einsum("bsc,chd->bhsd", x, w[f"attention/{n}/kernel"])
        + w[f"attention/{n}/bias"][None, :, None]
        for n in ("query", "key", "value")
    )
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1])
    found = softmax(np.where(allowed, scores, -1e9)) @ v
    kernel, bias = w["attention/attention_output/kernel"], w["attention/attention_output/bias"]
    return np.einsum("bhsd,hdc->bsc", found, kernel) + bias


def forward(x, w):
    inner = np.maximum(x @ w["inner/kernel"] + w["inner/bias"], 0)
    return inner @ w["outer/kernel"] + w["outer/bias"]


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("causal", [True, False])
def test_a_block_computes_what_numpy_does(norm_first, causal):
    layer = block(norm_first=norm_first, causal=causal, activation="relu")
    w = weights(layer)
    mask = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], bool)
    allowed = mask[:, None, None, :] & (np.tri(5, dtype=bool) if causal else True)
    x = X
    if norm_first:
        x = x + attended(normalized(x, w, 0), w, allowed)
        x = x + forward(normalized(x, w, 1), w)
    else:
        x = normalized(x + attended(x, w, allowed), w, 0)
        x = normalized(x + forward(x, w), w, 1)
    np.testing.assert_allclose(layer(X, mask=mask), x, rtol=2e-4, atol=2e-5)


def test_without_positions_a_permutation_of_the_steps_permutes_the_output():
    layer, order = block(), [3, 0, 4, 1, 2]
    np.testing.assert_allclose(layer(X[:, order]), layer(X).numpy()[:, order], rtol=1e-4, atol=1e-5)
    placed = PositionalEmbedding("sinusoidal")
    moved = layer(placed(X[:, order])).numpy() - layer(placed(X)).numpy()[:, order]
    assert np.abs(moved).max() > 0.01


def test_a_causal_block_does_not_see_what_follows():
    layer, changed = block(causal=True), X.copy()
    changed[:, 3:] += 1
    np.testing.assert_allclose(layer(changed)[:, :3], layer(X)[:, :3], rtol=1e-5, atol=1e-6)


def test_sinusoids_have_the_published_formula():
    found = PositionalEmbedding("sinusoidal")(np.zeros((1, 7, 5), "float32"))[0]
    for p in range(7):
        for channel in range(5):
            angle = p / 10000 ** (2 * (channel // 2) / 5)
            expected = np.cos(angle) if channel % 2 else np.sin(angle)
            np.testing.assert_allclose(found[p, channel], expected, rtol=1e-5, atol=1e-6)


def test_learned_positions_are_the_same_for_all_rows():
    layer = PositionalEmbedding()
    added = layer(X).numpy() - X
    np.testing.assert_allclose(added, np.broadcast_to(layer.positions, X.shape), atol=1e-6)
    with pytest.raises(ValueError, match="fixed number of steps"):
        PositionalEmbedding()(keras.Input((None, 3)))


def test_stochastic_depth_drops_whole_rows_and_keeps_their_expectation():
    rows = np.ones((4000, 3, 2), "float32")
    found = StochasticDepth(0.3, seed=1)(rows, training=True).numpy()
    kept = found[:, 0, 0] != 0
    np.testing.assert_array_equal(
        found, np.where(kept[:, None, None], found[kept][0, 0, 0], 0) * rows
    )
    np.testing.assert_allclose(found[kept][0], 1 / 0.7, rtol=1e-6)
    # Four standard errors of a fraction of 4000.
    np.testing.assert_allclose(kept.mean(), 0.7, atol=4 * np.sqrt(0.21 / 4000))
    np.testing.assert_array_equal(StochasticDepth(0.3)(rows, training=False), rows)


def test_a_masked_mean_is_that_of_what_is_left_and_never_nan():
    mask = np.array([[1, 1, 0, 0, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)
    layer = MaskedAveragePooling1D()
    expected = [X[0, [0, 1, 4]].mean(0), np.zeros(8), X[2].mean(0)]
    np.testing.assert_allclose(layer(X, mask=mask), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer(X), X.mean(1), rtol=1e-5, atol=1e-6)


CASES = {
    "masked_average_pooling1d": {"name": "mean"},
    "positional_embedding": {"kind": "sinusoidal"},
    "stochastic_depth": {"rate": 0.25},
    "transformer_block": {"num_heads": 4, "units": 3, "drop_path": 0.1, "causal": True},
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_saved_layer_loads_and_computes_the_same(name, tmp_path):
    layer = LAYERS[name](**CASES[name])
    config = {key: layer.get_config()[key] for key in CASES[name]}
    assert config == CASES[name]
    inputs = keras.Input((5, 8))
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "m.keras")(X), model(X))


@pytest.mark.parametrize(
    ("name", "arguments", "wrong"),
    [
        ("stochastic_depth", {"rate": 1.0}, "rate"),
        ("positional_embedding", {"kind": "rotary"}, "kind"),
        ("transformer_block", {"num_heads": 0, "units": 4}, "num_heads"),
        ("transformer_block", {"num_heads": 2, "units": 4, "dropout": -0.1}, "dropout"),
    ],
)
def test_bad_arguments_are_refused(name, arguments, wrong):
    with pytest.raises(ValueError, match=wrong):
        LAYERS[name](**arguments)


def test_heads_divide_the_channels():
    with pytest.raises(ValueError, match="8 channels cannot be divided by `num_heads` 3"):
        TransformerBlock(num_heads=3, units=4)(X)


def test_a_recipe_names_them(tmp_path):
    recipe = keras_recipes.load({
        "name": "x", "epochs": 1,
        "data": {"source": "digits", "limit": 60, "batch_size": 16},
        "model": {"layers": [
            {"reshape": {"target_shape": [8, 8]}},
            "positional_embedding",
            {"transformer_block": {"num_heads": 2, "units": 8, "drop_path": 0.2}},
            {"residual": [{"dense": {"units": 8}}, {"stochastic_depth": {"rate": 0.5}}]},
            "global_average_pooling1d",
        ]},
    })  # fmt: skip
    result = recipe.train(out=tmp_path / "run", progress=False)
    assert keras_recipes.evaluate(tmp_path / "run") == result.test
