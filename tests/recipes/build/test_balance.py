"""Balanced losses, computed by hand from the outputs of a network; and who may not have them."""

import keras
import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from keras_recipes.models import LabelLoss
from keras_recipes.recipes.build.experiment import experiment
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.errors import DataError, RecipeError
from keras_recipes.recipes.run.fit import FitOptions, fit
from keras_recipes.recipes.spec import load

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype("float32")
TWO = (np.arange(40) % 5 == 0).astype(int)
THREE = np.repeat([0, 1, 2], [25, 10, 5])
LABELS = np.stack([TWO, np.arange(40) % 2], axis=1)


def recipe_of(balance, **keys):
    data = {"source": "arrays", "validation": None, "test": None, "batch_size": "all"}
    sections = {
        "name": "x",
        "data": {**data, "balance": balance, **keys.pop("data", {})},
        "model": {"layers": []},
        "optimizer": {"sgd": {}},
        "learning_rate": 1e-9,
        "steps_per_execution": 1,
        "epochs": 1,
        **keys,
    }
    return load(sections)


def losses(recipe, y, tmp_path):
    """The loss that a step reports, that of an evaluation, and the outputs."""
    built = experiment(recipe, data_of(recipe, (X, y)), tmp_path)
    trained = built.model.fit(built.training.dataset, shuffle=False, verbose=0).history
    outputs = built.model.predict(X, verbose=0)
    targets = np.eye(3)[y] if outputs.shape[1] == 3 and "focal" in recipe.data.balance else y
    if built.model.output_shape[1] == 1:
        targets = y[:, None]
    measured = built.model.evaluate(X, targets, verbose=0, return_dict=True)
    return trained, {name: float(value) for name, value in measured.items()}, outputs


def test_class_weights_weigh_the_training_loss_alone(tmp_path):
    trained, measured, outputs = losses(recipe_of("class_weights"), THREE, tmp_path)
    each = -np.log(outputs[np.arange(40), THREE])
    weights = compute_sample_weight("balanced", THREE)
    assert trained["loss"][0] == pytest.approx((weights * each).mean(), rel=1e-5)
    assert measured["loss"] == pytest.approx(each.mean(), rel=1e-5)
    plain = (outputs.argmax(axis=1) == THREE).mean()
    assert trained["accuracy"][0] == pytest.approx(plain)
    assert measured["accuracy"] == pytest.approx(plain)


