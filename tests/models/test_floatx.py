"""The training step in every type of float that Keras can be set to."""

import keras
import numpy as np
import pytest

from keras_recipes.models import (
    AdversarialTraining,
    GradientCentralization,
    GradientClipping,
    GradientNoise,
    LayerRates,
    SharpnessAware,
    TrainingModel,
    WeightAveraging,
    WeightDecay,
)
from keras_recipes.schedules import Linear


@pytest.fixture(params=["float64", "bfloat16", "float16"])
def floatx(request):
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(request.param)
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


ALL_PARTS = {
    "one of each": lambda: {
        "gradient_clipping": GradientClipping(
            1.0, 1.0, 1.0, block_rms=1.0, adaptive=0.1, percentile=50, z_score=2.0
        ),
        "weight_decay": WeightDecay(0.1, max_norm=1.0),
        "gradient_accumulation": 2,
        "gradient_transforms": [GradientCentralization(), GradientNoise()],
        "sam": SharpnessAware(),
        "adversarial_training": AdversarialTraining(0.1),
        "weight_averaging": WeightAveraging(0.9),
        "layer_rates": LayerRates([{"match": "hidden", "multiplier": 0.5}]),
        "momentum": Linear(0.9, 10, 0.5),
    },
    "raise, mean": lambda: {
        "gradient_clipping": GradientClipping(global_norm=0.1, nonfinite="raise"),
        "weight_averaging": WeightAveraging(start=1),
        "weight_decay": WeightDecay(Linear(0.1, 10), "l2"),
    },
    "skip, l2_loss": lambda: {
        "gradient_clipping": GradientClipping(0.1, nonfinite="skip"),
        "weight_decay": WeightDecay(0.1, "l2_loss"),
    },
}


@pytest.mark.parametrize("parts", ALL_PARTS.values(), ids=ALL_PARTS)
def test_trains_with_every_part(floatx, parts, model, data):
    made = model(**parts())
    assert {weight.dtype for weight in made.weights} == {floatx}
    before = [np.array(weight, "float32") for weight in made.trainable_variables]
    made.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse", run_eagerly=True)
    history = made.fit(*data, batch_size=8, epochs=1, verbose=0).history
    assert all(np.isfinite(float(value)).all() for values in history.values() for value in values)
    after = [np.array(weight, "float32") for weight in made.trainable_variables]
    assert all((one != two).any() for one, two in zip(before, after, strict=True))
    made.evaluate(*data, verbose=0)


@pytest.mark.parametrize("floatx", ["float64"], indirect=True)
def test_a_step_in_float64_has_its_digits(floatx):
    """Against the update written out: mean squared error and r / 2 ||w||^2, plain descent."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(8, 4)), random.normal(size=(8, 2))
    inputs = keras.Input((4,))
    model = TrainingModel(
        inputs, keras.layers.Dense(2)(inputs), weight_decay=WeightDecay(0.25, "l2_loss")
    )
    w, b = (np.array(weight) for weight in model.weights)
    for _ in range(3):
        error = 2 * (x @ w + b - y) / y.size
        w, b = w - 0.5 * (x.T @ error + 0.25 * w), b - 0.5 * error.sum(0)
    model.compile(keras.optimizers.SGD(0.5), "mse", run_eagerly=True)
    model.fit(x, y, batch_size=8, epochs=3, verbose=0)
    for ours, expected in zip(model.weights, (w, b), strict=True):
        np.testing.assert_allclose(np.array(ours), expected, rtol=1e-12)
