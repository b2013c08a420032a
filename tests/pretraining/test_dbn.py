"""Stacks of RBMs: training, samples, saving, and the networks made of them."""

import keras
import numpy as np
import pytest

from keras_recipes.pretraining import (
    DBN,
    RBM,
    Autoencoder,
    Gaussian,
    Initialization,
    Layer,
    MomentumSGD,
    Softmax,
    unroll,
    unroll_autoencoder,
    unroll_classifier,
    unroll_regressor,
)


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(0)
    return (random.random((60, 8)) < 0.4).astype("float32")


@pytest.fixture(scope="module")
def dbn(rows):
    made = DBN([Layer(6, epochs=3, batch_size=20), Layer(RBM(5, seed=1), epochs=2, batch_size=20)])
    made.pretrain(rows, verbose=0)
    return made


def test_each_layer_is_trained_on_what_the_one_below_gives(rows):
    layers = [
        Layer(RBM(6, seed=2), MomentumSGD(0.2, 0.5), epochs=3, batch_size=20),
        Layer(RBM(5, seed=3), keras.optimizers.Adam(0.01), epochs=2, batch_size=30),
    ]
    dbn = DBN(layers)
    histories = dbn.pretrain(rows[:40], validation_data=rows[40:], verbose=0)
    assert [len(history["weight_norm"]) for history in histories] == [3, 2]
    below, above = RBM(6, seed=2), RBM(5, seed=3)
    below.compile(MomentumSGD(0.2, 0.5))
    below.fit(rows[:40], batch_size=20, epochs=3, verbose=0)
    above.compile(keras.optimizers.Adam(0.01))
    above.fit(below.transform(rows[:40]), batch_size=30, epochs=2, verbose=0)
    for ours, theirs in zip(dbn.rbms, (below, above), strict=True):
        np.testing.assert_array_equal(ours.kernel, theirs.kernel)
    expected = above.transform(below.transform(rows))
    np.testing.assert_allclose(dbn.transform(rows), expected, rtol=1e-6)


def test_samples_may_go_up_instead_of_means(rows):
    dbn = DBN([Layer(6, epochs=1, output="sample"), Layer(5, epochs=0)])
    dbn.pretrain(rows, verbose=0)
    drawn = dbn.layer_output(0, np.repeat(rows[:1], 4001, 0))
    assert set(np.unique(drawn)) == {0, 1}
    np.testing.assert_allclose(drawn.mean(0), dbn.rbms[0].transform(rows[:1])[0], atol=0.03)


def test_pretraining_continues_from_any_layer(rows):
    def layers():
        return [Layer(6, epochs=1), Layer(RBM(5, seed=3), epochs=2)]

    whole, first = DBN(layers()), DBN(layers())
    whole.pretrain(rows, verbose=0)
    first.rbms[0].compile(first.stack[0].optimizer)
    first.rbms[0].fit(rows, batch_size=100, epochs=1, verbose=0)
    assert len(first.pretrain(rows, first=1, verbose=0)) == 1
    np.testing.assert_array_equal(whole.transform(rows), first.transform(rows))


def test_a_saved_network_is_the_same(dbn, rows, tmp_path):
    dbn.save(tmp_path / "dbn.keras")
    again = keras.models.load_model(tmp_path / "dbn.keras")
    for ours, theirs in zip(dbn.stack, again.stack, strict=True):
        assert ours.rbm.get_config() == theirs.rbm.get_config()
        assert (ours.epochs, ours.batch_size, ours.output) == (
            theirs.epochs,
            theirs.batch_size,
            theirs.output,
        )
    np.testing.assert_array_equal(again.transform(rows), dbn.transform(rows))
    np.testing.assert_array_equal(again.sample(3, sweeps=5), dbn.sample(3, sweeps=5))


def test_as_a_function_it_is_its_transform(dbn, rows):
    np.testing.assert_allclose(dbn.predict(rows, verbose=0), dbn.transform(rows), rtol=1e-5)
    assert dbn.inverse_transform(dbn.transform(rows)).shape == rows.shape
    assert dbn.sample(4, sweeps=3).shape == (4, 8)


