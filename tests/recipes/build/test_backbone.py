"""Backbones: networks of Keras and models of one's own, with their weights, in a recipe's model."""

import json
from urllib.error import URLError

import keras
import numpy as np
import pytest
import yaml
from keras.src.utils import file_utils

import keras_recipes
from keras_recipes.models import StochasticDepth
from keras_recipes.recipes.build import feature_cache
from keras_recipes.recipes.build.backbone import backbone, weights_digest
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.record.directory import RunDirectory
from keras_recipes.recipes.run.reproduce import compare_runs
from keras_recipes.recipes.spec import dump
from keras_recipes.recipes.sweep.run.sweep import run_sweep
from keras_recipes.recipes.sweep.spec import load_sweep

X = np.random.default_rng(0).integers(0, 256, (40, 8, 8)).astype("uint8")
Y = np.arange(40) % 2


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "pictures.npz"
    np.savez(path, x=X, y=Y)
    return path


def recipe(pictures, network, layers=("global_average_pooling2d",), **more):
    data = {"source": {"npz": {"path": str(pictures)}}, "batch_size": 10}
    tree = {"name": "x", "data": data, "model": {"backbone": network, "layers": list(layers)}}
    return keras_recipes.load({**tree, "epochs": 1, **more})


def small(**more):
    return {"mobilenet_v2": {"weights": None, "alpha": 0.35, "size": [32, 32], **more}}


def test_weights_that_cannot_be_fetched_are_named_with_their_place(pictures, monkeypatch):
    def offline(*arguments, **options):
        raise URLError("no network")

    monkeypatch.setattr(file_utils, "get_file", offline)
    made = recipe(pictures, small(weights="imagenet"))
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"
    with pytest.raises(
        RecipeError, match=r"backbone\.mobilenet_v2\.weights: .*no network"
    ) as reported:
        backbone(made, (8, 8))
    home = keras.src.backend.config.keras_home()
    assert f"/{name} at {home}/models/{name}, or give `weights: null`" in str(reported.value)
    assert file_utils.get_file is offline


def test_weights_of_a_file(pictures, tmp_path):
    keras.utils.set_random_seed(1)
    first = backbone(recipe(pictures, small()), (8, 8)).model
    first.save_weights(tmp_path / "w.weights.h5")
    keras.utils.set_random_seed(2)
    path = str(tmp_path / "w.weights.h5")
    again = backbone(recipe(pictures, small(weights=path)), (8, 8)).model
    assert weights_digest(again) == weights_digest(first)
    (tmp_path / "w.weights.h5").write_bytes(b"nothing")
    with pytest.raises(RecipeError, match=r"mobilenet_v2\.weights: .*w\.weights\.h5"):
        backbone(recipe(pictures, small(weights=path)), (8, 8))


def test_pictures_that_it_cannot_take(pictures):
    with pytest.raises(RecipeError, match="takes pictures of 32 x 32 and more"):
        backbone(recipe(pictures, small(size=None)), (8, 8))
    with pytest.raises(RecipeError, match=r"takes pictures .*has shape \(64,\)"):
        backbone(recipe(pictures, small()), (64,))


CONVOLUTION = [
    {"reshape": {"target_shape": [8, 8, 1]}},
    {"conv2d": {"filters": 3, "kernel_size": 3}},
    "batch_normalization",
    "flatten",
    {"dense": {"units": 4, "activation": "relu"}},
]


@pytest.fixture(scope="module")
def run(pictures, eager_module, tmp_path_factory):
    tree = {
        "name": "own",
        "data": {"source": {"npz": {"path": str(pictures)}}, "scale": "minmax", "batch_size": 10},
        "model": {"layers": CONVOLUTION},
        "epochs": 1,
    }
    out = tmp_path_factory.mktemp("runs") / "own"
    keras_recipes.load(tree).train(out=out, progress=False)
    return out


