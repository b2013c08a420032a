"""The training step: what it clips, how it decays, what it reports, and that it can be saved."""

import re
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.models import (
    GradientClipping,
    GradientClippingModel,
    TrainingModel,
    TrainingStep,
    WeightDecay,
    WeightDecayModel,
    wrap,
)
from keras_recipes.schedules import Polynomial

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 4)).astype("float32")
Y = RNG.normal(size=(32, 2)).astype("float32")


def network():
    keras.utils.set_random_seed(3)
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(5, activation="tanh", name="hidden")(inputs)
    return inputs, keras.layers.Dense(2, name="out")(hidden)


def trained(model, optimizer=None, *, epochs=2, batch_size=8, jit=False, steps=1):
    model.compile(
        optimizer or keras.optimizers.SGD(0.1, momentum=0.9),
        "mse",
        jit_compile=jit,
        steps_per_execution=steps,
    )
    model.fit(X, Y, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=0)
    return model.get_weights()


def equal(first, second, rtol=0.0):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=0 if rtol == 0 else 1e-7)


def plain_fit(optimizer=None, **arguments):
    return trained(keras.Model(*network()), optimizer, **arguments)


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_without_clipping_and_decay_it_is_keras(jit):
    equal(trained(TrainingModel(*network()), jit=jit), plain_fit(jit=jit))


def test_a_bound_that_is_never_reached_changes_nothing():
    clipping = GradientClipping(value=1e6, norm=1e6, global_norm=1e6)
    equal(trained(TrainingModel(*network(), gradient_clipping=clipping)), plain_fit())


@pytest.mark.parametrize(
    ("ours", "keras_argument"),
    [
        ({"value": 0.01}, {"clipvalue": 0.01}),
        ({"norm": 0.05}, {"clipnorm": 0.05}),
        ({"global_norm": 0.05}, {"global_clipnorm": 0.05}),
    ],
)
@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_clips_as_the_keras_optimizer_does(ours, keras_argument, jit):
    expected = plain_fit(keras.optimizers.SGD(0.1, momentum=0.9, **keras_argument), jit=jit)
    equal(trained(GradientClippingModel(*network(), **ours), jit=jit), expected, rtol=1e-5)


def test_decoupled_decay_is_adamw():
    expected = plain_fit(
        # Keras's AdamW decays biases too unless they are excluded.
        excluded(keras.optimizers.AdamW(0.01, weight_decay=0.3))
    )
    model = WeightDecayModel(*network(), rate=0.3)
    equal(trained(model, keras.optimizers.Adam(0.01)), expected, rtol=1e-5)


def excluded(optimizer):
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def test_decoupled_decay_follows_the_schedule_of_the_rate():
    """Without a gradient only the decay moves a kernel: the product of 1 - rate * lr(t)."""
    schedule = Polynomial(0.5, decay_steps=4, end_learning_rate=0.1)
    model = WeightDecayModel(*network(), rate=0.2)
    before = model.get_layer("hidden").kernel.numpy()
    model.compile(keras.optimizers.SGD(schedule), loss=lambda y, p: 0.0 * p)
    model.fit(X, Y, batch_size=8, epochs=1, verbose=0)
    factor = np.prod([1 - 0.2 * (0.5 - 0.4 * t / 4) for t in range(4)])
    np.testing.assert_allclose(model.get_layer("hidden").kernel, before * factor, rtol=1e-5)


