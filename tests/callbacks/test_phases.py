"""Phases of one `fit`: the same weights as one `fit` a phase, and only what a phase trains."""

import copy

import keras
import numpy as np
import pytest

from keras_recipes import models, schedules
from keras_recipes.callbacks import EarlyStopping, Phase, PhaseError, Phases

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = X[:, :1] * X[:, 1:2]


def network(kind=keras.Model, optimizer="adam", *, trainable=True, **parts):
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    inner_input = keras.Input((4,))
    inner = keras.layers.Dense(6, "relu", name="first")(inner_input)
    inner = keras.layers.BatchNormalization(name="norm")(inner)
    inner = keras.layers.Dense(5, "relu", name="second")(inner)
    body = keras.Model(inner_input, inner, name="backbone")
    inputs = keras.Input((4,))
    hidden = keras.layers.Dropout(0.2, seed=1)(body(inputs))
    model = kind(inputs, keras.layers.Dense(1, name="head")(hidden), **parts)
    body.get_layer("second").trainable = trainable
    made = keras.optimizers.get(optimizer)
    model.compile(made, "mse", run_eagerly=True)
    return model


def fit(model, epochs, *watchers, begin=0):
    return model.fit(
        X,
        Y,
        batch_size=8,
        epochs=epochs,
        initial_epoch=begin,
        shuffle=False,
        validation_data=(X, Y),
        callbacks=list(watchers),
        verbose=0,
    )


def values(model):
    return [np.asarray(v) for v in model.variables]


