"""Laws that every schedule keeps, and values worked out by hand."""

import copy
import math
import pickle
from fractions import Fraction

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes import schedules
from keras_recipes.schedules import (
    SCHEDULES,
    Clamp,
    Constant,
    Cooldown,
    Cosine,
    CosineRestarts,
    Cyclic,
    Exponential,
    Expression,
    FlatCosine,
    InverseSquareRoot,
    InverseTime,
    Linear,
    Multiplicative,
    MultiStep,
    Noam,
    Noise,
    OneCycle,
    OneCycleMomentum,
    PiecewiseConstant,
    PiecewiseCosine,
    PiecewiseLinear,
    Plateau,
    Polynomial,
    Product,
    Repeat,
    Scale,
    Sequential,
    Step,
    Tanh,
    Warmup,
    WarmupStableDecay,
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
    "exponential_floor": lambda: Exponential(1, 4, 0.5, end_learning_rate=0.2, delay=3),
    "cosine_shaped": lambda: Cosine(0.3, 20, 0.1, exponent=1.5, k=2),
    "cosine_restarts": lambda: CosineRestarts(0.3, 4, t_mul=1.5, m_mul=0.8, alpha=0.1),
    "cosine_restarts_even": lambda: CosineRestarts(0.3, 4, t_mul=1, m_mul=0.8, limit=3),
    "piecewise_cosine": lambda: PiecewiseCosine([0, 4, 9], [0.0, 1.0, 0.25]),
    "linear": lambda: Linear(0.1, 12, 0.4),
    "step": lambda: Step(0.4, 5, 0.5),
    "multi_step": lambda: MultiStep(0.4, [3, 9], 0.5),
    "multiplicative": lambda: Multiplicative(0.4, [3, 9], [0.5, 2]),
    "inverse_time": lambda: InverseTime(0.4, 5, 0.7),
    "inverse_time_staircase": lambda: InverseTime(0.4, 5, 0.7, staircase=True),
    "inverse_square_root": lambda: InverseSquareRoot(0.4, 9),
    "noam": lambda: Noam(64, 7, 2),
    "tanh": lambda: Tanh(0.4, 20, 0.01),
    "one_cycle": lambda: OneCycle(0.4, 25),
    "one_cycle_linear": lambda: OneCycle(0.4, 25, 0.4, 10, 100, "linear", three_phase=True),
    "one_cycle_momentum": lambda: OneCycleMomentum(25),
    "cyclic": lambda: Cyclic(0.1, 0.4, 4, 3),
    "cyclic_2": lambda: Cyclic(0.1, 0.4, 4, mode="triangular2"),
    "cyclic_exp": lambda: Cyclic(0.1, 0.4, 4, mode="exp_range", gamma=0.98),
    "flat_cosine": lambda: FlatCosine(0.4, 10, 12, 0.1),
    "warmup_stable_decay": lambda: WarmupStableDecay(0.4, 5, 8, 10, "cosine", "1-sqrt", 0.1),
    "warmup_exponential": lambda: Warmup(5, 0.4, shape="exponential"),
    "warmup_cosine": lambda: Warmup(5, Linear(0.4, 9), 0.1, "cosine"),
    "cooldown": lambda: Cooldown(Cosine(0.4, 30), 12, 8, 0.01, "1-sqrt"),
    "cooldown_exponential": lambda: Cooldown(0.4, 12, 8, shape="exponential"),
    "product": lambda: Product([Cosine(0.4, 20), Step(1, 7, 0.5)]),
    "scale": lambda: Scale(Cosine(0.4, 20), 3),
    "repeat": lambda: Repeat(Linear(0.4, 7), 7, count=3),
    "clamp": lambda: Clamp(Cosine(0.4, 20), 0.1, 0.3),
    "noise": lambda: Noise(Cosine(0.4, 20), 0.2, seed=3),
    "plateau": lambda: Plateau(Cosine(0.4, 20), 0.5),
    "expression": lambda: Expression(
        "0.1 * 0.95 ** epoch * (1 - progress) if step >= 3 else 0.03 * step",
        steps_per_epoch=4,
        total_steps=25,
    ),
    "expression_of_part_steps": lambda: Expression(
        "0.1 * 0.9 ** floor(epoch)", steps_per_epoch=Fraction(5, 2)
    ),
    "sequential": lambda: Sequential(
        [Warmup(3, 0.2), Exponential(0.2, 5, 0.5), 0.01], boundaries=[6, 12]
    ),
}
ALL = [pytest.param(make, id=name) for name, make in CASES.items()]
STEPS = np.arange(30)
HUGE = [2**63, -(2**63), 10**400, 10**5000, 1e300]


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def in_numpy(config, whole, real):
    """A configuration with NumPy's scalars in place of Python's numbers."""
    made = {}
    for name, value in config.items():
        kinds = {int: whole, float: real}
        listed = isinstance(value, list)
        items = [kinds[type(v)](v) if is_number(v) else v for v in (value if listed else [value])]
        made[name] = items if listed else items[0]
    return made


