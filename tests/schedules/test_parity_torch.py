"""Every schedule that torch has is the same curve here, at every step of the run."""

import math

import numpy as np
import pytest

from keras_recipes.schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Cyclic,
    Exponential,
    Expression,
    Linear,
    Multiplicative,
    MultiStep,
    OneCycle,
    OneCycleMomentum,
    PiecewiseConstant,
    PiecewiseLinear,
    Polynomial,
    Product,
    Repeat,
    Sequential,
    Step,
    Warmup,
)

torch = pytest.importorskip("torch", reason="torch is not installed: it is an optional oracle")
lr = torch.optim.lr_scheduler


def original(make, rate, count, key="lr"):
    """What torch's scheduler gives the optimizer for its first `count` updates, as float64."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate, momentum=0.5)
    scheduler = make(optimizer)
    found = []
    for _ in range(count):
        found.append(float(optimizer.param_groups[0][key]))
        optimizer.step()
        scheduler.step()
    return np.array(found)


def check(schedule, expected):
    """The same rate at each step.

    Near a zero of the curve a rounding of the parts that are added is a share of the peak, not of
    what is left of it: hence 1e-9 times the peak.
    """
    ours = np.asarray(schedule(np.arange(len(expected))), "float64")
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-9 * np.max(expected))


@pytest.mark.parametrize(
    ("rate", "size", "gamma"),
    [(0.1, 30, 0.1), (1.0, 1, 0.97), (0.03, 7, 0.5), (5e-4, 100, 1.2), (0.0, 10, 0.1)],
)
def test_step(rate, size, gamma):
    expected = original(lambda o: lr.StepLR(o, size, gamma), rate, 301)
    check(Step(rate, size, gamma), expected)


@pytest.mark.parametrize(
    ("rate", "milestones", "gamma"),
    [
        (0.1, [30, 60, 90], 0.1),
        (1.0, [1, 2, 3, 5, 8, 13], 0.7),
        (0.02, [100], 0.5),
        (3e-4, [50, 199], 2.0),
        (0.0, [10], 0.1),
    ],
)
def test_multi_step(rate, milestones, gamma):
    expected = original(lambda o: lr.MultiStepLR(o, milestones, gamma), rate, 250)
    check(MultiStep(rate, milestones, gamma), expected)
    values = [rate * gamma**i for i in range(len(milestones) + 1)]
    if milestones[0] > 1:
        # Our piecewise rates, like those of Keras, switch after the boundary and not at it.
        check(PiecewiseConstant([step - 1 for step in milestones], values), expected)


@pytest.mark.parametrize(
    ("rate", "factor", "steps"),
    [(0.1, 1 / 3, 5), (1.0, 0.01, 40), (0.3, 0.5, 2), (2e-4, 1.0, 10), (0.0, 0.5, 10)],
)
def test_constant(rate, factor, steps):
    expected = original(lambda o: lr.ConstantLR(o, factor, steps), rate, 60)
    check(Sequential([rate * factor, rate], [steps]), expected)
    check(PiecewiseConstant([steps - 1], [rate * factor, rate]), expected)


@pytest.mark.parametrize(
    ("rate", "start", "end", "steps"),
    [
        (0.1, 1 / 3, 1.0, 5),
        (1.0, 1.0, 0.0, 300),
        (0.02, 0.001, 1.0, 1000),
        (0.4, 0.9, 0.1, 37),
        (0.0, 0.5, 1.0, 10),
        (0.3, 1e-8, 1.0, 1),
    ],
)
def test_linear(rate, start, end, steps):
    expected = original(lambda o: lr.LinearLR(o, start, end, steps), rate, steps + 20)
    check(Linear(rate * start, steps, rate * end), expected)
    if end == 1.0:
        check(Warmup(steps, rate, start=rate * start), expected)


@pytest.mark.parametrize(
    ("rate", "gamma"), [(0.1, 0.9), (1.0, 0.999), (0.05, 0.5), (1e-3, 1.01), (0.0, 0.9)]
)
def test_exponential(rate, gamma):
    # At 0.5 a step, 100 steps stay within the range of float32.
    expected = original(lambda o: lr.ExponentialLR(o, gamma), rate, 100 if gamma == 0.5 else 500)
    check(Exponential(rate, 1, gamma), expected)


@pytest.mark.parametrize(
    ("rate", "steps", "power"),
    [(0.1, 5, 1.0), (1.0, 1000, 2.0), (0.02, 90, 0.5), (0.3, 37, 0.9), (0.0, 10, 1.0)],
)
def test_polynomial(rate, steps, power):
    expected = original(lambda o: lr.PolynomialLR(o, steps, power), rate, steps + 20)
    check(Polynomial(rate, steps, end_learning_rate=0.0, power=power), expected)


@pytest.mark.parametrize(
    ("rate", "steps", "lowest"),
    [
        (0.1, 10, 0.0),
        (1.0, 1000, 0.0),
        (0.02, 90, 1e-5),
        (0.3, 37, 0.1),
        (0.0, 10, 0.0),
        (0.5, 1, 0.0),
    ],
)
def test_cosine(rate, steps, lowest):
    expected = original(lambda o: lr.CosineAnnealingLR(o, steps, lowest), rate, steps + 1)
    schedule = Cosine(rate, steps, alpha=lowest / rate if rate else 0.0)
    check(schedule, expected)
    # Past its end torch's climbs again; ours stays.
    beyond = np.asarray(schedule(np.arange(steps, 3 * steps)))
    np.testing.assert_allclose(beyond, lowest, rtol=1e-6, atol=1e-9 * rate)


@pytest.mark.parametrize(
    ("rate", "first", "factor", "lowest"),
    [
        (0.1, 10, 1, 0.0),
        (1.0, 10, 2, 0.0),
        (0.02, 7, 3, 1e-5),
        (0.3, 100, 1, 0.1),
        (0.5, 1, 2, 0.0),
        (0.0, 10, 1, 0.0),
    ],
)
def test_cosine_restarts(rate, first, factor, lowest):
    expected = original(
        lambda o: lr.CosineAnnealingWarmRestarts(o, first, factor, lowest), rate, 700
    )
    check(CosineRestarts(rate, first, factor, alpha=lowest / rate if rate else 0.0), expected)


CYCLES = [
    (0.001, 0.1, 20, None),
    (0.0, 1.0, 50, 30),
    (0.01, 0.02, 3, 7),
    (1e-5, 0.5, 1, 1),
    (0.1, 0.4, 64, 200),
]


@pytest.mark.parametrize(("base", "high", "up", "down"), CYCLES)
@pytest.mark.parametrize("mode", ["triangular", "triangular2", "exp_range"])
def test_cyclic(base, high, up, down, mode):
    gamma = 0.995
    expected = original(
        lambda o: lr.CyclicLR(o, base, high, up, down, mode=mode, gamma=gamma), base, 600
    )
    check(Cyclic(base, high, up, down, mode, gamma), expected)


@pytest.mark.parametrize(("base", "high", "up", "down"), CYCLES)
def test_momentum_of_a_cycle(base, high, up, down):
    expected = original(
        lambda o: lr.CyclicLR(o, base, high, up, down, base_momentum=0.8, max_momentum=0.95),
        base,
        600,
        key="momentum",
    )
    period = up + (down or up)
    check(Repeat(PiecewiseLinear([0, up, period], [0.95, 0.8, 0.95]), period), expected)


ONE_CYCLES = [
    # highest rate, steps, part of the climb, first divisor, last divisor
    (0.1, 100, 0.3, 25.0, 1e4),
    (1.0, 1000, 0.25, 10.0, 1e2),
    # The peak lies between two steps.
    (0.02, 97, 0.31, 25.0, 1e4),
    (0.3, 33, 0.4, 4.0, 1.0),
    (3e-4, 10, 0.45, 100.0, 10.0),
    (0.0, 50, 0.3, 25.0, 1e4),
]


@pytest.mark.parametrize(("high", "steps", "part", "div", "final"), ONE_CYCLES)
@pytest.mark.parametrize("shape", ["cos", "linear"])
@pytest.mark.parametrize("three", [False, True])
class TestOneCycle:
    def test_rate(self, high, steps, part, div, final, shape, three):
        expected = original(
            lambda o: lr.OneCycleLR(
                o,
                high,
                total_steps=steps + 1,
                pct_start=part,
                anneal_strategy=shape,
                div_factor=div,
                final_div_factor=final,
                three_phase=three,
            ),
            0.1,
            steps + 1,
        )
        schedule = OneCycle(high, steps + 1, part, div, final, shape, three)
        check(schedule, expected)
        # torch raises past the end; ours stays.
        assert float(schedule(steps + 50)) == float(schedule(steps))

    def test_momentum(self, high, steps, part, div, final, shape, three):
        expected = original(
            lambda o: lr.OneCycleLR(
                o,
                0.1,
                total_steps=steps + 1,
                pct_start=part,
                anneal_strategy=shape,
                base_momentum=0.8,
                max_momentum=0.99,
                three_phase=three,
            ),
            0.1,
            steps + 1,
            key="momentum",
        )
        check(OneCycleMomentum(steps + 1, 0.8, 0.99, part, shape, three), expected)


@pytest.mark.parametrize(
    ("function", "formula"),
    [
        (lambda t: 0.95**t, "0.2 * 0.95 ** step"),
        (lambda t: 0.95 ** (t // 30), "0.2 * 0.95 ** floor(epoch)"),
        (lambda t: min(1.0, (t + 1) / 50), "0.2 * min(1, (step + 1) / 50)"),
        (lambda t: 1 / math.sqrt(max(t, 10)), "0.2 / sqrt(max(step, 10))"),
        (lambda t: 1.0 if t < 100 else 0.1, "0.2 if step < 100 else 0.02"),
        (lambda t: 0.0 if t % 2 else 1.0, "0.2 * (1 - step % 2)"),
        (lambda t: 1 - min(t, 200) / 200, "0.2 * (1 - progress)"),
    ],
)
def test_lambda(function, formula):
    expected = original(lambda o: lr.LambdaLR(o, function), 0.2, 260)
    check(Expression(formula, steps_per_epoch=30, total_steps=200), expected)


@pytest.mark.parametrize(
    ("rate", "factors"),
    [
        (0.1, {30: 0.1, 60: 0.1}),
        (1.0, {1: 0.5, 2: 3.0, 50: 0.25}),
        (0.02, {10: 1.0, 99: 0.0}),
        (3e-4, dict.fromkeys(range(1, 120), 0.99)),
        (0.0, {10: 2.0}),
    ],
)
def test_multiplicative(rate, factors):
    expected = original(
        lambda o: lr.MultiplicativeLR(o, lambda step: factors.get(step, 1.0)), rate, 150
    )
    check(Multiplicative(rate, list(factors), list(factors.values())), expected)


@pytest.mark.parametrize("factor", [0.99, 0.5, 1.001, 0.95, 1.0])
def test_multiplicative_by_one_factor_is_exponential(factor):
    expected = original(lambda o: lr.MultiplicativeLR(o, lambda step: factor), 0.1, 100)
    check(Exponential(0.1, 1, factor), expected)


SEQUENCES = {
    "constant, exponential": (
        0.1,
        lambda o: [lr.ConstantLR(o, 0.1, 20), lr.ExponentialLR(o, 0.9)],
        [20],
        [Constant(0.01), Exponential(0.1, 1, 0.9)],
    ),
    "warm-up, cosine": (
        0.4,
        lambda o: [lr.LinearLR(o, 0.01, 1.0, 50), lr.CosineAnnealingLR(o, 250)],
        [50],
        [Linear(0.004, 50, 0.4), Cosine(0.4, 250)],
    ),
    "three": (
        1.0,
        lambda o: [
            lr.LinearLR(o, 0.5, 1.0, 10),
            lr.StepLR(o, 20, 0.5),
            lr.PolynomialLR(o, 60, 2.0),
        ],
        [10, 90],
        [Linear(0.5, 10, 1.0), Step(1.0, 20, 0.5), Polynomial(1.0, 60, 0.0, 2.0)],
    ),
    "cut short": (
        0.02,
        lambda o: [lr.CosineAnnealingLR(o, 100), lr.LinearLR(o, 1.0, 0.0, 30)],
        [33],
        [Cosine(0.02, 100), Linear(0.02, 30)],
    ),
    "from zero": (
        0.3,
        lambda o: [lr.LambdaLR(o, lambda t: t / 25), lr.MultiStepLR(o, [40, 80], 0.1)],
        [25],
        [Linear(0.0, 25, 0.3), MultiStep(0.3, [40, 80], 0.1)],
    ),
}


@pytest.mark.parametrize("case", SEQUENCES)
def test_sequential(case):
    rate, make, milestones, schedules = SEQUENCES[case]
    expected = original(lambda o: lr.SequentialLR(o, make(o), milestones), rate, 301)
    check(Sequential(schedules, milestones), expected)


CHAINS = {
    "constant, exponential": (
        0.1,
        lambda o: [lr.ConstantLR(o, 0.1, 20), lr.ExponentialLR(o, 0.99)],
        [Sequential([0.1, 1.0], [20]), Exponential(1.0, 1, 0.99)],
    ),
    "warm-up, step": (
        0.4,
        lambda o: [lr.LinearLR(o, 0.01, 1.0, 50), lr.StepLR(o, 60, 0.5)],
        [Linear(0.01, 50, 1.0), Step(1.0, 60, 0.5)],
    ),
    "three": (
        1.0,
        lambda o: [
            lr.LinearLR(o, 0.5, 1.0, 10),
            lr.MultiStepLR(o, [100, 200], 0.5),
            lr.ExponentialLR(o, 1.001),
        ],
        [Linear(0.5, 10, 1.0), MultiStep(1.0, [100, 200], 0.5), Exponential(1.0, 1, 1.001)],
    ),
    "polynomial, exponential": (
        0.02,
        lambda o: [lr.PolynomialLR(o, 150, 2.0), lr.ExponentialLR(o, 0.995)],
        [Polynomial(1.0, 150, 0.0, 2.0), Exponential(1.0, 1, 0.995)],
    ),
    "zero": (
        0.0,
        lambda o: [lr.StepLR(o, 20, 0.5), lr.ExponentialLR(o, 0.9)],
        [Step(1.0, 20, 0.5), Exponential(1.0, 1, 0.9)],
    ),
}


@pytest.mark.parametrize("case", CHAINS)
def test_chained(case):
    rate, make, factors = CHAINS[case]
    expected = original(lambda o: lr.ChainedScheduler(make(o)), rate, 301)
    check(Product([rate, *factors]), expected)