def same(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def by_path(model):
    return {v.path: np.asarray(v) for v in model.weights}


@pytest.mark.parametrize("optimizer", ["keep", "fresh"])
def test_one_fit_is_one_fit_a_phase(optimizer):
    model = network()
    phases = [Phase(2, freeze="backbone"), Phase(2, freeze="first|norm", optimizer=optimizer)]
    history = fit(model, 4, Phases([*phases, Phase(1)], verbose=False))
    oracle = network()
    oracle.optimizer.build(oracle.trainable_variables)
    body = oracle.get_layer("backbone")
    body.trainable = False
    fit(oracle, 2)
    body.trainable = True
    body.get_layer("first").trainable = body.get_layer("norm").trainable = False
    if optimizer == "fresh":
        oracle.compile("adam", "mse", run_eagerly=True)
        fit(oracle, 2, begin=0)
    else:
        fit(oracle, 4, begin=2)
    same(values(model), values(oracle))
    assert history.epoch == [0, 1, 2, 3]


def test_only_what_a_phase_trains_changes_and_a_frozen_normalization_keeps_its_statistics():
    model = network(
        models.TrainingModel,
        weight_decay=models.WeightDecay(0.1),
        gradient_clipping=models.GradientClipping(global_norm=1.0),
    )
    before = by_path(model)
    fit(model, 1, Phases([Phase(1, freeze="first|norm")], verbose=False))
    changed = {path for path, value in by_path(model).items() if (value != before[path]).any()}
    assert changed == {"second/kernel", "second/bias", "head/kernel", "head/bias"}
    # After training, all layers are as they were.
    assert {v.path for v in model.trainable_variables} > {"first/kernel", "norm/gamma"}
    with pytest.raises(ValueError, match="was made for other weights, without first/"):
        fit(model, 1, Phases([Phase(1, freeze="second")]))
    model = network(models.TrainingModel)
    fit(model, 1, Phases([Phase(1, freeze="second")], verbose=False))
    assert (by_path(model)["norm/moving_mean"] != before["norm/moving_mean"]).any()


def test_what_was_frozen_before_stays_frozen_and_has_no_moments():
    model = network(trainable=False)
    before = by_path(model)
    fit(model, 2, Phases([Phase(1, freeze="first"), Phase(1)], verbose=False))
    np.testing.assert_array_equal(by_path(model)["second/kernel"], before["second/kernel"])
    assert not any("second" in v.path for v in model.optimizer.variables)


def test_weights_that_no_phase_trains_have_no_moments():
    model = network(models.TrainingModel, gradient_accumulation=2)
    phases = Phases([Phase(1, freeze="backbone"), Phase(1, freeze="first|norm")], verbose=False)
    phases.prepare(model)
    fit(model, 2, phases)
    assert not any("first" in v.path for v in model.optimizer.variables)
    assert sum("second" in v.path for v in model.optimizer.variables) == 4
    assert {v.path for v in model.trained_variables} == {
        "second/kernel", "second/bias", "head/kernel", "head/bias",
    }  # fmt: skip


def test_a_frozen_layer_is_a_layer_whose_rate_is_0():
    frozen = network(models.TrainingModel)
    fit(frozen, 2, Phases([Phase(2, freeze="second")], verbose=False))
    rates = models.LayerRates([models.LayerRate("second", 0.0)])
    slow = network(models.TrainingModel, layer_rates=rates)
    fit(slow, 2)
    same(values(frozen), values(slow))


def test_the_state_of_the_step_continues_over_an_edge():
    """Accumulated gradients and the average of the weights do not begin anew."""
    parts = {
        "gradient_accumulation": 2,  # 3 batches an epoch: the edge is between two of them
        "weight_averaging": models.WeightAveraging(0.5),
    }
    model = network(models.TrainingModel, **parts)
    # The head is frozen at no time, so that its gradient is complete in each update.
    phases = [Phase(1, freeze="backbone"), Phase(1, freeze=["first", "norm", "second"])]
    fit(model, 2, Phases(phases, verbose=False))
    one = network(models.TrainingModel, **parts)
    fit(one, 2, Phases([Phase(2, freeze="backbone")], verbose=False))
    same(values(model), values(one))
    assert int(model.optimizer.iterations.numpy()) == 3


def test_gradual_unfreezing_goes_from_the_last_group_to_the_first():
    model = network()
    trained = []

    class Watcher(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 0:
                trained.append(sorted({v.path.split("/")[0] for v in model.trainable_weights}))

    fit(model, 4, Phases([Phase(4, freeze="backbone", gradual=3)], verbose=False), Watcher())
    assert trained == [
        ["head"],
        ["head", "second"],
        ["head", "norm", "second"],
        ["first", "head", "norm", "second"],
    ]


def test_all_but_the_last_layer():
    model = network()
    before = by_path(model)
    fit(model, 1, Phases([Phase(1, freeze=True)], verbose=False))
    changed = {path for path, value in by_path(model).items() if (value != before[path]).any()}
    assert changed == {"head/kernel", "head/bias"}


class TestEarlyStopping:
    def test_each_phase_is_a_training_of_its_own(self):
        """One `fit` with a phase that ends early is one `fit` with early stopping a phase."""

        def stopper():
            return EarlyStopping("val_loss", patience=1, min_delta=0.05)

        model, stops = network(), stopper()
        phases = Phases([Phase(6, freeze="backbone"), Phase(5)], stops, verbose=False)
        history = fit(model, 11, phases, stops)
        oracle = network()
        oracle.optimizer.build(oracle.trainable_variables)
        oracle.get_layer("backbone").trainable = False
        first = fit(oracle, 6, stopper())
        oracle.get_layer("backbone").trainable = True
        length = len(first.epoch)
        second = fit(oracle, length + 5, stopper(), begin=length)
        assert length < 6
        same(values(model), values(oracle))
        losses = [*first.history["val_loss"], *second.history["val_loss"]]
        assert history.history["val_loss"] == losses
        assert phases.endings[0][0] == length - 1
        assert "has not improved" in phases.early()[0]

    def test_a_target_ends_the_training(self):
        stops = EarlyStopping("val_loss", target=1e9)
        phases = Phases([Phase(2, freeze="backbone"), Phase(2)], stops, verbose=False)
        assert fit(network(), 4, phases, stops).epoch == [0]
        assert "target" in stops.stop_reason

    def test_the_last_phase_ends_the_training(self):
        stops = EarlyStopping("val_loss", patience=0, min_delta=1e9)
        phases = Phases([Phase(3, freeze="backbone"), Phase(3)], stops, verbose=False)
        history = fit(network(), 6, phases, stops)
        # The first value of a phase is an improvement, the second is none.
        assert history.epoch == [0, 1, 2, 3]
        assert stops.stopped_epoch == 3

    def test_a_phase_that_ends_early_lets_the_training_end_early(self):
        stops = EarlyStopping("val_loss", patience=1, min_delta=1e9)
        phases = Phases([Phase(4, freeze="backbone"), Phase(1)], stops, verbose=False)
        history = fit(network(), 5, phases, stops)
        assert history.epoch == [0, 1, 2]
        assert stops.stopped_epoch is None
        assert phases.ends == [2, 3]

    def test_the_rates_follow_the_phases(self):
        rate = schedules.Phased(0.1, [0.5, schedules.Linear(0.3, 9)], [0, 12])
        seen = []

        class Watcher(keras.callbacks.Callback):
            def on_train_batch_begin(self, batch, logs=None):
                seen.append(round(float(self.model.optimizer.learning_rate), 4))

        stops = EarlyStopping("val_loss", patience=1, min_delta=1e9)
        phases = Phases([Phase(4, freeze="backbone"), Phase(1)], stops, verbose=False)
        fit(network(optimizer=keras.optimizers.SGD(rate)), 5, phases, stops, Watcher())
        assert seen == [0.5] * 6 + [0.3, 0.2667, 0.2333]


@pytest.mark.parametrize(
    ("phases", "message", "where"),
    [
        ([Phase(1), Phase(1, freeze="back_bone")], "matches no layer.*backbone/first", 1),
        ([Phase(1, freeze=[".*"])], "nothing is left to train", 0),
        ([Phase(9, freeze="first", gradual=2)], "1 frozen layers cannot be divided into 2", 0),
    ],
)
def test_what_does_not_fit_the_model_is_reported_with_its_phase(phases, message, where):
    with pytest.raises(PhaseError, match=message) as caught:
        fit(network(), 1, Phases(phases))
    assert caught.value.phase == where


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "`epochs` must be >= 1"),
        ({"epochs": 1, "freeze": "("}, "is not a regular expression"),
        ({"epochs": 1, "freeze": 3}, "`freeze` must be True, False, a pattern"),
        ({"epochs": 2, "freeze": "a", "gradual": 2}, "more epochs than groups"),
        ({"epochs": 2, "gradual": 1}, "needs layers in `freeze`"),
        ({"epochs": 2, "optimizer": "new"}, "one of keep, fresh"),
    ],
)
def test_a_bad_argument_is_reported(arguments, message):
    with pytest.raises(ValueError, match=message):
        Phase(**arguments)


def test_a_copy_has_a_copy_of_early_stopping():
    stops = EarlyStopping(patience=1)
    phases = Phases([Phase(1)], stops)
    copies = copy.deepcopy([stops, phases])
    assert copies[1].early_stopping == (copies[0],)
    assert copies[0].end_phase.__self__ is copies[1]
    assert stops.end_phase.__self__ is phases
