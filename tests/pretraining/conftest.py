"""What the tests of pretraining share: small data, and RBMs with known weights."""

import numpy as np
import pytest

from keras_recipes.pretraining import RBM, Initialization, MomentumSGD


@pytest.fixture(scope="session")
def binary():
    """40 rows of 6 binary units that are not independent."""
    random = np.random.default_rng(0)
    half = random.random((40, 3)) < 0.4
    return np.concatenate([half, half ^ (random.random((40, 3)) < 0.1)], 1).astype("float32")


@pytest.fixture
def make_rbm():
    """Makes a built RBM with no weight or bias of zero."""

    def make(width=6, units=4, scale=0.5, **arguments):
        rbm = RBM(units, initialization=Initialization(scale), seed=3, **arguments)
        rbm.build((None, width))
        random = np.random.default_rng(1)
        rbm.visible_bias.assign(scale * random.normal(size=width))
        rbm.hidden_bias.assign(scale * random.normal(size=units))
        return rbm

    return make


@pytest.fixture
def trained(make_rbm):
    """An RBM after some updates in the order of the rows.

    They run eagerly unless asked otherwise: making graphs would take most of the tests' time, and
    one test holds both to be the same.
    """

    def train(rows, *, epochs=1, batch_size=10, optimizer=None, shuffle=False, jit=None, **own):
        rbm = make_rbm(rows.shape[1], **own)
        rbm.compile(
            optimizer or MomentumSGD(0.1, 0.0), run_eagerly=jit is None, jit_compile=bool(jit)
        )
        rbm.fit(
            rows, batch_size=batch_size, epochs=epochs, shuffle=shuffle, verbose=0, diagnostics=0
        )
        return rbm

    return train
