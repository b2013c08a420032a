"""Augmented pictures: a function of (seed, epoch, row), as Keras's layers make them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import keras_recipes
from keras_recipes.recipes.build import experiment as build
from keras_recipes.recipes.build.augment import augmentation, value_range
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.build.task import task_of
from keras_recipes.recipes.data.order import order_of, training_dataset
from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.spec.augmentations import AUGMENTATIONS, MIXING, OF_COLOURS

FACTOR = {"factor": 0.3}
ARGUMENTS = {
    **dict.fromkeys(
        (
            "random_brightness", "random_color_degeneration", "random_contrast", "random_hue",
            "random_rotation", "random_saturation", "random_sharpness",
        ),
        FACTOR,
    ),
    "random_color_jitter": {
        "brightness_factor": 0.3, "contrast_factor": 0.3, "saturation_factor": 0.3,
        "hue_factor": 0.2,
    },
    "random_posterization": {"factor": [2, 6]},
    "random_shear": {"x_factor": 0.3, "y_factor": 0.2},
    "random_translation": {"height_factor": 0.2, "width_factor": 0.2},
    "random_zoom": {"height_factor": 0.3},
    "solarization": {"addition_factor": 0.3, "threshold_factor": 0.5},
}  # fmt: skip
ROWS, SHAPE = 48, (9, 8, 3)
RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (ROWS, *SHAPE), dtype="uint8")
Y = np.arange(ROWS) % 4


def choice(name):
    return {name: ARGUMENTS[name]} if name in ARGUMENTS else name


def recipe(*augment, data=(), **keys):
    section = {"source": "arrays", "validation": None, "test": None, "batch_size": 6}
    return keras_recipes.load(
        {
            "name": "x",
            "seed": 3,
            "data": {**section, "augment": list(augment), **dict(data)},
            "model": {"layers": ["flatten"]},
            **keys,
        }
    )


def made(loaded, x=X, y=Y):
    """The augmentation of a recipe, and its training split with targets as the loss takes them."""
    data = data_of(loaded, (x, y))
    task = task_of(loaded, data)
    split = type(data.train)(data.train.x, task.encode(data.train.y))
    return augmentation(loaded, data, task), split


def passes(augment, split, epochs, **options):
    """Augmented pictures and targets of epochs, in the order of their rows."""
    training = training_dataset(split, seed=3, augment=augment, **options)
    for epoch in epochs:
        training.epoch.assign(epoch)
        parts = [(x.numpy(), y.numpy()) for x, y in training.dataset]
        places = np.argsort(order_of(len(split), 3, epoch).numpy())
        yield [np.concatenate(found)[places] for found in zip(*parts, strict=True)]


def epoch_of(augment, split, batch_size=6):
    return next(passes(augment, split, [0], batch_size=batch_size))


# Rows of one picture, and rows that differ.
EQUAL = ROWS // 2
PICTURES = np.concatenate([np.repeat(X[:1], EQUAL, axis=0), X[EQUAL:]])
# Keras builds large graphs for these.
SLOW = ("rand_augment", "random_elastic_transform")
LAYERS = [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in AUGMENTATIONS]


@pytest.mark.parametrize("name", LAYERS)
def test_a_picture_is_a_function_of_epoch_and_row(name):
    augment, split = made(recipe(choice(name)), PICTURES)
    (x, y), (later, _) = passes(augment, split, [0, 1], batch_size=6)
    assert x.dtype == np.float32
    assert x.shape == X.shape
    assert -0.001 <= x.min() <= x.max() <= 255.001
    for one, other in ((x, PICTURES), (x, later)):
        assert np.mean((one != other).any(axis=(1, 2, 3))[EQUAL:]) > 0.2
    # The other picture of a mixture is one of its batch.
    sizes = (6,) if name in MIXING else (1, 13)
    for batch_size, workers in zip(sizes, (7, 1), strict=False):
        again = next(passes(augment, split, [0], batch_size=batch_size, workers=workers))
        np.testing.assert_array_equal(again[0], x)
        np.testing.assert_array_equal(again[1], y)
    if name not in MIXING:
        assert len(np.unique(x[:EQUAL].reshape(EQUAL, -1), axis=0)) > 1


def test_layers_inside_of_a_layer_draw_different_numbers():
    """Of a picture of two greys, brightness moves the mean and contrast the distance."""
    x = np.zeros((200, 2, 2), "uint8") + np.array([100, 120], "uint8")
    factors = {"brightness_factor": 0.2, "contrast_factor": 0.9}
    augment, split = made(recipe({"random_color_jitter": factors}), x, np.arange(200) % 2)
    found, _ = epoch_of(augment, split, 100)
    moved, apart = found.mean(axis=(1, 2)) - 110, found[:, 0, 1] - found[:, 0, 0]
    assert moved.std() > 20
    assert apart.std() > 3
    assert abs(np.corrcoef(moved, apart)[0, 1]) < 0.3


def test_each_picture_goes_through_layers_of_its_own():
    augment, split = made(recipe({"rand_augment": {"num_ops": 1, "factor": 0.9}}), PICTURES)
    x, _ = epoch_of(augment, split, ROWS)
    assert len(np.unique(x[:EQUAL].reshape(EQUAL, -1), axis=0)) > EQUAL // 2


def test_equal_layers_draw_different_numbers_and_seeds_differ():
    flips = {"random_flip": {"mode": "horizontal"}}
    twice, split = made(recipe(flips, flips))
    assert (epoch_of(twice, split)[0] != X).any()
    found = []
    for seed in (3, 4):
        once, split = made(recipe(flips, seed=seed))  # the order is that of seed 3
        found.append(epoch_of(once, split)[0])
    assert (found[0] != found[1]).any()


def test_an_epoch_resumed_in_its_middle_has_the_same_pictures():
    augment, split = made(recipe(choice("random_rotation"), "mix_up"))
    whole = training_dataset(split, batch_size=6, seed=3, augment=augment)
    rest = training_dataset(split, batch_size=6, seed=3, augment=augment, start_step=5)
    for one, other in zip(list(whole.dataset)[5:], rest.dataset, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_flips_half_of_the_rows_and_each_on_its_own():
    x = np.tile(np.arange(4, dtype="uint8"), (2000, 3, 1))
    augment, split = made(recipe({"random_flip": {"mode": "horizontal"}}), x, np.arange(2000) % 2)
    found = passes(augment, split, range(4), batch_size=500)
    flips = np.stack([x[:, 0, 0] == 3 for x, _ in found])
    assert flips.mean() == pytest.approx(0.5, abs=0.03)
    for one in range(3):
        assert abs(np.corrcoef(flips[one], flips[one + 1])[0, 1]) < 0.1
        assert abs(np.corrcoef(flips[one, :-1], flips[one, 1:])[0, 1]) < 0.1


def test_angles_are_uniform():
    """A picture with a bright pixel right of the centre tells the angle by which it was turned."""
    x = np.zeros((600, 41, 41), dtype="uint8")
    x[:, 20, 40] = 255
    turned = {"random_rotation": {"factor": 0.2, "fill_mode": "constant"}}
    augment, split = made(recipe(turned), x, np.arange(600) % 2)
    found, _ = epoch_of(augment, split, batch_size=100)
    rows, columns = np.mgrid[:41, :41] - 20.0
    weight = found / found.sum(axis=(1, 2), keepdims=True)
    angles = np.arctan2((weight * rows).sum(axis=(1, 2)), (weight * columns).sum(axis=(1, 2)))
    uniform = stats.uniform(-0.4 * np.pi, 0.8 * np.pi)
    assert stats.kstest(angles, uniform.cdf).pvalue > 0.001


@pytest.mark.parametrize("name", MIXING)
def test_mixed_targets_are_the_mixture_of_their_pictures(name):
    """Pictures of one value each: what a picture is made of can be read off it."""
    x = np.repeat(np.arange(ROWS, dtype="uint8"), 400).reshape(ROWS, 20, 20)
    augment, split = made(
        recipe(name, data={"batch_size": 8, "task": "classification"}), x, np.arange(ROWS)
    )
    pictures, targets = epoch_of(augment, split, batch_size=8)
    assert targets.shape == (ROWS, ROWS)
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    if name == "mix_up":  # the mean value is that of the mixed numbers
        np.testing.assert_allclose(pictures[:, 0, 0], targets @ np.arange(ROWS), rtol=1e-4)
        return
    for row, picture in enumerate(pictures):
        other = set(np.unique(picture)) - {row}
        # The edge of the part that is cut out may lie within a pixel.
        assert targets[row, row] == pytest.approx((picture == row).mean(), abs=0.12)
        assert len(other) <= 1


def test_weights_of_mix_up_have_a_beta_distribution():
    rows, alpha = 3000, 0.4
    x = np.zeros((rows, 1, 2), dtype="uint8")
    chosen = {"mix_up": {"alpha": alpha}}
    augment, split = made(recipe(chosen, data={"task": "regression"}), x, np.arange(rows) + 0.5)
    identity = type(split)(split.x, np.eye(rows, dtype="float32"))
    _, targets = epoch_of(augment, identity, batch_size=500)
    own, mixed = np.diag(targets), (targets > 0).sum(axis=1) == 2
    # Weights of 0 and 1 to the last bit show no second row.
    share = own[mixed]
    assert len(share) > 0.8 * rows
    expected = stats.beta(alpha, alpha)
    inner = (share > 0.01) & (share < 0.99)
    low, high = expected.cdf([0.01, 0.99])
    assert inner.sum() / rows == pytest.approx(high - low, abs=0.04)
    within = (expected.cdf(share[inner]) - low) / (high - low)
    assert stats.kstest(within, "uniform").pvalue > 0.001


def test_mixing_makes_targets_columns_and_accuracy_works():
    mixing = recipe({"mixup": {"alpha": 0.3}}, "cutmix", epochs=1)
    built = build.experiment(mixing, data_of(mixing, (X, Y)), None)
    assert built.model.loss.name == "categorical_crossentropy"
    logs = built.model.evaluate(built.training.dataset, return_dict=True, verbose=0)
    assert 0 <= logs["accuracy"] <= 1
    plain = recipe("random_flip")
    built = build.experiment(plain, data_of(plain, (X, Y)), None)
    assert built.model.loss.name == "sparse_categorical_crossentropy"


def test_validation_and_test_rows_stay_as_they_are():
    loaded = recipe(*map(choice, ("random_rotation", "random_erasing", "mix_up")),
                    data={"validation": 0.25, "test": 0.25})  # fmt: skip
    data = data_of(loaded, (X, Y))
    built = build.experiment(loaded, data, None)
    for split, dataset in ((data.validation, built.validation), (data.test, built.test)):
        x = np.concatenate([x.numpy() for x, _ in dataset])
        np.testing.assert_array_equal(x, split.x)
    trained = np.concatenate([x.numpy() for x, _ in built.training.dataset])
    assert (np.sort(trained.ravel()) != np.sort(data.train.x.ravel())).any()


def test_initial_weights_are_those_without_augmentation():
    weights = []
    for augment in ([], ["random_flip", "rand_augment"]):
        loaded = recipe(*augment)
        built = build.experiment(loaded, data_of(loaded, (X, Y)), None)
        weights.append(built.model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_flat_rows_are_pictures_by_the_first_layer():
    flat = X[..., 0].reshape(ROWS, -1)
    layers = [{"reshape": {"target_shape": [9, -1, 1]}}, "flatten"]
    one, split = made(recipe("random_flip", model={"layers": layers}), flat)
    two, whole = made(recipe("random_flip"), X[..., 0])
    found, expected = epoch_of(one, split)[0], epoch_of(two, whole)[0]
    assert found.shape == flat.shape
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)


def test_one_picture_among_several_inputs():
    augment, split = made(recipe("random_flip"))
    several = type(augment)(augment.changes, augment.shape, ("photo",), augment.seed)
    other = RNG.normal(size=(ROWS, 2)).astype("float32")
    both = type(split)({"photo": split.x, "numbers": other}, split.y)
    training = training_dataset(both, batch_size=ROWS, seed=3, augment=several)
    (x, _), *_ = training.dataset
    order = order_of(ROWS, 3, 0).numpy()
    np.testing.assert_array_equal(x["numbers"], other[order])
    expected = epoch_of(augment, split, batch_size=ROWS)[0]
    np.testing.assert_array_equal(x["photo"], expected[order])
    assert x["photo"].dtype == tf.float32


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (np.zeros((2, 3, 3), "uint8"), (0, 255)),
        (np.linspace(0, 1, 18, dtype="float32").reshape(2, 3, 3), (0, 1)),
        (np.arange(18, dtype="int32").reshape(2, 3, 3), (0, 17)),
    ],
)
def test_the_range_of_pixels(x, expected):
    assert value_range(x) == expected


def test_pixels_of_a_small_range_stay_in_it():
    x = (X / 255).astype("float32")
    augment, split = made(recipe(*map(choice, ("random_brightness", "random_invert"))), x)
    found, _ = epoch_of(augment, split)
    assert 0 <= found.min() < found.max() <= 1
    assert np.abs(found - x).max() > 0.1


def wrong(loaded, x=X, y=Y):
    with pytest.raises(RecipeError) as caught:
        made(loaded, x, y)
    return str(caught.value)


def test_what_cannot_be_augmented():
    assert "data.augment: a row is 5 numbers" in wrong(
        recipe("random_flip"), X.reshape(ROWS, -1)[:, :5]
    )
    for name in (*OF_COLOURS, "random_color_jitter"):
        reported = wrong(recipe(choice(name)), X[..., 0])
        assert f"augment[0].{name}: changes colours, and pictures have 1 channel." in reported
    bad = {"random_rotation": {"factor": 3.0}}
    assert "augment[0].random_rotation" in wrong(recipe(bad))
    frame = {"photo": np.zeros((3, 4), "float32")}
    loaded = recipe("random_flip")
    data = data_of(loaded, (X, Y))
    split = type(data.train)(frame, data.train.y[:3])
    with pytest.raises(RecipeError, match="rows have no pictures"):
        augmentation(loaded, type(data)(**{**vars(data), "train": split}), task_of(loaded, data))


def test_a_model_of_the_users_own():
    model = keras.Sequential(
        [keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(4, "softmax")]
    )
    recipe("random_flip", epochs=1).fit(model, X, Y, progress=False)
    with pytest.raises(RecipeError, match="Give one-hot rows"):
        recipe("mix_up", epochs=1).fit(model, X, Y, progress=False)
    one_hot = np.eye(4, dtype="float32")[Y]
    history = recipe("mix_up", epochs=1).fit(model, X, one_hot, progress=False)
    assert len(history.history["loss"]) == 1
