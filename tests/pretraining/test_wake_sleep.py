"""The up-down algorithm: better at labels and at generation, saved, and refused where wrong."""

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from keras_recipes.pretraining import (
    DBN,
    RBM,
    MomentumSGD,
    Softmax,
    WakeSleep,
    with_labels,
)

EPOCHS = 15


@pytest.fixture(scope="module")
def digits():
    rows, labels = load_digits(return_X_y=True)
    return (rows[:900] / 16).astype("float32"), labels[:900]


@pytest.fixture(scope="module")
def saved(digits, tmp_path_factory):
    """A trained network, as a file: a test may change what it loads."""
    rows, labels = digits
    below, top = RBM(40, seed=1), RBM(60, visible=Softmax(10, binary=40), seed=2)
    below.compile(MomentumSGD(0.1, 0.5))
    below.fit(rows, batch_size=50, epochs=EPOCHS, verbose=0, diagnostics=0)
    top.compile(MomentumSGD(0.1, 0.5))
    top.fit(
        with_labels(below.transform(rows), labels, 10),
        batch_size=50,
        epochs=EPOCHS,
        verbose=0,
        diagnostics=0,
    )
    path = tmp_path_factory.mktemp("network") / "dbn.keras"
    DBN([below, top]).save(path)
    return path


@pytest.fixture
def network(saved):
    return keras.models.load_model(saved)


@pytest.mark.slow
def test_it_gets_better(digits, network):
    rows, labels = digits
    model = WakeSleep(network)
    model.compile(MomentumSGD(0.02, 0.5))
    before = model.evaluate(rows, labels, verbose=0, return_dict=True)
    keras.utils.set_random_seed(1)
    model.fit(rows, labels, batch_size=50, epochs=10, verbose=0)
    after = model.evaluate(rows, labels, verbose=0, return_dict=True)
    assert after["generation_error"] < before["generation_error"]
    assert after["accuracy"] > before["accuracy"] - 0.03
    dreams = model.generate(np.repeat(np.arange(10), 5), sweeps=50)
    assert dreams.shape == (50, 64)
    # Most dreams of a digit look to the network like that digit.
    seen = model.predict(dreams, verbose=0).argmax(1)
    assert (seen == np.repeat(np.arange(10), 5)).mean() > 0.4


def test_a_saved_model_continues_as_the_one_that_was_saved(digits, network, tmp_path):
    rows, labels = (part[:200] for part in digits)
    model = WakeSleep(network)
    model.compile(MomentumSGD(0.02, 0.5), run_eagerly=True)
    model.fit(rows, labels, batch_size=50, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for one in (model, again):
        one.fit(rows, labels, batch_size=50, epochs=1, shuffle=False, verbose=0)
    np.testing.assert_array_equal(again.predict(rows, verbose=0), model.predict(rows, verbose=0))


def test_label_probabilities_are_those_of_the_free_energy(digits, network):
    rows, _ = digits
    model = WakeSleep(network)
    h = network.rbms[0].transform(rows[:5])
    energies = [
        network.rbms[1].free_energy(with_labels(h, np.full(5, label), 10)) for label in range(10)
    ]
    expected = np.exp(-np.array(energies).T.astype("float64"))
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(model.predict(rows[:5], verbose=0), expected, rtol=1e-3, atol=1e-6)


def test_bad_requests_are_refused(digits):
    with pytest.raises(ValueError, match="at least two RBMs"):
        WakeSleep(DBN([3]))
    with pytest.raises(ValueError, match="binary=40"):
        WakeSleep(DBN([40, 3]))
    with pytest.raises(ValueError, match="must be below 3"):
        with_labels([[0.5]], [3], 3)
    with pytest.raises(ValueError, match="must lie in"):
        with_labels([[1.5]], [1], 3)
    with pytest.raises(ValueError, match="no weights yet"):
        WakeSleep(DBN([40, RBM(3, visible=Softmax(10, binary=40))]))