def test_a_run_of_ones_own_is_a_backbone_that_stays_as_it_is(run, pictures, tmp_path):
    saved = {"saved": {"path": str(run)}}
    phases = [{"epochs": 1, "freeze": "backbone"}]
    changed = recipe(pictures, saved, [{"dense": {"units": 3}}], phases=phases)
    result = changed.train(out=tmp_path / "next", progress=False)
    own = keras.models.load_model(run / "model.keras")
    body = result.model.get_layer("backbone")
    assert [layer.name for layer in body.layers][-1] == "dense"
    before = own.get_layer("batch_normalization").get_weights()
    for value, kept in zip(
        before, body.get_layer("batch_normalization").get_weights(), strict=True
    ):
        np.testing.assert_array_equal(value, kept)
    # What the backbone gives is what the model gave before its output layer.
    until = keras.Model(own.inputs[0], own.get_layer("dense").output)
    np.testing.assert_array_equal(body(X), until(X))
    loaded = keras.models.load_model(tmp_path / "next" / "model.keras")
    np.testing.assert_array_equal(loaded(X), result.model(X))
    # The backbone is in the model: the run can do without the one that it came from.
    run.rename(run.with_name("moved"))
    assert keras_recipes.evaluate(tmp_path / "next") == result.test
    run.with_name("moved").rename(run)


def test_a_saved_model_up_to_a_layer_and_what_does_not_fit(run, pictures):
    saved = {"path": str(run), "until": "flatten"}
    made = backbone(recipe(pictures, {"saved": saved}), (8, 8))
    assert made.model.output_shape == (None, 108)
    with pytest.raises(RecipeError, match=r"saved\.path: has no layer `flat`. There are rows, "):
        backbone(recipe(pictures, {"saved": {**saved, "until": "flat"}}), (8, 8))
    with pytest.raises(RecipeError, match=r"takes rows of shape \(8, 8\), and .* \(9, 9\)"):
        backbone(recipe(pictures, {"saved": saved}), (9, 9))


