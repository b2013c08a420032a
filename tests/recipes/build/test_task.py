"""Output layer, loss and targets by task: several labels, and targets in a unit of their own."""

import keras
import numpy as np
import pytest

from keras_recipes.recipes.build.experiment import experiment
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.build.task import task_of
from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.spec import load

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 3)).astype("float32")
UNIT = X @ [[0.5], [1.0], [-0.7]] + 0.1 * RNG.normal(size=(64, 1))
UNIT = (UNIT - UNIT.mean()) / UNIT.std()
LABELS = (X > 0).astype(int)


def recipe_of(data=None, **keys):
    sections = {
        "name": "x",
        "data": {"source": "arrays", "validation": None, "test": None, **(data or {})},
        "model": {"layers": [{"dense": {"units": 8, "activation": "tanh"}}]},
        "learning_rate": 0.05,
        "epochs": 8,
        **keys,
    }
    return load(sections)


def fitted(recipe, y, tmp_path):
    built = experiment(recipe, data_of(recipe, (X, y)), tmp_path)
    history = built.model.fit(
        built.training.dataset, epochs=recipe.epochs, shuffle=False, verbose=0
    ).history
    return built, {name: values[-1] for name, values in history.items()}


def last(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)][-1]


def test_several_labels_get_a_sigmoid_each(tmp_path):
    built, logs = fitted(recipe_of(loss="binary_crossentropy"), LABELS, tmp_path)
    assert last(built.model).activation.__name__ == "sigmoid"
    assert built.model.output_shape == (None, 3)
    assert {"accuracy", "auc"} <= set(logs)
    assert logs["loss"] < 0.7
    assert "task: multilabel, 3 labels; loss: binary_crossentropy" in built.summary


def test_logits_of_labels(tmp_path):
    recipe = recipe_of(loss={"binary_crossentropy": {"from_logits": True}})
    task = task_of(recipe, data_of(recipe, (X, LABELS)))
    assert (task.activation, task.output_function) == ("linear", "sigmoid")


@pytest.mark.parametrize(
    ("keys", "y", "place", "reason"),
    [
        ({"loss": "binary_crossentropy"}, UNIT, "loss", "numbers from -"),
        ({"loss": "binary_crossentropy"}, np.arange(64) % 3, "loss", "the data has 3"),
        ({"loss": "categorical_crossentropy"}, LABELS, "loss", "a row has 3 labels"),
        ({"loss": "sparse_categorical_crossentropy"}, UNIT + 0.5, "loss", "numbers to predict"),
        (
            {
                "loss": "binary_crossentropy",
                "model": {"layers": [], "output": {"dense": {"units": 3}}},
            },
            LABELS,
            "loss",
            "ends in a linear layer",
        ),
        (
            {
                "loss": "binary_crossentropy",
                "model": {"layers": [], "output": {"dense": {"units": 3, "activation": "softmax"}}},
            },
            LABELS,
            "loss",
            "takes each output by itself",
        ),
        ({"data": {"target_scale": "standardize"}}, LABELS, "data.target_scale", "are labels"),
        (
            {"data": {"target_scale": "standardize"}, "loss": "poisson"},
            UNIT,
            "data.target_scale",
            "needs the targets as they are",
        ),
    ],
)
def test_a_loss_that_does_not_fit_is_refused(keys, y, place, reason, tmp_path):
    recipe = recipe_of(**keys)
    with pytest.raises(RecipeError, match=reason) as caught:
        experiment(recipe, data_of(recipe, (X, y)), tmp_path)
    assert f"{place}:" in str(caught.value)


def test_probabilities_to_predict_get_a_sigmoid_or_a_softmax():
    each = recipe_of(loss="binary_crossentropy")
    p = RNG.random((64, 2))
    assert task_of(each, data_of(each, (X, p))).activation == "sigmoid"
    rows = recipe_of(loss="categorical_crossentropy")
    assert task_of(rows, data_of(rows, (X, p / p.sum(1, keepdims=True)))).activation == "softmax"


def test_prices_are_learned_and_predicted_in_their_own_unit(tmp_path):
    prices = UNIT * 30_000 + 200_000
    before, _ = fitted(recipe_of({"target_scale": "none"}), prices, tmp_path)
    assert "target_scale: standardize" in before.constant.scale
    built, logs = fitted(recipe_of(), prices, tmp_path)
    assert built.constant.scale == ""
    assert built.baseline == pytest.approx(1.0)
    assert logs["loss"] < 0.2
    # The metrics are those of the epoch's batches; what is saved predicts prices.
    assert 0 < logs["rmse"] < 15_000
    built.model.network().save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras", compile=False)
    errors = model.predict(X, verbose=0) - prices
    assert np.sqrt(np.square(errors).mean()) < 15_000
    found = built.model.evaluate(built.training.dataset, verbose=0, return_dict=True)
    measured = {name: float(value) for name, value in found.items()}
    assert measured["loss"] == pytest.approx(np.square(errors / prices.std()).mean(), rel=1e-3)
    assert measured["rmse"] == pytest.approx(np.sqrt(np.square(errors).mean()), rel=1e-3)
    # A recipe's checkpoints are plain networks; saved with its compilation, it knows its loss.
    built.model.saves_network = False
    built.model.save(tmp_path / "compiled.keras")
    again = keras.models.load_model(tmp_path / "compiled.keras")
    loss = float(again.evaluate(built.training.dataset, verbose=0)[0])
    assert loss == pytest.approx(measured["loss"])


@pytest.mark.parametrize(
    "loss",
    [
        "mean_squared_error",
        pytest.param("huber", marks=pytest.mark.slow),
        pytest.param("root_mean_squared_error", marks=pytest.mark.slow),
    ],
)
def test_the_unit_does_not_change_what_is_learned(loss, tmp_path):
    clipped = {
        "loss": loss,
        "gradient_clipping": {"global_norm": 0.5},
        "weight_decay": {"rate": 0.1},
    }
    plain, _ = fitted(recipe_of({"target_scale": "none"}, **clipped), UNIT, tmp_path)
    for scale, offset in ((1.0, 0.0), (1e4, 2e5)):
        built, _ = fitted(recipe_of(**clipped), UNIT * scale + offset, tmp_path)
        predicted = (built.model.predict(X, verbose=0) - offset) / scale
        np.testing.assert_allclose(predicted, plain.model.predict(X, verbose=0), atol=2e-3)


@pytest.mark.parametrize(
    ("keys", "scaled"),
    [
        ({}, True),
        ({"loss": "mean_absolute_error"}, True),
        ({"loss": "poisson"}, False),
        ({"loss": "mean_squared_logarithmic_error"}, False),
        ({"data": {"target_scale": "none"}}, False),
        ({"data": {"targets": "inputs"}}, False),
        ({"model": {"layers": [], "output": {"dense": {"units": 1}}}}, False),
    ],
)
def test_when_targets_are_standardized(keys, scaled):
    recipe = recipe_of(**keys)
    task = task_of(recipe, data_of(recipe, (X, np.abs(UNIT))))
    assert (task.scaling is not None) == scaled


def test_each_column_of_targets_has_a_scale_of_its_own(tmp_path):
    y = np.concatenate([UNIT * 1e-3, UNIT * 1e5 + 1e6], axis=1)
    built, _ = fitted(recipe_of(), y, tmp_path)
    errors = (built.model.predict(X, verbose=0) - y) / y.std(axis=0)
    assert np.abs(errors).mean(axis=0) == pytest.approx([0.2, 0.2], abs=0.2)
    built.model.network().save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_array_equal(model.predict(X, verbose=0), built.model.predict(X, verbose=0))
