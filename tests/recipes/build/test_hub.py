"""Presets of KerasHub as backbones: made offline, trained, saved, and missing."""

import json
import sys

import keras
import numpy as np
import pytest

import keras_recipes
from keras_recipes.recipes.build.backbone import backbone
from keras_recipes.recipes.build.hub_library import import_for
from keras_recipes.recipes.errors import RecipeError, RequestError

X = np.random.default_rng(0).integers(0, 256, (24, 16, 16)).astype("uint8")
Y = np.arange(24) % 2


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "pictures.npz"
    np.savez(path, x=X, y=Y)
    return path


def recipe(pictures, preset, layers="global_average_pooling2d", **more):
    data = {"source": {"npz": {"path": str(pictures)}}, "batch_size": 8}
    model = {"backbone": {"hub": preset}, "layers": [layers]}
    return keras_recipes.load({"name": "x", "data": data, "model": model, "epochs": 1, **more})


def test_a_missing_package_is_reported_with_what_to_install(pictures, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(RecipeError) as reported:
        backbone(recipe(pictures, {"name": "resnet_18_imagenet"}), (16, 16))
    assert "model.backbone.hub: needs the package `keras_hub`" in str(reported.value)
    assert "pip install 'keras-recipes[hub]'" in str(reported.value)


def test_a_saved_model_with_layers_of_the_package_needs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    import_for(b'{"class_name": "Dense"}')
    with pytest.raises(RequestError, match="needs the package `keras_hub`"):
        import_for(b'{"module": "keras_hub.src.models.vit.vit_layers"}')


def test_a_folder_that_is_not_there_is_reported_before_anything_is_imported(pictures, tmp_path):
    with pytest.raises(RequestError, match=r"hub\.path: .*there is no such file or folder"):
        recipe(pictures, {"path": "nowhere"}).train(out=tmp_path / "run", progress=False)


@pytest.fixture(scope="module")
def hub():
    return pytest.importorskip("keras_hub", reason="needs `pip install 'keras-recipes[hub]'`")


@pytest.fixture(scope="module")
def preset(hub, tmp_path_factory):
    """The folder of a small network of pictures, and the network."""
    folder = tmp_path_factory.mktemp("preset")
    network = hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64],
        stackwise_num_blocks=[1],
        stackwise_num_strides=[1],
        block_type="basic_block",
        image_shape=(None, None, 3),
    )
    network.save_to_preset(str(folder))
    hub.layers.ImageConverter(scale=[0.1, 0.2, 0.3], offset=[-1.0, 0.0, 1.0]).save_to_preset(
        str(folder)
    )
    return folder, network


def test_a_preset_of_a_folder_has_its_weights_and_scales_its_pixels(preset, pictures):
    folder, network = preset
    front = backbone(recipe(pictures, {"path": str(folder), "size": [8, 8]}), (16, 16))
    inputs = keras.Input((16, 16))
    made = keras.Model(inputs, front(inputs))
    colours = np.repeat(X[..., None], 3, axis=-1).astype("float32")
    small = np.asarray(keras.layers.Resizing(8, 8)(colours))
    expected = network.predict(small * [0.1, 0.2, 0.3] + [-1.0, 0.0, 1.0], verbose=0)
    np.testing.assert_allclose(made.predict(X, verbose=0), expected, rtol=1e-4, atol=1e-4)
    random = backbone(recipe(pictures, {"path": str(folder), "weights": None}), (16, 16)).model
    kernels = [next(w for w in m.weights if w.ndim == 4) for m in (random, network)]
    assert (np.asarray(kernels[0]) != np.asarray(kernels[1])).any()


@pytest.mark.usefixtures("eager")
def test_a_run_freezes_it_and_its_model_loads_and_predicts(preset, pictures, tmp_path):
    folder, network = preset
    phases = [{"epochs": 1, "freeze": "backbone"}]
    result = recipe(pictures, {"path": str(folder)}, phases=phases).train(
        out=tmp_path / "run", progress=False
    )
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    for one, other in zip(
        model.get_layer("backbone").get_weights(), network.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert keras_recipes.evaluate(tmp_path / "run") == result.test
    assert len(keras_recipes.predict(tmp_path / "run", X)) == len(X)


@pytest.mark.usefixtures("eager")
def test_a_network_of_layers_of_its_own_loads_again(hub, pictures, tmp_path):
    network = hub.models.ViTBackbone(
        image_shape=(16, 16, 3),
        patch_size=(8, 8),
        num_layers=1,
        num_heads=2,
        hidden_dim=4,
        mlp_dim=4,
    )
    network.save_to_preset(str(tmp_path / "vit"))
    with pytest.raises(RecipeError, match=r"takes pictures of shape \(16, 16, 3\)"):
        wrong = recipe(pictures, {"path": str(tmp_path / "vit"), "size": [8, 8]}, "flatten")
        wrong.train(out=tmp_path / "wrong", progress=False)
    given = recipe(pictures, {"path": str(tmp_path / "vit")}, "flatten", precision="mixed_bfloat16")
    result = given.train(out=tmp_path / "run", progress=False)
    assert keras_recipes.evaluate(tmp_path / "run") == result.test


def test_what_is_no_preset_of_pictures_is_reported(hub, preset, pictures, tmp_path):
    folder, _ = preset
    (tmp_path / "empty").mkdir()
    words = hub.models.BertBackbone(
        vocabulary_size=8, num_layers=1, num_heads=1, hidden_dim=4, intermediate_dim=4
    )
    words.save_to_preset(str(tmp_path / "words"))
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "code").mkdir()
    code = {**config, "module": "os", "class_name": "system", "registered_name": "system"}
    (tmp_path / "code" / "config.json").write_text(json.dumps(code))
    reported = {
        "empty": r"hub\.path: .*is no preset of KerasHub",
        "words": r"hub\.path: .*takes .*token.*which is text. Name its column",
        "code": r'hub\.path: .*names "os\.system"',
    }
    for name, message in reported.items():
        with pytest.raises(RecipeError, match=message):
            backbone(recipe(pictures, {"path": str(tmp_path / name)}), (16, 16))


def test_a_preset_that_cannot_be_fetched_or_is_unknown_is_reported(hub, pictures, monkeypatch):
    def offline(preset, **options):
        raise ConnectionError("no network")

    monkeypatch.setattr(hub.models.Backbone, "from_preset", offline)
    with pytest.raises(RecipeError) as reported:
        backbone(recipe(pictures, {"name": "resnet_18_imagenet"}), (16, 16))
    assert "cannot be fetched (ConnectionError: no network). Download https://www" in str(
        reported.value
    )
    assert "resnet_18_imagenet" in str(reported.value)
    with pytest.raises(RecipeError, match=r"no preset `resnet_18_imagnet`.*resnet_18_imagenet"):
        backbone(recipe(pictures, {"name": "resnet_18_imagnet"}), (16, 16))