def test_a_file_that_is_not_there_is_reported_before_tensorflow(pictures, tmp_path):
    made = recipe(pictures, {"saved": {"path": str(tmp_path / "none")}})
    with pytest.raises(RecipeError, match=r"backbone\.saved\.path: .*none: there is no such file"):
        made.train(out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mobilenet_v2", "efficientnet_b0"])
def test_a_network_of_keras_trains_in_phases_and_is_saved(pictures, tmp_path, name):
    own = {"alpha": 0.35} if name == "mobilenet_v2" else {}
    phases = [{"epochs": 1, "freeze": "backbone"}, {"epochs": 1, "freeze": "backbone/block_?[0-4]"}]
    tree = {
        "name": "x",
        "data": {"source": {"npz": {"path": str(pictures)}}, "batch_size": 10},
        "model": {
            "backbone": {name: {"weights": None, "size": [32, 32], **own}},
            "layers": ["global_average_pooling2d"],
        },
        "phases": phases,
    }
    result = keras_recipes.load(tree).train(out=tmp_path / "run", progress=False)
    assert result.status == "completed"
    loaded = keras.models.load_model(tmp_path / "run" / "model.keras")
    for one, other in zip(loaded.get_weights(), result.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    # Batches of other sizes, and threads, add the many products in another order.
    expected = result.model.predict(X, verbose=0)
    np.testing.assert_allclose(loaded.predict(X, verbose=0), expected, rtol=1e-6)
    np.testing.assert_allclose(
        keras_recipes.predict(tmp_path / "run", X).outputs, expected, rtol=1e-6
    )


class TestCachedFeatures:
    LAYERS = ("global_average_pooling2d", {"dense": {"units": 3, "name": "own"}})

    def made(self, pictures, run, cached, **more):
        phases = [
            {"epochs": 2, "freeze": "backbone"},
            {"epochs": 1, "freeze": ["backbone", "own"], "learning_rate": 0.01},
        ]
        saved = {"saved": {"path": str(run), "until": "batch_normalization"}}
        tree = {"phases": phases, "metrics": ["accuracy"], **more}
        return recipe(pictures, saved, self.LAYERS, epochs=3, **tree), {
            "model.cache_features": cached
        }

    def trained(self, pictures, run, out, cached):
        made, changes = self.made(pictures, run, cached)
        return keras_recipes.load(yaml.safe_load(dump(made)), changes).train(
            out=out, progress=False
        )

    def test_the_weights_are_those_without(self, run, pictures, tmp_path, monkeypatch):
        plain = self.trained(pictures, run, tmp_path / "plain", False)
        cached = self.trained(pictures, run, tmp_path / "cached", True)
        # Bounds, as batches of another size may differ in the last bit; here they do not.
        for layer in ("own", "output"):
            for one, other in zip(
                plain.model.get_layer(layer).get_weights(),
                cached.model.get_layer("network").get_layer(layer).get_weights(),
                strict=True,
            ):
                np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
        assert cached.test["accuracy"] == plain.test["accuracy"]
        # The saved model takes pictures.
        rows = keras_recipes.predict(tmp_path / "cached", X).outputs
        np.testing.assert_allclose(rows, plain.model(X), rtol=1e-4, atol=1e-6)
        assert keras_recipes.evaluate(tmp_path / "cached")["accuracy"] == cached.test["accuracy"]
        # Another run, as another trial of a sweep, computes no features.
        monkeypatch.setattr(keras.Model, "predict", None)
        again, changes = self.made(pictures, run, True)
        built = feature_cache.cached_features(
            keras_recipes.load(yaml.safe_load(dump(again)), changes), data_of(again), None
        )
        assert built is not None
        assert built[0].train.x.shape == (28, 6, 6, 3)

    def test_trials_of_a_sweep_share_them(self, run, pictures, tmp_path, monkeypatch):
        monkeypatch.setenv("KERAS_RECIPES_CACHE", str(tmp_path / "cache"))
        written: list[int] = []
        write = feature_cache._write

        def counted(file, rows):
            written.append(len(rows))
            write(file, rows)

        monkeypatch.setattr(feature_cache, "_write", counted)
        scores = []
        for cached in (False, True):
            made, changes = self.made(pictures, run, cached)
            file = tmp_path / f"{cached}.yaml"
            file.write_text(dump(keras_recipes.load(yaml.safe_load(dump(made)), changes)))
            sweep = load_sweep(
                {
                    "name": "shared",
                    "recipe": str(file),
                    "objective": {"minimize": "val_loss"},
                    "algorithm": "grid",
                    "budget": {"trials": 2},
                    "space": {"data.batch_size": {"choice": [7, 14]}},
                }
            )
            out = tmp_path / f"sweep_{cached}"
            assert run_sweep(sweep, out=out, progress=False).status == "completed"
            rows = json.loads((out / "trials.json").read_text())
            scores.append([row["score"] for row in rows])
        assert written == [28, 6, 6]  # training, validation and test rows, once each
        assert len(scores[0]) == 2
        assert scores[1] == pytest.approx(scores[0], rel=1e-5)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"phases": []}, "the backbone is trained, so that its features change"),
            ({"data.augment": [{"random_flip": {}}]}, "`data.augment` gives a row other pixels"),
            ({"phases[1].freeze": "backbone/conv2d"}, "needs the whole backbone frozen"),
            ({"phases[0].gradual": 1}, "needs the whole backbone frozen"),
            ({"model.backbone": None}, "there is no `backbone`"),
        ],
    )
    def test_features_that_change_are_refused(self, run, pictures, changes, message):
        made, cached = self.made(pictures, run, True)
        with pytest.raises(RecipeError, match=message):
            keras_recipes.load(yaml.safe_load(dump(made)), {**cached, **changes})


def attention(dropout):
    layer = keras.layers.MultiHeadAttention(1, 1, dropout=dropout)
    layer.build((None, 2, 2), (None, 2, 2))
    return layer


