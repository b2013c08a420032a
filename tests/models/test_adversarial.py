"""Adversarial training: the gradient also at inputs that were moved to where the loss is higher."""

import keras
import numpy as np
import pytest

from keras_recipes.models import AdversarialTraining, MaskedAveragePooling1D, TrainingModel, wrap

RANDOM = np.random.default_rng(6)
X = RANDOM.normal(size=(12, 4)).astype("float32")
Y = RANDOM.normal(size=(12, 2)).astype("float32")
KERNEL = RANDOM.normal(size=(4, 2)).astype("float32")
# Five ids a row, of which 0 is padding.
TOKENS = RANDOM.integers(0, 7, size=(12, 5))
TABLE = np.concatenate([np.zeros((1, 4)), RANDOM.normal(size=(6, 4))]).astype("float32")


def trained(model, x, y=Y, *, batch_size=12, rate=0.1, **compiled):
    """The trained model, after one epoch of plain descent of the squared error."""
    model.compile(keras.optimizers.SGD(rate), "mse", **compiled)
    model.fit(x, y, batch_size=batch_size, shuffle=False, verbose=0)
    return model


def linear(adversarial=None):
    inputs = keras.Input((4,))
    layer = keras.layers.Dense(2, use_bias=False, name="out")
    model = TrainingModel(inputs, layer(inputs), adversarial_training=adversarial)
    layer.set_weights([KERNEL])
    return model


