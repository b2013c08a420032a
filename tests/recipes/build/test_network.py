"""Adapters in a recipe: of a run of one's own, saved beside the model and merged in it."""

import keras
import numpy as np
import pytest

import keras_recipes
from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.run.train import train

BASE = {
    "name": "x",
    "data": {"source": "iris", "scale": "standardize", "batch_size": 50},
    "model": {
        "layers": [{"dense": {"units": 150, "activation": "relu"}}, {"dense": {"units": 90}}]
    },
    "epochs": 1,
    "learning_rate": 0.1,
}


def test_a_run_with_adapters_of_another_one(eager, tmp_path):
    first = keras_recipes.load(BASE).train(out=tmp_path / "first", progress=False)
    changes = {"model.lora": {"rank": 1, "layers": "^dense"}, "initialize.weights": first.directory}
    result = keras_recipes.load(BASE, changes).train(out=tmp_path / "next", progress=False)
    with np.load(tmp_path / "next" / "adapter.npz") as file:
        adapters = {name: file[name] for name in file.files}
    assert set(adapters) == {
        f"{layer}/lora_kernel_{side}" for layer in ("dense", "dense_1") for side in "ab"
    }
    kernel, before = (run.model.get_layer("dense").get_weights() for run in (result, first))
    product = adapters["dense/lora_kernel_a"] @ adapters["dense/lora_kernel_b"]
    np.testing.assert_allclose(kernel[0], before[0] + product, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(kernel[1], before[1])
    assert (product != 0).any()
    assert keras_recipes.evaluate(tmp_path / "next")["loss"] == pytest.approx(result.test["loss"])
    loaded = keras.models.load_model(tmp_path / "next" / "model.keras")
    assert not any("lora" in v.path for v in loaded.weights)


PHASED = {
    "model.lora": {"rank": 2},
    "epochs": 3,
    "phases": [
        {"epochs": 1, "freeze": "^dense"},
        {"epochs": 2, "freeze": "dense_1", "optimizer": "fresh"},
    ],
    "checkpoints": {"every": "1 epochs"},
    "steps_per_execution": 1,
}


class Dies(keras.callbacks.Callback):
    """Ends a training before an epoch, from 0, as an error would."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise RuntimeError("killed")


def saved(run):
    return keras.models.load_model(run / "model.keras")


def adapters_of(run):
    with np.load(run / "adapter.npz") as file:
        return {name: file[name] for name in file.files}


def test_phases_freeze_adapters_and_the_base_never_trains(eager, tmp_path):
    """Adapters that are frozen throughout add 0; a run resumes on both sides of the edge."""
    first = keras_recipes.load(BASE).train(out=tmp_path / "first", progress=False)
    recipe = keras_recipes.load(BASE, {**PHASED, "initialize.weights": first.directory})
    result = train(recipe, out=tmp_path / "run", progress=False)
    model = saved(tmp_path / "run")
    adapters = adapters_of(tmp_path / "run")
    assert adapters["dense/lora_kernel_b"].any()
    assert not adapters["dense_1/lora_kernel_b"].any()
    for layer in ("dense", "dense_1", "output"):
        kernel, bias = model.get_layer(layer).get_weights()
        base, own = first.model.get_layer(layer).get_weights()
        assert (kernel != base).any() == (layer != "dense_1")
        assert (bias != own).any() == (layer == "output")
    assert keras_recipes.evaluate(tmp_path / "run")["loss"] == pytest.approx(result.test["loss"])
    for epoch in (1, 2):
        again = tmp_path / f"again_{epoch}"
        assert train(recipe, out=again, progress=False, callbacks=[Dies(epoch)]).status == "failed"
        train(recipe, out=again, resume=True, progress=False)
        for name, value in adapters_of(again).items():
            np.testing.assert_array_equal(adapters[name], value)
        for one, other in zip(model.get_weights(), saved(again).get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_phase_of_frozen_adapters_alone_is_reported(tmp_path):
    """All that trains beside them is the output layer."""
    changes = {"model.lora": {"rank": 2}, "phases": [{"epochs": 1, "freeze": "."}], "epochs": 1}
    with pytest.raises(RecipeError, match=r"phases\[0\]\.freeze: nothing is left to train"):
        keras_recipes.load(BASE, changes).train(out=tmp_path / "run", progress=False)


@pytest.mark.parametrize(
    ("lora", "message"),
    [
        ({"rank": 0}, r"model\.lora\.rank: expected a whole number > 0"),
        ({"rank": 2, "layers": "("}, r"model\.lora\.layers: is no regular expression"),
        ({"layers": "dense"}, r"model\.lora\.rank: is missing"),
        ({"rank": 2, "ranks": 2}, "Did you mean `rank`"),
    ],
)
def test_a_wrong_argument_is_reported(lora, message):
    with pytest.raises(RecipeError, match=message):
        keras_recipes.load(BASE, {"model.lora": lora})


def test_a_pattern_without_a_layer_is_reported_with_its_line(tmp_path):
    recipe = keras_recipes.load(BASE, {"model.lora": {"rank": 2, "layers": ["dense", "output"]}})
    with pytest.raises(RecipeError, match=r"lora\.layers: `output` matches no dense.*dense_1"):
        recipe.train(out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
