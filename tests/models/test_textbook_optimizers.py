"""The textbook's update rules, written out, against what Keras's optimizers do in a recipe.

Where Keras has other constants, the arguments that reach the textbook's form are those given here.
"""

import keras
import numpy as np
import pytest

RATE = 0.1
RANDOM = np.random.default_rng(7)
START = RANDOM.normal(size=(4,))
GRADIENTS = RANDOM.normal(size=(12, 4))


def followed(rule):
    """The last weights under a rule: a generator function of updates to subtract."""
    weights = START.copy()
    for change in rule():
        weights = weights - change
    return weights


def sgd():
    """w <- w - r g"""
    for gradient in GRADIENTS:
        yield RATE * gradient


def momentum():
    """v <- m v - r g; w <- w + v"""
    velocity = 0.0
    for gradient in GRADIENTS:
        velocity = 0.9 * velocity - RATE * gradient
        yield -velocity


def nesterov():
    """w <- w + m v - r g, with the new v: the gradient is taken where the momentum leads."""
    velocity = 0.0
    for gradient in GRADIENTS:
        velocity = 0.9 * velocity - RATE * gradient
        yield -(0.9 * velocity - RATE * gradient)


def adagrad():
    """h <- h + g^2; w <- w - r g / (sqrt(h) + 1e-7)"""
    squares = 0.0
    for gradient in GRADIENTS:
        squares = squares + gradient**2
        yield RATE * gradient / (np.sqrt(squares) + 1e-7)


def rmsprop():
    """h <- d h + (1 - d) g^2 with d = 0.99; w <- w - r g / (sqrt(h) + 1e-7)"""
    squares = 0.0
    for gradient in GRADIENTS:
        squares = 0.99 * squares + 0.01 * gradient**2
        yield RATE * gradient / (np.sqrt(squares) + 1e-7)


def adam():
    """Both moments, the step corrected: r sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + 1e-7)"""
    first, second = 0.0, 0.0
    for number, gradient in enumerate(GRADIENTS, start=1):
        first = first + 0.1 * (gradient - first)
        second = second + 0.001 * (gradient**2 - second)
        rate = RATE * np.sqrt(1 - 0.999**number) / (1 - 0.9**number)
        yield rate * first / (np.sqrt(second) + 1e-7)


# Rule, and the optimizer with the arguments that a recipe gives it.
CASES = {
    "sgd": (sgd, keras.optimizers.SGD, {}),
    "momentum": (momentum, keras.optimizers.SGD, {"momentum": 0.9}),
    "nesterov": (nesterov, keras.optimizers.SGD, {"momentum": 0.9, "nesterov": True}),
    # Keras begins at 0.1 and has its epsilon inside the root, where 1e-14 is the textbook's 1e-7.
    "adagrad": (
        adagrad,
        keras.optimizers.Adagrad,
        {"initial_accumulator_value": 0.0, "epsilon": 1e-14},
    ),
    # Keras forgets faster, with rho 0.9, and has its epsilon inside the root.
    "rmsprop": (rmsprop, keras.optimizers.RMSprop, {"rho": 0.99, "epsilon": 1e-14}),
    "adam": (adam, keras.optimizers.Adam, {}),
}


@pytest.mark.parametrize(("rule", "optimizer", "arguments"), CASES.values(), ids=CASES)
def test_the_optimizer_is_the_textbooks_rule(rule, optimizer, arguments, drive):
    made = optimizer(RATE, **arguments)
    values, _ = drive([START], [[gradient] for gradient in GRADIENTS], made)
    np.testing.assert_allclose(values[-1][0], followed(rule), rtol=2e-5, atol=3e-5)


@pytest.mark.parametrize("name", ["adagrad", "rmsprop"])
def test_keras_defaults_are_another_rule(name, drive):
    rule, optimizer, _ = CASES[name]
    values, _ = drive([START], [[gradient] for gradient in GRADIENTS], optimizer(RATE))
    assert not np.allclose(values[-1][0], followed(rule), rtol=1e-3)
