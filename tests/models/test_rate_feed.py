"""Rates from outside of the compiled step give the training that rates inside of it give."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.callbacks.variables import schedule_variables
from keras_recipes.models import GradientClipping, TrainingModel, WeightDecay
from keras_recipes.models.rate_feed import CHUNK, RateFeed
from keras_recipes.schedules import Cosine, Curve, PiecewiseConstant, Plateau, WarmupStableDecay

ROWS, BATCH, STEPS = 64, 8, 8


class Index(Curve):
    """The number of the update itself, which shows what update a rate is of."""

    def rate(self, step):
        return keras.ops.cast(step, "float64")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, 4)).astype("float32"), rng.integers(0, 3, ROWS)


def trained(rows, schedule, *, fed, epochs=2, execution=5, callbacks=(), **compiled):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(8, activation="relu")(inputs)
    model = TrainingModel(inputs, keras.layers.Dense(3)(hidden), **compiled.pop("parts", {}))
    model.compile(
        keras.optimizers.SGD(schedule, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        steps_per_execution=execution,
        **{"jit_compile": False, **compiled},
    )
    if fed:
        model.feed_learning_rate(list(schedule_variables(schedule)))
    data = tf.data.Dataset.from_tensor_slices(rows).batch(BATCH)
    model.fit(data, epochs=epochs, verbose=0, callbacks=list(callbacks))
    return model


def same(first, second):
    pairs = zip(first.get_weights(), second.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


SCHEDULES = {
    "cosine": lambda: Cosine(0.3, 12),
    "warmup_stable_decay": lambda: WarmupStableDecay(0.2, 3, 5, 6),
    "piecewise_constant": lambda: PiecewiseConstant([3, 7], [0.3, 0.1, 0.02]),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("jit_compile", [False, True], ids=["plain", "xla"])
def test_training_is_that_of_the_schedule_in_the_step(rows, name, jit_compile):
    """5 steps an execution do not divide the 8 of an epoch, so that windows begin anywhere."""
    models = [
        trained(rows, SCHEDULES[name](), fed=fed, jit_compile=jit_compile) for fed in (False, True)
    ]
    assert same(*models)


@pytest.mark.parametrize(
    "parts",
    [
        {"gradient_accumulation": 3},
        {"weight_decay": 0.01},
        {"gradient_clipping": 0.5},
    ],
    ids=lambda parts: next(iter(parts)),
)
def test_the_parts_of_the_step_see_the_same_rate(rows, parts):
    made = {
        "weight_decay": lambda rate: WeightDecay(rate),
        "gradient_clipping": lambda norm: GradientClipping(global_norm=norm),
    }
    parts = {name: made.get(name, lambda v: v)(value) for name, value in parts.items()}
    models = [trained(rows, Cosine(0.3, 12), fed=fed, parts=parts) for fed in (False, True)]
    assert same(*models)


class Cut(keras.callbacks.Callback):
    """Halves the factor of a plateau after each epoch."""

    def __init__(self, plateau):
        super().__init__()
        self.plateau = plateau

    def on_epoch_end(self, epoch, logs=None):
        self.plateau.factor.assign(self.plateau.factor * 0.5)


def test_a_variable_of_the_schedule_acts_from_the_next_execution_on(rows):
    models = []
    for fed in (False, True):
        plateau = Plateau(Cosine(0.3, 40))
        models.append(trained(rows, plateau, fed=fed, epochs=3, callbacks=[Cut(plateau)]))
    assert same(*models)


def test_rates_of_another_schedule_need_no_other_program(rows):
    model = trained(rows, Cosine(0.3, 12), fed=True)
    program = model.train_function
    # As a new training: weights, moments and the count of updates as at first.
    fresh = trained(rows, WarmupStableDecay(0.2, 3, 5, 6), fed=True, epochs=0)
    fresh.optimizer.build(fresh.trainable_variables)
    for new, old in zip(
        [*fresh.weights, *fresh.optimizer.variables],
        [*model.weights, *model.optimizer.variables],
        strict=True,
    ):
        old.assign(new)
    model.rate_feed.use(fresh.rate_feed.schedule)
    data = tf.data.Dataset.from_tensor_slices(rows).batch(BATCH)
    model.fit(data, epochs=2, verbose=0)
    assert model.train_function is program
    assert same(model, trained(rows, WarmupStableDecay(0.2, 3, 5, 6), fed=False))


@pytest.mark.parametrize("first", [0, 3, CHUNK - 2, CHUNK, 5 * CHUNK + 7])
@pytest.mark.parametrize("updates", [1, 5, CHUNK, 2 * CHUNK + 1])
def test_the_window_has_the_rates_of_its_updates(first, updates):
    optimizer = keras.optimizers.SGD(Index())
    optimizer.build([])
    feed = RateFeed(optimizer)
    feed.reserve(updates)
    optimizer.iterations.assign(first)
    feed.fill()
    assert np.array_equal(feed._window.numpy(), np.arange(first, first + updates, dtype="float32"))
    with feed.applied():
        assert float(optimizer.learning_rate) == first
        optimizer.iterations.assign(first + updates - 1)
        assert float(optimizer.learning_rate) == first + updates - 1
    assert isinstance(optimizer._learning_rate, Index)


def test_a_rate_that_replaced_the_schedule_for_a_while_is_taken(rows):
    optimizer = keras.optimizers.SGD(Index())
    optimizer.build([])
    feed = RateFeed(optimizer)
    optimizer._learning_rate = Cosine(0.5, 10)
    with feed.applied():
        assert float(optimizer.learning_rate) == 0.5


def test_a_saved_model_has_the_schedule(rows, tmp_path):
    model = trained(rows, Cosine(0.3, 12), fed=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.optimizer._learning_rate.get_config() == Cosine(0.3, 12).get_config()
    assert loaded.rate_feed is None
