"""Every part of the training step in 16 bits stays near itself in 32 bits; overflows recover."""

import keras
import numpy as np
import pytest

from keras_recipes.callbacks import ActivationMonitor, GradientMonitor
from keras_recipes.models import (
    AdversarialTraining,
    GradientCentralization,
    GradientClipping,
    GradientNoise,
    LayerRates,
    SharpnessAware,
    WeightAveraging,
    WeightDecay,
    wrap,
)
from keras_recipes.schedules import Linear

# How far the weights may be from those of float32, as a fraction of how far training moved them:
# one unit in the last place is 2^-8 of a bfloat16 and 2^-11 of a float16.
BOUNDS = {"mixed_bfloat16": 2.0**-5, "mixed_float16": 2.0**-8}
# What leaves room for the gradients of this network in float16; Keras starts with 2^15.
SCALE = 2.0**8
PARTS = {
    "none": {},
    "local bounds": {"gradient_clipping": GradientClipping(0.05, norm=0.1, adaptive=0.1)},
    "global bounds": {
        "gradient_clipping": GradientClipping(global_norm=0.2, percentile=50, z_score=2.0)
    },
    "decoupled decay": {"weight_decay": WeightDecay(0.1, max_norm=1.0)},
    "coupled decay": {"weight_decay": WeightDecay(Linear(0.1, 10), "l2")},
    "decay in the loss": {"weight_decay": WeightDecay(0.1, "l2_loss")},
    "accumulation": {"gradient_accumulation": 2},
    "averaging, noise": {
        "weight_averaging": WeightAveraging(0.5),
        "gradient_transforms": [GradientCentralization(), GradientNoise()],
    },
    "sharpness-aware": {"sam": SharpnessAware()},
    "adversarial": {"adversarial_training": AdversarialTraining(0.1)},
    "rates and momentum": {
        "layer_rates": LayerRates([{"match": "hidden", "multiplier": 0.5}]),
        "momentum": Linear(0.9, 10, 0.5),
    },
}


def network(policy):
    """A network made under a policy, as users set it; its last layer computes in float32."""
    keras.utils.set_random_seed(3)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        inputs = keras.Input((4,))
        hidden = keras.layers.Dense(5, activation="tanh", name="hidden")(inputs)
        outputs = keras.layers.Dense(2, name="out", dtype="float32")(hidden)
        return keras.Model(inputs, outputs)
    finally:
        keras.config.set_dtype_policy(before)


def test_the_loss_is_scaled_as_keras_decides():
    for policy, scaled in (("float32", False), ("mixed_bfloat16", False), ("mixed_float16", True)):
        model = wrap(network(policy))
        model.compile("sgd", "mse")
        assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) == scaled


def trained(policy, parts, data, optimizer=None, callbacks=()):
    model = wrap(network(policy), **parts)
    start = [np.array(weight) for weight in model.get_weights()]
    if optimizer is None:
        optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
        if policy == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, SCALE)
    # Eagerly: tracing would take longer than these few updates.
    model.compile(optimizer, "mse", run_eagerly=True, auto_scale_loss=False)
    history = model.fit(
        *data, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=list(callbacks)
    )
    moved = [end - begin for begin, end in zip(start, model.get_weights(), strict=True)]
    return np.concatenate([change.ravel() for change in moved]), model, history.history


QUICK = ("global bounds", "decoupled decay", "accumulation")


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(parts, id=name, marks=() if name in QUICK else pytest.mark.slow)
        for name, parts in PARTS.items()
    ],
)
def test_each_part_is_near_itself_in_float32(parts, data):
    expected, _, _ = trained("float32", parts, data)
    for policy, bound in BOUNDS.items():
        found, model, history = trained(policy, parts, data)
        assert {weight.dtype for weight in model.trainable_variables} == {"float32"}
        assert (found != expected).any()  # it did compute in 16 bits
        assert np.linalg.norm(found - expected) < bound * np.linalg.norm(expected)
        assert np.isfinite(history["gradient_norm"]).all()


def test_an_overflow_skips_the_update_and_halves_the_scale(data):
    """A scale of 2^24 overflows float16, whose largest number is 65504, until it has halved."""
    optimizer = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.1), initial_scale=2.0**24
    )
    parts = {
        "gradient_clipping": GradientClipping(global_norm=0.01),
        "weight_averaging": WeightAveraging(0.5),
    }
    moved, _, history = trained("mixed_float16", parts, data, optimizer)
    batches = 2 * len(data[0]) // 8
    halved = np.log2(2.0**24 / float(optimizer.dynamic_scale))
    assert 0 < halved < batches
    assert int(optimizer.iterations) == batches - halved
    assert np.isfinite(moved).all()
    assert moved.any()
    # Clipped after unscaling: no update is longer than rate times bound.
    assert np.linalg.norm(moved) <= 0.1 * 0.01 * int(optimizer.iterations) * (1 + 1e-5)
    assert np.isclose(np.mean(history["nonfinite_steps"]), halved / batches)


@pytest.mark.parametrize("policy", BOUNDS)
def test_monitors_see_the_gradient_and_not_its_scale(policy, data):
    norms = {}
    for name in ("float32", policy):
        monitor, activations = GradientMonitor(data=data), ActivationMonitor(data[0])
        trained(name, {}, data, callbacks=[monitor, activations])
        norms[name] = [row.gradient for row in monitor.rows]
    np.testing.assert_allclose(norms[policy], norms["float32"], rtol=0.03)