def numbers_in(config):
    """Arguments that are numbers, or lists with numbers."""
    for name, value in config.items():
        if is_number(value) or isinstance(value, list):
            yield name, value


def put(value, huge):
    """A value, or the last of its items, replaced."""
    return [*value[:-1], huge] if isinstance(value, list) else huge


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
            # Near a zero of the curve a difference in the last bit of the peak is left.
            assert float(compiled(step)) == pytest.approx(eager, rel=1e-6, abs=1e-7)
            assert float(jitted(step)) == pytest.approx(eager, rel=1e-5, abs=1e-7)
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

    def test_pickles(self, make):
        schedule = make()
        again = pickle.loads(pickle.dumps(schedule))
        assert again.get_config() == schedule.get_config()
        np.testing.assert_array_equal(np.asarray(again(STEPS)), np.asarray(schedule(STEPS)))

    def test_numbers_of_numpy_give_the_same_curve(self, make):
        schedule = make()
        for whole, real in ((np.int64, np.float64), (np.int32, np.float32)):
            again = type(schedule).from_config(in_numpy(schedule.get_config(), whole, real))
            # A float32 of 0.1 is another number, and steps are the same.
            np.testing.assert_allclose(
                np.asarray(again(STEPS)), np.asarray(schedule(STEPS)), rtol=1e-5, atol=1e-7
            )
            keras.saving.serialize_keras_object(again)

    @pytest.mark.parametrize("huge", HUGE, ids=range(len(HUGE)))
    def test_huge_numbers_are_refused_or_give_a_rate(self, make, huge):
        """Whatever an argument becomes, the answer is a `ValueError` or a finite rate."""
        schedule = make()
        for name, value in numbers_in(schedule.get_config()):
            config = schedule.get_config() | {name: put(value, huge)}
            try:
                rate = float(type(schedule).from_config(config)(3))
            except ValueError as error:
                message = str(error)
                rate = 0.0
            else:
                message = "`"
            # A message of ours names the argument; one of TensorFlow's does not.
            assert "`" in message
            assert not math.isnan(rate)

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
        (Exponential(1, 4, 0.5, end_learning_rate=0.2, delay=3), {3: 1, 7: 0.5, 11: 0.25, 15: 0.2}),
        (Cosine(1, 10, exponent=2), {5: 0.25}),
        (Cosine(1, 10, k=2), {5: 0.5 * (1 + math.cos(math.pi / 4))}),
        # Cycles of 4, 8 and 16 steps begin at 0, 4 and 12; each is half as high.
        (CosineRestarts(1, 4, 2, 0.5), {0: 1, 2: 0.5, 4: 0.5, 8: 0.25, 12: 0.25, 20: 0.125}),
        (CosineRestarts(1, 4, 1, 0.5, limit=2), {4: 0.5, 6: 0.25, 8: 0, 99: 0}),
        (PiecewiseCosine([2, 6], [1, 3]), {0: 1, 2: 1, 4: 2, 6: 3, 9: 3}),
        (Linear(0.5, 4, 1.5), {0: 0.5, 1: 0.75, 4: 1.5, 5: 1.5}),
        (Step(1, 5, 0.5), {4: 1, 5: 0.5, 10: 0.25}),
        (MultiStep(1, [3, 9], 0.1), {2: 1, 3: 0.1, 8: 0.1, 9: 0.01}),
        (Multiplicative(1, [3, 9], [0.5, 4]), {2: 1, 3: 0.5, 9: 2}),
        (InverseTime(1, 5, 2), {0: 1, 5: 1 / 3, 10: 0.2}),
        (InverseTime(1, 5, 2, staircase=True), {4: 1, 5: 1 / 3, 9: 1 / 3}),
        (InverseSquareRoot(2, 9), {0: 2, 27: 1}),
        # d_model 16, 4 warm-up steps: 1/4 * n / 8 up to n = 4, then 1/4 / sqrt(n).
        (Noam(16, 4), {0: 1 / 32, 3: 1 / 8, 15: 1 / 16}),
        (Tanh(1, 10), {0: 0.5 * (1 - math.tanh(-7)), 7: 0.5, 10: 0.5 * (1 - math.tanh(3))}),
        # Peak at 0.3 * 20 - 1 = 5, end at 19.
        (OneCycle(1, 20, div_factor=10), {0: 0.1, 5: 1, 19: 1e-5, 99: 1e-5}),
        (OneCycle(1, 21, 2 / 7, 10, 10, "linear"), {0: 0.1, 1: 0.28, 5: 1, 20: 0.01}),
        (OneCycle(1, 20, 0.3, 10, 10, "linear", three_phase=True), {5: 1, 10: 0.1, 19: 0.01}),
        (OneCycleMomentum(20), {0: 0.95, 5: 0.85, 19: 0.95}),
        (Cyclic(0, 1, 4, 2), {0: 0, 1: 0.25, 4: 1, 5: 0.5, 6: 0, 7: 0.25}),
        (Cyclic(0, 1, 4, mode="triangular2"), {4: 1, 8: 0, 12: 0.5, 20: 0.25}),
        (Cyclic(0, 1, 4, mode="exp_range", gamma=0.5), {4: 1 / 16, 2: 0.5 / 4}),
        (FlatCosine(1, 5, 10, 0.2), {0: 1, 5: 1, 10: 0.6, 15: 0.2, 99: 0.2}),
        (
            WarmupStableDecay(1, 4, 4, 4, "linear", "linear", 0.2),
            {0: 0.2, 2: 0.6, 4: 1, 8: 1, 10: 0.6, 12: 0.2, 13: 0.2},
        ),
        (WarmupStableDecay(1, 4, 0, 4, "1-sqrt", "1-sqrt"), {3: 0.5, 4: 1, 5: 0.5, 8: 0}),
        (Warmup(4, 1.0, shape="cosine"), {0: 0, 2: 0.5, 4: 1}),
        (Warmup(4, 1.0, start=0.01, shape="exponential"), {0: 0.01, 2: 0.1, 4: 1}),
        (Warmup(4, 1.0, shape="1-sqrt"), {0: 0, 3: 0.5, 4: 1}),
        (Cooldown(1, 5, 4, shape="1-sqrt"), {5: 1, 6: 0.5, 9: 0}),
        (Cooldown(Linear(1, 10), 5, 5, shape="linear"), {4: 0.6, 5: 0.5, 6: 0.4, 10: 0}),
        (Product([0.5, Step(1, 5, 0.5)]), {0: 0.5, 5: 0.25}),
        (Scale(Step(1, 5, 0.5), 3), {0: 3, 5: 1.5}),
        (Repeat(Linear(1, 8), 4, count=2), {3: 0.625, 4: 1, 8: 0.5, 12: 0}),
        (Clamp(Linear(1, 10), 0.2, 0.7), {0: 0.7, 5: 0.5, 9: 0.2}),
        (Plateau(Step(1, 5, 0.5), 0.1), {0: 0.1, 5: 0.05}),
        (Expression("0.1 * 0.5 ** floor(epoch)", steps_per_epoch=4), {3: 0.1, 4: 0.05}),
        (Expression("1 - progress ** 2", total_steps=10), {0: 1, 5: 0.75, 10: 0, 99: 0}),
        (Expression("min(step, 4) / 4 if step < 8 else 0.5"), {2: 0.5, 7: 1, 8: 0.5}),
        (Expression("-1 + 0 * step"), {0: 0, 5: 0}),
        (Expression("clip(cos(pi * step), 0.25, e)"), {0: 1, 1: 0.25}),
        (Expression("clip(0.7, 0.1, 0.5) + max(0.1, 0.2)"), {0: 0.7, 5: 0.7}),
    ],
)
def test_values_worked_out_by_hand(schedule, expected):
    for step, rate in expected.items():
        assert float(schedule(step)) == pytest.approx(rate, rel=1e-6, abs=1e-7), step


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
        (InverseTime(0.3, 7, 0.8), keras.optimizers.schedules.InverseTimeDecay(0.3, 7, 0.8)),
        (
            InverseTime(0.3, 7, 0.8, True),
            keras.optimizers.schedules.InverseTimeDecay(0.3, 7, 0.8, True),
        ),
        (
            CosineRestarts(0.3, 5, 2.0, 0.9, 0.1),
            keras.optimizers.schedules.CosineDecayRestarts(0.3, 5, 2.0, 0.9, 0.1),
        ),
        (
            CosineRestarts(0.3, 5, 1.0, 0.9),
            keras.optimizers.schedules.CosineDecayRestarts(0.3, 5, 1.0, 0.9),
        ),
    ],
)
def test_equals_the_keras_schedule_of_the_same_name(ours, keras_one):
    for step in range(30):
        # Keras takes 1 + cos near -1, which leaves half a digit of the peak in its valleys.
        assert float(ours(step)) == pytest.approx(float(keras_one(step)), rel=1e-6, abs=1e-7), step


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
        (lambda: CosineRestarts(0.1, 10, t_mul=0.5), "`t_mul` must be >= 1"),
        (lambda: CosineRestarts(0.1, 10, m_mul=2), "`m_mul` must be <= 1"),
        (lambda: CosineRestarts(0.1, 10, limit=0), "`limit` must be >= 1"),
        (lambda: Step(0.1, 0), "`step_size` must be >= 1"),
        (lambda: MultiStep(0.1, [5, 3]), "`milestones` must increase"),
        (lambda: Multiplicative(0.1, [5], [-1]), "must be >= 0"),
        (lambda: Tanh(0.1, 10, lower=3, upper=1), "`upper` must be > 3"),
        (lambda: OneCycle(0.1, 10, pct_start=1.5), "`pct_start` must be <= 1"),
        (lambda: OneCycle(0.1, 10, pct_start=0.05), "must put the peak inside the run"),
        (lambda: OneCycle(0.1, 1), "`total_steps` must be >= 2"),
        (lambda: OneCycle(0.1, 10, anneal_strategy="cosine"), "must be one of cos, linear"),
        (lambda: OneCycleMomentum(10, 0.9, 0.8), "`max_momentum` must be >= 0.9"),
        (lambda: Cyclic(0.5, 0.1), "`max_learning_rate` must be >= 0.5"),
        (lambda: Cyclic(0, 1, mode="square"), "`mode` must be one of"),
        (lambda: WarmupStableDecay(0.1, 5, 5, 0), "`decay_steps` must be >= 1"),
        (lambda: WarmupStableDecay(0.1, 5, 5, 5, min_ratio=2), "`min_ratio` must be <= 1"),
        (lambda: Noam(0), "`d_model` must be >= 1"),
        (lambda: Warmup(5, 0.1, shape="quadratic"), "`shape` must be one of"),
        (lambda: Cooldown(0.1, 5, 0), "`steps` must be >= 1"),
        (lambda: Product([]), "at least one schedule"),
        (lambda: Scale(0.1, -1), "`factor` must be >= 0"),
        (lambda: Repeat(0.1, 0), "`period` must be >= 1"),
        (lambda: Clamp(0.1, 0.5, 0.2), "`maximum` must be >= 0.5"),
        (lambda: Noise(0.1, -0.1), "`scale` must be >= 0"),
        (lambda: Noise(0.1, seed=-1), "`seed` must be >= 0"),
        (lambda: Plateau(0.1, -1), "`factor` must be >= 0"),
        (lambda: Constant(np.True_), "`learning_rate` must be a number"),
        (lambda: Constant(np.float32("nan")), "`learning_rate` must be finite"),
        (lambda: Constant(10**400), "`learning_rate` must be finite.*of about 401 digits"),
        (lambda: Linear(0.1, np.False_), "`decay_steps` must be a whole number of steps"),
        (lambda: Linear(0.1, np.float32(1.5)), "`decay_steps` must be a whole number"),
        (lambda: Linear(0.1, 2**63), "`decay_steps` must be <= 9007199254740992"),
        (lambda: Linear(0.1, 10**400), "`decay_steps` must be <=.*of about 401 digits"),
        (lambda: Linear(0.1, -(10**400)), "`decay_steps` must be >= 1.*of about 401 digits"),
        (lambda: Warmup(5, 10**400), "`then` must be finite"),
        (lambda: Expression("epoch", "1e99999999"), "must be a number of steps, such as"),
        (lambda: Expression("epoch", 0), "`steps_per_epoch` must be > 0"),
        (lambda: Expression("epoch", Fraction(2**60, 3)), "ratio of smaller numbers"),
        (lambda: Expression("epoch"), "`steps_per_epoch` must be given"),
        (lambda: Expression("progress"), "`total_steps` must be given"),
        (lambda: Expression("__import__('os')"), "arithmetic on step, epoch, progress alone"),
        (lambda: Expression("step.real"), "arithmetic on"),
        (lambda: Expression("(lambda: 1)()"), "arithmetic on"),
        (lambda: Expression("[1][0]"), "arithmetic on"),
        (lambda: Expression("'a' * 3"), "arithmetic on"),
        (lambda: Expression("1 < step < 3"), "arithmetic on"),
        (lambda: Expression("rate * 2"), "`rate` is not"),
        (lambda: Expression("min(1)"), "`min` takes 2 values, not 1"),
        (lambda: Expression("min(1, key=2)"), "arithmetic on"),
        (lambda: Expression("1 +"), "is no formula"),
        (lambda: Expression(3), "must be text"),
        (lambda: Expression("1" * 600), "at most 500 characters"),
        (lambda: Expression("-" * 200 + "1"), "nested more than"),
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


