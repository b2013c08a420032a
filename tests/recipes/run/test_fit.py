"""`Recipe.fit`: targets mean what they mean to `model.fit`."""

import keras
import numpy as np
import pytest

import keras_recipes
from keras_recipes.recipes.build.fit_rows import rows_for
from keras_recipes.recipes.build.fit_targets import task_for
from keras_recipes.recipes.build.fitting import data_for, own_validation
from keras_recipes.recipes.errors import RequestError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 5)).astype("float32")
CLASSES = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
LOGITS = {"from_logits": True}


def recipe_of(loss=None, **keys):
    sections = {
        "name": "x",
        "data": {"source": "arrays", "batch_size": 16, "validation": None},
        "model": {"layers": []},
        "optimizer": "adam",
        "learning_rate": 0.02,
        "epochs": 1,
        **keys,
    }
    return keras_recipes.load({**sections, **({"loss": loss} if loss else {})})


def net(units=3, activation="softmax"):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(16, "relu"), keras.layers.Dense(units, activation)]
    return keras.Sequential([keras.Input((5,)), *layers])


@pytest.mark.parametrize(
    ("units", "activation", "y", "loss", "form", "default"),
    [
        (3, "softmax", CLASSES, None, "labels", "sparse_categorical_crossentropy"),
        (3, "softmax", CLASSES * 1.0, None, "labels", "sparse_categorical_crossentropy"),
        (3, "softmax", CLASSES[:, None], None, "labels", "sparse_categorical_crossentropy"),
        (10, "softmax", CLASSES, None, "labels", "sparse_categorical_crossentropy"),
        (3, "softmax", np.eye(3)[CLASSES], None, "one_hot", "categorical_crossentropy"),
        (3, "softmax", np.eye(3)[CLASSES], "mean_squared_error", "one_hot", "mean_squared_error"),
        (1, "sigmoid", CLASSES > 1, None, "binary", "binary_crossentropy"),
        (1, "sigmoid", (CLASSES > 1) * 1.0, None, "binary", "binary_crossentropy"),
        (3, "sigmoid", np.eye(3)[CLASSES], None, "multilabel", "binary_crossentropy"),
        (1, "linear", CLASSES, None, "values", "mean_squared_error"),
        (2, "linear", X[:, :2], None, "values", "mean_squared_error"),
        (1, "linear", CLASSES > 1, {"binary_crossentropy": LOGITS}, "binary", None),
        (3, "linear", CLASSES, {"sparse_categorical_crossentropy": LOGITS}, "labels", None),
    ],
)
def test_the_loss_follows_from_output_and_targets(units, activation, y, loss, form, default):
    model, recipe = net(units, activation), recipe_of(loss)
    task, targets = task_for(recipe, model, y)
    assert task.form == form
    assert default in (None, task.loss)
    np.testing.assert_array_equal(targets, np.squeeze(y))
    data, kept = data_for(recipe, task, rows_for(model, X, "x"), targets)
    np.testing.assert_array_equal(data.train.y, targets)
    assert data.validation is kept is None
    validation, _ = own_validation(recipe, model, task, (X[:9], y[:9]))
    np.testing.assert_array_equal(validation.y, targets[:9])


@pytest.mark.parametrize(
    ("units", "activation", "y", "loss", "reason"),
    [
        (3, "softmax", CLASSES + 1, None, "from 0 to 2. Received 3. They begin at 1: subtract 1"),
        (3, "softmax", CLASSES - 1, None, "from 0 to 2. Received -1"),
        (3, "softmax", CLASSES + 0.5, None, "must be whole numbers"),
        (3, "softmax", np.eye(4)[CLASSES], None, "a column of targets for each"),
        (3, "softmax", np.eye(3)[CLASSES] * 2, None, "targets from 0 to 1"),
        (3, "softmax", CLASSES, "categorical_crossentropy", "a column of targets for each"),
        (3, "softmax", np.eye(3)[CLASSES], "sparse_categorical_crossentropy", "one class number"),
        (1, "sigmoid", CLASSES, None, "targets from 0 to 1"),
        (3, "softmax", np.array(["a"] * 96), None, "class numbers from 0"),
        (3, "linear", CLASSES, None, "from_logits: true"),
        (1, "linear", CLASSES > 1, "binary_crossentropy", "ends in a linear layer"),
        (1, "sigmoid", CLASSES > 1, {"binary_crossentropy": LOGITS}, "Leave one of them out"),
        (1, "linear", X[:, :2], None, "a column of targets for each"),
        (1, "linear", np.full(96, np.nan), None, "nan at"),
    ],
)
def test_targets_that_do_not_fit_are_refused(units, activation, y, loss, reason):
    with pytest.raises(RequestError, match=reason):
        task_for(recipe_of(loss), net(units, activation), y)


def test_a_class_keeps_its_number():
    # Class 0 never occurs, and the head is wider than the classes.
    model, y = net(6), CLASSES + 2
    history = recipe_of(epochs=25).fit(model, X, y, validation_data=(X, y), progress=False)
    assert history.history["val_accuracy"][-1] > 0.9
    assert np.mean(model.predict(X, verbose=0).argmax(axis=1) == y) > 0.9


def test_one_hot_rows_train_as_class_numbers_do():
    models = [net(), net()]
    for model, y in zip(models, (CLASSES, np.eye(3, dtype="float64")[CLASSES]), strict=True):
        recipe_of(epochs=3).fit(model, X, y, progress=False)
    for one, other in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_part_of_the_rows_is_kept_for_validation():
    data = {"source": "arrays", "validation": 0.25}
    recipe, model = recipe_of(data=data), net()
    task, targets = task_for(recipe, model, CLASSES)
    split, _ = data_for(recipe, task, rows_for(model, X, "x"), targets)
    assert (len(split.train), len(split.validation)) == (72, 24)
    whole = np.bincount(CLASSES) / 4
    assert np.abs(np.bincount(split.validation.y) - whole).max() <= 1


def test_a_model_of_another_precision_is_refused():
    with pytest.raises(RequestError, match="the recipe asks for `mixed_bfloat16`"):
        recipe_of(precision="mixed_bfloat16").fit(net(), X, CLASSES)
