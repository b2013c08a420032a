"""Weight decay against its formulas, Keras's AdamW, and torch's optimizers, update by update."""

import keras
import numpy as np
import pytest
from keras.optimizers.schedules import ExponentialDecay, LearningRateSchedule

from keras_recipes.models import (
    GradientClipping,
    Rule,
    TrainingModel,
    WeightDecay,
    WeightDecayModel,
)

RANDOM = np.random.default_rng(2)
START = [RANDOM.normal(size=(3, 2)).astype("float32"), RANDOM.normal(size=2).astype("float32")]
GRADIENTS = [[RANDOM.normal(size=(3, 2)), RANDOM.normal(size=2)] for _ in range(5)]
RATE, LEARNING_RATE, MOMENTUM = 0.3, 0.1, 0.9


def by_hand(taken=0.0, added=lambda w: 0.0):
    """SGD with momentum on the kernel, that decays, and the bias, that does not."""
    kernel, bias = (w.astype("float64") for w in START)
    speeds = [0.0, 0.0]
    for gradient_kernel, gradient_bias in GRADIENTS:
        gradient_kernel = gradient_kernel + added(kernel)
        kernel = kernel * (1 - taken)
        speeds[0] = MOMENTUM * speeds[0] - LEARNING_RATE * gradient_kernel
        speeds[1] = MOMENTUM * speeds[1] - LEARNING_RATE * gradient_bias
        kernel, bias = kernel + speeds[0], bias + speeds[1]
        yield [kernel, bias]


def close(values, expected, rtol=1e-5):
    assert len(values) == 5
    for update, other in zip(values, expected, strict=True):
        for a, b in zip(update, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-6)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("decoupled", {"taken": LEARNING_RATE * RATE}),
        ("independent", {"taken": RATE}),
        ("l2", {"added": lambda w: RATE * w}),
        ("l1", {"added": lambda w: RATE * np.sign(w)}),
    ],
)
def test_a_mode_is_its_formula(drive, mode, expected):
    values, _ = drive(START, GRADIENTS, weight_decay=WeightDecay(RATE, mode))
    close(values, by_hand(**expected))


def test_decoupled_is_keras_adamw_update_by_update(drive):
    decayed = keras.optimizers.AdamW(0.01, weight_decay=RATE)
    decayed.exclude_from_weight_decay(var_names=["v1"])
    expected, _ = drive(START, GRADIENTS, decayed)
    values, _ = drive(START, GRADIENTS, keras.optimizers.Adam(0.01), weight_decay=WeightDecay(RATE))
    close(values, expected)


def adamw_by_hand():
    """Loshchilov & Hutter (2019), algorithm 2, as torch has it: decay times the learning rate."""
    weights = [w.astype("float64") for w in START]
    first, second = [0.0, 0.0], [0.0, 0.0]
    for t, gradients in enumerate(GRADIENTS, start=1):
        for i, g in enumerate(gradients):
            if i == 0:
                weights[i] = weights[i] - 0.01 * RATE * weights[i]
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = 0.999 * second[i] + 0.001 * g * g
            step = first[i] / (1 - 0.9**t) / (np.sqrt(second[i] / (1 - 0.999**t)) + 1e-8)
            weights[i] = weights[i] - 0.01 * step
        yield list(weights)


def test_decoupled_is_adamw_by_hand(drive):
    # Keras adds epsilon before the bias correction; made small, its place does not matter.
    adam = keras.optimizers.Adam(0.01, epsilon=1e-12)
    values, _ = drive(START, GRADIENTS, adam, weight_decay=WeightDecay(RATE))
    close(values, adamw_by_hand())


def torch_values(make):
    torch = pytest.importorskip("torch")
    parameters = [torch.nn.Parameter(torch.tensor(w)) for w in START]
    optimizer = make(torch, parameters)
    for gradients in GRADIENTS:
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = torch.tensor(gradient, dtype=torch.float32)
        optimizer.step()
        yield [parameter.detach().numpy().copy() for parameter in parameters]


def groups(parameters):
    return [{"params": parameters[:1]}, {"params": parameters[1:], "weight_decay": 0.0}]


