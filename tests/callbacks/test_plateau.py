"""Cutting the rate on a plateau: beside a schedule, as torch cuts it, and from a saved state."""

import copy
import json

import keras
import numpy as np
import pytest

from keras_recipes.callbacks import ReduceOnPlateau
from keras_recipes.schedules import Cosine, Plateau, Scale, Sequential, Warmup


class Model:
    """What the callback sees of a model."""

    def __init__(self, rate):
        self.optimizer = keras.optimizers.SGD(rate)


def rates(callback, values, rate=1.0, *, monitor="val_loss"):
    """The rate after each epoch."""
    model = Model(rate)
    callback.set_model(model)
    callback.on_train_begin()
    found = []
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {monitor: value})
        found.append(float(model.optimizer.learning_rate))
    return found


def test_cuts_after_patience_and_not_while_it_cools():
    plateau = ReduceOnPlateau(factor=0.5, patience=2, cooldown=2, min_delta=0.0)
    values = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    # Epoch 3 is the second without improvement; the two after it do not count.
    assert rates(plateau, values) == [1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.25]
    assert plateau.cuts == [2, 6]


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize(
    ("patience", "cooldown", "floor"), [(1, 0, 0.0), (3, 2, 0.01), (2, 5, 0.1)]
)
def test_equals_torch(mode, relative, patience, cooldown, floor):
    torch = pytest.importorskip("torch", reason="parity with torch needs torch")
    values = np.abs(np.random.default_rng(patience).normal(2, 1, 120)).tolist()
    ours = ReduceOnPlateau(
        factor=0.6,
        patience=patience,
        mode=mode,
        min_delta=0.05,
        relative=relative,
        cooldown=cooldown,
        min_lr=floor,
    )
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        mode=mode,
        factor=0.6,
        patience=patience - 1,
        threshold=0.05,
        threshold_mode="rel" if relative else "abs",
        cooldown=cooldown,
        min_lr=floor,
        eps=0.0,
    )
    expected = []
    for value in values:
        theirs.step(value)
        expected.append(optimizer.param_groups[0]["lr"])
    np.testing.assert_allclose(rates(ours, values), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "schedule",
    [
        lambda: Plateau(Cosine(1.0, 100)),
        lambda: Warmup(5, Plateau(Cosine(1.0, 95))),
        lambda: Sequential([0.5, Scale(Plateau(1.0), 0.5)], [10]),
    ],
)
def test_cuts_the_factor_inside_a_schedule(schedule):
    made = schedule()
    before = np.asarray(made(np.arange(20, 30)))
    plateau = ReduceOnPlateau(factor=0.5, patience=1, min_factor=0.2)
    rates(plateau, [1.0] * 5, made)
    np.testing.assert_allclose(np.asarray(made(np.arange(20, 30))), before * 0.2, rtol=1e-6)
    assert plateau.cuts == [1, 2, 3]


def test_a_compiled_step_sees_the_cut(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(Plateau(0.5)), "mae", jit_compile=True)
    x, y = np.ones((2, 1)), np.full((2, 1), 1e6)
    plateau = ReduceOnPlateau("never_better", factor=0.1, patience=1, mode="max")
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["never_better"] = 0.0
            seen.append(model.get_weights()[0].item())

    model.fit(x, y, epochs=4, verbose=0, callbacks=[Watch(), plateau])
    # The gradient is 1: the weight moves by the rate of each epoch.
    np.testing.assert_allclose(np.diff(seen), [0.5, 0.05, 0.005], rtol=1e-3)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert float(again.optimizer.learning_rate) == pytest.approx(0.5 * 0.1**3)


def test_continues_from_its_state_through_json():
    values = [3.0, 2.0, 2.5, 2.4, 2.3, 1.0, 1.0, 1.0, 1.0, 1.0]
    whole = ReduceOnPlateau(patience=2, factor=0.5, cooldown=1)
    expected = rates(whole, values, Plateau(1.0))
    first = ReduceOnPlateau(patience=2, factor=0.5, cooldown=1)
    rates(first, values[:5], Plateau(1.0))
    second = copy.deepcopy(ReduceOnPlateau(patience=2, factor=0.5, cooldown=1))
    second.set_state(json.loads(json.dumps(first.get_state())))
    assert rates(second, values[5:], Plateau(1.0)) == expected[5:]


def test_nan_is_no_improvement():
    plateau = ReduceOnPlateau(patience=2, factor=0.5)
    assert rates(plateau, [float("nan"), 1.0, float("nan"), float("nan")]) == [1, 1, 1, 0.5]


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize(("mode", "worst"), [("min", np.inf), ("min", -np.inf), ("max", np.inf)])
def test_an_infinite_value_is_never_the_best(mode, worst, relative):
    plateau = ReduceOnPlateau(patience=2, factor=0.5, mode=mode, relative=relative)
    better = [4.0, 3.0, 2.0] if mode == "min" else [2.0, 3.0, 4.0]
    assert rates(plateau, [worst, *better, worst]) == [1.0] * 5
    assert plateau.best == better[-1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ReduceOnPlateau(factor=1.0), "`factor` must be between 0 and 1"),
        (lambda: ReduceOnPlateau(factor=0), "`factor` must be between 0 and 1"),
        (lambda: ReduceOnPlateau(patience=1.5), "`patience` must be a whole number"),
        (lambda: ReduceOnPlateau(mode="up"), "`mode` must be one of"),
        (lambda: ReduceOnPlateau(min_delta=-1), "`min_delta` must be >= 0"),
        (lambda: ReduceOnPlateau(relative=1), "`relative` must be True or False"),
        (lambda: ReduceOnPlateau(cooldown=-1), "`cooldown` must be >= 0"),
        (lambda: ReduceOnPlateau(min_factor=2), "`min_factor` must be <= 1"),
        (lambda: ReduceOnPlateau(min_lr="low"), "`min_lr` must be a number"),
        (lambda: rates(ReduceOnPlateau(), [1], Cosine(0.1, 5)), r"Put it into a .*Plateau"),
        (lambda: rates(ReduceOnPlateau(min_lr=0.1), [1], Plateau(0.1)), "Give `min_factor`"),
        (lambda: rates(ReduceOnPlateau("val_los"), [1], monitor="val_loss"), "which is not logged"),
    ],
)
def test_what_is_wrong_is_reported(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("cooldown", [0, 1, 2, 5])
@pytest.mark.parametrize("patience", [1, 3])
def test_equals_keras_whose_cooldown_is_one_longer(patience, cooldown):
    for seed in range(20):
        values = np.abs(np.random.default_rng(seed).normal(2, 1, 60)).tolist()
        common = {"factor": 0.6, "patience": patience, "min_delta": 0.05, "min_lr": 1e-3}
        ours = ReduceOnPlateau(cooldown=max(0, cooldown - 1), **common)
        theirs = keras.callbacks.ReduceLROnPlateau(cooldown=cooldown, **common)
        assert rates(ours, values) == pytest.approx(rates(theirs, values), rel=1e-5)
