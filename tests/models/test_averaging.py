"""Averaged weights: what is averaged, and where the average is used."""

import keras
import numpy as np
import pytest

from keras_recipes.models import TrainingModel, WeightAveraging

GRADIENTS = [[np.array([[float(g)]])] for g in (1, 2, 4, 8, 16)]
# Plain SGD of rate 1 from 0: the weights after each update.
PATH = -np.cumsum([1.0, 2, 4, 8, 16])


def averages(drive, **settings):
    """The average after each update."""
    found = []
    for count in range(1, 6):
        _, rule = drive(
            [np.zeros((1, 1))],
            GRADIENTS[:count],
            keras.optimizers.SGD(1.0),
            weight_averaging=WeightAveraging(**settings),
        )
        found.append(float(rule.memory["average_0"].numpy()[0, 0]))
    return found


def test_with_a_decay_it_is_exponential(drive):
    expected, average = [], 0.0
    for weight in PATH:
        average = 0.9 * average + 0.1 * weight
        expected.append(average)
    assert averages(drive, decay=0.9) == pytest.approx(expected, rel=1e-5)


def test_without_one_it_is_the_mean_from_the_start_on(drive):
    """Until update 2 the weights themselves; then the mean of those of updates 2, 4."""
    expected = [PATH[0], PATH[1], PATH[1], (PATH[1] + PATH[3]) / 2, (PATH[1] + PATH[3]) / 2]
    assert averages(drive, start=2, every=2) == pytest.approx(expected, rel=1e-6)


def network(**parts):
    keras.utils.set_random_seed(5)
    inputs = keras.Input((4,))
    hidden = keras.layers.BatchNormalization()(keras.layers.Dense(5)(inputs))
    made = TrainingModel(inputs, keras.layers.Dense(2)(hidden), **parts)
    made.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    return made


def fit(made, data, epochs, **arguments):
    x, y = data
    return made.fit(
        x, y, batch_size=8, epochs=epochs, shuffle=False, verbose=0, **arguments
    ).history


def mean_of_epochs(data, epochs):
    """The mean of the weights after each epoch of four updates, all of them."""
    made, found = network(), []
    for _ in range(epochs):
        fit(made, data, 1)
        found.append(made.get_weights())
    return [np.mean(values, axis=0) for values in zip(*found, strict=True)]


def close(got, expected):
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_the_average_is_validated_used_and_left_in_the_model(data):
    """Moving statistics of normalization are averaged with the rest."""
    averaging = WeightAveraging(start=4, every=4)
    made = network(weight_averaging=averaging)
    history = fit(made, data, 3, validation_data=data)
    expected = network()
    losses = []
    for epochs in (1, 2, 3):
        expected.set_weights(mean_of_epochs(data, epochs))
        losses.append(expected.evaluate(*data, verbose=0))
    close(made.get_weights(), expected.get_weights())
    assert history["val_loss"] == pytest.approx(losses, rel=1e-4)
    assert float(made.evaluate(*data, verbose=0)) == pytest.approx(losses[-1], rel=1e-4)
    np.testing.assert_allclose(
        made.predict(data[0], verbose=0), expected.predict(data[0], verbose=0), atol=1e-5
    )


def test_training_continues_from_the_weights_and_not_from_the_average(data):
    averaging = WeightAveraging(0.8)
    whole, parted = (network(weight_averaging=averaging) for _ in range(2))
    fit(whole, data, 4)
    for _ in range(4):
        fit(parted, data, 1, validation_data=data)
        parted.predict(data[0], verbose=0)
    for a, b in zip(parted.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("inside", [False, True])
def test_a_saved_model_holds_both(data, tmp_path, inside):
    """Saved after training, or by a callback in the middle of it."""
    path = tmp_path / "model.keras"
    averaging = WeightAveraging(0.8)
    whole = network(weight_averaging=averaging)
    fit(whole, data, 4)
    half = network(weight_averaging=averaging)
    saved = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: half.save(path) if epoch == 1 else None
    )
    fit(half, data, 3 if inside else 2, callbacks=[saved])
    loaded = keras.models.load_model(path, compile=False)
    again = keras.models.load_model(path)
    if not inside:
        close(loaded.get_weights(), half.get_weights())
    close(again.predict(data[0], verbose=0), loaded.predict(data[0], verbose=0))
    fit(again, data, 2)
    for a, b in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_early_stopping_restores_the_average_that_it_saw(data):
    made = network(weight_averaging=WeightAveraging(0.5))
    stop = keras.callbacks.EarlyStopping(
        monitor="val_loss", mode="max", patience=2, restore_best_weights=True
    )
    history = fit(made, data, 6, validation_data=data, callbacks=[stop])
    found = float(made.evaluate(*data, batch_size=8, verbose=0))
    assert found == pytest.approx(max(history["val_loss"]), rel=1e-5)


def test_an_optimizer_that_averages_too_is_refused(data):
    made = network(weight_averaging=WeightAveraging(0.5))
    made.compile(keras.optimizers.SGD(0.1, use_ema=True), "mse")
    with pytest.raises(ValueError, match="`use_ema=True`"):
        fit(made, data, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"decay": 1.0}, "`decay` must be between 0 and 1"),
        ({"decay": "0.9"}, "`decay` must be a number"),
        ({"start": -1}, "`start` must be a whole number >= 0"),
        ({"every": 0}, "`every` must be a whole number >= 1"),
    ],
)
def test_bad_arguments_raise_when_it_is_made(arguments, message):
    with pytest.raises(ValueError, match=message):
        WeightAveraging(**arguments)