def test_the_way_up_unrolls(dbn, rows):
    model = unroll(dbn, dropout=0.5, input_dropout=0.2)
    np.testing.assert_allclose(model.predict(rows, verbose=0), dbn.transform(rows), rtol=1e-5)
    rates = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.2, 0.5]
    classifier = unroll_classifier(dbn, 3)
    np.testing.assert_allclose(classifier.predict(rows, verbose=0), 1 / 3, rtol=1e-5)
    regressor = unroll_regressor(dbn, 2)
    np.testing.assert_array_equal(regressor.predict(rows, verbose=0), 0)


@pytest.mark.parametrize("tied", [False, True])
def test_both_ways_unroll_into_an_autoencoder(dbn, rows, tied, tmp_path):
    model = unroll_autoencoder(dbn, tied=tied)
    np.testing.assert_allclose(model.predict(rows, verbose=0), dbn.reconstruct(rows), rtol=1e-5)
    np.testing.assert_allclose(model.encode(rows), dbn.transform(rows), rtol=1e-5)
    assert len(model.trainable_variables) == (6 if tied else 8)
    model.compile("sgd", "mse")
    model.fit(rows, rows, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(rows, verbose=0), model.predict(rows, verbose=0))


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("units", [Softmax(2), Softmax(4, binary=4), Softmax(8)])
def test_softmax_units_unroll_into_a_softmax_over_each_group(units, tied, tmp_path):
    rbm = RBM(3, visible=units, initialization=Initialization(1.0))
    rbm.build((None, 8))
    rows = np.eye(8, dtype="float32")
    if units.categories < 8:
        rows = np.random.default_rng(0).random((5, 8)).astype("float32")
        groups = rows[:, units.binary :].reshape(5, -1, units.categories)
        groups /= groups.sum(-1, keepdims=True)
    model = unroll_autoencoder(rbm, tied=tied)
    found = model.predict(rows, verbose=0)
    np.testing.assert_allclose(found, rbm.reconstruct(rows), rtol=1e-5)
    sums = found[:, units.binary :].reshape(len(rows), -1, units.categories).sum(-1)
    np.testing.assert_allclose(sums, 1, rtol=1e-5)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(rows, verbose=0), found)


def test_gaussian_rbms_unroll(rows):
    bottom = RBM(6, visible=Gaussian(0.5), hidden="rectified")
    top = RBM(3, visible="gaussian", hidden="gaussian")
    dbn = DBN([Layer(bottom, MomentumSGD(0.01, 0.5), epochs=1), Layer(top, epochs=0)])
    dbn.pretrain(rows, verbose=0)
    np.testing.assert_allclose(
        unroll(dbn).predict(rows, verbose=0), dbn.transform(rows), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        unroll_autoencoder(dbn).predict(rows, verbose=0), dbn.reconstruct(rows), rtol=1e-3
    )
    with pytest.raises(ValueError, match="Gaussian units of sigma 1"):
        unroll_autoencoder(dbn, tied=True)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DBN([]), "`layers` must be a list"),
        (lambda: DBN(["500"]), r"`layers\[0\]` must be a `Layer`"),
        (lambda: DBN([3, True]), r"`layers\[1\]` must be a `Layer`"),
        (lambda: DBN([0]), "`units` must be >= 1"),
        (lambda: DBN([3, RBM(2, visible="gaussian")]), "on top of"),
        (lambda: DBN([RBM(3, hidden="rectified"), 2]), "on top of"),
        (lambda: DBN([same := RBM(3), same]), "the same RBM twice"),
        (lambda: Layer(3, epochs=-1), "`epochs` must be >= 0"),
        (lambda: Layer(3, output="both"), "`output` must be one of"),
        (lambda: Layer(3, "sgd"), "`optimizer` must be one of Keras"),
        (lambda: unroll(DBN([3])), "has no weights yet"),
        (lambda: unroll_classifier(DBN([3]), 1), "`classes` must be >= 2"),
        (lambda: Autoencoder(4, [3], [], []), "`activations` must have one item a layer"),
    ],
)
def test_bad_requests_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_rbm_of_another_width_is_refused(rows):
    wrong = RBM(3)
    wrong.build((None, 7))
    with pytest.raises(ValueError, match="7 visible units and must have 6"):
        DBN([6, wrong]).build((None, 8))
