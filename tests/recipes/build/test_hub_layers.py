"""Layers of KerasHub: the table and the package, a training, a saved model, and what is ours."""

import sys

import keras
import numpy as np
import pytest

import keras_recipes
from keras_recipes.models import PositionalEmbedding, TransformerBlock
from keras_recipes.recipes.build.objects import Builder
from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.spec import catalog
from keras_recipes.recipes.spec.choices import Choice
from keras_recipes.recipes.spec.hub_layers import HUB_LAYERS

ROWS = np.random.default_rng(0).integers(0, 20, (24, 6))
CLASSES = np.arange(24) % 2


def recipe(layers, **more):
    data = {"source": "arrays", "batch_size": 8}
    tree = {"name": "x", "data": data, "model": {"layers": layers}, "epochs": 1, **more}
    return keras_recipes.load(tree)


def test_a_missing_package_has_the_line_of_its_layer(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(RecipeError) as reported:
        Builder(recipe(["rotary_embedding", "flatten"]), 1).make(
            "layers", Choice("layers", "rotary_embedding"), ("model", "layers", 0)
        )
    assert "model.layers[0].rotary_embedding: needs the package `keras_hub`" in str(reported.value)
    assert "pip install 'keras-recipes[hub]'" in str(reported.value)


@pytest.fixture(scope="module")
def hub():
    return pytest.importorskip("keras_hub", reason="needs `pip install 'keras-recipes[hub]'`")


@pytest.mark.parametrize("name", HUB_LAYERS)
def test_the_table_says_what_the_class_takes(hub, name):
    module, _, cls = HUB_LAYERS[name]["class"].rpartition(".")
    assert module == "keras_hub.layers"
    found = catalog.describe(getattr(hub.layers, cls))
    reported = HUB_LAYERS[name]["arguments"]
    assert list(found) == list(reported)
    for key, row in reported.items():
        assert found[key].get("required") == row.get("required"), key
        if "default" in row:
            assert found[key]["default"] == row["default"], key


LAYERS = [
    {
        "token_and_position_embedding": {
            "vocabulary_size": 20,
            "sequence_length": 6,
            "embedding_dim": 4,
            "mask_zero": True,
        }
    },
    {
        "transformer_encoder": {
            "intermediate_dim": 8,
            "num_heads": 2,
            "dropout": 0.1,
            "activation": "gelu",
            "kernel_initializer": {"truncated_normal": {"stddev": 0.1}},
        }
    },
    {"transformer_decoder": {"intermediate_dim": 8, "num_heads": 2}},
    "masked_average_pooling1d",
]


@pytest.mark.usefixtures("eager")
def test_a_run_is_saved_and_its_model_loads_and_predicts(hub, tmp_path):
    layers = [*LAYERS[:-1], "rotary_embedding", LAYERS[-1]]
    result = recipe(layers).train(x=ROWS, y=CLASSES, out=tmp_path / "run", progress=False)
    assert result.status == "completed"
    loaded = keras.models.load_model(tmp_path / "run" / "model.keras")
    kinds = [type(layer) for layer in loaded.layers]
    for name in HUB_LAYERS.values():
        assert getattr(hub.layers, name["class"].rpartition(".")[2]) in kinds
    for one, other in zip(loaded.get_weights(), result.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(
        keras_recipes.predict(tmp_path / "run", ROWS).outputs, loaded(ROWS), atol=1e-6
    )


def test_tokens_of_padding_change_nothing(hub):
    """The mask of the embedding reaches the attention, and the mean."""
    builder, layers = Builder(recipe(LAYERS), 1), recipe(LAYERS).model.layers
    made = [
        builder.make("layers", layer, ("model", "layers", index))
        for index, layer in enumerate(layers)
    ]
    short, padded = np.array([[3, 4, 5]]), np.array([[3, 4, 5, 0, 0, 0]])

    def through(x):
        for layer in made:
            x = layer(x)
        return np.asarray(x)

    np.testing.assert_allclose(through(padded), through(short), atol=1e-6)


def test_our_sinusoids_are_those_of_the_package(hub):
    x = np.random.default_rng(0).random((2, 6, 8), "float32")
    added = x + hub.layers.SinePositionEncoding()(x)
    np.testing.assert_allclose(PositionalEmbedding("sinusoidal")(x), added, atol=1e-6)


@pytest.mark.parametrize("first", [True, False])
def test_our_transformer_block_computes_what_its_encoder_does(hub, first):
    x = np.random.default_rng(0).random((2, 6, 8), "float32")
    own = TransformerBlock(2, 16, activation="relu", norm_first=first)
    other = hub.layers.TransformerEncoder(
        16, 2, layer_norm_epsilon=1e-6, normalize_first=first, kernel_initializer="he_normal"
    )
    own(x), other(x)
    names = {
        "self_attention_layer": "attention",
        "self_attention_layer_norm": "norm_0",
        "feedforward_layer_norm": "norm_1",
        "feedforward_intermediate_dense": "inner",
        "feedforward_output_dense": "outer",
    }
    ours = {weight.path.split("/", 1)[1]: weight for weight in own.weights}
    for weight in other.weights:
        _, part, rest = weight.path.split("/", 2)
        ours.pop(f"{names[part]}/{rest}").assign(weight)
    assert ours == {}
    np.testing.assert_allclose(own(x), other(x), atol=1e-5)
