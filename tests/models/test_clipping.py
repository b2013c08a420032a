"""Bounds on the gradient against their papers' formulas, written out in numpy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.models import (
    AdaptiveClipping,
    GradientClipping,
    GradientClippingModel,
    NonFiniteGradientError,
    PercentileClipping,
    ZScoreClipping,
)
from keras_recipes.models.bounds import by_block_rms, by_norm, by_value

RANDOM = np.random.default_rng(1)
KERNEL = RANDOM.normal(size=(3, 2)).astype("float32")
BIAS = RANDOM.normal(size=2).astype("float32")
PLAIN = keras.optimizers.SGD


def step(drive, gradients, start=(KERNEL, BIAS), rows=None, **clipping):
    """The gradient that reaches plain SGD of rate 1."""
    values, _ = drive(
        start, [gradients], PLAIN(1.0), gradient_clipping=GradientClipping(**clipping), rows=rows
    )
    return [np.asarray(w, "float32") - after for w, after in zip(start, values[0], strict=True)]


def agc(gradient, weights, factor, epsilon):
    """Brock et al. (2021), equation 3, with the axes of Keras."""
    axes = tuple(range(gradient.ndim - 1)) if gradient.ndim > 1 else None

    def norm(array):
        return np.sqrt(np.sum(np.square(array, dtype="float64"), axis=axes, keepdims=True))

    allowed = factor * np.maximum(norm(weights), epsilon)
    return np.where(norm(gradient) > allowed, gradient * allowed / norm(gradient), gradient)


@pytest.mark.parametrize(
    ("clipping", "expected"),
    [
        ({"value": 0.5}, lambda g: [np.clip(x, -0.5, 0.5) for x in g]),
        ({"norm": 0.5}, lambda g: [x * min(1, 0.5 / np.linalg.norm(x)) for x in g]),
        (
            {"block_rms": 0.3},
            lambda g: [x / max(1, np.sqrt(np.mean(x**2)) / 0.3) for x in g],
        ),
        (
            {"global_norm": 0.7},
            lambda g: [x * 0.7 / np.sqrt(sum(np.sum(y**2) for y in g)) for x in g],
        ),
    ],
    ids=["value", "norm", "block_rms", "global_norm"],
)
def test_a_bound_is_its_formula(drive, clipping, expected):
    gradients = [RANDOM.normal(size=(3, 2)), RANDOM.normal(size=2)]
    got = step(drive, gradients, **clipping)
    for a, b in zip(got, expected(gradients), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(6, 4), (3, 3, 2, 4), (5, 2, 4), (4,)])
def test_adaptive_clipping_is_the_paper_for_every_rank(shape):
    weights = RANDOM.normal(size=shape).astype("float32")
    weights[..., 0] = 0.0  # epsilon decides
    gradient = RANDOM.normal(size=shape).astype("float32")
    gradient[..., -1] *= 1e-4  # within the bound
    got, cut = AdaptiveClipping(0.02, 1e-3)(tf.constant(gradient), tf.constant(weights))
    np.testing.assert_allclose(got, agc(gradient, weights, 0.02, 1e-3), rtol=1e-5)
    assert bool(cut)


def test_adaptive_clipping_is_optax():
    optax = pytest.importorskip("optax")
    weights = RANDOM.normal(size=(6, 4)).astype("float32")
    gradient = RANDOM.normal(size=(6, 4)).astype("float32")
    transform = optax.adaptive_grad_clip(0.02, eps=1e-3)
    expected, _ = transform.update(gradient, transform.init(weights), weights)
    got, _ = AdaptiveClipping(0.02)(tf.constant(gradient), tf.constant(weights))
    np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("clipping", "name", "bound"),
    [
        ({"value": 0.5}, "clip", 0.5),
        ({"block_rms": 0.3}, "clip_by_block_rms", 0.3),
        ({"global_norm": 0.7}, "clip_by_global_norm", 0.7),
    ],
)
def test_bounds_are_optax(drive, clipping, name, bound):
    optax = pytest.importorskip("optax")
    gradients = [g.astype("float32") for g in (RANDOM.normal(size=(3, 2)), RANDOM.normal(size=2))]
    expected, _ = getattr(optax, name)(bound).update(gradients, None)
    for a, b in zip(step(drive, gradients, **clipping), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_adaptive_clipping_leaves_the_output_layer_out(model, fitted):
    tight = GradientClipping(adaptive=1e-6)
    trained, _ = fitted(model(gradient_clipping=tight))
    start = model().get_weights()
    moved = [np.abs(a - b).max() for a, b in zip(trained.get_weights(), start, strict=True)]
    assert max(moved[:2]) < 1e-4 < min(moved[2:])


def test_adaptive_clipping_can_bound_the_output_layer_too_or_leave_more_out(drive):
    gradients = [np.ones((3, 2)), np.ones(2), np.ones((3, 2))]
    start = (KERNEL, BIAS, KERNEL)

    def moved(**arguments):
        clipping = GradientClipping(adaptive={"factor": 1e-6, **arguments})
        values, _ = drive(start, [gradients], PLAIN(1.0), output=[1], gradient_clipping=clipping)
        return [np.abs(w - after).max() > 0.1 for w, after in zip(start, values[0], strict=True)]

    assert moved() == [False, True, False]
    assert moved(output_layer=True) == [False, False, False]
    assert moved(exclude=["v0"]) == [True, True, False]
    with pytest.raises(ValueError, match="'kernel', which matches no variable"):
        moved(exclude=["kernel"])
    with pytest.raises(ValueError, match="bounds no variable"):
        moved(exclude=["v0", "v2"])


@pytest.mark.parametrize("percentile", [10, 50, 97.5])
def test_percentile_clipping_is_numpys_percentile_of_the_norms_kept(percentile):
    clip = PercentileClipping(percentile, history=7)
    state, norms = tf.constant(clip.initial_state()), []
    for norm in RANDOM.lognormal(size=20).astype("float32"):
        norms.append(norm)
        bound, state = clip.observe(state, tf.constant(norm))
        assert float(bound) == pytest.approx(np.percentile(norms[-7:], percentile), rel=1e-5)


def zclip(norms, threshold, alpha, warmup):
    """Kumar et al. (2025), algorithm 1: the norm after clipping of every update."""
    mean = variance = 0.0
    for index, norm in enumerate(norms):
        if index < warmup:
            first = norms[: index + 1]
            mean, variance = np.mean(first), np.var(first)
            yield norm
            continue
        z = (norm - mean) / np.sqrt(variance)
        left = mean + threshold**2 / z * np.sqrt(variance) if z > threshold else norm
        mean = alpha * mean + (1 - alpha) * left
        variance = alpha * variance + (1 - alpha) * (left - mean) ** 2
        yield left


def test_z_score_clipping_is_the_paper():
    norms = 1.0 + RANDOM.random(60)
    norms[[30, 45]] = 40.0, 7.0
    clip = ZScoreClipping(2.5, alpha=0.9, warmup=10)
    state, left = tf.constant(clip.initial_state()), []
    for norm in norms:
        bound, state = clip.observe(state, tf.constant(norm, tf.float32))
        left.append(min(float(bound), norm))
    np.testing.assert_allclose(left, list(zclip(norms, 2.5, 0.9, 10)), rtol=1e-4)
    assert left[30] < 5
    assert left[29] == norms[29]


def test_histories_clip_from_inside_the_training_step(drive):
    """Norms 1, 2, 3, 9, the median of which is the bound: 1, 1.5, 2, 2.5."""
    gradients = [[np.array([[float(norm)]])] for norm in (1, 2, 3, 9)]
    rows = []
    values, _ = drive(
        [np.zeros((1, 1))],
        gradients,
        PLAIN(1.0),
        gradient_clipping=GradientClipping(percentile=50),
        rows=rows,
    )
    np.testing.assert_allclose(np.ravel(values), -np.cumsum([1, 1.5, 2, 2.5]), rtol=1e-6)
    assert [row["gradient_norm"] for row in rows] == pytest.approx([1, 2, 3, 9])
    assert [row["clipped_norm"] for row in rows] == pytest.approx([1, 1.5, 2, 2.5])
    assert [row["clipped_steps"] for row in rows] == [0, 1, 1, 1]


def test_bounds_follow_one_another_and_the_least_of_the_global_ones_holds(drive):
    gradients = [np.full((3, 2), 4.0), np.array([3.0, 0.1])]
    got = step(drive, gradients, value=1.0, norm=1.2, global_norm=1.5, percentile=90)
    kernel = np.ones((3, 2)) * 1.2 / np.sqrt(6)
    bias = np.array([1.0, 0.1])
    scale = 1.5 / np.sqrt(1.2**2 + 1.01)
    np.testing.assert_allclose(got[0], kernel * scale, rtol=1e-5)
    np.testing.assert_allclose(got[1], bias * scale, rtol=1e-5)


@pytest.mark.parametrize("bound", [by_value, by_norm, by_block_rms])
def test_a_gradient_within_a_bound_stays_bit_for_bit(bound):
    gradient = tf.constant(RANDOM.normal(size=(7, 5)), tf.float32)
    left, cut = bound(gradient, 1e9)
    np.testing.assert_array_equal(left, gradient)
    assert not bool(cut)


def test_a_gradient_of_zero_stays_zero(drive):
    for bound in ("value", "norm", "block_rms", "adaptive", "global_norm", "z_score"):
        got = step(drive, [np.zeros((3, 2)), np.zeros(2)], **{bound: 0.1})
        assert all((g == 0).all() for g in got), bound


BAD = [np.array([[1.0, np.nan], [1, 1], [1, 1]]), np.ones(2)]
GOOD = [np.ones((3, 2)), np.ones(2)]


def test_zero_lets_momentum_and_decay_go_on(drive):
    clipping = GradientClipping(global_norm=1e9)
    got, rule = drive([KERNEL, BIAS], [GOOD, BAD, GOOD], gradient_clipping=clipping)
    zero = [np.zeros_like(g) for g in GOOD]
    expected, _ = drive([KERNEL, BIAS], [GOOD, zero, GOOD])
    for a, b in zip(got[-1], expected[-1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(rule.optimizer.iterations) == 3


def test_skip_makes_no_update_at_all(drive):
    clipping = GradientClipping(global_norm=1e9, percentile=99, nonfinite="skip")
    rows = []
    arguments = {"gradient_clipping": clipping}
    got, rule = drive([KERNEL, BIAS], [GOOD, BAD, GOOD], rows=rows, **arguments)
    expected, _ = drive([KERNEL, BIAS], [GOOD, GOOD], **arguments)
    for a, b in zip(got[-1], expected[-1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(rule.optimizer.iterations) == 2
    assert [row["nonfinite_steps"] for row in rows] == [0, 1, 0]
    assert rule.memory["percentile"].numpy()[1] == 2  # norms in the history


def test_raise_names_update_and_variables_and_leaves_the_weights(model, data):
    x, y = data
    spoiled = x.copy()
    spoiled[20, 0] = np.inf  # in the third of four batches, all of one execution
    made = model(gradient_clipping=GradientClipping(value=1.0, nonfinite="raise"))
    made.compile("sgd", "mse", steps_per_execution=4)
    with pytest.raises(NonFiniteGradientError, match="After 2 updates") as caught:
        made.fit(spoiled, y, batch_size=8, shuffle=False, verbose=0)
    assert caught.value.update == 2
    assert any(path.startswith("hidden/kernel") for path in caught.value.variables)
    sound = model(gradient_clipping=GradientClipping(value=1.0))
    sound.compile("sgd", "mse")
    sound.fit(x[:16], y[:16], batch_size=8, shuffle=False, verbose=0)
    for a, b in zip(made.get_weights(), sound.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    made.fit(x, y, verbose=0)  # and it can go on


def test_a_loss_scale_still_meets_the_infinity(drive):
    """Bounds would make it finite, and the scale would never fall."""
    optimizer = keras.optimizers.LossScaleOptimizer(PLAIN(0.1), initial_scale=8.0)
    clipping = GradientClipping(value=1.0, global_norm=1.0)
    scaled = [[8.0 * g for g in GOOD], [np.full((3, 2), np.inf), np.ones(2)]]
    values, _ = drive([KERNEL, BIAS], scaled, optimizer, gradient_clipping=clipping)
    for a, b in zip(values[1], values[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert float(optimizer.dynamic_scale) == 4.0


def test_an_embedding_is_clipped_like_the_kernel_that_it_is():
    """Its gradient comes as rows, one of which is there twice: they must be summed first."""
    x = np.array([[0, 0, 1], [5, 1, 0]])

    def trained(rows, *layers):
        made = GradientClippingModel(rows, keras.layers.Dense(1)(_through(layers, rows)), norm=0.1)
        made.set_weights([np.linspace(-1, 1, 12).reshape(6, 2), np.ones((6, 1)), np.zeros(1)])
        made.compile(PLAIN(0.1), "mse")
        inputs = x if rows.shape[-1] == 3 else np.eye(6)[x]
        made.fit(inputs, np.array([3.0, -2.0]), epochs=3, verbose=0)
        return made.get_weights()

    flat = keras.layers.Flatten()
    got = trained(keras.Input((3,), dtype="int32"), keras.layers.Embedding(6, 2), flat)
    expected = trained(keras.Input((3, 6)), keras.layers.Dense(2, use_bias=False), flat)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def _through(layers, tensor):
    for layer in layers:
        tensor = layer(tensor)
    return tensor


def test_the_history_is_saved_with_the_model(model, data, tmp_path):
    clipping = GradientClipping(percentile=40, z_score={"threshold": 1.0, "warmup": 3})

    def made():
        new = model(gradient_clipping=clipping)
        new.compile(keras.optimizers.SGD(0.1), "mse")
        return new

    def fit(trained, epochs):
        trained.fit(*data, batch_size=8, epochs=epochs, shuffle=False, verbose=0)

    whole, half = made(), made()
    fit(whole, 4)
    fit(half, 2)
    half.save(tmp_path / "half.keras")
    again = keras.models.load_model(tmp_path / "half.keras")
    fit(again, 2)
    for a, b in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GradientClipping(nonfinite="skip"), "at least one of `value`"),
        (lambda: GradientClipping(1.0, nonfinite="drop"), "`nonfinite` must be one of zero"),
        (lambda: GradientClipping(block_rms=-1), "`block_rms` must be > 0"),
        (lambda: GradientClipping(adaptive=0), "`factor` must be > 0"),
        (lambda: GradientClipping(adaptive={"lambda": 1}), "`adaptive` got an unexpected"),
        (lambda: GradientClipping(percentile=100), "`percentile` must be between 0 and 100"),
        (lambda: GradientClipping(percentile="10"), "`percentile` must be a number"),
        (lambda: GradientClipping(z_score=True), "`threshold` must be a number"),
        (lambda: AdaptiveClipping(epsilon=0), "`epsilon` must be > 0"),
        (lambda: AdaptiveClipping(output_layer=1), "`output_layer` must be True or False"),
        (lambda: AdaptiveClipping(exclude="out"), "`exclude` must be a list"),
        (lambda: AdaptiveClipping(exclude=["("]), "not a regular expression"),
        (lambda: PercentileClipping(history=0), "`history` must be a whole number >= 1"),
        (lambda: PercentileClipping(history=1.5), "`history` must be a whole number"),
        (lambda: ZScoreClipping(alpha=1.0), "`alpha` must be between 0 and 1"),
        (lambda: ZScoreClipping(warmup=1), "`warmup` must be a whole number >= 2"),
        (lambda: ZScoreClipping(float("nan")), "`threshold` must be > 0 and finite"),
    ],
)
def test_bad_arguments_raise_when_it_is_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "part",
    [
        GradientClipping(1, 2, 3, block_rms=4, nonfinite="raise"),
        GradientClipping(
            adaptive={"factor": 0.1, "exclude": ["b"]}, percentile={"history": 3}, z_score=3
        ),
        AdaptiveClipping(0.1, 0.2, output_layer=True, exclude=["a"]),
        PercentileClipping(20, 30),
        ZScoreClipping(3, 0.9, 5),
    ],
)
def test_serializes(part):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(part))
    assert again.get_config() == part.get_config()