def test_l2_decay_is_the_gradient_of_the_penalty():
    """rate / 2 * ||w||^2 in the loss, on the kernels: Keras's regularizer has no half."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((4,))
    penalty = keras.regularizers.L2(0.05 / 2)
    hidden = keras.layers.Dense(5, activation="tanh", kernel_regularizer=penalty)(inputs)
    outputs = keras.layers.Dense(2, kernel_regularizer=penalty)(hidden)
    expected = trained(keras.Model(inputs, outputs))
    equal(trained(WeightDecayModel(*network(), rate=0.05, mode="l2")), expected, rtol=1e-5)


def test_biases_do_not_decay_and_the_table_says_so():
    model = TrainingModel(*network())
    rows = WeightDecay(0.1, exclude=["out"]).table(model.trainable_variables)
    assert [(row.path.split("/", 1)[-1], row.factor > 0) for row in rows] == [
        ("kernel", True),
        ("bias", False),
        ("kernel", False),
        ("bias", False),
    ]


def test_an_exclusion_that_matches_nothing_is_an_error():
    model = WeightDecayModel(*network(), rate=0.1, exclude=["convolution"])
    with pytest.raises(ValueError, match="matches no variable"):
        trained(model)


def test_reports_the_norm_before_clipping_in_training_alone():
    model = GradientClippingModel(*network(), global_norm=1e-3)
    model.compile("sgd", "mse")
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(X) - Y))
    expected = float(tf.linalg.global_norm(tape.gradient(loss, model.trainable_variables)))
    history = model.fit(X, Y, batch_size=32, verbose=0, validation_data=(X, Y)).history
    assert history["gradient_norm"] == [pytest.approx(expected, rel=1e-5)]
    assert history["clipped_steps"] == [1.0]
    assert history["nonfinite_steps"] == [0.0]
    assert "val_gradient_norm" not in history
    assert set(model.evaluate(X, Y, verbose=0, return_dict=True)) == {"loss"}


@pytest.mark.parametrize(
    "clipping",
    [
        GradientClipping(global_norm=1.0),
        GradientClipping(value=1.0),
        GradientClipping(norm=1.0, global_norm=2.0),
    ],
)
def test_a_gradient_that_is_no_number_does_not_reach_the_weights(clipping):
    model = TrainingModel(*network(), gradient_clipping=clipping)
    before = [weight.copy() for weight in model.get_weights()]
    bad = X.copy()
    bad[0, 0] = np.nan
    model.compile("sgd", "mse")
    history = model.fit(bad, Y, batch_size=32, verbose=0).history
    equal(model.get_weights(), before)
    assert history["nonfinite_steps"] == [1.0]


def test_several_steps_an_execution_change_nothing():
    def model():
        return TrainingModel(
            *network(),
            gradient_clipping=GradientClipping(global_norm=0.05),
            weight_decay=WeightDecay(0.1),
        )

    equal(trained(model(), steps=4), trained(model(), steps=1))


@pytest.mark.parametrize("metrics", [None, ["mae"]])
def test_a_step_is_traced_once(metrics):
    traces = []

    class Traced(keras.layers.Layer):
        def call(self, inputs, training=False):
            if training:
                traces.append(inputs)
            return inputs

    inputs, outputs = network()
    model = TrainingModel(inputs, Traced()(outputs))
    model.compile("adam", "mse", metrics=metrics)
    model.fit(X, Y, batch_size=12, epochs=2, verbose=0)
    assert len(traces) == 1


def auxiliary(base):
    """Two outputs in training, one of a layer that nothing else uses."""

    class Net(base):
        def __init__(self):
            super().__init__()
            self.main, self.other = keras.layers.Dense(2), keras.layers.Dense(2)

        def call(self, inputs, training=None):
            main = self.main(inputs)
            return (main, self.other(main)) if training else main

    keras.utils.set_random_seed(3)
    model = Net()
    model(X)
    model.compile(keras.optimizers.SGD(0.1), ["mse", "mse"])
    return model, (X, [Y, Y])


def own_targets(base):
    """Targets that are made in the step."""

    class Net(base):
        def train_step(self, data):
            x = keras.utils.unpack_x_y_sample_weight(data)[0]
            return super().train_step((x, x[:, :2]))

    model = Net(*network())
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
    return model, (X,)


@pytest.mark.parametrize("make", [auxiliary, own_targets])
def test_what_a_model_does_in_training_alone_is_as_in_keras(make):
    weights = []
    for base in (keras.Model, TrainingModel):
        model, data = make(base)
        model.fit(*data, batch_size=8, epochs=2, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    equal(*weights)


def test_two_models_are_one_that_does_both():
    both = TrainingModel(
        *network(),
        gradient_clipping=GradientClipping(global_norm=0.05),
        weight_decay=WeightDecay(0.1),
    )
    clip = GradientClippingModel(*network(), global_norm=0.05, weight_decay=WeightDecay(0.1))
    decay = WeightDecayModel(
        *network(), rate=0.1, gradient_clipping=GradientClipping(global_norm=0.05)
    )
    expected = trained(both)
    equal(trained(clip), expected)
    equal(trained(decay), expected)


def test_sample_weights_and_short_batches_count_as_in_keras():
    weights = np.linspace(0.1, 2.0, 32).astype("float32")

    def history(model):
        model.compile(keras.optimizers.SGD(0.1), "mse")
        fit = model.fit(X, Y, batch_size=12, sample_weight=weights, shuffle=False, verbose=0)
        return fit.history["loss"], model.get_weights()

    ours, expected = history(TrainingModel(*network())), history(keras.Model(*network()))
    assert ours[0] == pytest.approx(expected[0], rel=1e-6)
    equal(ours[1], expected[1], rtol=1e-6)


def test_a_loss_scale_changes_neither_bounds_nor_norms():
    """Mixed precision scales the loss by 2^15; bounds are meant for the true gradient."""

    def fit(optimizer):
        model = GradientClippingModel(*network(), global_norm=0.05)
        model.compile(optimizer, "mse", jit_compile=False)
        history = model.fit(X, Y, batch_size=8, shuffle=False, verbose=0).history
        return history["gradient_norm"], model.get_weights()

    plain = fit(keras.optimizers.SGD(0.1))
    scaled = fit(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)))
    assert scaled[0] == pytest.approx(plain[0], rel=1e-4)
    equal(scaled[1], plain[1], rtol=1e-4)


@pytest.mark.parametrize("cls", [TrainingModel, GradientClippingModel])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("weightdecay", "`weightdecay` is no argument of a model. Did you mean `weight_decay`?"),
        ("zzz", "`zzz` is no argument of a model. Expected those of `keras.Model` and the parts"),
    ],
)
def test_a_graph_refuses_what_is_no_part(cls, name, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        cls(*network(), **{name: WeightDecay(0.1)})


def test_a_graph_takes_what_keras_takes(tmp_path):
    class Own(TrainingModel):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)

    given = {"name": "own", "trainable": False, "dtype": "float32", "autocast": True}
    for cls in (TrainingModel, Own):
        model = cls(*network(), weight_decay=WeightDecay(0.1), **given)
        assert (model.name, model.trainable) == ("own", False)
        model.save(tmp_path / "m.keras")
        loaded = keras.models.load_model(tmp_path / "m.keras", {"Own": Own})
        assert (type(loaded).__name__, loaded.trainable) == (cls.__name__, False)
        assert loaded.training_parts.weight_decay.rate == 0.1


def test_a_copy_by_its_config_has_the_parts():
    model = TrainingModel(*network(), weight_decay=WeightDecay(0.1), gradient_accumulation=2)
    copied = type(model).from_config(model.get_config())
    assert copied.training_parts.get_config() == model.training_parts.get_config()
    assert copied.layers[1] is not model.layers[1]


def test_a_subclassed_model_uses_the_mix_in():
    class Net(TrainingStep, keras.Model):
        def __init__(self):
            super().__init__()
            self.set_training(gradient_clipping=GradientClipping(global_norm=1e-3))
            self.dense = keras.layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

    model = Net()
    model.compile("sgd", "mse")
    assert model.fit(X, Y, verbose=0).history["clipped_steps"] == [1.0]


def subclassed():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

    model = Net()
    model(X)
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.Model(*network()),
        lambda: keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]),
        subclassed,
    ],
    ids=["functional", "sequential", "subclassed"],
)
def test_wrap_trains_the_model_it_is_given(make):
    model = make()
    before = [weight.copy() for weight in model.get_weights()]
    wrapped = wrap(model, gradient_clipping=GradientClipping(global_norm=1.0))
    wrapped.compile("sgd", "mse")
    history = wrapped.fit(X, Y, verbose=0).history
    assert "gradient_norm" in history
    assert any((a != b).any() for a, b in zip(model.get_weights(), before, strict=True))
    np.testing.assert_array_equal(model(X), wrapped(X))


def test_wrap_refuses_a_model_without_variables():
    with pytest.raises(ValueError, match="no variables yet"):
        wrap(keras.Sequential([keras.layers.Dense(2)]))


def test_loads_in_a_process_that_has_imported_the_package_and_no_more(tmp_path):
    model = TrainingModel(
        *network(),
        gradient_clipping=GradientClipping(global_norm=0.05),
        weight_decay=WeightDecay(0.1, mode="l2", exclude=["out"]),
    )
    trained(model, keras.optimizers.Adam(Polynomial(0.1, 100)))
    path = tmp_path / "model.keras"
    model.save(path)
    np.save(tmp_path / "expected.npy", model.predict(X, verbose=0))
    np.save(tmp_path / "x.npy", X)
    code = (
        "import keras, numpy as np, keras_recipes.models, keras_recipes.schedules\n"
        f"model = keras.models.load_model({str(path)!r})\n"
        "parts = model.training_parts\n"
        "assert parts.gradient_clipping.global_norm == 0.05\n"
        "decay = parts.weight_decay\n"
        "assert (decay.rate, decay.mode, decay.exclude) == "
        "(0.1, 'l2', ['out'])\n"
        "assert int(model.optimizer.iterations) == 8\n"
        f"x = np.load({str(tmp_path / 'x.npy')!r})\n"
        f"expected = np.load({str(tmp_path / 'expected.npy')!r})\n"
        "np.testing.assert_array_equal(model.predict(x, verbose=0), expected)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_training_continues_after_loading_as_if_it_had_not_stopped(tmp_path):
    def model():
        made = TrainingModel(*network(), gradient_clipping=GradientClipping(global_norm=0.05))
        made.compile(keras.optimizers.Adam(Polynomial(0.1, 50)), "mse")
        return made

    def fit(made, epochs):
        made.fit(X, Y, batch_size=8, epochs=epochs, shuffle=False, verbose=0)

    whole, first = model(), model()
    fit(whole, 4)
    fit(first, 2)
    first.save(tmp_path / "half.keras")
    second = keras.models.load_model(tmp_path / "half.keras")
    fit(second, 2)
    equal(second.get_weights(), whole.get_weights())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GradientClipping(), "at least one"),
        (lambda: GradientClipping(value=0), "`value` must be > 0"),
        (lambda: GradientClipping(norm=-1), "`norm` must be > 0"),
        (lambda: GradientClipping(global_norm=float("inf")), "`global_norm` must be > 0 and"),
        (lambda: GradientClipping(global_norm=True), "`global_norm` must be a number"),
        (lambda: GradientClipping(global_norm="1"), "`global_norm` must be a number"),
        (lambda: WeightDecay(0), "`rate` must be > 0"),
        (lambda: WeightDecay(float("nan")), "`rate` must be > 0 and finite"),
        (lambda: WeightDecay(0.1, mode="L2"), "`mode` must be one of"),
        (lambda: WeightDecay(0.1, exclude="bias"), "`exclude` must be a list"),
        (lambda: WeightDecay(0.1, exclude=["("]), "not a regular expression"),
        (lambda: TrainingModel(*network(), weight_decay=0.1), "must be a `WeightDecay`"),
    ],
)
def test_bad_arguments_raise_when_it_is_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()
