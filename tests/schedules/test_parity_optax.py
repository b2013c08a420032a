"""Every schedule that optax has is the same curve here, at every step of the run."""

import numpy as np
import pytest

from keras_recipes.schedules import (
    Constant,
    Cosine,
    Exponential,
    Linear,
    Multiplicative,
    PiecewiseConstant,
    PiecewiseCosine,
    PiecewiseLinear,
    Polynomial,
    Sequential,
    Warmup,
)

optax = pytest.importorskip("optax", reason="optax is not installed: it is an optional oracle")
jax = pytest.importorskip("jax", reason="jax is not installed: optax needs it")


# Longer than every run below, so that each is followed past its end; one length for all of them,
# because JAX compiles anew for each.
STEPS = 1060


def original(schedule):
    """What an optax schedule gives at each step, in float64.

    In float32, JAX's default, the original itself is off by more than what is compared here.
    """
    with jax.enable_x64(True):
        steps = jax.numpy.arange(STEPS)
        rates = jax.vmap(lambda step: jax.numpy.asarray(schedule(step), "float64"))(steps)
        return np.asarray(rates)


def check(schedule, expected):
    """The same rate at each step.

    Near a zero of the curve a rounding of the parts that are added is a share of the peak, not of
    what is left of it: hence 1e-9 times the peak.
    """
    ours = np.asarray(schedule(np.arange(STEPS)), "float64")
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-9 * np.max(expected))


@pytest.mark.parametrize("value", [0.1, 1.0, 3e-4, 0.0, 12.5])
def test_constant(value):
    expected = original(optax.constant_schedule(value))
    check(Constant(value), expected)


# initial value, final value, steps, steps before the change begins
LINES = [
    (0.1, 0.0, 100, 0),
    (0.0, 1.0, 1000, 0),
    (0.02, 0.3, 37, 5),
    (1.0, 0.25, 1, 0),
    (3e-4, 3e-5, 250, 40),
    (0.0, 0.0, 10, 0),
]


def delayed(schedule, rate, begin):
    """A schedule after `begin` steps at a rate."""
    return Sequential([rate, schedule], [begin]) if begin else schedule


@pytest.mark.parametrize(("start", "end", "steps", "begin"), LINES)
def test_linear(start, end, steps, begin):
    expected = original(optax.linear_schedule(start, end, steps, begin))
    check(delayed(Linear(start, steps, end), start, begin), expected)


@pytest.mark.parametrize(("start", "end", "steps", "begin"), LINES)
@pytest.mark.parametrize("power", [1.0, 2.0, 0.5, 3.3])
def test_polynomial(start, end, steps, begin, power):
    expected = original(optax.polynomial_schedule(start, end, power, steps, begin))
    check(delayed(Polynomial(start, steps, end, power), start, begin), expected)


# initial value, steps, factor, steps before the fall begins, bound
EXPONENTIALS = [
    (0.1, 100, 0.5, 0, None),
    (1.0, 1, 0.99, 20, None),
    (0.02, 33, 0.1, 7, 1e-3),
    # A rising rate: the bound is a ceiling.
    (3e-4, 50, 2.0, 0, 1e-2),
    (0.0, 10, 0.9, 0, None),
    (0.5, 10, 0.9, 50, 0.1),
]


@pytest.mark.parametrize(("start", "steps", "factor", "begin", "end"), EXPONENTIALS)
@pytest.mark.parametrize("staircase", [False, True])
def test_exponential(start, steps, factor, begin, end, staircase):
    expected = original(optax.exponential_decay(start, steps, factor, begin, staircase, end))
    check(Exponential(start, steps, factor, staircase, end, begin), expected)


# initial value, steps, share that is left, exponent
COSINES = [
    (0.1, 100, 0.0, 1.0),
    (1.0, 1000, 0.1, 1.0),
    (0.02, 37, 0.0, 2.0),
    (3e-4, 250, 0.5, 0.5),
    (0.0, 10, 0.0, 1.0),
    (0.7, 1, 0.01, 1.5),
]


