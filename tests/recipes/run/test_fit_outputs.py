"""`Recipe.fit` on models of the user's own with several inputs and outputs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_recipes
from keras_recipes.recipes.errors import RequestError

RNG = np.random.default_rng(0)
X = {
    "a": RNG.normal(size=(40, 4)).astype("float32"),
    "b": RNG.normal(size=(40, 3)).astype("float32"),
}
Y = {"price": X["a"].sum(1), "cut": RNG.integers(0, 3, 40)}
NAMES = {"price_rmse", "price_mae", "cut_accuracy", "price_loss", "cut_loss", "loss"}


def recipe(**more):
    return keras_recipes.load({
        "name": "x", "data": {"source": "arrays", "batch_size": 8, "validation": 0.2},
        "model": {"layers": []}, "epochs": 2, **more,
    })  # fmt: skip


def functional(kind=dict):
    keras.utils.set_random_seed(0)
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    both = keras.layers.Concatenate()([a, b])
    ends = {
        "price": keras.layers.Dense(1, name="price")(both),
        "cut": keras.layers.Dense(3, activation="softmax", name="cut")(both),
    }
    return keras.Model({"a": a, "b": b}, ends if kind is dict else list(ends.values()))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.price, self.cut = keras.layers.Dense(1), keras.layers.Dense(3, activation="softmax")

    def call(self, inputs):
        both = keras.ops.concatenate([inputs["a"], inputs["b"]], axis=1)
        return {"price": self.price(both), "cut": self.cut(both)}


@pytest.mark.parametrize("kind", [dict, list])
def test_each_output_has_the_loss_and_metrics_that_fit_it(kind):
    history = recipe().fit(functional(kind), X, Y, progress=False).history
    assert NAMES | {f"val_{name}" for name in NAMES} <= set(history)
    assert history["price_loss"][1] < history["price_loss"][0]
    np.testing.assert_allclose(
        history["val_loss"], np.add(history["val_price_loss"], history["val_cut_loss"]), rtol=1e-5
    )


def test_the_first_update_is_that_of_keras():
    model, own = functional(), functional()
    given = {"optimizer": "sgd", "learning_rate": 0.1, "epochs": 1}
    data = {"source": "arrays", "batch_size": "all", "validation": None}
    recipe(**given, data=data).fit(model, X, [Y["price"], Y["cut"]], progress=False)
    losses = {"price": "mse", "cut": "sparse_categorical_crossentropy"}
    own.compile(keras.optimizers.SGD(0.1), losses)
    own.fit(X, {"price": Y["price"][:, None], "cut": Y["cut"]}, batch_size=40, epochs=1, verbose=0)
    for one, other in zip(model.get_weights(), own.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_outputs_of_the_recipe_decide_loss_weight_and_metrics():
    found = recipe(
        data={"source": "arrays", "target": ["price", "cut"], "batch_size": "all",
            "validation": None},
        model={"layers": [], "outputs": {
            "price": {"loss": "mean_absolute_error", "weight": 0.1,
                "metrics": ["mean_squared_error"]},
            "cut": {"loss": "sparse_categorical_crossentropy"},
        }},
    )  # fmt: skip
    model = Subclassed()
    model(X)
    history = found.fit(model, X, Y, progress=False).history
    assert "price_mean_squared_error" in history
    np.testing.assert_allclose(
        history["loss"],
        0.1 * np.array(history["price_loss"]) + np.array(history["cut_loss"]),
        rtol=1e-5,
    )


def test_streams_and_weights_of_rows():
    batches = tf.data.Dataset.from_tensor_slices((X, Y)).batch(10)
    history = recipe().fit(functional(), batches, validation_data=batches, progress=False).history
    assert {"val_cut_accuracy", "price_rmse"} <= set(history)
    weights = np.ones(40, "float32")
    one = recipe().fit(functional(), X, Y, sample_weight=weights, progress=False).history
    other = recipe().fit(functional(), X, Y, progress=False).history
    np.testing.assert_allclose(one["loss"], other["loss"], rtol=1e-5)


WRONG = {
    "missing": ({"price": Y["price"]}, "y: has no targets for the output `cut`"),
    "unknown": ({**Y, "cat": Y["cut"]}, "has no output `cat`."),
    "array": (Y["price"], "has the outputs `price` or `cut`; give targets for each, by name"),
    "classes": ({**Y, "cut": Y["cut"] + 5}, "classes must be whole numbers from 0 to 2"),
    "rows": ({**Y, "cut": Y["cut"][:9]}, "y: the outputs have different numbers of rows"),
}


@pytest.mark.parametrize(("y", "wrong"), WRONG.values(), ids=WRONG)
def test_targets_that_do_not_fit_are_refused(y, wrong):
    with pytest.raises(RequestError) as found:
        recipe().fit(functional(), X, y, progress=False)
    assert wrong in str(found.value)
