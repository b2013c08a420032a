"""Steps as a loop of one program: what single steps compute, however many an execution has."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.callbacks.epoch_order import EpochOrder
from keras_recipes.models import GradientClipping, TrainingModel, WeightAveraging, WeightDecay
from keras_recipes.models.adversarial import AdversarialTraining
from keras_recipes.models.training_parts import SharpnessAware
from keras_recipes.recipes.data import Split
from keras_recipes.recipes.data.order import training_dataset

RNG = np.random.default_rng(0)
# Bytes, which the loop casts; the last batch of 8 has 5 rows.
X = RNG.integers(0, 256, size=(45, 6), dtype="uint8")
Y = RNG.integers(0, 3, size=45)


def network(*, dropout=0.0, **parts):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((6,))
    hidden = keras.layers.Rescaling(1 / 255)(inputs)
    hidden = keras.layers.Dense(5, activation="tanh")(hidden)
    hidden = keras.layers.BatchNormalization()(hidden)
    if dropout:
        hidden = keras.layers.Dropout(dropout)(hidden)
    outputs = keras.layers.Dense(3, activation="softmax")(hidden)
    return TrainingModel(inputs, outputs, **parts)


def trained(model, *, held, steps=4, batch_size=8, jit=True):
    """Weights after two epochs, and the history."""
    model.compile(
        keras.optimizers.Adam(0.01),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=steps,
        jit_compile=jit,
    )
    training = training_dataset(Split(X, Y), batch_size=batch_size, seed=1)
    dataset = training.dataset
    if held:
        model.hold_rows(training.held)
        dataset = training.numbers(steps).dataset
    callbacks = [EpochOrder(training.epoch)]
    history = model.fit(
        dataset,
        steps_per_epoch=training.steps,
        epochs=2,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    )
    return model.get_weights(), history.history


def same(first, second, **tolerance):
    for a, b in zip(first[0], second[0], strict=True):
        np.testing.assert_allclose(a, b, **tolerance)
    assert first[1].keys() == second[1].keys()
    for name, values in first[1].items():
        np.testing.assert_allclose(values, second[1][name], **tolerance)


ROUNDING = {"rtol": 1e-4, "atol": 1e-6}


@pytest.mark.parametrize(
    "parts",
    [
        {
            "gradient_clipping": GradientClipping(global_norm=0.1),
            "weight_decay": WeightDecay(1e-2),
            "weight_averaging": WeightAveraging(decay=0.9),
        },
        {"gradient_accumulation": 4, "sam": SharpnessAware(rho=0.05)},
        {"adversarial_training": AdversarialTraining(0.1)},
    ],
    ids=["clipping, decay and averaging", "accumulation and SAM", "adversarial"],
)
def test_the_loop_computes_what_single_steps_do(parts):
    loop = trained(network(**parts), held=True)
    same(loop, trained(network(**parts), held=False, jit=False), **ROUNDING)


def test_without_xla_the_loop_computes_what_single_steps_do():
    loop = trained(network(dropout=0.3), held=True, jit=False)
    same(loop, trained(network(dropout=0.3), held=False, jit=False), **ROUNDING)


@pytest.mark.parametrize("jit", [True, False], ids=["XLA", "TensorFlow"])
def test_executions_of_any_length_compute_the_same_bits(jit):
    first = trained(network(dropout=0.3), held=True, steps=1, jit=jit)
    for steps in (4, 6):
        again = trained(network(dropout=0.3), held=True, steps=steps, jit=jit)
        same(first, again, rtol=0, atol=0)


def test_a_gradient_that_is_not_finite_is_raised_after_the_execution():
    model = network(gradient_clipping=GradientClipping(global_norm=1.0, nonfinite="raise"))
    model.layers[2].kernel.assign(tf.fill((6, 5), np.nan))
    with pytest.raises(ArithmeticError, match="After 0 updates"):
        trained(model, held=True)


def test_a_model_that_holds_rows_still_takes_batches():
    model = network()
    model.hold_rows(training_dataset(Split(X, Y), batch_size=8, seed=1).held)
    same(trained(model, held=False, jit=False), trained(network(), held=False, jit=False), rtol=0)
