"""Weights handed to Keras models: matched, converted, or refused with nothing changed."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_recipes.pretraining import (
    DBN,
    RBM,
    Gaussian,
    Initialization,
    Softmax,
    initialize_from,
)


@pytest.fixture
def dbn():
    made = DBN(
        [
            RBM(6, initialization=Initialization(0.5), seed=1),
            RBM(5, initialization=Initialization(0.5), seed=2),
        ]
    )
    made.build((None, 8))
    random = np.random.default_rng(0)
    for rbm in made.rbms:
        rbm.hidden_bias.assign(random.normal(size=rbm.units))
    return made


@pytest.fixture
def rows():
    return np.random.default_rng(1).random((20, 8)).astype("float32")


def sequential(*parts, width=8):
    return keras.Sequential([keras.Input((width,)), *parts])


def hidden(model, count):
    """The output of the last of the layers that took weights."""
    return keras.Model(model.inputs, model.layers[count].output)


def test_dense_layers_in_order(dbn, rows):
    model = sequential(
        layers.Dense(6, activation="sigmoid"),
        layers.Dense(5, activation="sigmoid"),
        layers.Dense(3, name="out"),
    )
    before = model.get_layer("out").get_weights()
    report = initialize_from(dbn, model)
    np.testing.assert_allclose(
        hidden(model, 1).predict(rows, verbose=0), dbn.transform(rows), rtol=1e-5
    )
    for ours, theirs in zip(model.get_layer("out").get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert [row.source for row in report] == [
        "rbm 0, weights",
        "rbm 0, hidden bias",
        "rbm 1, weights",
        "rbm 1, hidden bias",
    ]
    assert [row.variable for row in report] == [w.path for w in model.weights[:4]]
    assert str(report[0]) == f"{model.weights[0].path} (8, 6) <- rbm 0, weights"


def test_through_what_lies_between(dbn, rows):
    model = sequential(
        layers.Reshape((2, 4)),
        layers.Flatten(),
        layers.Dropout(0.2),
        layers.Dense(6),
        layers.BatchNormalization(epsilon=0.0),
        layers.Activation("sigmoid"),
        layers.GaussianNoise(0.1),
        layers.Dense(5, activation="sigmoid"),
    )
    initialize_from(dbn, model)
    np.testing.assert_allclose(model.predict(rows, verbose=0), dbn.transform(rows), rtol=1e-5)


def test_by_name_and_for_one_rbm(dbn, rows):
    inputs = keras.Input((8,))
    wide = layers.Dense(6, activation="sigmoid", name="wide")(inputs)
    model = keras.Model(inputs, layers.Dense(2, name="out")(wide))
    report = initialize_from(dbn.rbms[0], model, layers=["wide"])
    assert len(report) == 2
    np.testing.assert_array_equal(model.get_layer("wide").kernel, dbn.rbms[0].kernel)


def test_inner_models_are_entered(dbn, rows):
    inner = sequential(layers.Dense(6, activation="sigmoid"))
    model = sequential(inner, layers.Dense(5, activation="sigmoid"))
    initialize_from(dbn, model)
    np.testing.assert_allclose(model.predict(rows, verbose=0), dbn.transform(rows), rtol=1e-5)


def test_tanh_computes_the_same_after_conversion(dbn, rows):
    model = sequential(
        layers.Dense(6, activation="tanh"), layers.Dense(5), layers.Activation("tanh")
    )
    report = initialize_from(dbn, model, activation="convert")
    output = (model.predict(rows, verbose=0) + 1) / 2
    np.testing.assert_allclose(output, dbn.transform(rows), rtol=1e-4, atol=1e-6)
    assert report[0].note == "halved for tanh"


def test_classic_dropout_scales_the_kernel_behind_it(dbn):
    model = sequential(
        layers.Dropout(0.2),
        layers.Dense(6, activation="sigmoid"),
        layers.Dropout(0.5),
        layers.Dense(5, activation="sigmoid"),
    )
    report = initialize_from(dbn, model, dropout="classic")
    below, above = (np.asarray(rbm.kernel) for rbm in dbn.rbms)
    np.testing.assert_allclose(model.layers[1].kernel, below / 0.8, rtol=1e-6)
    np.testing.assert_allclose(model.layers[3].kernel, above / 0.5, rtol=1e-6)
    assert report[2].note == "divided by 0.5 for dropout"
    np.testing.assert_array_equal(model.layers[3].bias, dbn.rbms[1].hidden_bias)


def test_gaussian_units_divide_by_their_variance(rows):
    rbm = RBM(6, visible=Gaussian(0.5, learned=True), initialization=Initialization(0.5))
    rbm.build((None, 8))
    model = sequential(layers.Dense(6, activation="sigmoid"))
    initialize_from(rbm, model)
    np.testing.assert_allclose(model.predict(rows, verbose=0), rbm.transform(rows), rtol=1e-5)


def test_relu_may_stand_for_rectified_units():
    rbm = RBM(6, hidden="rectified")
    rbm.build((None, 8))
    assert initialize_from(rbm, sequential(layers.Dense(6), layers.ReLU()))
    with pytest.raises(ValueError, match="activation 'relu with max_value=6"):
        initialize_from(rbm, sequential(layers.Dense(6), layers.ReLU(max_value=6)))


SIGMOID = {"activation": "sigmoid"}


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (lambda: sequential(layers.Dense(6, **SIGMOID)), {}, "has 1 Dense layers, and 2 need"),
        (
            lambda: sequential(layers.Dense(6, **SIGMOID), layers.Dense(4, **SIGMOID)),
            {},
            r"kernel has shape \(6, 4\) and the weights have shape \(6, 5\)",
        ),
        (
            lambda: sequential(layers.Dense(6, **SIGMOID), layers.Dense(5, **SIGMOID), width=9),
            {},
            r"kernel has shape \(9, 6\)",
        ),
        (
            lambda: sequential(layers.Dense(6, activation="relu"), layers.Dense(5, **SIGMOID)),
            {},
            "has the activation 'relu', and the hidden units of RBM 0 need sigmoid",
        ),
        (
            lambda: sequential(layers.Dense(6, activation="tanh"), layers.Dense(5, **SIGMOID)),
            {},
            "has the activation 'tanh'",
        ),
        (
            # Two activations in a row are neither of them.
            lambda: sequential(
                layers.Dense(6, **SIGMOID), layers.Activation("tanh"), layers.Dense(5, **SIGMOID)
            ),
            {},
            "has the activation 'sigmoid, then tanh'",
        ),
        (
            lambda: sequential(
                layers.Dense(6, **SIGMOID),
                layers.Dense(5),
                layers.Activation("sigmoid"),
                layers.Dropout(0.5),
                layers.LeakyReLU(),
            ),
            {},
            "has the activation 'sigmoid, then leakyrelu'",
        ),
        (
            lambda: sequential(
                layers.Dense(6, activation="tanh"), layers.Activation("tanh"), layers.Dense(5)
            ),
            {"activation": "convert"},
            "has the activation 'tanh, then tanh'",
        ),
        (
            lambda: sequential(layers.Dense(6, use_bias=False, **SIGMOID), layers.Dense(5)),
            {},
            "has no bias",
        ),
        (
            lambda: sequential(
                layers.Reshape((8, 1)), layers.Conv1D(1, 3), layers.Flatten(), layers.Dense(6)
            ),
            {},
            "Dense layers|Conv1D",
        ),
        (
            lambda: sequential(
                layers.Dense(6, **SIGMOID), layers.Softmax(), layers.Dense(5, **SIGMOID)
            ),
            {},
            r"\(Softmax\) comes before",
        ),
        (
            lambda: keras.Sequential([layers.Dense(6, **SIGMOID), layers.Dense(5, **SIGMOID)]),
            {},
            "is not built",
        ),
        (
            lambda: sequential(layers.Dense(6, **SIGMOID), layers.Dense(5, **SIGMOID)),
            {"layers": ["a", "b"]},
            "has no Dense layer `a`. It has: ",
        ),
        (
            lambda: sequential(layers.Dense(6, **SIGMOID), layers.Dense(5, **SIGMOID)),
            {"layers": ["a"]},
            "must name 2 layers",
        ),
        (
            lambda: sequential(layers.Dense(6, name="x"), layers.Dense(5, name="y")),
            {"layers": ["y", "x"]},
            "are not in this order",
        ),
        (
            lambda: sequential(layers.Dense(6, **SIGMOID), layers.Dense(5, **SIGMOID)),
            {"activation": "scale"},
            "`activation` must be one of",
        ),
        (lambda: "model", {}, "`model` must be a `keras.Model`"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(dbn, make, arguments, message):
    model = make()
    weights = [] if isinstance(model, str) else model.get_weights()
    with pytest.raises(ValueError, match=message):
        initialize_from(dbn, model, **arguments)
    if weights:
        for ours, theirs in zip(model.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_decoder_of_softmax_units_needs_a_softmax_over_each_group():
    def model(width, activation):
        return keras.Sequential(
            [
                keras.Input((width,)),
                keras.layers.Dense(3, activation="sigmoid"),
                keras.layers.Dense(width, activation=activation, name="back"),
            ]
        )

    groups, one = RBM(3, visible=Softmax(2, binary=1)), RBM(3, visible=Softmax(4))
    groups.build((None, 5))
    one.build((None, 4))
    for rbm, activation in ((groups, "linear"), (groups, "softmax"), (one, "linear")):
        with pytest.raises(ValueError, match=r"`back` has .* need .*Softmax\(categories="):
            initialize_from(rbm, model(rbm.width, activation), decoder=True)
    rows = np.eye(4, dtype="float32")
    for activation in ("softmax", Softmax(4)):
        network = model(4, activation)
        initialize_from(one, network, decoder=True)
        np.testing.assert_allclose(network(rows), one.reconstruct(rows), rtol=1e-5)
    rows = np.array([[0.3, 1, 0, 0, 1]], "float32")
    network = model(5, Softmax(2, binary=1))
    initialize_from(groups, network, decoder=True)
    np.testing.assert_allclose(network(rows), groups.reconstruct(rows), rtol=1e-5)


def test_an_untrained_rbm_is_refused():
    with pytest.raises(ValueError, match="RBM 0 has no weights yet"):
        initialize_from(RBM(6), sequential(layers.Dense(6, **SIGMOID)))
