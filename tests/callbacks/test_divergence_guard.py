"""A training that explodes is rolled back, continues at a lower rate, or fails and says why."""

import copy
import json
import math

import keras
import numpy as np
import pytest

from keras_recipes.callbacks import DivergenceError, DivergenceGuard
from keras_recipes.models import TrainingModel, WeightAveraging
from keras_recipes.schedules import Cosine, Plateau


class Logged(keras.callbacks.Callback):
    """Writes the losses of a list into the logs, before the guard sees them."""

    def __init__(self, losses):
        super().__init__()
        self.losses = losses

    def on_epoch_end(self, epoch, logs=None):
        logs["loss"] = self.losses[epoch]


class Kept(keras.callbacks.Callback):
    """Weights and optimizer after each epoch, before the guard acts."""

    def __init__(self):
        super().__init__()
        self.states = []

    def on_epoch_end(self, epoch, logs=None):
        variables = [*self.model.weights, *self.model.optimizer.variables]
        self.states.append([np.array(v) for v in variables])


def line(rate=0.1, optimizer=keras.optimizers.SGD, model=keras.Model, **parts):
    keras.utils.set_random_seed(2)
    inputs = keras.Input((3,))
    made = model(inputs, keras.layers.Dense(1)(inputs), **parts)
    made.compile(optimizer(rate), "mse", run_eagerly=True)
    return made


X = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def fitted(model, losses, guard, **arguments):
    kept = Kept()
    model.fit(X, Y, epochs=len(losses), batch_size=8, shuffle=False, verbose=0,
              callbacks=[Logged(losses), kept, guard], **arguments)  # fmt: skip
    return kept.states


def state(model):
    return [np.array(v) for v in [*model.weights, *model.optimizer.variables]]


def test_rate_of_a_thousand_is_rolled_back_and_the_net_learns(products, net, kind):
    model = net(rate=1e3, model=kind, loss="mse", activation="relu")
    guard = DivergenceGuard(factor=0.01, max_rollbacks=4, limit=100.0, verbose=False)
    x, y = products
    history = model.fit(x, y, epochs=12, verbose=0, callbacks=[guard])
    assert guard.rollbacks >= 1
    assert float(model.optimizer.learning_rate) == pytest.approx(1e3 * 0.01**guard.rollbacks)
    assert "rate 1e+03 -> 10" in guard.messages[0]
    assert history.history["loss"][-1] < 1.0
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_a_sound_training_is_left_alone(products, net):
    x, y = products
    guard = DivergenceGuard()
    guarded = net(activation="relu")
    guarded.fit(x, y, epochs=3, verbose=0, callbacks=[guard])
    alone = net(activation="relu")
    alone.fit(x, y, epochs=3, verbose=0)
    assert (guard.rollbacks, guard.messages) == (0, [])
    for a, b in zip(guarded.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "optimizer", [keras.optimizers.Adam, lambda rate: keras.optimizers.SGD(rate, momentum=0.9)]
)
def test_goes_back_to_where_the_last_good_epoch_began(optimizer):
    model = line(optimizer=optimizer)
    guard = DivergenceGuard(factor=0.25, verbose=False)
    states = fitted(model, [1.0, 0.5, math.nan], guard)
    now = state(model)
    rate = next(i for i, v in enumerate(model.optimizer.variables) if "learning_rate" in v.name)
    sgd = isinstance(model.optimizer, keras.optimizers.SGD)
    for index, (got, good) in enumerate(zip(now, states[0], strict=True)):
        name = [*model.weights, *model.optimizer.variables][index].name
        # The velocity of SGD has the rate in it.
        scale = 0.25 if index == rate + 2 or (sgd and "momentum" in name) else 1
        np.testing.assert_allclose(got, good * scale, rtol=1e-6, err_msg=name)
    assert int(model.optimizer.iterations) == 4
    assert guard.messages == [
        "In epoch 3 loss became nan; back to the state after epoch 1 (loss 1), rate 0.1 -> 0.025."
    ]


def test_before_anything_is_good_the_beginning_is():
    model = line()
    before = model.get_weights()
    fitted(model, [math.inf], DivergenceGuard(verbose=False))
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("losses", "rollbacks"),
    [
        ([1.0, 0.1, 0.9], 0),  # nine times the lowest
        ([1.0, 0.05, 0.9], 0),  # eighteen times, and below the first
        ([1.0, 0.05, 1.1], 1),
        ([1.0, 9.9], 0),
        ([1.0, 10.1], 1),
        ([-1.0, 50.0], 0),  # no share of a negative loss
    ],
)
def test_what_an_explosion_is(losses, rollbacks):
    guard = DivergenceGuard(verbose=False)
    fitted(line(), losses, guard)
    assert guard.rollbacks == rollbacks


