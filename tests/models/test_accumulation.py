"""Gradient accumulation: one update on the mean gradient, and nothing else in between."""

import keras
import numpy as np
import pytest
from keras.optimizers.schedules import PolynomialDecay

from keras_recipes.models import GradientClipping, WeightDecay, ZScoreClipping

PARTS = {
    "gradient_clipping": GradientClipping(global_norm=0.3),
    "weight_decay": WeightDecay(0.1),
}


def equal(first, second, rtol):
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-7)


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_batch_of_32_is_four_of_8(model, fitted, jit):
    """With a schedule, clipping and decay, which all act once an update."""

    def adam():
        return keras.optimizers.Adam(PolynomialDecay(0.1, 8, 0.01))

    once, history = fitted(model(**PARTS), adam(), epochs=6, batch_size=32, jit_compile=jit)
    four, other = fitted(
        model(**PARTS, gradient_accumulation=4), adam(), epochs=6, batch_size=8, jit_compile=jit
    )
    equal(once, four, rtol=1e-4)
    assert int(four.optimizer.iterations) == 6
    for name in ("gradient_norm", "clipped_norm", "clipped_steps"):
        assert other[name] == pytest.approx(history[name], rel=1e-4), name


def test_the_state_of_a_strategy_moves_once_an_update(drive):
    gradients = [[np.full((1, 1), value)] for value in (1.0, 3.0, 2.0, 8.0)]
    clipping = GradientClipping(z_score=ZScoreClipping(warmup=9))
    values, rule = drive(
        [np.zeros((1, 1))],
        gradients,
        keras.optimizers.SGD(1.0),
        gradient_accumulation=2,
        gradient_clipping=clipping,
    )
    assert np.ravel(values).tolist() == [0, -2, -2, -7]
    # Norms 2 and 5: count, mean, variance.
    np.testing.assert_allclose(rule.memory["z_score"].numpy(), [2, 3.5, 2.25], rtol=1e-6)


def test_a_variable_without_a_gradient_stays(drive):
    values, _ = drive(
        [np.ones((2, 1)), np.ones(1)],
        [[np.ones((2, 1)), None]] * 2,
        keras.optimizers.SGD(1.0),
        gradient_accumulation=2,
    )
    assert values[-1][0].tolist() == [[0], [0]]
    assert values[-1][1].tolist() == [1]


def test_an_infinity_in_one_batch_ends_with_its_update(drive):
    gradients = [[np.array([[g]])] for g in (1.0, np.inf, 1.0, 1.0)]
    values, _ = drive(
        [np.zeros((1, 1))],
        gradients,
        keras.optimizers.SGD(1.0),
        gradient_accumulation=2,
        gradient_clipping=GradientClipping(value=1e9, nonfinite="skip"),
    )
    assert np.ravel(values).tolist() == [0, 0, 0, -1]


def test_half_of_an_update_is_saved(model, data, tmp_path):
    """Three batches an epoch and two an update: an epoch ends in the middle of one."""
    x, y = data

    def made():
        new = model(gradient_accumulation=2)
        new.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
        return new

    def fit(trained, epochs):
        trained.fit(x[:24], y[:24], batch_size=8, epochs=epochs, shuffle=False, verbose=0)

    whole, half = made(), made()
    fit(whole, 4)
    fit(half, 1)
    half.save(tmp_path / "half.keras")
    again = keras.models.load_model(tmp_path / "half.keras")
    assert again.training_parts.gradient_accumulation == 2
    fit(again, 3)
    equal(again, whole, rtol=0)
    assert int(again.optimizer.iterations) == 6


def test_keras_own_accumulation_is_refused(model, fitted):
    with pytest.raises(ValueError, match="Give the model `gradient_accumulation` instead"):
        fitted(model(), keras.optimizers.SGD(0.1, gradient_accumulation_steps=2))


@pytest.mark.parametrize("steps", [0, -1, 2.0, True, "2"])
def test_bad_numbers_raise(model, steps):
    with pytest.raises(ValueError, match="`gradient_accumulation` must be a whole number >= 1"):
        model(gradient_accumulation=steps)