class TestInference:
    """A backbone with layers that are random in training."""

    LAYERS = ("global_average_pooling2d", {"dropout": {"rate": 0.3}}, {"dense": {"units": 3}})
    PHASES = (
        {"epochs": 2, "freeze": "backbone"},
        {"epochs": 1, "freeze": ["backbone", "dense"], "learning_rate": 0.01},
    )

    @pytest.fixture(scope="class")
    def file(self, tmp_path_factory):
        """A network whose features are whole numbers: exact in batches of every size."""
        inputs = keras.Input((8, 8), dtype="uint8")
        x = keras.layers.Reshape((8, 8, 1))(keras.layers.Rescaling(1.0)(inputs))
        x = keras.layers.Conv2D(3, 3, activation="relu", name="conv")(x)
        x = keras.layers.SpatialDropout2D(0.5, name="holes")(x)
        model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten(name="flat")(x)))
        kernel = np.random.default_rng(1).integers(-2, 3, (3, 3, 1, 3))
        model.get_layer("conv").set_weights([kernel, np.ones(3)])
        path = tmp_path_factory.mktemp("random") / "model.keras"
        model.save(path)
        return path

    def made(self, pictures, file, *, cached=False, phases=PHASES, **more):
        network = {"saved": {"path": str(file), "until": "holes", **more}}
        made = recipe(pictures, network, self.LAYERS, phases=list(phases), epochs=3)
        return keras_recipes.load(yaml.safe_load(dump(made)), {"model.cache_features": cached})

    def test_cached_and_not_the_weights_are_the_same_to_the_bit(self, file, pictures, tmp_path):
        found = {}
        for name, cached, inference in (
            ("plain", False, True), ("cached", True, True), ("random", False, False),
        ):  # fmt: skip
            made = self.made(pictures, file, cached=cached, inference=inference)
            model = made.train(out=tmp_path / name, progress=False).model
            body = model.get_layer("network") if cached else model
            found[name] = [
                weight
                for layer in ("dense", "output")
                for weight in body.get_layer(layer).get_weights()
            ]
        for one, other in zip(found["plain"], found["cached"], strict=True):
            np.testing.assert_array_equal(one, other)
        # With dropout it would be another training.
        assert any((a != b).any() for a, b in zip(found["plain"], found["random"], strict=True))
        rows = [keras_recipes.predict(tmp_path / name, X).outputs for name in ("plain", "cached")]
        np.testing.assert_allclose(*rows, rtol=1e-6)

    @pytest.mark.parametrize("cached", [pytest.param(False, marks=pytest.mark.slow), True])
    def test_interrupted_on_each_side_of_an_edge_the_run_is_the_same(
        self, file, pictures, tmp_path, eager, signalled, cached
    ):
        made = self.made(pictures, file, cached=cached, inference=True)
        made = keras_recipes.load(
            yaml.safe_load(dump(made)), ["checkpoints.every=1 steps", "steps_per_execution=1"]
        )
        made.train(out=tmp_path / "whole", progress=False)
        stopped = 0
        for _ in range(20):
            signalled(4)
            result = made.train(out=tmp_path / "killed", resume=True, progress=False)
            if result.status != "interrupted":
                break
            stopped += 1
        assert stopped > 2
        assert compare_runs(*(RunDirectory(tmp_path / n) for n in ("whole", "killed"))) == []

    def test_without_it_the_cache_is_refused_and_says_what_helps(self, file, pictures):
        made = self.made(pictures, file, cached=True)
        with pytest.raises(RecipeError, match=r"has `holes`.*`saved: {inference: true}`"):
            feature_cache.cached_features(made, data_of(made), None)

    def test_where_it_trains_it_is_without_dropout_too(self, file, pictures, tmp_path):
        made = self.made(pictures, file, phases=[{"epochs": 3}], inference=True)
        built = backbone(made, (8, 8)).model
        np.testing.assert_array_equal(built(X, training=True), built(X))
        model = made.train(out=tmp_path / "run", progress=False).model
        body = model.get_layer("backbone")
        kernel = keras.models.load_model(file).get_layer("conv").get_weights()[0]
        assert (body.get_layer("conv").get_weights()[0] != kernel).any()

    @pytest.mark.parametrize(
        ("layer", "random"),
        [
            (lambda: keras.layers.Dropout(0.5), True),
            (lambda: keras.layers.Dropout(0.0), False),
            (lambda: keras.layers.GaussianNoise(0.5), True),
            (lambda: keras.layers.GaussianDropout(0.5), True),
            (lambda: keras.layers.SpatialDropout1D(0.5), True),
            (lambda: keras.layers.GRUCell(2, dropout=0.5), True),
            (lambda: keras.layers.GRUCell(2, recurrent_dropout=0.5), True),
            (lambda: keras.layers.GRUCell(2), False),
            (lambda: keras.layers.RandomFlip(), True),
            (lambda: attention(0.5), True),
            (lambda: attention(0.0), False),
            (lambda: StochasticDepth(0.5), True),
            (lambda: keras.layers.BatchNormalization(), False),
            (lambda: keras.layers.Dense(2, kernel_initializer="random_normal"), False),
        ],
    )
    def test_layers_that_are_random_in_training(self, layer, random):
        made = layer()
        parts = [made, *made._flatten_layers(include_self=False)]
        assert any(map(feature_cache._is_random, parts)) == random
