"""Gradient centralization, gradient noise, trust ratios, and sharpness-aware minimization."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.models import (
    GradientCentralization,
    GradientClipping,
    GradientNoise,
    SharpnessAware,
    TrustRatio,
)

RANDOM = np.random.default_rng(4)
ZEROS = [np.zeros((40, 50)), np.zeros(50)]


def test_centralization_takes_the_mean_of_each_unit(drive):
    kernel, image, bias = (RANDOM.normal(size=s) for s in ((4, 3), (2, 2, 4, 3), (3,)))
    rows = []
    values, _ = drive(
        [np.zeros_like(g) for g in (kernel, image, bias)],
        [[kernel, image, bias]],
        keras.optimizers.SGD(1.0),
        gradient_transforms=[GradientCentralization()],
        gradient_clipping=GradientClipping(global_norm=1e9),
        rows=rows,
    )
    expected = [kernel - kernel.mean(0), image - image.mean((0, 1, 2)), bias]
    for got, centred in zip(values[0], expected, strict=True):
        np.testing.assert_allclose(-got, centred, rtol=1e-4, atol=1e-6)
    norm = np.sqrt(sum(np.sum(g**2) for g in expected))
    assert rows[0]["gradient_norm"] == pytest.approx(norm, rel=1e-5)


def test_noise_has_the_papers_variance_and_comes_after_clipping(drive):
    clipping = GradientClipping(global_norm=1e-6)
    noise = GradientNoise(0.04, gamma=0.6, seed=2)
    values, _ = drive(
        ZEROS,
        [ZEROS] * 9,
        keras.optimizers.SGD(1.0),
        gradient_transforms=[noise],
        gradient_clipping=clipping,
    )
    drawn = np.diff([ZEROS[0], *(value[0] for value in values)], axis=0)
    for t in (0, 8):
        deviation = np.sqrt(0.04 / (1 + t) ** 0.6)
        assert drawn[t].std() == pytest.approx(deviation, rel=0.1)
        assert abs(drawn[t].mean()) < 4 * deviation / np.sqrt(drawn[t].size)
    # Another update and another variable draw other numbers.
    assert abs(np.corrcoef(drawn[0].ravel(), drawn[1].ravel())[0, 1]) < 0.1
    assert abs(np.corrcoef(drawn[0][0], values[0][1])[0, 1]) < 0.6


def test_noise_follows_from_seed_and_update_alone():
    gradients = [tf.zeros((3, 2))]

    def draw(seed, update):
        return GradientNoise(seed=seed)(gradients, tf.constant(update))[0].numpy().tolist()

    assert draw(1, 5) == draw(1, 5)
    assert draw(1, 5) != draw(1, 6)
    assert draw(1, 5) != draw(2, 5)


def test_a_trust_ratio_moves_each_kernel_by_the_same_fraction_of_its_norm(drive):
    shapes = ((4, 3), (2, 2, 4, 3), (3,))
    start, gradients = ([RANDOM.normal(size=shape) for shape in shapes] for _ in range(2))
    gradients = [scale * g for scale, g in zip((1e-4, 1e3, 1.0), gradients, strict=True)]
    values, _ = drive(
        start,
        [gradients],
        keras.optimizers.SGD(0.5),
        gradient_transforms=[TrustRatio(0.02)],
        gradient_clipping=GradientClipping(norm=1e-3),
    )
    for old, new in list(zip(start, values[0], strict=True))[:2]:
        assert np.linalg.norm(new - old) == pytest.approx(0.01 * np.linalg.norm(old), rel=1e-4)
    moved = [old - new for old, new in zip(start, values[0], strict=True)]
    for step, gradient in zip(moved, gradients, strict=True):
        cosine = np.sum(step * gradient) / np.linalg.norm(step) / np.linalg.norm(gradient)
        assert cosine == pytest.approx(1.0, abs=1e-4)
    assert np.linalg.norm(moved[2]) == pytest.approx(0.5e-3, rel=1e-3)


@pytest.mark.parametrize(
    ("kernel", "gradient"),
    [(np.zeros((2, 3)), np.ones((2, 3))), (np.ones((2, 3)), np.full((2, 3), 1e-25))],
    ids=["a kernel of zeros", "a gradient whose square is zero"],
)
def test_a_trust_ratio_is_one_where_it_has_no_value(drive, kernel, gradient):
    values, _ = drive(
        [kernel], [[gradient]], keras.optimizers.SGD(0.1), gradient_transforms=[TrustRatio()]
    )
    np.testing.assert_allclose(values[0][0], kernel - 0.1 * gradient, rtol=1e-6)


def test_trust_ratios_with_momentum_are_layer_wise_adaptive_rate_scaling(drive):
    rate, momentum, trust = 0.5, 0.9, 0.05
    kernel, velocity = RANDOM.normal(size=(4, 3)), np.zeros((4, 3))
    gradients = RANDOM.normal(size=(5, 4, 3))
    values, _ = drive(
        [kernel],
        [[g] for g in gradients],
        keras.optimizers.SGD(rate, momentum=momentum),
        gradient_transforms=TrustRatio(trust),
    )
    for (got,), g in zip(values, gradients, strict=True):
        local_rate = trust * np.linalg.norm(kernel) / np.linalg.norm(g)
        velocity = momentum * velocity + rate * local_rate * g
        kernel = kernel - velocity
        np.testing.assert_allclose(got, kernel, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_sharpness_takes_the_gradient_of_the_worst_place_nearby(model, fitted, data, jit):
    rho, rate = 0.3, 0.1
    x, y = (tf.constant(part) for part in data)
    made, history = fitted(
        model(sam=SharpnessAware(rho)),
        keras.optimizers.SGD(rate),
        epochs=1,
        batch_size=32,
        jit_compile=jit,
    )
    other = model()

    def gradients():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(other(x) - y))
        return loss, tape.gradient(loss, other.trainable_variables)

    start = [v.numpy() for v in other.trainable_variables]
    loss, first = gradients()
    norm = np.sqrt(sum(np.sum(g.numpy() ** 2) for g in first))
    other.set_weights([w + rho * g.numpy() / norm for w, g in zip(start, first, strict=True)])
    _, second = gradients()
    for got, w, g in zip(made.get_weights(), start, second, strict=True):
        np.testing.assert_allclose(got, w - rate * g.numpy(), rtol=1e-4, atol=1e-6)
    assert history["loss"][0] == pytest.approx(float(loss), rel=1e-5)
    norm = np.sqrt(sum(np.sum(g.numpy() ** 2) for g in second))
    assert history["gradient_norm"][0] == pytest.approx(norm, rel=1e-4)


def test_looking_around_leaves_no_rounding_error_behind(model, fitted):
    """With a learning rate of zero the weights are those at the start, to the bit."""
    made, _ = fitted(model(sam=SharpnessAware(0.5)), keras.optimizers.SGD(0.0), epochs=1)
    for got, start in zip(made.get_weights(), model().get_weights(), strict=True):
        np.testing.assert_array_equal(got, start)


def test_they_come_back_from_a_saved_model(model, fitted, tmp_path):
    given = {
        "gradient_transforms": [
            GradientCentralization(),
            GradientNoise(0.02, 0.3, seed=7),
            TrustRatio(0.5),
        ],
        "sam": SharpnessAware(0.2),
    }
    made, _ = fitted(model(**given), epochs=1)
    made.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert [t.get_config() for t in again.training_parts.gradient_transforms] == [
        {},
        {"eta": 0.02, "gamma": 0.3, "seed": 7},
        {"trust_coefficient": 0.5},
    ]
    assert again.training_parts.sam.rho == 0.2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda model: GradientNoise(0), "`eta` must be > 0"),
        (lambda model: GradientNoise(gamma=-1), "`gamma` must be >= 0"),
        (lambda model: GradientNoise(seed=-1), "`seed` must be a whole number >= 0"),
        (lambda model: TrustRatio(0), "`trust_coefficient` must be > 0"),
        (lambda model: SharpnessAware(0), "`rho` must be > 0"),
        (lambda model: model(sam=0.1), "`sam` must be a `SharpnessAware`"),
        (lambda model: model(gradient_transforms=["noise"]), "`gradient_transforms` must hold"),
    ],
)
def test_bad_arguments_raise_when_it_is_made(make, message, model):
    with pytest.raises(ValueError, match=message):
        make(model)
