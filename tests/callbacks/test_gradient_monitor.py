"""Nets whose gradients vanish, explode or die are called so, and the same nets mended healthy."""

import copy
import json

import keras
import numpy as np
import pytest

from keras_recipes.callbacks import GradientMonitor
from keras_recipes.callbacks.gradients import BatchGradients
from keras_recipes.models import GradientClipping, TrainingModel


def looked(model, products, epochs=2, **arguments):
    """The monitor after a fit; on a plain model it measures a batch."""
    x, y = products
    ours = isinstance(model, TrainingModel)
    monitor = GradientMonitor(None if ours else (x, y), verbose=False, **arguments)
    # Validation resets the sums of the step.
    validation = (x, y) if ours else None
    model.fit(x, y, epochs=epochs, validation_data=validation, verbose=0, callbacks=[monitor])
    return monitor


def test_twenty_layers_of_sigmoid_vanish(products, net, kind):
    bad = looked(net((8,) * 20, model=kind, activation="sigmoid"), products)
    assert bad.kinds() == {"vanishing"}
    finding = bad.findings[0]
    assert finding.value < 1e-10
    assert "root mean square" in finding.message
    for remedy in ("sigmoid", "normalization", "skip connections"):
        assert remedy in finding.remedy


def test_the_same_depth_mended(products, net):
    mended = net((16,) * 20, rate=0.01, activation="relu", kernel_initializer="he_normal")
    found = looked(mended, products)
    assert found.kinds() == {"healthy"}, found.findings


def test_a_deep_linear_net_at_a_high_rate_explodes(products, net, kind):
    bad = looked(net((16,) * 10, rate=1.0, loss="mse", model=kind), products)
    assert bad.kinds() == {"exploding"}
    assert "GradientClipping" in bad.findings[0].remedy


def test_the_deep_linear_net_mended(products, net):
    mended = looked(net((16,) * 10, rate=1e-3, loss="mse"), products)
    assert mended.kinds() == {"healthy"}


def test_large_weights_explode_on_the_way_back(products, net):
    wide = keras.initializers.RandomNormal(stddev=10.0, seed=0)
    model = net((8, 8, 8), rate=1e-20, loss="mse", kernel_initializer=wide, output=wide)
    first = model.layers[1].kernel
    first.assign(first * 1e-6)
    bad = looked(model, products, epochs=1, exploding=1e30)
    assert bad.kinds() == {"exploding"}
    assert "of the first layer" in bad.findings[0].message


def test_a_gradient_larger_than_its_weights(products, net):
    x, y = products
    model = net(loss="mse", rate=1e-9, activation="tanh")
    bad = looked(model, (x, y * 1e6), epochs=1)
    assert bad.kinds() == {"exploding"}
    assert "times its weights" in bad.findings[0].message


def test_relu_with_a_bias_of_minus_ten_is_dead(products, net, kind):
    arguments = {"activation": "relu", "model": kind}
    bad = looked(net(bias_initializer=keras.initializers.Constant(-10.0), **arguments), products)
    assert bad.kinds() == {"dead"}
    assert "leaky_relu" in bad.findings[0].remedy


def test_the_same_nets_mended(products, net, kind):
    for activation in ("relu", "tanh"):
        found = looked(net(activation=activation, model=kind), products)
        assert found.kinds() == {"healthy"}, found.findings


@pytest.mark.parametrize("start", ["zeros", "ones"])
def test_weights_that_begin_equal_are_symmetric(products, net, kind, start):
    arguments = {"activation": "tanh", "model": kind}
    bad = looked(net(kernel_initializer=start, output=start, **arguments), products)
    assert bad.kinds() == {"symmetric"}
    # The layer that feeds one unit has nothing to be symmetric with.
    assert len({finding.layer for finding in bad.findings}) == 2


def test_an_output_layer_may_begin_at_zero(products, net):
    assert looked(net(activation="relu", output="zeros"), products).kinds() == {"healthy"}


def test_evaluation_alone_is_no_training(products, net):
    x, y = products
    monitor = looked(net(activation="relu"), products, epochs=1)
    monitor.model.evaluate(x, y, verbose=0, callbacks=[monitor])


