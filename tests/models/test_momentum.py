"""A momentum that follows a schedule, against the rules written out in NumPy."""

import keras
import numpy as np
import pytest

from keras_recipes.models import TrainingModel
from keras_recipes.schedules import OneCycleMomentum, PiecewiseLinear

RATE = 0.1
SCHEDULE = PiecewiseLinear([0, 4], [0.9, 0.5])
MOMENTA = [0.9, 0.8, 0.7, 0.6, 0.5, 0.5]
RANDOM = np.random.default_rng(2)
START = RANDOM.normal(size=(3, 2)).astype("float32")
GRADIENTS = RANDOM.normal(size=(6, 3, 2)).astype("float32")


def sgd(nesterov):
    weights, velocity = START.astype("float64"), np.zeros((3, 2))
    for momentum, gradient in zip(MOMENTA, GRADIENTS, strict=True):
        velocity = momentum * velocity - RATE * gradient
        weights = weights + (momentum * velocity - RATE * gradient if nesterov else velocity)
    return weights


def adam():
    weights, first, second = START.astype("float64"), np.zeros((3, 2)), np.zeros((3, 2))
    for number, (beta, gradient) in enumerate(zip(MOMENTA, GRADIENTS, strict=True), start=1):
        first = beta * first + (1 - beta) * gradient
        second = 0.999 * second + 0.001 * gradient**2
        corrected = RATE * np.sqrt(1 - 0.999**number) / (1 - beta**number)
        weights = weights - corrected * first / (np.sqrt(second) + 1e-7)
    return weights


def rmsprop():
    weights, mean, velocity = START.astype("float64"), np.zeros((3, 2)), np.zeros((3, 2))
    for momentum, gradient in zip(MOMENTA, GRADIENTS, strict=True):
        mean = 0.9 * mean + 0.1 * gradient**2
        velocity = momentum * velocity + RATE * gradient / np.sqrt(mean + 1e-7)
        weights = weights - velocity
    return weights


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: keras.optimizers.SGD(RATE, momentum=0.3), sgd(False)),
        (lambda: keras.optimizers.SGD(RATE, momentum=0.3, nesterov=True), sgd(True)),
        (lambda: keras.optimizers.Adam(RATE), adam()),
        (lambda: keras.optimizers.RMSprop(RATE, momentum=0.3), rmsprop()),
    ],
    ids=["sgd", "nesterov", "adam", "rmsprop"],
)
def test_each_update_has_the_momentum_of_its_step(drive, make, expected):
    values, _ = drive([START], [[gradient] for gradient in GRADIENTS], make(), momentum=SCHEDULE)
    np.testing.assert_allclose(values[-1][0], expected, rtol=2e-5)


def test_the_optimizer_keeps_its_own_number_for_its_configuration(drive):
    optimizer = keras.optimizers.SGD(RATE, momentum=0.3)
    drive([START], [[GRADIENTS[0]]], optimizer, momentum=SCHEDULE)
    assert optimizer.get_config()["momentum"] == 0.3


@pytest.mark.parametrize(
    "jit", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["graph", "xla"]
)
@pytest.mark.parametrize("name", ["SGD", "Nadam", "Lion", "Adamax", "Lamb"])
def test_a_constant_schedule_is_the_constant(fitted, model, name, jit):
    def optimizer():
        named = {"momentum": 0.8} if name == "SGD" else {"beta_1": 0.8}
        return getattr(keras.optimizers, name)(**named)

    flat = OneCycleMomentum(8, 0.8, 0.8)
    scheduled = fitted(model(momentum=flat), optimizer(), jit_compile=jit)[0].get_weights()
    constant = fitted(model(), optimizer(), jit_compile=jit)[0].get_weights()
    for ours, theirs in zip(scheduled, constant, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


def test_a_saved_model_has_the_schedule(data, model, fitted, tmp_path):
    made, _ = fitted(model(momentum=OneCycleMomentum(16)))
    made.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for one in (made, again):
        one.fit(*data, batch_size=8, epochs=1, shuffle=False, verbose=0)
    for ours, theirs in zip(made.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (keras.optimizers.SGD(RATE), "Give it any momentum above 0"),
        (keras.optimizers.Adagrad(RATE), "Adagrad has neither of `momentum`, `beta_1`"),
    ],
)
def test_an_optimizer_without_momentum_is_reported(data, model, optimizer, message):
    made = model(momentum=SCHEDULE)
    made.compile(optimizer, "mse")
    with pytest.raises(ValueError, match=message):
        made.fit(*data, epochs=1, verbose=0)


def test_a_number_is_no_schedule():
    inputs = keras.Input((2,))
    with pytest.raises(ValueError, match="`momentum` must be a `LearningRateSchedule`"):
        TrainingModel(inputs, keras.layers.Dense(1)(inputs), momentum=0.9)
