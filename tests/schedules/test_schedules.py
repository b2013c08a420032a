"""Laws that every schedule keeps, and values worked out by hand."""

import copy
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes import schedules
from keras_recipes.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    Exponential,
    PiecewiseConstant,
    PiecewiseLinear,
    Polynomial,
    Sequential,
    Warmup,
)

CASES = {
    "constant": lambda: Constant(0.1),
    "piecewise_constant": lambda: PiecewiseConstant([3, 7], [0.1, 0.01, 0.001]),
    "piecewise_linear": lambda: PiecewiseLinear([0, 4, 9], [0.0, 1.0, 0.25]),
    "exponential": lambda: Exponential(0.5, 10, 0.9),
    "exponential_staircase": lambda: Exponential(0.5, 4, 0.5, staircase=True),
    "polynomial": lambda: Polynomial(0.1, 20, 0.01, power=2.0),
    "polynomial_cycle": lambda: Polynomial(0.1, 5, 0.01, cycle=True),
    "cosine": lambda: Cosine(0.3, 20, alpha=0.1),
    "warmup": lambda: Warmup(5, Cosine(0.3, 15), start=0.02),
    "sequential": lambda: Sequential(
        [Warmup(3, 0.2), Exponential(0.2, 5, 0.5), 0.01], boundaries=[6, 12]
    ),
}
ALL = [pytest.param(make, id=name) for name, make in CASES.items()]
STEPS = np.arange(30)


def test_every_class_has_a_case():
    made = {type(make()) for make in CASES.values()}
    assert made == set(SCHEDULES.values())
    assert set(schedules.__all__) >= {cls.__name__ for cls in made}


@pytest.mark.parametrize("make", ALL)
class TestLaws:
    def test_finite_and_never_negative(self, make):
        rates = np.asarray(make()(np.concatenate([STEPS, [10**6, 2**31, 2**40]])))
        assert rates.dtype == np.float32
        assert np.isfinite(rates).all()
        assert (rates >= 0).all()

    def test_an_array_of_steps_gives_an_array_of_rates(self, make):
        schedule = make()
        one_by_one = [float(schedule(int(step))) for step in STEPS]
        # Vectorized powers and cosines may differ from single ones in the last bit.
        np.testing.assert_allclose(np.asarray(schedule(STEPS)), one_by_one, rtol=1e-6)

    def test_eager_equals_compiled_equals_jitted_with_one_trace(self, make):
        schedule = make()
        traces = []

        def rate(step):
            traces.append(1)
            return schedule(step)

        compiled, jitted = tf.function(rate), tf.function(rate, jit_compile=True)
        for step in (0, 1, 5, 29):
            eager = float(schedule(step))
            step = tf.constant(step, tf.int64)
            assert float(compiled(step)) == pytest.approx(eager, rel=1e-6, abs=1e-12)
            assert float(jitted(step)) == pytest.approx(eager, rel=1e-5, abs=1e-12)
        assert len(traces) == 2

    def test_comes_back_from_its_configuration(self, make):
        schedule = make()
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
        assert type(again) is type(schedule)
        assert again.get_config() == schedule.get_config()
        np.testing.assert_array_equal(np.asarray(again(STEPS)), np.asarray(schedule(STEPS)))

    def test_copies(self, make):
        schedule = make()
        again = copy.deepcopy(schedule)
        np.testing.assert_array_equal(np.asarray(again(STEPS)), np.asarray(schedule(STEPS)))

    def test_whole_numbers_and_floats_give_one_curve(self, make):
        schedule = make()
        config = {
            name: int(value) if isinstance(value, float) and value == int(value) else value
            for name, value in schedule.get_config().items()
        }
        again = type(schedule).from_config(config)
        np.testing.assert_array_equal(np.asarray(again(STEPS)), np.asarray(schedule(STEPS)))


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        # A boundary belongs to the stretch before it.
        (PiecewiseConstant([3, 7], [1, 0.5, 0.1]), {0: 1, 3: 1, 4: 0.5, 7: 0.5, 8: 0.1, 99: 0.1}),
        (PiecewiseLinear([2, 6], [1.0, 3.0]), {0: 1, 2: 1, 3: 1.5, 6: 3, 7: 3}),
        (Exponential(1, 10, 0.5), {0: 1, 5: math.sqrt(0.5), 10: 0.5, 20: 0.25}),
        (Exponential(1, 10, 0.5, staircase=True), {9: 1, 10: 0.5, 19: 0.5, 20: 0.25}),
        (Polynomial(1, 10, 0.2), {0: 1, 5: 0.6, 9: 0.28, 10: 0.2, 11: 0.2}),
        (Polynomial(1, 10, 0, power=2), {5: 0.25, 10: 0}),
        # The second cycle of 10 steps runs down a line of 20: at step 11, 9/20 of the way are left.
        (Polynomial(1, 10, 0, cycle=True), {0: 1, 10: 0, 11: 0.45, 20: 0, 21: 0.3}),
        (Cosine(2, 10, alpha=0.5), {0: 2, 5: 1.5, 10: 1, 11: 1}),
        (Warmup(4, 1.0, start=0.2), {0: 0.2, 1: 0.4, 3: 0.8, 4: 1, 5: 1}),
        (Warmup(0, Constant(0.3)), {0: 0.3, 1: 0.3}),
        # After the climb the schedule that follows is at its own step 0.
        (Warmup(2, Polynomial(1, 10, 0)), {0: 0, 1: 0.5, 2: 1, 3: 0.9, 12: 0}),
        (Sequential([1, Polynomial(0.5, 10, 0)], [4]), {3: 1, 4: 0.5, 5: 0.45, 14: 0}),
    ],
)
def test_values_worked_out_by_hand(schedule, expected):
    for step, rate in expected.items():
        assert float(schedule(step)) == pytest.approx(rate, rel=1e-6, abs=1e-9), step