def test_norms_of_a_batch_are_those_of_the_step(products):
    """One update an epoch: the step of a `TrainingModel` and the batch see the same gradient."""
    x, y = products
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8,))
    hidden = keras.layers.Dense(4, activation="tanh")(inputs)
    model = TrainingModel(inputs, keras.layers.Dense(1)(hidden))
    model.compile(keras.optimizers.SGD(0.0), "mse")
    step, batch = GradientMonitor(verbose=False), GradientMonitor((x, y), verbose=False)
    model.fit(x, y, batch_size=128, validation_data=(x, y), verbose=0, callbacks=[step, batch])
    for one, other in zip(step.rows, batch.rows, strict=True):
        assert one.path == other.path
        assert one.gradient == pytest.approx(other.gradient, rel=1e-5)
    kernel = step.rows[0]
    assert kernel.gradient > 0
    assert kernel.weight == pytest.approx(np.linalg.norm(model.get_weights()[0]), rel=1e-6)


def test_norms_by_hand():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    # Output 7, target 0: the gradient of (w . x)^2 is 14 (3, 4), and 14 for the bias.
    norms = BatchGradients(model, np.array([[3.0, 4.0]]), np.zeros((1, 1))).norms()
    assert list(norms.values()) == pytest.approx([14 * 5, 14])


def test_measuring_leaves_the_training_as_it_was(products):
    x, y = products

    def trained(callbacks):
        keras.utils.set_random_seed(0)
        layers = [
            keras.layers.Dense(8),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1),
        ]
        model = keras.Sequential([keras.Input((8,)), *layers])
        model.compile("adam", "mse")
        model.fit(x, y, epochs=2, verbose=0, callbacks=callbacks)
        return [np.array(v) for v in model.variables]

    watched = trained([GradientMonitor((x, y), verbose=False)])
    for a, b in zip(watched, trained([]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_updates_that_were_all_skipped_are_no_dead_layer(products, net):
    x, y = products
    model = net(model=TrainingModel, activation="relu")
    model.set_training(gradient_clipping=GradientClipping(global_norm=1.0, nonfinite="skip"))
    bad = looked(model, (x * np.float32(np.inf), y), epochs=1)
    assert bad.kinds() == {"exploding"}


def test_embeddings_are_not_compared():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Embedding(5000, 4), keras.layers.Flatten(), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile("sgd", "mse")
    x, y = np.zeros((8, 3), "int32"), np.ones((8, 1), "float32")
    assert looked(model, (x, y)).kinds() == {"healthy"}


def test_a_plain_model_needs_a_batch(products, net):
    with pytest.raises(ValueError, match=r"Give one batch, `data=\(x, y\)`, or train a"):
        net().fit(*products, verbose=0, callbacks=[GradientMonitor()])


def test_looks_as_often_as_asked_and_writes_the_norms(products, net, tmp_path, capsys):
    path = tmp_path / "gradients.jsonl"
    x, y = products
    monitor = GradientMonitor((x, y), every=2, vanishing=0.01, path=str(path))
    model = net((4,) * 9, activation="sigmoid")
    model.fit(x, y, epochs=4, verbose=0, callbacks=[monitor])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [2, 4]
    assert len(lines[0]["gradients"]) == len(lines[0]["weights"]) == 20
    # Said once, and the last is kept.
    assert capsys.readouterr().err.count("Vanishing gradients") == 1
    assert [finding.epoch for finding in monitor.findings] == [4]


def test_state_and_copies(products, net):
    monitor = looked(net(activation="relu"), products)
    again = copy.deepcopy(monitor)
    other = GradientMonitor()
    other.set_state(json.loads(json.dumps(again.get_state(), allow_nan=False)))
    assert other.findings == monitor.findings


def test_infinities_of_loss_scaling_are_no_explosion(products):
    x, y = products
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8,))
    hidden = keras.layers.Dense(8, activation="relu", dtype="mixed_float16")(inputs)
    model = TrainingModel(inputs, keras.layers.Dense(1)(hidden))
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.01), initial_scale=2.0**40)
    model.compile(scaled, "mse")
    assert "exploding" not in looked(model, (x, y), epochs=8).kinds()