def test_a_limit_judges_the_first_epoch():
    guard = DivergenceGuard(limit=2.0, verbose=False)
    fitted(line(), [3.0, 1.0], guard)
    assert guard.rollbacks == 1
    assert "above the limit of 2" in guard.messages[0]


def test_weights_that_are_no_numbers_are_found_where_the_loss_is_one():
    class Breaks(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.layers[-1].bias.assign([np.nan])

    model = line()
    guard = DivergenceGuard(verbose=False)
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[Breaks(), guard])
    assert "/bias became NaN or infinite" in guard.messages[0]
    assert np.isfinite(model.get_weights()[1]).all()


def test_one_rollback_too_many_fails_with_what_happened(capsys):
    model = line()
    before = model.get_weights()
    guard = DivergenceGuard(max_rollbacks=2, factor=0.1)
    with pytest.raises(DivergenceError) as failure:
        fitted(model, [math.nan] * 5, guard)
    assert [line.split(" loss")[0] for line in failure.value.messages] == [
        "In epoch 1", "In epoch 2", "In epoch 3",
    ]  # fmt: skip
    assert "rate 0.01 -> 0.001" in str(failure.value)
    assert "no more attempts: there were 2" in str(failure.value)
    assert capsys.readouterr().err.count("DivergenceGuard: In epoch") == 2
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_cuts_the_factor_of_a_schedule():
    schedule = Plateau(Cosine(0.1, 100))
    model = line(rate=schedule)
    guard = DivergenceGuard(factor=0.5, verbose=False)
    fitted(model, [1.0, math.nan, math.nan], guard)
    assert float(schedule.factor) == 0.25
    assert guard.messages[0].endswith("factor of the rate 1 -> 0.5.")


def test_a_schedule_that_nothing_can_cut_is_reported_before_training():
    model = line(rate=Cosine(0.1, 100))
    with pytest.raises(ValueError, match=r"cannot cut the rate of the schedule `Cosine`. Put it"):
        fitted(model, [1.0], DivergenceGuard())


def test_weights_that_are_nan_before_training_are_reported():
    model = line()
    model.layers[-1].bias.assign([np.nan])
    with pytest.raises(ValueError, match=r"bias holds NaN or infinity already"):
        fitted(model, [1.0], DivergenceGuard())


def test_averaged_weights_go_back_too():
    model = line(model=TrainingModel, weight_averaging=WeightAveraging(decay=0.5))
    fitted(model, [1.0, 0.5, math.nan], DivergenceGuard(verbose=False))
    once = line(model=TrainingModel, weight_averaging=WeightAveraging(decay=0.5))
    once.fit(X, Y, epochs=1, batch_size=8, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), once.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_continues_from_its_state():
    losses = [1.0, math.nan, 0.9, 0.8, math.nan, math.nan]
    whole = line(optimizer=keras.optimizers.Adam)
    guard = DivergenceGuard(factor=0.5, max_rollbacks=9, verbose=False)
    fitted(whole, losses, guard)
    for cut in (2, 5):
        model = line(optimizer=keras.optimizers.Adam)
        taken = {}

        class Take(keras.callbacks.Callback):
            def __init__(self, guard, at, taken):
                super().__init__()
                self.guard, self.at, self.taken = guard, at, taken

            def on_epoch_end(self, epoch, logs=None):
                if epoch + 1 == self.at:
                    text = json.dumps(self.guard.get_state(), allow_nan=False)
                    self.taken.update(json.loads(text))

        first = DivergenceGuard(factor=0.5, max_rollbacks=9, verbose=False)
        model.fit(X, Y, epochs=cut, batch_size=8, shuffle=False, verbose=0,
                  callbacks=[Logged(losses), first, Take(first, cut, taken)])  # fmt: skip
        second = copy.deepcopy(DivergenceGuard(factor=0.5, max_rollbacks=9, verbose=False))
        second.set_state(taken)
        fitted(model, losses, second, initial_epoch=cut)
        assert second.rollbacks == guard.rollbacks
        for a, b in zip(state(model), state(whole), strict=True):
            np.testing.assert_array_equal(a, b)


def test_looks_within_an_epoch_where_that_is_asked_for():
    model = line(rate=1e6)
    guard = DivergenceGuard(factor=1e-4, every=2, limit=1e3, max_rollbacks=3, verbose=False)
    history = model.fit(X, Y, epochs=2, batch_size=2, verbose=0, callbacks=[guard])
    assert "step 2 of epoch 1" in guard.messages[0]
    # The epoch's mean is that of the steps after the last rollback.
    assert all(map(math.isfinite, history.history["loss"]))
    assert history.history["loss"][-1] < 100