@pytest.mark.parametrize(
    ("ours", "keras_one"),
    [
        (Exponential(0.3, 7, 0.8), keras.optimizers.schedules.ExponentialDecay(0.3, 7, 0.8)),
        (
            Polynomial(0.3, 20, 0.01, 1.7),
            keras.optimizers.schedules.PolynomialDecay(0.3, 20, 0.01, 1.7),
        ),
        (
            Polynomial(0.3, 6, 0.01, 1.7, cycle=True),
            keras.optimizers.schedules.PolynomialDecay(0.3, 6, 0.01, 1.7, cycle=True),
        ),
        (Cosine(0.3, 20, 0.1), keras.optimizers.schedules.CosineDecay(0.3, 20, 0.1)),
        (
            PiecewiseConstant([3, 7], [0.1, 0.01, 0.001]),
            keras.optimizers.schedules.PiecewiseConstantDecay([3, 7], [0.1, 0.01, 0.001]),
        ),
    ],
)
def test_equals_the_keras_schedule_of_the_same_name(ours, keras_one):
    for step in range(30):
        assert float(ours(step)) == pytest.approx(float(keras_one(step)), rel=1e-6), step


def test_where_keras_is_wrong_about_whole_numbers():
    assert float(keras.optimizers.schedules.ExponentialDecay(1, 10, 0.5)(5)) == 0.0
    assert float(Exponential(1, 10, 0.5)(5)) == pytest.approx(math.sqrt(0.5), rel=1e-6)


def test_steps_beyond_what_floats_can_count():
    """2^24 + 1 is no 32-bit float; a boundary there must still fall between two steps."""
    far = 2**24 + 1
    schedule = PiecewiseConstant([far], [1.0, 0.5])
    assert float(schedule(far)) == 1.0
    assert float(schedule(far + 1)) == 0.5
    late = Sequential([1.0, Polynomial(1.0, 4, 0.0)], [2**31])
    rates = [float(late(2**31 + offset)) for offset in range(5)]
    assert rates == [1.0, 0.75, 0.5, 0.25, 0.0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(-1), "`learning_rate` must be >= 0"),
        (lambda: Constant("0.1"), "`learning_rate` must be a number"),
        (lambda: Constant(True), "`learning_rate` must be a number"),
        (lambda: Constant(math.nan), "`learning_rate` must be finite"),
        (lambda: Exponential(0.1, 0, 0.5), "`decay_steps` must be >= 1"),
        (lambda: Exponential(0.1, 10, 0), "`decay_rate` must be > 0"),
        (lambda: Exponential(0.1, 1.5, 0.5), "`decay_steps` must be a whole number"),
        (lambda: Exponential(0.1, 10, 0.5, staircase=1), "`staircase` must be True or False"),
        (lambda: Polynomial(0.1, 10, power=0), "`power` must be > 0"),
        (lambda: Polynomial(0.1, 10, -1), "`end_learning_rate` must be >= 0"),
        (lambda: Cosine(0.1, 10, alpha=7), "`alpha` must be <= 1"),
        (lambda: Cosine(0.1, math.inf), "`decay_steps` must be a whole number"),
        (lambda: PiecewiseConstant([10, 5], [1, 0.5, 0.1]), "`boundaries` must increase strictly"),
        (lambda: PiecewiseConstant([5, 5], [1, 0.5, 0.1]), "`boundaries` must increase strictly"),
        (lambda: PiecewiseConstant([5], [1]), "`values` must have 2 items"),
        (lambda: PiecewiseConstant(5, [1]), "`boundaries` must be a list"),
        (lambda: PiecewiseLinear([5], [1]), "at least two steps"),
        (lambda: PiecewiseLinear([0, 5], [1, -1]), "must be >= 0"),
        (lambda: Warmup(-1, 0.1), "`steps` must be >= 0"),
        (lambda: Warmup(5, "cosine"), "`then` must be a schedule or a number"),
        (lambda: Warmup(5, 0.1, start=-0.1), "`start` must be >= 0"),
        (lambda: Sequential([], []), "at least one schedule"),
        (lambda: Sequential([0.1, 0.2], []), "`boundaries` must have 1 items"),
        (lambda: Sequential([0.1, None], [5]), r"`schedules\[1\]` must be a schedule"),
    ],
)
def test_bad_arguments_raise_when_it_is_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_composite_comes_back_from_a_saved_model(tmp_path):
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    schedule = CASES["sequential"]()
    model.compile(keras.optimizers.SGD(schedule), "mse")
    model.fit(np.ones((8, 2)), np.ones((8, 1)), batch_size=1, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.optimizer._learning_rate.get_config() == schedule.get_config()
    assert float(again.optimizer.learning_rate) == float(schedule(8))
