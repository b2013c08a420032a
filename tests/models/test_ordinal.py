"""Ordered classes: the likelihood of the proportional odds model, and errors in ranks."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import optimize, special

from keras_recipes.models import CumulativeLink, RankAccuracy, RankError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 2)).astype("float32")
Y = np.digitize(X @ [1.0, -0.5] + RNG.logistic(size=200), [-1.0, 0.5, 1.5])


def test_probabilities_are_differences_of_logistic_functions():
    layer = CumulativeLink(4)
    found = layer(X[:5]).numpy()
    score = X[:5] @ layer.kernel.numpy()
    limits = layer.thresholds().numpy()
    assert (np.diff(limits) > 0).all()
    below = special.expit(limits - score)
    edges = np.concatenate([np.zeros((5, 1)), below, np.ones((5, 1))], axis=1)
    np.testing.assert_allclose(found, np.diff(edges, axis=1), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)


def negative_log_likelihood(parameters):
    """McCullagh's model written out: -mean log P(y), weights first, thresholds after them."""
    score, limits = X @ parameters[:2], np.sort(parameters[2:])
    edges = np.concatenate([[-np.inf], limits, [np.inf]])
    likely = special.expit(edges[Y + 1] - score) - special.expit(edges[Y] - score)
    return -np.log(np.maximum(likely, 1e-12)).mean()


def test_training_reaches_the_maximum_likelihood():
    best = optimize.minimize(negative_log_likelihood, [0.0, 0.0, -1.0, 0.0, 1.0])
    model = keras.Sequential([keras.Input((2,)), CumulativeLink(4)])
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(0.05), loss, steps_per_execution=500)
    # 500 updates by the gradient of all rows, in one epoch: an epoch of Keras costs more than them.
    model.fit(tf.data.Dataset.from_tensors((X, Y)).repeat(500), verbose=0)
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(best.fun, rel=1e-4)
    layer = model.layers[-1]
    np.testing.assert_allclose(layer.kernel.numpy()[:, 0], best.x[:2], atol=0.05)
    np.testing.assert_allclose(layer.thresholds().numpy(), np.sort(best.x[2:]), atol=0.05)


def test_it_is_saved_with_its_classes(tmp_path):
    model = keras.Sequential([keras.Input((2,)), CumulativeLink(3)])
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(model.predict(X, verbose=0), again.predict(X, verbose=0))


@pytest.mark.parametrize("classes", [1, True, 2.0])
def test_bad_arguments(classes):
    with pytest.raises(ValueError, match="Argument `classes`"):
        CumulativeLink(classes)


def test_errors_in_ranks_are_those_of_the_median():
    probabilities = RNG.dirichlet(np.ones(5), size=50).astype("float32")
    truth = RNG.integers(0, 5, 50)
    medians = []
    for row in probabilities:
        # The class with the smallest expected distance, by trying all of them.
        medians.append(min(range(5), key=lambda c: sum(p * abs(c - k) for k, p in enumerate(row))))
    for metric, expected in (
        (RankError(), np.abs(np.array(medians) - truth).mean()),
        (RankAccuracy(), (np.array(medians) == truth).mean()),
    ):
        metric.update_state(truth, probabilities)
        assert float(metric.result()) == pytest.approx(expected)
        assert type(metric).from_config(metric.get_config()).name == metric.name