def test_l2_is_torch_sgd(drive):
    expected = torch_values(
        lambda torch, p: torch.optim.SGD(
            groups(p), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=RATE
        )
    )
    values, _ = drive(START, GRADIENTS, weight_decay=WeightDecay(RATE, "l2"))
    close(values, list(expected))


def test_decoupled_is_torch_adamw(drive):
    expected = torch_values(
        lambda torch, p: torch.optim.AdamW(groups(p), lr=0.01, eps=1e-12, weight_decay=RATE)
    )
    adam = keras.optimizers.Adam(0.01, epsilon=1e-12)
    values, _ = drive(START, GRADIENTS, adam, weight_decay=WeightDecay(RATE))
    close(values, list(expected))


def test_l2_in_the_loss_is_the_penalty_in_training_and_evaluation(model, fitted, data):
    """rate / 2 * ||w||^2 on the kernels, and its gradient is clipped with the rest."""
    clipping = GradientClipping(global_norm=0.3)
    rate = 0.4
    made, history = fitted(
        model(gradient_clipping=clipping, weight_decay=WeightDecay(rate, "l2_loss")), epochs=1
    )
    keras.utils.set_random_seed(3)
    inputs = keras.Input((4,))
    penalty = keras.regularizers.L2(rate / 2)
    hidden = keras.layers.Dense(5, activation="tanh", kernel_regularizer=penalty)(inputs)
    outputs = keras.layers.Dense(2, kernel_regularizer=penalty)(hidden)
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9, global_clipnorm=0.3)
    expected, other = fitted(keras.Model(inputs, outputs), optimizer, epochs=1)
    for a, b in zip(made.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    assert history["loss"] == pytest.approx(other["loss"], rel=1e-5)
    assert float(made.evaluate(*data, verbose=0)) == pytest.approx(
        float(expected.evaluate(*data, verbose=0)), rel=1e-5
    )


def test_the_rate_may_follow_a_schedule(drive):
    """Rates 0.3, 0.15, ... and learning rates 0.1, 0.05, ...: without a gradient, products."""
    still = [[np.zeros((3, 2)), np.zeros(2)]] * 5
    decay = WeightDecay(ExponentialDecay(RATE, 1, 0.5))
    sgd = keras.optimizers.SGD(ExponentialDecay(LEARNING_RATE, 1, 0.5))
    values, _ = drive(START, still, sgd, weight_decay=decay)
    factors = np.cumprod([1 - RATE * LEARNING_RATE * 0.25**t for t in range(5)])
    close(values, [[START[0] * f, START[1]] for f in factors])


class Zero(LearningRateSchedule):
    def __call__(self, step):
        return 0.0

    def get_config(self):
        return {}


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("mode", ["decoupled", "independent", "l2", "l2_loss", "l1"])
def test_a_decay_of_zero_is_none(model, fitted, mode, jit):
    if jit and mode != "decoupled":
        pytest.skip("one is enough")
    decay = WeightDecay(Zero(), mode)
    got = fitted(model(weight_decay=decay), epochs=1, jit_compile=jit)[0].get_weights()
    expected = fitted(model(), epochs=1, jit_compile=jit)[0].get_weights()
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6 if jit else 0, atol=0)


def test_max_norm_bounds_units_after_every_update(drive):
    decay = WeightDecay(max_norm=0.8)
    values, _ = drive(START, GRADIENTS, keras.optimizers.SGD(0.1), weight_decay=decay)
    kernel, bias = (w.astype("float64") for w in START)
    for (got_kernel, got_bias), (g, h) in zip(values, GRADIENTS, strict=True):
        kernel, bias = kernel - 0.1 * g, bias - 0.1 * h
        norms = np.linalg.norm(kernel, axis=0)
        kernel = kernel * np.minimum(1, 0.8 / norms)
        np.testing.assert_allclose(got_kernel, kernel, rtol=1e-5)
        np.testing.assert_allclose(got_bias, bias, rtol=1e-5)


def network():
    inputs = keras.Input((6,), dtype="int32")
    tensor = keras.layers.Embedding(5, 4, name="words")(inputs)
    tensor = keras.layers.LayerNormalization(name="norm")(keras.layers.Flatten()(tensor))
    return inputs, keras.layers.Dense(2, name="out")(tensor)