def test_class_weights_of_one_unit(tmp_path):
    recipe = recipe_of("class_weights", loss="binary_crossentropy")
    trained, _, outputs = losses(recipe, TWO, tmp_path)
    p = outputs[:, 0]
    each = -np.where(TWO, np.log(p), np.log(1 - p))
    expected = (compute_sample_weight("balanced", TWO) * each).mean()
    assert trained["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_class_weights_of_each_label(tmp_path):
    trained, measured, outputs = losses(recipe_of("class_weights"), LABELS, tmp_path)
    each = -np.where(LABELS, np.log(outputs), np.log(1 - outputs))
    weights = [compute_sample_weight("balanced", LABELS[:, i]) for i in range(2)]
    weighted = (np.stack(weights, axis=1) * each).mean()
    assert trained["loss"][0] == pytest.approx(weighted, rel=1e-5)
    assert measured["loss"] == pytest.approx(each.mean(), rel=1e-5)


@pytest.mark.parametrize("balance", ["class_weights", "focal"])
def test_the_gradient_is_that_of_the_weighted_loss(balance, tmp_path):
    """One step of gradient descent, against finite differences of the loss written out."""
    recipe = recipe_of(balance, learning_rate=1.0, loss=None)
    built = experiment(recipe, data_of(recipe, (X, TWO)), tmp_path)
    before = [array.astype("float64") for array in built.model.get_weights()]
    built.model.fit(built.training.dataset, shuffle=False, verbose=0)
    after = built.model.get_weights()

    def loss(kernel, bias):
        z = X.astype("float64") @ kernel + bias
        if balance == "focal":
            p = 1 / (1 + np.exp(-z[:, 0]))
            right = np.where(TWO, p, 1 - p)
            alpha = np.where(TWO, 1 - TWO.mean(), TWO.mean())
            return -(alpha * (1 - right) ** 2 * np.log(right)).mean()
        right = np.exp(z)[np.arange(40), TWO] / np.exp(z).sum(axis=1)
        return -(compute_sample_weight("balanced", TWO) * np.log(right)).mean()

    for index in np.ndindex(before[0].shape):
        step = np.zeros_like(before[0])
        step[index] = 1e-5
        slope = (loss(before[0] + step, before[1]) - loss(before[0] - step, before[1])) / 2e-5
        assert before[0][index] - after[0][index] == pytest.approx(slope, rel=1e-3, abs=1e-6)


def test_focal_losses_of_several_classes_and_labels(tmp_path):
    trained, _, outputs = losses(recipe_of("focal"), THREE, tmp_path)
    weights = compute_sample_weight("balanced", THREE)
    alpha = weights / sum(compute_sample_weight("balanced", THREE)[[0, 30, 39]])
    right = outputs[np.arange(40), THREE]
    expected = -(alpha * (1 - right) ** 2 * np.log(right)).mean()
    assert trained["loss"][0] == pytest.approx(expected, rel=1e-4)

    trained, _, outputs = losses(recipe_of("focal"), LABELS, tmp_path)
    right = np.where(LABELS, outputs, 1 - outputs)
    rare = LABELS.mean(axis=0)
    alpha = np.where(LABELS, 1 - rare, rare)
    expected = -(alpha * (1 - right) ** 2 * np.log(right)).mean()
    assert trained["loss"][0] == pytest.approx(expected, rel=1e-4)


def test_arguments_of_a_named_focal_loss_are_kept(tmp_path):
    recipe = recipe_of("focal", loss={"binary_focal_crossentropy": {"gamma": 3, "alpha": 0.4}})
    built = experiment(recipe, data_of(recipe, (X, TWO)), tmp_path)
    config = built.model.loss.get_config()
    assert (config["gamma"], config["alpha"], config["apply_class_balancing"]) == (3, 0.4, True)


def test_the_baseline_is_that_of_equally_frequent_classes(tmp_path):
    for balance, y, expected in (
        ("class_weights", THREE, np.log(3)),
        ("resample", THREE, np.log(3)),
        ("class_weights", LABELS, np.log(2)),
    ):
        recipe = recipe_of(balance)
        built = experiment(recipe, data_of(recipe, (X, y)), tmp_path)
        assert built.baseline == pytest.approx(expected)
        assert built.constant.accuracy is None


@pytest.mark.parametrize(
    ("keys", "y", "place", "said"),
    [
        ({"balance": "resample"}, X[:, 0], "data.balance", "the targets are numbers to predict"),
        ({"balance": "resample"}, LABELS, "data.balance", "a row has several labels"),
        ({"threshold": 0.3}, THREE, "data.threshold", "there are 3 classes"),
        ({"threshold": 0.3}, X[:, 0], "data.threshold", "the targets are numbers to predict"),
        (
            {"threshold": {"maximize": "f1_score"}, "validation": 5, "task": "multilabel"},
            np.stack([np.arange(40) == 0, TWO], axis=1).astype(int),
            "data.threshold",
            "all validation rows have the same target for the label 0",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(keys, y, place, said, tmp_path):
    recipe = recipe_of("none", data=keys)
    with pytest.raises(RecipeError, match=place) as caught:
        experiment(recipe, data_of(recipe, (X, y)), tmp_path)
    assert said in str(caught.value)


def test_classes_of_numbers_to_predict_are_refused():
    recipe = recipe_of("none", data={"classes": [1, 2]})
    with pytest.raises(DataError, match="`classes` gives the order of classes"):
        data_of(recipe, (X, X[:, 0]))


def test_the_loss_of_labels_is_saved_with_the_model():
    loss = LabelLoss(keras.losses.BinaryCrossentropy())
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert float(again(LABELS[:2].astype("float32"), np.full((2, 2), 0.5))) == pytest.approx(
        np.log(2), rel=1e-5
    )


def test_a_model_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation="softmax")])
    before = model.predict(X, verbose=0)
    each = -np.log(before[np.arange(40), THREE])
    weights = compute_sample_weight("balanced", THREE)
    history = fit(recipe_of("class_weights"), model, X, FitOptions(THREE), progress=False)
    assert history.history["loss"][0] == pytest.approx((weights * each).mean(), rel=1e-5)
    soft = np.full((40, 3), 1 / 3)
    for recipe, y, said in (
        (recipe_of("focal"), THREE, "For a model of your own leave it out"),
        (recipe_of("class_weights"), soft, "the targets are no classes"),
    ):
        with pytest.raises(RecipeError, match=said):
            fit(recipe, model, X, FitOptions(y), progress=False)
