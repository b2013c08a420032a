"""The curves of transformers, timm and fastai, Noam's and the 1-sqrt cooldown, from formulas.

The formulas are written out in plain Python, one step at a time, in float64.
"""

import math

import numpy as np
import pytest

from keras_recipes.schedules import (
    Cooldown,
    Cosine,
    CosineRestarts,
    Expression,
    FlatCosine,
    InverseSquareRoot,
    Linear,
    MultiStep,
    Noam,
    PiecewiseCosine,
    Polynomial,
    Repeat,
    Sequential,
    Step,
    Tanh,
    Warmup,
    WarmupStableDecay,
)


def check(schedule, formula, count):
    """The same rate at each of the first `count` steps.

    Near a zero of the curve a rounding of the parts that are added is a share of the peak, not of
    what is left of it: hence 1e-9 times the peak.
    """
    ours = np.asarray(schedule(np.arange(count)), "float64")
    expected = np.array([formula(step) for step in range(count)])
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-9 * np.max(expected))


# transformers: rate, steps of the climb, steps in all
RUNS = [
    (5e-5, 0, 100),
    (0.1, 10, 110),
    (1.0, 100, 1000),
    (3e-4, 1, 38),
    (0.02, 333, 334),
    (0.0, 5, 25),
]


def climbing(warmup, after):
    """transformers' climb from 0: a factor, then another rule for it."""

    def factor(step):
        return step / warmup if step < warmup else after(step)

    return factor


