"""Runs and models of one's own in phases."""

import keras
import numpy as np
import pytest

import keras_recipes
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.spec import dump

RECIPE = {
    "name": "phased",
    "data": {"source": "iris", "scale": "standardize", "batch_size": 50},
    "model": {"layers": [{"dense": {"units": 5, "name": "body"}}, "batch_normalization"]},
    "optimizer": {"sgd": {"momentum": 0.5}},
    "learning_rate": {"linear": {"initial_learning_rate": 0.1, "decay_steps": "100%"}},
    "phases": [
        {"epochs": 2, "freeze": "body"},
        {"epochs": 3, "learning_rate": 0.05, "optimizer": "fresh"},
        {"epochs": 1, "freeze": "^output"},
    ],
    "steps_per_execution": 1,
}


def test_rates_and_steps_of_a_run(eager, tmp_path):
    result = keras_recipes.load(RECIPE).train(out=tmp_path / "run", progress=False)
    assert result.epochs == 6
    # 106 training rows make 3 updates an epoch. The recipe's rate continues in the last phase.
    assert result.history["step"] == [3, 6, 9, 12, 15, 18]
    assert result.steps == 18
    rates = [0.1 * (1 - 2 / 18), 0.1 * (1 - 5 / 18), 0.05, 0.05, 0.05, 0.1 * (1 - 17 / 18)]
    np.testing.assert_allclose(result.history["learning_rate"], rates, rtol=1e-6)
    loaded = keras.models.load_model(tmp_path / "run" / "model.keras")
    assert all(layer.trainable for layer in loaded.layers)


def test_a_phase_that_ends_early_is_reported(eager, tmp_path):
    stop = {"early_stopping": {"patience": 1, "min_delta": 1000.0}}
    recipe = keras_recipes.load({**RECIPE, "callbacks": [stop]}, ["phases[1].epochs=9"])
    result = recipe.train(out=tmp_path / "run", progress=False)
    assert result.epochs == 5
    assert result.status == "completed"
    assert result.reason.startswith("all phases were trained, 5 epochs: phase 2 ended after epoch")


def test_a_pattern_that_matches_nothing_in_a_table_is_reported_with_its_line(tmp_path, capsys):
    (tmp_path / "t.csv").write_text("a,b\n" + "\n".join(f"{i * i % 17},{i % 2}" for i in range(80)))
    data = {"source": {"csv": {"path": "t.csv"}}, "target": "b", "batch_size": 20}
    tree = {**RECIPE, "data": data}
    file = tmp_path / "x.yaml"
    file.write_text(dump(keras_recipes.load(tree)).replace("freeze: body", "freeze: boddy"))
    line = next(i for i, text in enumerate(file.read_text().splitlines(), 1) if "boddy" in text)
    assert main(["train", str(file), "--out", str(tmp_path / "run")]) == 2
    reported = capsys.readouterr().err
    assert f"x.yaml:{line}:" in reported
    assert "`boddy` matches no layer with weights" in reported
    assert not (tmp_path / "run").exists()


def test_dry_run_lists_what_any_phase_trains(tmp_path, capsys):
    file = tmp_path / "x.yaml"
    file.write_text(dump(keras_recipes.load(RECIPE, ["weight_decay={rate: 0.1}"])))
    assert main(["train", str(file), "--dry-run"]) == 0
    assert "body/kernel" in capsys.readouterr().out


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.body = keras.layers.Dense(4, name="body")
        self.last = keras.layers.Dense(1, name="last")

    def call(self, inputs):
        return self.last(self.body(inputs))


def functional():
    inputs = keras.Input((3,))
    body = keras.layers.Dense(4, name="body")(inputs)
    return keras.Model(inputs, keras.layers.Dense(1, name="last")(body))


def subclassed():
    model = Net()
    model(np.zeros((1, 3), "float32"))
    return model


@pytest.mark.parametrize("make", [functional, subclassed])
def test_a_model_of_ones_own_is_trained_in_phases(eager, make):
    model = make()
    x = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
    before = model.get_layer("body").get_weights()
    tree = {**RECIPE, "phases": [{"epochs": 1, "freeze": True}, {"epochs": 1, "freeze": "last"}]}
    tree["data"] = {"source": "arrays", "batch_size": 5}
    recipe = keras_recipes.load(tree)

    def weights():
        return model.get_layer("body").get_weights()

    history = recipe.fit(model, x, x[:, 0], progress=False)
    assert history.epoch == [0, 1]
    assert (weights()[0] != before[0]).any()
    assert all(layer.trainable for layer in model.layers)
    with pytest.raises(keras_recipes.recipes.RequestError, match="matches no layer"):
        keras_recipes.load({**tree, "phases": [{"epochs": 1, "freeze": "bodi"}]}).fit(
            model, x, x[:, 0], progress=False
        )