@pytest.mark.parametrize(("start", "steps", "alpha", "exponent"), COSINES)
def test_cosine(start, steps, alpha, exponent):
    expected = original(optax.cosine_decay_schedule(start, steps, alpha, exponent))
    check(Cosine(start, steps, alpha, exponent), expected)


# initial value, peak, steps of the climb, steps in all, final value, exponent
WARM_COSINES = [
    (0.0, 0.1, 10, 100, 0.0, 1.0),
    (0.01, 1.0, 100, 1000, 0.05, 1.0),
    (0.02, 0.02, 1, 37, 0.0, 2.0),
    (1e-5, 3e-4, 77, 250, 3e-5, 0.5),
    (0.0, 0.5, 5, 6, 0.1, 1.0),
]


@pytest.mark.parametrize(("start", "peak", "climb", "steps", "end", "exponent"), WARM_COSINES)
def test_warmup_cosine(start, peak, climb, steps, end, exponent):
    expected = original(
        optax.warmup_cosine_decay_schedule(start, peak, climb, steps, end, exponent)
    )
    fall = Cosine(peak, steps - climb, end / peak, exponent)
    check(Warmup(climb, fall, start), expected)


@pytest.mark.parametrize(
    ("start", "peak", "climb"),
    [(0.0, 0.1, 10), (0.01, 1.0, 500), (0.5, 0.02, 33), (0.0, 3e-4, 1), (0.3, 0.0, 20)],
)
def test_warmup_constant(start, peak, climb):
    expected = original(optax.warmup_constant_schedule(start, peak, climb))
    check(Warmup(climb, peak, start), expected)


@pytest.mark.parametrize(
    ("start", "peak", "climb", "steps", "factor", "begin", "staircase", "end"),
    [
        (0.0, 0.1, 10, 50, 0.5, 0, False, None),
        (0.01, 1.0, 100, 40, 0.7, 30, True, None),
        (0.02, 0.02, 1, 7, 0.9, 0, False, 1e-3),
        (1e-5, 3e-4, 77, 1, 0.99, 5, False, 1e-5),
        (0.0, 0.5, 25, 100, 1.5, 0, True, 1.0),
    ],
)
def test_warmup_exponential(start, peak, climb, steps, factor, begin, staircase, end):
    expected = original(
        optax.warmup_exponential_decay_schedule(
            start, peak, climb, steps, factor, begin, staircase, end
        )
    )
    fall = Exponential(peak, steps, factor, staircase, end, begin)
    check(Warmup(climb, fall, start), expected)


STAIRS = [
    (0.1, {30: 0.1, 60: 0.1, 90: 0.1}),
    (1.0, {1: 0.5, 2: 3.0, 50: 0.25}),
    (0.02, {10: 1.0, 99: 0.0}),
    (3e-4, dict.fromkeys(range(1, 120, 3), 0.97)),
    (0.0, {10: 2.0}),
]


def products(first, scales):
    """The value after each of optax's scales."""
    return list(np.cumprod([first, *scales.values()]))


@pytest.mark.parametrize(("start", "scales"), STAIRS)
def test_piecewise_constant(start, scales):
    expected = original(optax.piecewise_constant_schedule(start, scales))
    check(Multiplicative(start, list(scales), list(scales.values())), expected)
    if 1 not in scales:
        # Our piecewise rates, like those of Keras, switch after the boundary and not at it.
        boundaries = [step - 1 for step in scales]
        values = [float(value) for value in products(start, scales)]
        check(PiecewiseConstant(boundaries, values), expected)


@pytest.mark.parametrize(("start", "scales"), STAIRS)
@pytest.mark.parametrize(
    ("kind", "cls"), [("linear", PiecewiseLinear), ("cosine", PiecewiseCosine)]
)
def test_piecewise_interpolate(start, scales, kind, cls):
    expected = original(optax.piecewise_interpolate_schedule(kind, start, scales))
    values = [float(value) for value in products(start, scales)]
    check(cls([0, *scales], values), expected)