@pytest.mark.parametrize(
    ("schedule", "phases"),
    [
        (Constant(0.1), []),
        (Warmup(5, FlatCosine(0.1, 3, 4)), [(5, "warm-up ends"), (8, "fall"), (12, "end")]),
        (Scale(WarmupStableDecay(1, 2, 3, 4), 2), [(2, "warm-up ends"), (5, "decay"), (9, "end")]),
        (Cooldown(Warmup(5, 0.1), 7, 2), [(5, "warm-up ends"), (7, "cool-down"), (9, "end")]),
        (
            Sequential([Warmup(3, 0.2), Warmup(2, 0.1), 0.01], [4, 9]),
            [(3, "warm-up ends"), (4, "Warmup"), (6, "warm-up ends"), (9, "Constant")],
        ),
        (OneCycle(1, 20, three_phase=True), [(5, "peak"), (10, "annihilation")]),
        (
            Product([Plateau(Warmup(3, 1)), Clamp(Noise(Warmup(1, 1)))]),
            [(1, "warm-up ends"), (3, "warm-up ends")],
        ),
    ],
)
def test_phases_are_marked_at_their_first_step(schedule, phases):
    assert schedule.phases() == phases


FALLS = {
    "exponential": Exponential(0.5, 10, 0.9),
    "polynomial": Polynomial(0.1, 300, 0.01, power=2.0),
    "linear": Linear(0.4, 300, 0.1),
    "inverse_time": InverseTime(0.4, 5, 0.7),
    "inverse_square_root": InverseSquareRoot(0.4, 9),
    "cosine": Cosine(0.3, 300, 0.1, exponent=1.5, k=2),
    "tanh": Tanh(0.4, 300),
    "flat_cosine": FlatCosine(0.4, 100, 200, 0.1),
    "step": Step(0.4, 5, 0.5),
    "cooldown": Cooldown(0.4, 100, 200, shape="1-sqrt"),
}


