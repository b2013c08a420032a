"""The range test: what it sweeps, what it leaves behind, and what it suggests."""

import keras
import numpy as np
import pytest

from keras_recipes.callbacks import LearningRateFinder
from keras_recipes.schedules import Cosine

X = np.random.default_rng(0).normal(size=(256, 4)).astype("float32")
Y = X @ np.array([[1.0], [-2.0], [0.5], [3.0]], "float32")


def made(rate, **compiled):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate, momentum=0.5), "mse", **compiled)
    return model


def swept(model, **arguments):
    finder = LearningRateFinder(**{"min_lr": 1e-5, "max_lr": 10.0, "steps": 60, **arguments})
    model.fit(X, Y, batch_size=8, epochs=9, verbose=0, callbacks=[finder])
    return finder


@pytest.mark.parametrize("rate", [0.01, Cosine(0.01, 1000)], ids=["number", "schedule"])
def test_leaves_the_model_as_it_was(rate):
    probed, untouched = made(rate), made(rate)
    swept(probed)
    for model in (probed, untouched):
        model.fit(X, Y, batch_size=8, epochs=1, shuffle=False, verbose=0)
    for ours, theirs in zip(probed.get_weights(), untouched.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert int(probed.optimizer.iterations) == int(untouched.optimizer.iterations) == 32


def test_sweeps_a_model_that_has_trained_and_is_compiled_already():
    model = made(Cosine(0.01, 1000))
    model.fit(X, Y, batch_size=8, epochs=1, verbose=0)
    weights = model.get_weights()
    finder = swept(model)
    assert len(finder.losses) > 20
    for now, before in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, before)


def test_losses_and_rates_are_those_of_single_steps():
    finder = swept(made(0.01), stop_factor=1e9, max_lr=1e-2)
    np.testing.assert_allclose(finder.rates, np.geomspace(1e-5, 1e-2, 60), rtol=1e-6)
    reference, losses = made(0.01), []
    keras.utils.set_random_seed(0)

    class Manual(keras.callbacks.Callback):
        """The same sweep by hand: the rate set before each batch, the mean loss taken apart."""

        def on_train_batch_begin(self, batch, logs=None):
            if len(losses) < 60:
                self.model.optimizer.learning_rate.assign(finder.rates[len(losses)])
            self.model.reset_metrics()

        def on_train_batch_end(self, batch, logs=None):
            losses.append(logs["loss"])
            self.model.stop_training = len(losses) == 60

    reference.fit(X, Y, batch_size=8, epochs=9, verbose=0, callbacks=[Manual()], shuffle=False)
    again = made(0.01)
    ours = LearningRateFinder(min_lr=1e-5, max_lr=1e-2, steps=60, stop_factor=1e9)
    again.fit(X, Y, batch_size=8, epochs=9, verbose=0, callbacks=[ours], shuffle=False)
    np.testing.assert_allclose(ours.losses, losses, rtol=1e-4)


def test_stops_when_the_loss_explodes_and_suggests_a_rate_below_that():
    finder = swept(made(0.01), steps=100, max_lr=100.0)
    assert len(finder.losses) < 100
    exploded = finder.rates[-1]
    for name, rate in finder.suggestions().items():
        assert 1e-4 < rate < exploded / 3, name
    # A rate that was suggested trains.
    model = made(finder.suggestions()["valley"])
    history = model.fit(X, Y, batch_size=8, epochs=3, verbose=0).history["loss"]
    assert history[-1] < 0.1 * history[0]


def test_smoothing_is_a_corrected_average():
    finder = LearningRateFinder(smoothing=0.5)
    finder._losses = [4.0, 2.0, 1.0]
    np.testing.assert_allclose(finder.smoothed, [4.0, (4 + 2 * 2) / 3, (4 + 2 * 2 + 4) / 7])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"min_lr": 0}, "must be > 0 and rise"),
        ({"min_lr": 1.0, "max_lr": 0.1}, "must be > 0 and rise"),
        ({"max_lr": float("nan")}, "`max_lr` must be finite"),
        ({"steps": 5}, "`steps` must be >= 20"),
        ({"steps": 50.5}, "`steps` must be a whole number"),
        ({"smoothing": 1.0}, "`smoothing` must be < 1"),
        ({"stop_factor": 1.0}, "`stop_factor` must be > 1"),
    ],
)
def test_bad_arguments_raise_when_it_is_made(arguments, message):
    with pytest.raises(ValueError, match=message):
        LearningRateFinder(**arguments)


def test_several_steps_an_execution_are_refused():
    with pytest.raises(ValueError, match="Compile the model with `steps_per_execution=1`"):
        swept(made(0.01, steps_per_execution=4))


def test_a_sweep_that_explodes_at_once_is_reported():
    finder = swept(made(0.01), min_lr=1e3, max_lr=1e6)
    with pytest.raises(ValueError, match="Start at a lower rate"):
        finder.suggestions()