def test_rules_decide_in_order_and_the_table_shows_it():
    rules = [
        {"layer": "embedding", "factor": 0},
        Rule(0.5, path="norm/gamma"),
        {"rank": 1, "path": "out", "factor": 2},
    ]
    made = TrainingModel(*network(), weight_decay=WeightDecay(0.1, rules=rules))
    rows = [(row.path, row.layer, row.rule, row.factor) for row in made.decay_table()]
    assert rows == [
        ("words/embeddings", "Embedding", "layer embedding", 0.0),
        ("norm/gamma", "LayerNormalization", "path norm/gamma", 0.5),
        ("norm/beta", "LayerNormalization", "rank below 2", 0.0),
        ("out/kernel", "Dense", "rank 2 and more", 1.0),
        ("out/bias", "Dense", "path out, rank 1", 2.0),
    ]


def test_rules_set_the_rate_of_each_variable(drive):
    still = [[np.zeros((3, 2)), np.zeros(2)]]
    decay = WeightDecay(0.5, "independent", rules=[{"rank": 1, "factor": 0.5}])
    values, _ = drive(START, still, weight_decay=decay)
    np.testing.assert_allclose(values[0][0], START[0] * 0.5, rtol=1e-6)
    np.testing.assert_allclose(values[0][1], START[1] * 0.75, rtol=1e-6)


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ([{"path": "convolution", "factor": 0}], "path convolution"),
        ([{"layer": "Conv2D", "factor": 0}], "layer Conv2D"),
        ([{"rank": 3, "factor": 0}], "rank 3"),
        ([{"rank": 2, "factor": 0}, {"path": "out/kernel", "factor": 1}], "path out/kernel"),
        ([{"rank": 2, "factor": 0}, {"rank": 2, "factor": 0}], "rank 2"),
    ],
)
def test_a_rule_that_decides_nothing_is_an_error(rules, named):
    made = TrainingModel(*network(), weight_decay=WeightDecay(0.1, rules=rules))
    with pytest.raises(ValueError, match=f"`{named}`, matches no variable"):
        made.decay_table()


def test_a_rule_for_a_frozen_layer_is_no_mistake(model, fitted):
    made = model(weight_decay=WeightDecay(0.1, exclude=["hidden"]))
    made.get_layer("hidden").trainable = False
    start = made.get_weights()
    fitted(made, epochs=1)
    np.testing.assert_array_equal(made.get_layer("hidden").get_weights()[0], start[0])


def test_rules_survive_saving(tmp_path, fitted, model):
    decay = WeightDecay(
        ExponentialDecay(0.1, 10, 0.5), "l1", ["bias"], rules=[Rule(2, path="out")], max_norm=3
    )
    made, _ = fitted(model(WeightDecayModel, weight_decay=decay), epochs=1)
    made.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.training_parts.weight_decay.get_config() == decay.get_config()
    assert again.decay_table() == made.decay_table()


def test_an_optimizer_that_decays_too_is_refused(model, fitted):
    with pytest.raises(ValueError, match=r"`weight_decay=0.004`.*`Adam` in place of `AdamW`"):
        fitted(model(weight_decay=WeightDecay(0.1)), keras.optimizers.AdamW(0.1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WeightDecay(), "needs a `rate` or a `max_norm`"),
        (lambda: WeightDecay(True), "`rate` must be a number"),
        (lambda: WeightDecay(0.1, max_norm=0), "`max_norm` must be > 0"),
        (lambda: WeightDecay(0.1, rules="bias"), "`rules` must be a list"),
        (lambda: WeightDecay(0.1, rules=["bias"]), r"`rules\[0\]` must be a `Rule`"),
        (lambda: WeightDecay(0.1, rules=[{"factor": 1}]), "needs at least one of `path`"),
        (lambda: WeightDecay(0.1, rules=[{"path": "a"}]), r"`rules\[0\]` missing 1 required"),
        (lambda: WeightDecay(0.1, rules=[{"pth": "a", "factor": 1}]), "unexpected keyword"),
        (lambda: Rule(-1, path="a"), "`factor` must be >= 0"),
        (lambda: Rule(1, path="("), "not a regular expression"),
        (lambda: Rule(1, rank=True), "`rank` must be a whole number"),
        (lambda: Rule(1, layer=3), "`layer` must be a name"),
    ],
)
def test_bad_arguments_raise_when_it_is_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()