@pytest.mark.parametrize(("rate", "warmup", "total"), RUNS)
class TestTransformers:
    def test_constant_with_warmup(self, rate, warmup, total):
        factor = climbing(warmup, lambda step: 1.0)
        check(Warmup(warmup, rate), lambda step: rate * factor(step), total + 20)

    def test_linear(self, rate, warmup, total):
        factor = climbing(warmup, lambda step: max(0.0, (total - step) / (total - warmup)))
        schedule = Warmup(warmup, Linear(rate, total - warmup))
        check(schedule, lambda step: rate * factor(step), total + 20)

    @pytest.mark.parametrize("least", [0.0, 0.1])
    def test_cosine(self, rate, warmup, total, least):
        def wave(step):
            # Past the end theirs climbs again; ours stays.
            part = (min(step, total) - warmup) / (total - warmup)
            return least + (1.0 - least) * 0.5 * (1.0 + math.cos(math.pi * part))

        factor = climbing(warmup, wave)
        schedule = Warmup(warmup, Cosine(rate, total - warmup, alpha=least))
        check(schedule, lambda step: rate * factor(step), total + 20)

    @pytest.mark.parametrize("cycles", [1, 3])
    def test_cosine_of_whole_cycles(self, rate, warmup, total, cycles):
        """`num_cycles` 1 goes down and up again; each half wave lies between two knots."""
        length = total - warmup
        if length % (2 * cycles):
            length = 2 * cycles * (length // (2 * cycles) + 1)

        def wave(step):
            part = min(step - warmup, length) / length
            return max(0.0, 0.5 * (1.0 + math.cos(math.pi * cycles * 2.0 * part)))

        factor = climbing(warmup, wave)
        knots = [index * length // (2 * cycles) for index in range(2 * cycles + 1)]
        values = [rate * (index % 2 == 0) for index in range(2 * cycles + 1)]
        schedule = Warmup(warmup, PiecewiseCosine(knots, values))
        check(schedule, lambda step: rate * factor(step), warmup + length + 20)

    @pytest.mark.parametrize("cycles", [1, 2, 5])
    def test_cosine_with_hard_restarts(self, rate, warmup, total, cycles):
        # A cycle of theirs may last a fraction of a step; ours lasts whole ones.
        length = cycles * max(1, (total - warmup) // cycles)

        def wave(step):
            past = step - warmup
            if past >= length:
                return 0.0
            # The remainder is taken of whole numbers: that of a quotient may miss a restart.
            return 0.5 * (1.0 + math.cos(math.pi * (cycles * past % length) / length))

        factor = climbing(warmup, wave)
        restarts = CosineRestarts(rate, length // cycles, t_mul=1.0, limit=cycles)
        schedule = Warmup(warmup, restarts)
        check(schedule, lambda step: rate * factor(step), warmup + length + 20)

    @pytest.mark.parametrize(("end", "power"), [(1e-7, 1.0), (0.0, 2.0), (1e-5, 0.5)])
    def test_polynomial(self, rate, warmup, total, end, power):
        end = min(end, rate)

        def formula(step):
            if step < warmup:
                return rate * step / warmup
            if step > total:
                return end
            return end + (rate - end) * (1 - (step - warmup) / (total - warmup)) ** power

        schedule = Warmup(warmup, Polynomial(rate, total - warmup, end, power))
        check(schedule, formula, total + 20)

    @pytest.mark.parametrize("timescale", [None, 1, 50, 10_000])
    def test_inverse_square_root(self, rate, warmup, total, timescale):
        scale = timescale or warmup or 10_000

        def after(step):
            return 1.0 / math.sqrt((step + scale - warmup) / scale)

        factor = climbing(warmup, after)
        schedule = Warmup(warmup, InverseSquareRoot(rate, scale))
        check(schedule, lambda step: rate * factor(step), 3 * total)


@pytest.mark.parametrize(
    ("rate", "warmup", "stable", "decay", "least"),
    [
        (5e-5, 0, 50, 50, 0.0),
        (0.1, 10, 90, 20, 0.1),
        (1.0, 100, 600, 300, 0.0),
        (3e-4, 7, 0, 33, 0.5),
        (0.02, 1, 1, 1, 0.01),
        (0.0, 5, 10, 5, 0.0),
    ],
)
@pytest.mark.parametrize("climb", ["linear", "cosine", "1-sqrt"])
@pytest.mark.parametrize("fall", ["linear", "cosine", "1-sqrt"])
def test_transformers_warmup_stable_decay(rate, warmup, stable, decay, least, climb, fall):
    climbs = {
        "linear": lambda part: part,
        "cosine": lambda part: 0.5 * (1.0 - math.cos(math.pi * part)),
        "1-sqrt": lambda part: 1.0 - math.sqrt(1.0 - part),
    }
    falls = {
        "linear": lambda part: 1.0 - part,
        "cosine": lambda part: 0.5 * (1.0 + math.cos(math.pi * part)),
        "1-sqrt": lambda part: 1.0 - math.sqrt(part),
    }

    def formula(step):
        if step < warmup:
            factor = climbs[climb](step / warmup)
        elif step < warmup + stable:
            factor = 1.0
        elif step < warmup + stable + decay:
            factor = falls[fall]((step - warmup - stable) / decay)
        else:
            factor = 0.0
        return rate * (factor * (1.0 - least) + least)

    schedule = WarmupStableDecay(rate, warmup, stable, decay, climb, fall, least)
    check(schedule, formula, warmup + stable + decay + 20)


def timm(shape, *, rate, lowest, first, longer=1, lower=1.0, limit=1):
    """timm's cycles: cycle i lasts first * longer^i and begins at rate * lower^i.

    Args:
        shape: what is left of the height, from 1, by the step of the cycle and its length.
    """

    def formula(step):
        length = first
        for cycle in range(limit):
            if step < length:
                return lowest + (rate * lower**cycle - lowest) * shape(step, length)
            step, length = step - length, length * longer
        return lowest

    return formula


def climb_first(warmup, start, rate, formula):
    """timm's climb with `warmup_prefix`: the curve begins when it is over."""

    def both(step):
        if step < warmup:
            return start + step * (rate - start) / warmup
        return formula(step - warmup)

    return both


# rate, lowest rate, steps, k, steps of the climb, rate at its begin
TIMM = [
    (0.1, 0.0, 100, 1.0, 0, 0.0),
    (1.0, 1e-3, 1000, 1.0, 50, 1e-4),
    (0.05, 1e-5, 300, 2.0, 10, 0.0),
    (5e-4, 0.0, 77, 0.5, 5, 1e-6),
    (0.3, 0.3, 10, 1.5, 1, 0.1),
    (0.0, 0.0, 20, 1.0, 0, 0.0),
]


@pytest.mark.parametrize(("rate", "lowest", "steps", "k", "warmup", "start"), TIMM)
class TestTimm:
    def test_cosine(self, rate, lowest, steps, k, warmup, start):
        def shape(step, length):
            return 0.5 * (1 + math.cos(math.pi * step**k / length**k))

        formula = timm(shape, rate=rate, lowest=lowest, first=steps)
        curve = Cosine(rate, steps, alpha=lowest / rate if rate else 0.0, k=k)
        both = climb_first(warmup, start, rate, formula)
        check(Warmup(warmup, curve, start), both, warmup + steps + 20)

    def test_cosine_repeated(self, rate, lowest, steps, k, warmup, start):
        def shape(step, length):
            return 0.5 * (1 + math.cos(math.pi * step**k / length**k))

        formula = timm(shape, rate=rate, lowest=lowest, first=steps, limit=3)
        curve = Cosine(rate, steps, alpha=lowest / rate if rate else 0.0, k=k)
        schedule = Warmup(warmup, Repeat(curve, steps, count=3), start)
        check(schedule, climb_first(warmup, start, rate, formula), warmup + 3 * steps + 20)

    @pytest.mark.parametrize(("lb", "ub"), [(-7.0, 3.0), (-3.0, 3.0), (-6.0, 4.0)])
    def test_tanh(self, rate, lowest, steps, k, warmup, start, lb, ub):
        def shape(step, length):
            part = step / length
            return 0.5 * (1 - math.tanh(lb * (1.0 - part) + ub * part))

        formula = timm(shape, rate=rate, lowest=lowest, first=steps)
        both = climb_first(warmup, start, rate, formula)
        curve = Tanh(rate, steps, lowest, lb, ub)
        # timm climbs to the rate, which the tangent itself never has.
        schedule = Sequential([Linear(start, warmup, rate), curve], [warmup]) if warmup else curve
        check(schedule, both, warmup + steps)
        # Past the end timm's falls to the lowest rate; ours stays where the tangent ended.
        check(Sequential([schedule, lowest], [warmup + steps]), both, warmup + steps + 20)

    @pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
    def test_poly(self, rate, lowest, steps, k, warmup, start, power):
        def shape(step, length):
            return (1 - step**k / length**k) ** power

        formula = timm(shape, rate=rate, lowest=lowest, first=steps)
        if k == 1.0:
            curve = Polynomial(rate, steps, lowest, power)
        else:
            fall = f"{lowest} + {rate - lowest} * (1 - progress ** {k}) ** {power}"
            curve = Expression(fall, total_steps=steps)
        both = climb_first(warmup, start, rate, formula)
        check(Warmup(warmup, curve, start), both, warmup + steps + 20)

    def test_multi_step(self, rate, lowest, steps, k, warmup, start):
        milestones = [max(1, steps // 3), steps, steps + 7]

        def formula(step):
            return rate * 0.3 ** sum(milestone <= step for milestone in milestones)

        both = climb_first(warmup, start, rate, formula)
        schedule = Warmup(warmup, MultiStep(rate, milestones, 0.3), start)
        check(schedule, both, warmup + steps + 20)

    @pytest.mark.parametrize("factor", [0.1, 0.97])
    def test_step(self, rate, lowest, steps, k, warmup, start, factor):
        size = max(1, steps // 4)

        def formula(step):
            return rate * factor ** (step // size)

        both = climb_first(warmup, start, rate, formula)
        check(Warmup(warmup, Step(rate, size, factor), start), both, warmup + 2 * steps)


@pytest.mark.parametrize(
    ("rate", "lowest", "steps", "k", "warmup", "start"),
    [*(case for case in TIMM if case[4]), (0.02, 1e-3, 250, 1.0, 249, 0.01)],
)
def test_timm_cosine_without_a_prefix(rate, lowest, steps, k, warmup, start):
    """The climb covers the beginning of the curve, whose clock does not wait for it."""

    def formula(step):
        if step < warmup:
            return start + step * (rate - start) / warmup
        part = min(step, steps) ** k / steps**k
        return lowest + 0.5 * (rate - lowest) * (1 + math.cos(math.pi * part))

    climb = f"{start} + {rate - start} * step / {warmup}"
    wave = f"{lowest} + {(rate - lowest) / 2} * (1 + cos(pi * progress ** {k}))"
    schedule = Expression(f"{climb} if step < {warmup} else {wave}", total_steps=steps)
    check(schedule, formula, steps + 20)


@pytest.mark.parametrize(
    ("rate", "lowest", "first", "longer", "lower", "limit"),
    [
        (0.1, 0.0, 10, 2, 1.0, 4),
        (1.0, 0.0, 100, 1, 0.5, 3),
        (0.02, 0.0, 7, 3, 0.8, 4),
        (3e-4, 1e-5, 50, 2, 1.0, 1),
        (0.5, 0.1, 40, 1, 1.0, 5),
        (0.0, 0.0, 10, 2, 0.5, 2),
    ],
)
def test_timm_cosine_restarts(rate, lowest, first, longer, lower, limit):
    def shape(step, length):
        return 0.5 * (1 + math.cos(math.pi * step / length))

    formula = timm(
        shape, rate=rate, lowest=lowest, first=first, longer=longer, lower=lower, limit=limit
    )
    alpha = lowest / rate if rate else 0.0
    schedule = CosineRestarts(rate, first, longer, lower, alpha, limit)
    check(schedule, formula, 600)


@pytest.mark.parametrize(
    ("rate", "lowest", "first", "longer", "lower", "limit"),
    [
        (0.1, 1e-3, 10, 2, 0.5, 4),
        (1.0, 0.1, 100, 1, 0.5, 3),
        (0.02, 1e-5, 7, 3, 0.8, 4),
        (3e-4, 3e-5, 50, 2, 0.9, 2),
        (0.5, 0.1, 40, 1, 0.7, 3),
    ],
)
def test_timm_cosine_restarts_lower_the_peak_and_not_the_wave(
    rate, lowest, first, longer, lower, limit
):
    """timm: a peak of rate * lower^i; ours and Keras's: a wave of (rate - lowest) * lower^i."""

    def shape(step, length):
        return 0.5 * (1 + math.cos(math.pi * step / length))

    formula = timm(
        shape, rate=rate, lowest=lowest, first=first, longer=longer, lower=lower, limit=limit
    )
    lengths = [first * longer**cycle for cycle in range(limit)]
    peaks = [rate * lower**cycle for cycle in range(limit)]
    schedule = Sequential(
        [Cosine(peak, length, lowest / peak) for peak, length in zip(peaks, lengths, strict=True)],
        [sum(lengths[: index + 1]) for index in range(limit - 1)],
    )
    check(schedule, formula, sum(lengths) + 20)


def cos_between(start, end, part):
    """fastai's annealing from one value to another."""
    return start + (1 + math.cos(math.pi * (1 - part))) * (end - start) / 2


def combined(part, first, middle, last, total):
    """fastai's two phases; step t is at t / total, so the end is not reached by the last step."""

    def formula(step):
        place = min(step, total) / total
        if place < part:
            return cos_between(first, middle, place / part)
        return cos_between(middle, last, (place - part) / (1 - part))

    return formula


# highest rate, steps, steps of the first phase, first divisor, last divisor
FASTAI = [
    (1e-3, 100, 25, 25.0, 1e5),
    (1.0, 1000, 300, 10.0, 1e2),
    (0.02, 97, 31, 25.0, 1e5),
    (3e-4, 10, 1, 100.0, 10.0),
    (0.5, 12, 11, 2.0, 1.0),
    (0.0, 40, 10, 25.0, 1e5),
]


@pytest.mark.parametrize(("high", "total", "first", "div", "final"), FASTAI)
class TestFastai:
    def test_one_cycle(self, high, total, first, div, final):
        formula = combined(first / total, high / div, high, high / final, total)
        schedule = PiecewiseCosine([0, first, total], [high / div, high, high / final])
        check(schedule, formula, total + 20)

    def test_momentum_of_one_cycle(self, high, total, first, div, final):
        formula = combined(first / total, 0.95, 0.85, 0.95, total)
        check(PiecewiseCosine([0, first, total], [0.95, 0.85, 0.95]), formula, total + 20)

    def test_flat_cosine(self, high, total, first, div, final):
        formula = combined(first / total, high, high, high / final, total)
        check(FlatCosine(high, first, total - first, high / final), formula, total + 20)


@pytest.mark.parametrize(
    ("high", "cycles", "first", "longer"),
    [(1e-3, 3, 10, 2), (1.0, 2, 200, 3), (0.02, 5, 7, 2), (0.5, 1, 50, 2), (0.0, 3, 10, 2)],
)
def test_fastai_sgdr(high, cycles, first, longer):
    def formula(step):
        for cycle in range(cycles):
            length = first * longer**cycle
            if step < length:
                return cos_between(high, 0.0, step / length)
            step -= length
        return 0.0

    schedule = CosineRestarts(high, first, longer, limit=cycles)
    check(schedule, formula, first * sum(longer**cycle for cycle in range(cycles)) + 20)


@pytest.mark.parametrize(
    ("width", "warmup", "scale"),
    [(512, 4000, 1.0), (64, 10, 2.0), (1, 1, 0.5), (300, 333, 0.1), (768, 2, 1.0)],
)
def test_noam(width, warmup, scale):
    def formula(step):
        count = step + 1
        return scale * width**-0.5 * min(count**-0.5, count * warmup**-1.5)

    check(Noam(width, warmup, scale), formula, 3 * warmup + 20)


@pytest.mark.parametrize(
    ("rate", "begin", "steps", "end"),
    [
        (0.1, 80, 20, 0.0),
        (1.0, 0, 1000, 0.01),
        (0.02, 33, 77, 1e-5),
        (3e-4, 5, 1, 0.0),
        (0.0, 10, 10, 0.0),
    ],
)
class TestCooldown:
    def test_of_a_constant(self, rate, begin, steps, end):
        def formula(step):
            part = min(max(step - begin, 0), steps) / steps
            return end + (rate - end) * (1.0 - math.sqrt(part))

        check(Cooldown(rate, begin, steps, end, "1-sqrt"), formula, begin + steps + 20)

    def test_of_a_climb(self, rate, begin, steps, end):
        def formula(step):
            before = rate * min(step, begin) / (2 * begin + 1)
            part = min(max(step - begin, 0), steps) / steps
            return before + (end - before) * math.sqrt(part)

        climb = Warmup(2 * begin + 1, rate)
        check(Cooldown(climb, begin, steps, end, "1-sqrt"), formula, begin + steps + 20)
