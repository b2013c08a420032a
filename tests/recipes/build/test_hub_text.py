"""Text presets of KerasHub as backbones: made offline, tokenized, trained, saved, and refused."""

import json
import shutil
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_recipes
from keras_recipes.models.token_layers import TokenInputs, TokenMask
from keras_recipes.recipes.build.backbone import backbone
from keras_recipes.recipes.build.hub_library import import_for
from keras_recipes.recipes.build.hub_text import tokenizer_of
from keras_recipes.recipes.errors import RecipeError, RequestError
from tests.helpers.text_presets import SIZE, VOCABULARY, WORDS, save_byte_pairs, save_wordpiece

LENGTH = 8
TEXTS = ["good bad film", "", "The goods", "unheard", "very " * 20]
TOKENS = {"text": {"text": {"output": "tokens", "length": LENGTH}}}


@pytest.fixture(scope="module")
def hub():
    pytest.importorskip("tensorflow_text", reason="needs `pip install 'keras-recipes[hub]'`")
    return pytest.importorskip("keras_hub", reason="needs `pip install 'keras-recipes[hub]'`")


@pytest.fixture(scope="module")
def presets(hub, tmp_path_factory):
    """A folder of presets by name, with the network of `bert`."""
    folder = tmp_path_factory.mktemp("presets")
    network = save_wordpiece(hub, folder / "bert")
    save_wordpiece(hub, folder / "distil_bert", "DistilBert")
    save_byte_pairs(hub, folder / "roberta")
    save_byte_pairs(hub, folder / "gpt2", "GPT2")
    return folder, network


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """A table of texts, ages and two labels."""
    draw = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("data") / "films.csv"
    texts = [" ".join(draw.choice(WORDS, draw.integers(0, 6))) for _ in range(24)]
    rows = [f"{text},{row % 7},{('no', 'yes')[row % 2]}" for row, text in enumerate(texts)]
    path.write_text("\n".join(["text,age,label", *rows]) + "\n")
    return path


def recipe(films, preset, layers=(), features=None, **more):
    data = {
        "source": {"csv": {"path": str(films)}},
        "target": "label",
        "features": features or TOKENS,
        "batch_size": 8,
        "validation": 8,
    }
    model = {"backbone": {"hub": preset}, "layers": list(layers), **more.pop("model", {})}
    return keras_recipes.load({"name": "x", "data": data, "model": model, "epochs": 1, **more})