@pytest.mark.parametrize("schedule", FALLS.values(), ids=FALLS)
def test_a_fall_never_rises(schedule):
    assert (np.diff(np.asarray(schedule(np.arange(400)))) <= 0).all()


CLIMBS = [Warmup(300, 0.4, shape=shape) for shape in ("linear", "cosine", "exponential", "1-sqrt")]


@pytest.mark.parametrize("schedule", CLIMBS, ids=lambda schedule: schedule.shape)
def test_a_climb_never_falls(schedule):
    rates = np.asarray(schedule(np.arange(400)))
    assert (np.diff(rates) >= 0).all()
    assert rates[300] == np.float32(0.4)


@pytest.mark.parametrize(
    "schedule",
    [
        Linear(1.0, 2**32),
        Polynomial(1.0, 2**32, 0.0, 2.0),
        Cosine(1.0, 2**32),
        Exponential(1.0, 2**31, 0.5),
        InverseTime(1.0, 2**31, 1.0),
        Warmup(5, Cooldown(Linear(1.0, 2**32), 2**31 - 20, 2**33)),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_no_wobble_around_two_billion_steps(schedule):
    """Steps so far out differ by less than a float32 tells apart: equal or falling."""
    steps = 2**31 + np.arange(-50, 50) * 997
    rates = np.asarray(schedule(steps), "float64")
    assert (np.diff(rates) <= 0).all()
    # Over the hundred thousand steps the rate does move, and evenly.
    moved = rates[0] - rates[-1]
    assert moved > 0
    assert np.max(-np.diff(rates)) < 0.1 * moved


def test_cycles_keep_their_place_around_two_billion_steps():
    steps = 2**31 + np.arange(30)
    cyclic = np.asarray(Cyclic(0, 1, 4, 3)(steps))
    np.testing.assert_array_equal(cyclic, np.asarray(Cyclic(0, 1, 4, 3)(steps % 7)))
    repeated = Repeat(PiecewiseLinear([0, 10], [0.0, 1.0]), 10)
    np.testing.assert_array_equal(np.asarray(repeated(steps)), np.asarray(repeated(steps % 10)))


@pytest.mark.parametrize(
    ("schedule", "end"),
    [
        *[(Cosine(1.0, 10, exponent=exponent), 0.0) for exponent in (0.01, 0.1, 0.5, 1, 3)],
        *[(Cosine(0.7, 7, k=k, exponent=0.1), 0.0) for k in (0.3, 2.0, 3.3)],
        (Cosine(0.5, 3, alpha=0.25, exponent=0.1), 0.125),
        (Polynomial(1.0, 7, 0.0, power=0.1), 0.0),
        (Linear(0.3, 7), 0.0),
        (FlatCosine(1.0, 3, 7), 0.0),
        (PiecewiseCosine([0, 7], [1.0, 0.0]), 0.0),
        (WarmupStableDecay(1.0, 1, 1, 5), 0.0),
        *[(Cooldown(0.3, 2, 5, shape=shape), 0.0) for shape in ("linear", "cosine", "1-sqrt")],
        (Cooldown(0.3, 2, 5, shape="exponential"), 0.0),
        (CosineRestarts(1.0, 5, limit=1), 0.0),
    ],
)
def test_a_fall_ends_exactly(schedule, end):
    for steps in (np.arange(10, 20), np.int64(2**40)):
        assert (np.asarray(schedule(steps)) == end).all()
    assert float(tf.function(schedule, jit_compile=True)(tf.constant(10, tf.int64))) == end


@pytest.mark.parametrize(
    ("batches", "accumulation", "epochs", "last"),
    [(40, 16, 10, 9.6), (40, 100, 100, 97.5), (7, 3, 6, 39 / 7), (7, 1, 6, 41 / 7)],
)
def test_a_formula_counts_epochs_exactly(batches, accumulation, epochs, last):
    """Update t has seen t * accumulation batches, whatever a whole epoch would be in updates."""
    schedule = Expression("epoch", steps_per_epoch=Fraction(batches, accumulation))
    updates = batches * epochs // accumulation
    expected = [step * accumulation / batches for step in range(updates)]
    rates = np.asarray(schedule(np.arange(updates)))
    np.testing.assert_array_equal(rates, np.array(expected, "float32"))
    assert rates[-1] == np.float32(last)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    np.testing.assert_array_equal(np.asarray(again(np.arange(updates))), rates)


@pytest.mark.parametrize("length", ["40/3", "7/9", "1/3", 2.5, 13, Fraction(10, 7)])
def test_an_epoch_ends_at_the_step_that_ends_it(length):
    """floor(epoch) must not be one too low where a quotient is rounded down."""
    schedule = Expression("floor(epoch)", steps_per_epoch=length)
    exact = Fraction(str(length))
    steps = np.concatenate([np.arange(500), 2**40 + np.arange(300)])
    expected = [int(step) * exact.denominator // exact.numerator for step in steps]
    rates = np.asarray(schedule.rate(tf.constant(steps)))
    np.testing.assert_array_equal(rates, expected)


@pytest.mark.parametrize(
    ("schedule", "rate"),
    [
        (MultiStep(0.3, [2], 0.1), 0.3 * 0.1),
        (PiecewiseConstant([2], [1.0, 0.1]), 0.1),
        (Multiplicative(0.3, [2], [0.7]), 0.3 * 0.7),
        (Expression("0.1 if 0.3 < 0.7 else 0.2"), 0.1),
        (Expression("min(0.1, 0.3) + 0.7"), 0.1 + 0.7),
        (Expression("exp(0.1) - sqrt(0.3)"), math.exp(0.1) - math.sqrt(0.3)),
    ],
)
def test_constants_are_not_rounded_to_32_bits(schedule, rate):
    """The one rounding is at the end: what composes schedules sees all digits."""
    assert float(schedule.rate(tf.constant(5, tf.int64))) == pytest.approx(rate, rel=1e-15)