# steps, peak, part of the climb, part of climb and fall, first divisor, last divisor
ONE_CYCLES = [
    (100, 0.1, 0.3, 0.85, 25.0, 1e4),
    (1000, 1.0, 0.25, 0.5, 10.0, 1e2),
    # The corners are rounded down to whole steps.
    (97, 0.02, 0.31, 0.77, 25.0, 1e4),
    (33, 0.3, 0.4, 0.9, 4.0, 1.0),
    (10, 3e-4, 0.45, 0.9, 100.0, 10.0),
    (50, 0.0, 0.3, 0.85, 25.0, 1e4),
]


@pytest.mark.parametrize(("steps", "peak", "part", "last", "div", "final"), ONE_CYCLES)
def test_linear_one_cycle(steps, peak, part, last, div, final):
    expected = original(optax.linear_onecycle_schedule(steps, peak, part, last, div, final))
    low = peak / div
    corners = [0, int(part * steps), int(last * steps), steps]
    check(PiecewiseLinear(corners, [low, peak, low, low / final]), expected)


@pytest.mark.parametrize(("steps", "peak", "part", "last", "div", "final"), ONE_CYCLES)
def test_cosine_one_cycle(steps, peak, part, last, div, final):
    expected = original(optax.cosine_onecycle_schedule(steps, peak, part, div, final))
    corners = [0, int(part * steps), steps]
    check(PiecewiseCosine(corners, [peak / div, peak, peak / (div * final)]), expected)


JOINED = {
    "constant, linear": (
        [optax.constant_schedule(0.3), optax.linear_schedule(0.3, 0.0, 100)],
        [50],
        [0.3, Linear(0.3, 100)],
    ),
    "climb, stay, fall": (
        [
            optax.linear_schedule(0.0, 1.0, 20),
            optax.constant_schedule(1.0),
            optax.cosine_decay_schedule(1.0, 80, 0.1),
        ],
        [20, 70],
        [Linear(0.0, 20, 1.0), 1.0, Cosine(1.0, 80, 0.1)],
    ),
    "cut short": (
        [optax.cosine_decay_schedule(0.02, 100), optax.exponential_decay(0.01, 30, 0.5)],
        [33],
        [Cosine(0.02, 100), Exponential(0.01, 30, 0.5)],
    ),
    "one step each": (
        [optax.constant_schedule(value) for value in (0.1, 0.0, 0.2)],
        [1, 2],
        [0.1, 0.0, 0.2],
    ),
    "beyond its end": (
        [optax.polynomial_schedule(3e-4, 1e-5, 2.0, 10), optax.linear_schedule(0.0, 3e-4, 5)],
        [60],
        [Polynomial(3e-4, 10, 1e-5, 2.0), Linear(0.0, 5, 3e-4)],
    ),
}


@pytest.mark.parametrize("case", JOINED)
def test_join(case):
    theirs, boundaries, ours = JOINED[case]
    check(Sequential(ours, boundaries), original(optax.join_schedules(theirs, boundaries)))


# One tuple a cycle: first rate, peak, steps of the climb, steps in all, last rate
RESTARTS = {
    "equal": [(0.0, 0.1, 5, 50, 0.0)] * 3,
    "longer and lower": [(0.0, 1.0, 10, 40, 0.1), (0.1, 0.5, 10, 80, 0.05), (0.05, 0.2, 5, 160, 0)],
    "short": [(0.01, 0.02, 1, 2, 0.0), (0.0, 0.02, 1, 3, 0.0)],
    "one": [(1e-5, 3e-4, 33, 250, 3e-5)],
    "long climbs": [(0.2, 0.3, 99, 100, 0.01), (0.0, 0.3, 30, 31, 0.3)],
}


@pytest.mark.parametrize("case", RESTARTS)
def test_sgdr(case):
    names = ("init_value", "peak_value", "warmup_steps", "decay_steps", "end_value")
    cycles = RESTARTS[case]
    expected = original(
        optax.sgdr_schedule([dict(zip(names, cycle, strict=True)) for cycle in cycles])
    )
    ours = [
        Warmup(climb, Cosine(peak, steps - climb, end / peak), first)
        for first, peak, climb, steps, end in cycles
    ]
    boundaries = np.cumsum([steps for _, _, _, steps, _ in cycles])[:-1]
    check(Sequential(ours, [int(boundary) for boundary in boundaries]), expected)