def test_a_missing_package_is_reported_with_what_to_install(films, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(RecipeError) as reported:
        tokenizer_of(recipe(films, {"name": "bert_tiny_en_uncased"}))
    assert "model.backbone.hub.name: needs the package `keras_hub`" in str(reported.value)
    assert "pip install 'keras-recipes[hub]'" in str(reported.value)


def test_a_saved_model_of_texts_needs_tensorflow_text(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_text", None)
    import_for(b'{"class_name": "TextVectorization"}')
    with pytest.raises(RequestError, match=r"tensorflow_text.*pip install 'keras-recipes\[hub\]'"):
        import_for(b'{"registered_name": "keras_recipes>TextTokens"}')


def test_numbers_of_tokens_become_inputs_with_padding_masked():
    given = TokenInputs(3, segments=True)(np.array([[7, 3, -1], [-1, -1, -1]]))
    assert {name: np.asarray(value).tolist() for name, value in given.items()} == {
        "token_ids": [[7, 3, 3], [3, 3, 3]],
        "padding_mask": [[1, 1, 0], [0, 0, 0]],
        "segment_ids": [[0, 0, 0], [0, 0, 0]],
    }


def test_steps_carry_the_mask_of_their_tokens():
    steps, numbers = keras.Input((3, 2)), keras.Input((3,), dtype="int32")
    pooled = keras.layers.GlobalAveragePooling1D()(TokenMask()([steps, numbers]))
    model = keras.Model([steps, numbers], pooled)
    found = model([np.arange(6.0).reshape(1, 3, 2), np.array([[5, 6, -1]])])
    np.testing.assert_allclose(found, [[1.0, 2.0]])


@pytest.mark.parametrize("name", ["bert", "distil_bert", "roberta"])
def test_texts_become_what_the_preprocessor_of_the_preset_makes(hub, presets, films, name):
    """Packed by KerasHub: the oracle."""
    folder, _ = presets
    tokens = tokenizer_of(recipe(films, {"path": str(folder / name)})).tokens(LENGTH)
    found = np.asarray(tokens(tf.constant(TEXTS)[:, None]))
    packed = hub.models.TextClassifierPreprocessor.from_preset(
        str(folder / name), sequence_length=LENGTH
    )(TEXTS)
    mask = np.asarray(packed["padding_mask"]).astype(bool)
    np.testing.assert_array_equal(found, np.where(mask, np.asarray(packed["token_ids"]), -1))


def test_padding_is_distinguished_from_the_same_token(presets, films):
    folder, _ = presets
    tokens = tokenizer_of(recipe(films, {"path": str(folder / "gpt2")})).tokens(LENGTH)
    (row,) = np.asarray(tokens(tf.constant([["!"]])))
    assert row.tolist()[1:4] == [0, row[0], -1]


@pytest.mark.parametrize(
    ("name", "output"),
    [("bert", "pooled"), ("bert", "mean"), ("distil_bert", "pooled"), ("gpt2", "pooled")],
)
def test_the_output_is_that_of_the_network_without_its_padding(presets, films, name, output):
    folder, _ = presets
    asked = recipe(films, {"path": str(folder / name), "output": output})
    front = backbone(asked, (LENGTH,))
    numbers = keras.Input((LENGTH,), dtype="int32")
    model = keras.Model(numbers, front(numbers))
    short, long = [[2, 5, 6, 3] + [-1] * 4], [[2, 5, 6, 3]]
    inputs = keras.Input((4,), dtype="int32")
    np.testing.assert_allclose(
        model(np.array(short)), keras.Model(inputs, front(inputs))(np.array(long)), atol=1e-5
    )
    given = {"token_ids": np.array(long), "padding_mask": np.ones((1, 4), "int32")}
    if name == "bert":
        given["segment_ids"] = np.zeros((1, 4), "int32")
    found = front.model(given)
    if isinstance(found, dict):
        found = found["pooled_output"]
    elif name == "distil_bert":
        found = found[:, 0]
    else:
        found = np.asarray(found).mean(axis=1)
    np.testing.assert_allclose(model(np.array(short)), found, atol=1e-5)


@pytest.mark.usefixtures("eager")
def test_a_run_freezes_it_and_its_model_takes_texts(presets, films, tmp_path):
    folder, network = presets
    layers = ["masked_average_pooling1d", {"dense": {"units": 3}}]
    asked = recipe(
        films,
        {"path": str(folder / "bert"), "output": "sequence"},
        layers,
        {**TOKENS, "age": "numeric"},
        phases=[{"epochs": 1, "freeze": "backbone"}],
    )
    result = asked.train(out=tmp_path / "run", progress=False)
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    inner = next(m for m in model._flatten_layers() if m.name == "backbone")
    kept = {weight.path: np.asarray(weight) for weight in network.weights}
    for weight in inner.weights:
        np.testing.assert_array_equal(weight, kept[weight.path.removeprefix("backbone/")])
    assert keras_recipes.evaluate(tmp_path / "run") == result.test
    rows = {"text": ["a good film", ""], "age": [3.0, 4.0]}
    predicted = keras_recipes.predict(tmp_path / "run", rows)
    raw = {name: tf.constant(cells)[:, None] for name, cells in rows.items()}
    np.testing.assert_allclose(predicted.outputs, np.asarray(model(raw)), atol=1e-5)


@pytest.mark.usefixtures("eager")
def test_adapters_leave_its_weights_as_they_are(presets, films, tmp_path):
    folder, network = presets
    lora = {"rank": 1, "layers": "query|value"}
    asked = recipe(films, {"path": str(folder / "bert")}, model={"lora": lora})
    asked.train(out=tmp_path / "run", progress=False)
    with np.load(tmp_path / "run" / "adapter.npz") as adapter:
        names = [name for name in adapter.files if "query" in name or "value" in name]
    assert names
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    found = next(m for m in model._flatten_layers() if m.name == "backbone")
    np.testing.assert_array_equal(
        found.token_embedding.embeddings, network.token_embedding.embeddings
    )


@pytest.mark.usefixtures("eager")
def test_features_are_cached_with_the_same_weights(presets, films, tmp_path):
    folder, _ = presets
    phases = [{"epochs": 2, "freeze": "backbone"}]
    found = []
    for cached in (False, True):
        asked = recipe(
            films,
            {"path": str(folder / "distil_bert")},
            model={"cache_features": cached},
            phases=phases,
            epochs=2,
        )
        out = tmp_path / str(cached)
        asked.train(out=out, progress=False)
        found.append(keras_recipes.predict(out, {"text": ["a good film", "bad"]}).outputs)
    np.testing.assert_allclose(*found, atol=1e-6)


@pytest.mark.usefixtures("eager")
def test_features_of_a_network_with_dropout_are_cached_as_in_inference(hub, films, tmp_path):
    save_wordpiece(hub, tmp_path / "preset", "DistilBert", dropout=0.4)
    found = []
    for cached in (False, True):
        asked = recipe(
            films,
            {"path": str(tmp_path / "preset"), "inference": True},
            model={"cache_features": cached},
            phases=[{"epochs": 2, "freeze": "backbone"}],
            epochs=2,
        )
        asked.train(out=tmp_path / str(cached), progress=False)
        found.append(keras_recipes.predict(tmp_path / str(cached), {"text": ["bad film"]}).outputs)
    np.testing.assert_allclose(*found, atol=1e-6)
    drops = recipe(
        films,
        {"path": str(tmp_path / "preset")},
        model={"cache_features": True},
        phases=[{"epochs": 1, "freeze": "backbone"}],
    )
    with pytest.raises(RecipeError, match=r"`hub: \{inference: true\}`"):
        drops.train(out=tmp_path / "refused", progress=False)


def changed(folder, target, file, **values):
    """A copy of a preset with other values in one of its configs."""
    shutil.copytree(folder, target)
    config = json.loads((target / file).read_text())
    inner = values.pop("config", {})
    config.update(values)
    config["config"].update(inner)
    (target / file).write_text(json.dumps(config))
    return target


def test_what_does_not_fit_is_reported(hub, presets, films, tmp_path):
    folder, _ = presets
    bert = folder / "bert"
    save_wordpiece(hub, tmp_path / "small", vocabulary_size=len(VOCABULARY) - 3)
    save_wordpiece(hub, tmp_path / "short", max_sequence_length=4)
    mixed = tmp_path / "mixed"
    shutil.copytree(bert, mixed)
    shutil.copy(folder / "distil_bert" / "tokenizer.json", mixed)
    picture = hub.models.ViTBackbone(
        image_shape=(8, 8, 3), patch_size=(4, 4), num_layers=1, num_heads=1, hidden_dim=4, mlp_dim=4
    )
    picture.save_to_preset(str(tmp_path / "picture"))
    reported = {
        tmp_path / "small": r"has 16 tokens, and its network knows 13: they do not belong",
        tmp_path / "short": r"reads 4 tokens of a text at most.*Received 8",
        mixed: r"a `DistilBertTokenizer`, and its network is a `BertBackbone`",
        tmp_path / "picture": r"expected a network of text, as column `text`",
    }
    for path, message in reported.items():
        with pytest.raises(RecipeError, match=message):
            backbone(recipe(films, {"path": str(path)}), (LENGTH,))
    pictures = recipe(films, {"path": str(bert)}, features={"age": "numeric"})
    with pytest.raises(RecipeError, match=r"which is text\. Name its column"):
        backbone(pictures, (8, 8))


def test_a_hostile_folder_is_refused(presets, films, tmp_path):
    bert = presets[0] / "bert"
    code = {"module": "os", "class_name": "system", "registered_name": "system"}
    hostile = {
        r'names "os\.system"': changed(bert, tmp_path / "code", "tokenizer.json", **code),
        "reads `vocabulary` from the file": changed(
            bert, tmp_path / "file", "tokenizer.json", config={"vocabulary": "/etc/passwd"}
        ),
        "by `config_file`": changed(
            bert, tmp_path / "assets", "tokenizer.json", config={"config_file": "../../x.json"}
        ),
        "damaged or hostile": changed(
            bert, tmp_path / "large", "config.json", config={"vocabulary_size": 1 << 40}
        ),
    }
    for message, path in hostile.items():
        with pytest.raises(RecipeError, match=message):
            backbone(recipe(films, {"path": str(path)}), (LENGTH,))
    shards = tmp_path / "shards"
    shutil.copytree(bert, shards)
    (shards / "model.weights.h5").rename(tmp_path / "outside.h5")
    (shards / "model.weights.json").write_text(json.dumps({"weight_map": {"a": "../outside.h5"}}))
    with pytest.raises(RecipeError, match="which is outside of it"):
        backbone(recipe(films, {"path": str(shards)}), (LENGTH,))


def test_the_sizes_of_helpers_are_those_of_tests():
    assert SIZE["max_sequence_length"] >= LENGTH
