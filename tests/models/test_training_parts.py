"""The one list of training parts, and what is held against it: recipes, catalog, arguments."""

from dataclasses import fields

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.models import (
    AdversarialTraining,
    GradientClipping,
    GradientNoise,
    LayerRate,
    LayerRates,
    SharpnessAware,
    TrainingModel,
    TrainingParts,
    WeightAveraging,
    WeightDecay,
)
from keras_recipes.models.training_parts import OPTIMIZER_SETTINGS, PART_NAMES, part_classes
from keras_recipes.recipes.spec import Recipe, catalog
from keras_recipes.schedules import Linear


def test_a_recipe_has_a_key_for_each_part():
    keys = Recipe.model_fields
    for row in fields(TrainingParts):
        # The momentum is an argument of the optimizer.
        if row.name != "momentum":
            default = keys[row.name].default
            assert (tuple(default) if isinstance(default, list) else default) == row.default


def test_the_sections_of_the_catalog_are_the_parts_with_a_class():
    parts = set(part_classes()) - {"momentum"}
    # The other section is in `pretraining`.
    assert set(catalog.sections()) == parts | {"regularization"}
    for name in parts:
        cls = part_classes()[name]
        assert catalog.entry(name, name).class_path == f"{cls.__module__}.{cls.__qualname__}"


def test_each_setting_of_an_optimizer_names_a_part():
    assert set(OPTIMIZER_SETTINGS.values()) <= set(PART_NAMES)


def test_none_and_defaults_are_not_active():
    assert TrainingParts().active() == {}
    assert TrainingParts.of(dict.fromkeys(PART_NAMES)) == TrainingParts()
    clipping = GradientClipping(1.0)
    parts = TrainingParts(gradient_clipping=clipping, gradient_accumulation=2)
    assert parts.active() == {"gradient_clipping": clipping, "gradient_accumulation": 2}


def test_schedules_are_found_in_the_parts():
    momentum, rate = Linear(0.9, 10), Linear(0.1, 10)
    assert TrainingParts(momentum=momentum).schedules() == [momentum]
    parts = TrainingParts(weight_decay=WeightDecay(rate), momentum=momentum)
    assert parts.schedules() == [momentum, rate]
    assert TrainingParts(weight_decay=WeightDecay(0.1)).schedules() == []


def test_an_unknown_part_is_an_error():
    with pytest.raises(TypeError, match="sharpness"):
        TrainingParts.of({"sharpness": 1})


HUGE = [10**400, -(10**400), 10**5000]


@pytest.mark.parametrize("huge", HUGE, ids=range(len(HUGE)))
@pytest.mark.parametrize(
    "make",
    [
        lambda value: GradientClipping(global_norm=value),
        lambda value: LayerRate("a", value),
        lambda value: GradientNoise(value),
        lambda value: GradientNoise(seed=value),
        lambda value: WeightAveraging(start=value),
    ],
)
def test_a_huge_number_is_refused_by_name(make, huge):
    with pytest.raises(ValueError, match="Argument `"):
        make(huge)


@pytest.mark.parametrize("huge", [2**47, 2**63])
def test_a_number_that_no_update_could_use_is_refused(huge):
    with pytest.raises(ValueError, match=r"must be < 2\^47"):
        WeightAveraging(start=huge)
    with pytest.raises(ValueError, match=r"must be < 2\^47"):
        GradientNoise(seed=huge)


def test_the_largest_numbers_work():
    largest = 2**47 - 1
    noise = GradientNoise(0.1, seed=largest)([tf.zeros(3)] * 2, tf.constant(5, tf.int64))
    assert np.isfinite(np.asarray(noise)).all()
    assert float(WeightAveraging(0.9, start=largest).fraction(largest)) == 1.0


def test_numbers_of_numpy_are_numbers():
    assert GradientClipping(np.float32(0.5)).value == 0.5
    assert WeightAveraging(np.float64(0.5), start=np.int64(3)).get_config()["start"] == 3
    with pytest.raises(ValueError, match="must be a number"):
        GradientClipping(np.True_)


# A value of each part that is unlike its default.
VALUES = {
    "gradient_clipping": GradientClipping(global_norm=1e-3),
    "weight_decay": WeightDecay(0.1),
    "layer_rates": LayerRates([LayerRate("hidden", 0.5)]),
    "gradient_accumulation": 2,
    "gradient_transforms": (GradientNoise(0.1),),
    "sam": SharpnessAware(0.5),
    "adversarial_training": AdversarialTraining(0.5),
    "weight_averaging": WeightAveraging(),
    "momentum": Linear(0.9, 2),
}


def trained(**parts):
    """The weights of a small network after two updates, or one where two batches make it."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(5, activation="tanh", name="hidden")(inputs)
    model = TrainingModel(inputs, keras.layers.Dense(2, name="out")(hidden), **parts)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.5), "mse")
    rows = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
    model.fit(rows, rows[:, :2], batch_size=8, epochs=1, shuffle=False, verbose=0)
    return np.concatenate([np.ravel(w) for w in model.get_weights()])


@pytest.fixture(scope="module")
def without_parts():
    return trained()


@pytest.mark.parametrize("name", PART_NAMES)
def test_each_part_acts(name, without_parts):
    assert np.abs(trained(**{name: VALUES[name]}) - without_parts).max() > 1e-5