@pytest.mark.parametrize("jit", [True, False], ids=["XLA", "TensorFlow"])
@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_an_update_is_that_of_the_formula(norm, jit):
    def slope(x):
        """Of the mean squared error by the kernel, for a linear model."""
        return 2 / Y.size * x.T @ (x @ KERNEL - Y)

    by_rows = (X @ KERNEL - Y) @ KERNEL.T
    lengths = np.linalg.norm(by_rows, axis=1, keepdims=True)
    step = 0.3 * (by_rows / lengths if norm == "l2" else np.sign(by_rows))
    expected = KERNEL - 0.1 * (0.75 * slope(X) + 0.25 * slope(X + step))
    part = AdversarialTraining(0.3, norm=norm, weight=0.25)
    found = trained(linear(part), X, jit_compile=jit).get_weights()[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_loss_and_gradient_norm_at_the_rows_and_of_the_sum():
    with_part = linear(AdversarialTraining(0.3))
    with_part.compile(keras.optimizers.SGD(0.0), "mse")
    without = linear()
    without.compile(keras.optimizers.SGD(0.0), "mse")
    got, plain = (m.fit(X, Y, batch_size=12, verbose=0).history for m in (with_part, without))
    assert got["loss"] == pytest.approx(plain["loss"])
    assert got["gradient_norm"][0] > plain["gradient_norm"][0]


def test_without_weight_nothing_changes():
    found, expected = trained(linear(AdversarialTraining(3.0, weight=0)), X), trained(linear(), X)
    np.testing.assert_array_equal(found.get_weights()[0], expected.get_weights()[0])


def test_a_row_without_a_slope_stays_where_it_is():
    fitting = X @ KERNEL
    found = trained(linear(AdversarialTraining(3.0)), X, fitting)
    np.testing.assert_allclose(found.get_weights()[0], KERNEL, atol=1e-6)


@pytest.mark.parametrize("size", [1e-25, 1e25])
def test_the_step_is_as_long_for_gradients_of_any_size(size):
    step = AdversarialTraining(0.5).step(keras.ops.convert_to_tensor(np.float32([[3, 4]]) * size))
    np.testing.assert_allclose(step, [[0.3, 0.4]], rtol=1e-6)


@pytest.mark.parametrize("kind", ["rescaling", "normalization"])
def test_the_step_is_made_in_scaled_units(kind):
    layers = {
        "rescaling": lambda: keras.layers.Rescaling(1 / 255),
        "normalization": lambda: keras.layers.Normalization(
            mean=[0.0] * 4, variance=[255.0**2] * 4
        ),
    }
    inputs = keras.Input((4,))
    out = keras.layers.Dense(2, use_bias=False)
    scaled = TrainingModel(
        inputs, out(layers[kind]()(inputs)), adversarial_training=AdversarialTraining(0.3)
    )
    out.set_weights([KERNEL])
    found = trained(scaled, 255 * X)
    expected = trained(linear(AdversarialTraining(0.3)), X)
    np.testing.assert_allclose(
        found.get_weights()[-1], expected.get_weights()[0], rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("mask", [False, True], ids=["all ids", "padding"])
def test_moving_an_embedding_is_moving_vectors(mask):
    """Ids behind a frozen embedding train the rest as its vectors would as inputs."""
    part = AdversarialTraining(0.5, layer_name="vectors")

    def rest(vectors):
        hidden = MaskedAveragePooling1D()(vectors)
        out = keras.layers.Dense(2, use_bias=False, name="out")
        made = out(hidden)
        out.set_weights([KERNEL])
        return made

    ids = keras.Input((5,), dtype="int32")
    embedding = keras.layers.Embedding(7, 4, mask_zero=mask, trainable=False, name="vectors")
    embedded = TrainingModel(ids, rest(embedding(ids)), adversarial_training=part)
    embedding.set_weights([TABLE])
    inputs = keras.Input((5, 4))
    layer = keras.layers.Masking(0.0) if mask else keras.layers.Activation("linear")
    layer.name = "vectors"
    vectors = TrainingModel(inputs, rest(layer(inputs)), adversarial_training=part)
    found, expected = trained(embedded, TOKENS), trained(vectors, TABLE[TOKENS])
    np.testing.assert_allclose(
        found.get_layer("out").get_weights()[0],
        expected.get_layer("out").get_weights()[0],
        rtol=1e-5,
        atol=1e-6,
    )
    plain = trained(TrainingModel(embedded.input, embedded.output), TOKENS, rate=0.0)
    assert np.abs(plain.get_layer("out").get_weights()[0] - KERNEL).max() > 1e-4


def test_bytes_are_moved_as_the_numbers_that_the_model_takes():
    bytes_, part = RANDOM.integers(0, 9, size=(12, 4), dtype="uint8"), AdversarialTraining(0.3)
    found, expected = trained(linear(part), bytes_), trained(linear(part), bytes_.astype("float32"))
    np.testing.assert_array_equal(found.get_weights()[0], expected.get_weights()[0])


def test_layers_in_front_are_trained():
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(3, name="front")(inputs)
    out = keras.layers.Dense(2)(hidden)
    part = AdversarialTraining(0.5, layer_name="front")
    model = TrainingModel(inputs, out, adversarial_training=part)
    before = model.get_layer("front").get_weights()[0]
    trained(model, X)
    assert np.abs(model.get_layer("front").get_weights()[0] - before).max() > 1e-4


def test_of_several_inputs_those_of_whole_numbers_stay():
    numbers, ids = keras.Input((4,), name="numbers"), keras.Input((1,), dtype="int32", name="ids")
    out = keras.layers.Dense(2, use_bias=False, name="out")
    table = keras.layers.Embedding(7, 2, embeddings_initializer="zeros", trainable=False)
    ends = out(numbers) + keras.layers.Flatten()(table(ids))
    both = TrainingModel(
        {"ids": ids, "numbers": numbers}, ends, adversarial_training=AdversarialTraining(0.3)
    )
    out.set_weights([KERNEL])
    found = trained(both, {"numbers": X, "ids": TOKENS[:, :1]})
    expected = trained(linear(AdversarialTraining(0.3)), X)
    np.testing.assert_allclose(
        found.get_layer("out").get_weights()[0], expected.get_weights()[0], rtol=1e-5, atol=1e-6
    )


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.out = keras.layers.Dense(2, use_bias=False)

    def call(self, inputs):
        return self.out(inputs)


def test_a_model_that_defines_call_moves_its_inputs():
    inner = Subclassed()
    inner(X)
    inner.set_weights([KERNEL])
    found = trained(wrap(inner, adversarial_training=AdversarialTraining(0.3)), X)
    expected = trained(linear(AdversarialTraining(0.3)), X)
    np.testing.assert_allclose(found.get_weights()[0], expected.get_weights()[0], rtol=1e-5)
    named = wrap(inner, adversarial_training=AdversarialTraining(0.3, layer_name="out"))
    with pytest.raises(ValueError, match=r"names the layer 'out'.*no graph"):
        trained(named, X)


def test_the_network_is_the_same_after_the_training(tmp_path):
    inputs = keras.Input((4,))
    hidden = keras.layers.Rescaling(2.0)(inputs)
    outputs = keras.layers.Dense(2)(keras.layers.Dense(4, activation="relu")(hidden))
    part = AdversarialTraining(0.3, norm="linf", weight=0.2)
    model = TrainingModel(inputs, outputs, adversarial_training=part)
    before = model.get_config()
    trained(model, X)
    assert model.get_config() == before
    assert len(model.weights) == 4
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.training_parts.adversarial_training.get_config() == part.get_config()
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_trained_networks_are_harder_to_fool():
    """The loss at moved rows, by an oracle of its own, is lower than after plain training."""
    rows = RANDOM.normal(size=(400, 20)).astype("float32")
    classes = (rows[:, 0] + 0.3 * rows[:, 1:].mean(1) > 0).astype("float32")

    def loss_at_moved(part):
        keras.utils.set_random_seed(1)
        inputs = keras.Input((20,))
        hidden = keras.layers.Dense(32, activation="relu")(inputs)
        outputs = keras.layers.Dense(1, activation="sigmoid")(hidden)
        model = TrainingModel(inputs, outputs, adversarial_training=part)
        model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
        model.fit(rows[:200], classes[:200], epochs=30, batch_size=50, verbose=0)
        w, b, v, _ = model.get_weights()
        active = rows[200:] @ w + b > 0
        # Towards the other class: the slope of the logit, for one piece of a piecewise linear net.
        slope = (active * v[:, 0]) @ w.T
        slope *= np.where(classes[200:, None] > 0, -1, 1)
        at = rows[200:] + 0.5 * slope / np.linalg.norm(slope, axis=1, keepdims=True)
        return model.evaluate(at, classes[200:], verbose=0)

    assert loss_at_moved(AdversarialTraining(1.0)) < 0.8 * loss_at_moved(None)


def no_layer():
    return linear(AdversarialTraining(0.1, layer_name="hidden")), X


def around():
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(4, name="hidden")(inputs)
    outputs = keras.layers.Dense(2)(hidden + inputs)
    part = AdversarialTraining(0.1, layer_name="hidden")
    return TrainingModel(inputs, outputs, adversarial_training=part), X


def whole_numbers():
    ids = keras.Input((5,), dtype="int32")
    vectors = keras.layers.Flatten()(keras.layers.Embedding(7, 4)(ids))
    part = AdversarialTraining(0.1)
    return TrainingModel(ids, keras.layers.Dense(2)(vectors), adversarial_training=part), TOKENS


def whole_numbers_of_a_layer():
    ids = keras.Input((5,), dtype="int32")
    same = keras.layers.Reshape((5,), dtype="int32", name="ids")(ids)
    vectors = keras.layers.Flatten()(keras.layers.Embedding(7, 4)(same))
    part = AdversarialTraining(0.1, layer_name="ids")
    return TrainingModel(ids, keras.layers.Dense(2)(vectors), adversarial_training=part), TOKENS


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (no_layer, "names the layer 'hidden'.*Its layers: .*out"),
        (around, "cannot move the output of the layer 'hidden'.*`layer_name` of one that all"),
        (whole_numbers, "whole numbers. Give the `layer_name`"),
        (whole_numbers_of_a_layer, "whole numbers. Give the `layer_name`"),
    ],
    ids=["no such layer", "a path around it", "whole numbers", "whole numbers of a layer"],
)
def test_what_cannot_be_moved_is_said(made, message):
    with pytest.raises(ValueError, match=message):
        trained(*made())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epsilon": 0}, "`epsilon` must be > 0"),
        ({"epsilon": 1, "norm": "l1"}, "`norm` must be one of l2, linf"),
        ({"epsilon": 1, "weight": 2}, "`weight` must be"),
        ({"epsilon": 1, "layer_name": 3}, "`layer_name` must be"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        AdversarialTraining(**arguments)
