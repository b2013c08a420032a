"""Every schedule that timm has is the same curve here, compared with the library itself."""

import numpy as np
import pytest
from parity import check, optimizer_of_torch, runs

from keras_recipes.schedules import (
    Cooldown,
    Cosine,
    CosineRestarts,
    Expression,
    InverseSquareRoot,
    Linear,
    MultiStep,
    Polynomial,
    Product,
    Repeat,
    Sequential,
    Step,
    Tanh,
    Warmup,
)

library = pytest.importorskip(
    "timm.scheduler", reason="timm is not installed: it is an optional oracle"
)
RUNS = list(runs(12, seed=1))


def original(name, rate, count, **arguments):
    """What timm's scheduler sets for the first `count` steps, in float64."""
    optimizer = optimizer_of_torch(rate)
    made = getattr(library, name)(optimizer, **arguments)
    found = []
    for step in range(count):
        made.step(step)
        found.append(optimizer.param_groups[0]["lr"])
    return np.array(found)


def climb(warmup, start):
    return {"warmup_t": warmup, "warmup_lr_init": start, "warmup_prefix": True}


@pytest.mark.parametrize(("rate", "warmup", "total"), RUNS)
class TestSchedules:
    @pytest.mark.parametrize("k", [0.5, 1.0, 2.0])
    def test_cosine(self, rate, warmup, total, k):
        lowest, start = 0.2 * rate, 0.1 * rate
        expected = original(
            "CosineLRScheduler",
            rate,
            warmup + total + 20,
            t_initial=total,
            lr_min=lowest,
            k_decay=k,
            **climb(warmup, start),
        )
        check(Warmup(warmup, Cosine(rate, total, alpha=0.2, k=k), start), expected)

    def test_cosine_without_a_prefix(self, rate, warmup, total):
        warmup = max(1, warmup)
        expected = original("CosineLRScheduler", rate, total + 20, t_initial=total, warmup_t=warmup)
        wave = f"{rate / 2} * (1 + cos(pi * progress))"
        formula = f"{rate} * step / {warmup} if step < {warmup} else {wave}"
        check(Expression(formula, total_steps=total), expected)

    @pytest.mark.parametrize("decay", [1.0, 0.6])
    def test_cosine_cycles(self, rate, warmup, total, decay):
        total = 1 + total // 8
        expected = original(
            "CosineLRScheduler",
            rate,
            warmup + 3 * total + 20,
            t_initial=total,
            cycle_decay=decay,
            cycle_limit=3,
            **climb(warmup, 0.0),
        )
        restarts = CosineRestarts(rate, total, t_mul=1.0, m_mul=decay, limit=3)
        check(Warmup(warmup, restarts), expected)

    def test_cosine_cycles_that_grow(self, rate, warmup, total):
        total = 1 + total // 8
        expected = original(
            "CosineLRScheduler",
            rate,
            7 * total + 20,
            t_initial=total,
            cycle_mul=2.0,
            cycle_decay=0.6,
            cycle_limit=3,
        )
        # At a restart theirs depends on how a logarithm is rounded.
        steps = [step for step in range(len(expected)) if step not in (total, 3 * total, 7 * total)]
        ours = CosineRestarts(rate, total, t_mul=2.0, m_mul=0.6, limit=3)
        check(ours, expected[steps], steps)

    @pytest.mark.parametrize(("lower", "upper"), [(-7.0, 3.0), (-4.0, 2.5)])
    def test_tanh(self, rate, warmup, total, lower, upper):
        lowest = 0.2 * rate
        expected = original(
            "TanhLRScheduler",
            rate,
            warmup + total + 20,
            t_initial=total,
            lb=lower,
            ub=upper,
            lr_min=lowest,
            **climb(warmup, 0.0),
        )
        curve = Tanh(rate, total, lowest, lower, upper)
        # timm climbs to the rate, which the tangent itself never has, and falls to the lowest one.
        parts, ends = ([Linear(0.0, warmup, rate)], [warmup]) if warmup else ([], [])
        check(Sequential([*parts, curve, lowest], [*ends, warmup + total]), expected)

    @pytest.mark.parametrize("name", ["TanhLRScheduler", "PolyLRScheduler"])
    def test_cycles_of_tanh_and_poly(self, rate, warmup, total, name):
        """Each cycle of a lower peak is a schedule of its own; equal ones are a `Repeat`."""
        total = 2 + total // 8
        lowest = 0.1 * rate

        def curve(peak):
            if name == "TanhLRScheduler":
                return Tanh(peak, total, lowest, -7.0, 3.0)
            return Polynomial(peak, total, lowest, 0.5)

        for decay in (1.0, 0.6):
            expected = original(
                name,
                rate,
                3 * total,
                t_initial=total,
                lr_min=lowest,
                cycle_limit=3,
                cycle_decay=decay,
            )
            peaks = [rate * decay**cycle for cycle in range(3)]
            check(Sequential([curve(peak) for peak in peaks], [total, 2 * total]), expected)
            if decay == 1.0:
                check(Repeat(curve(rate), total, count=3), expected)

    @pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
    @pytest.mark.parametrize("k", [1.0, 2.0])
    def test_poly(self, rate, warmup, total, power, k):
        lowest, start = 0.2 * rate, 0.1 * rate
        expected = original(
            "PolyLRScheduler",
            rate,
            warmup + total + 20,
            t_initial=total,
            power=power,
            lr_min=lowest,
            k_decay=k,
            **climb(warmup, start),
        )
        if k == 1.0:
            curve = Polynomial(rate, total, lowest, power)
        else:
            formula = f"{lowest} + {rate - lowest} * (1 - progress ** {k}) ** {power}"
            curve = Expression(formula, total_steps=total)
        check(Warmup(warmup, curve, start), expected)

    def test_multi_step(self, rate, warmup, total):
        """timm applies a milestone one step before it."""
        milestones = [1 + total // 3, total, total + 7]
        expected = original(
            "MultiStepLRScheduler",
            rate,
            warmup + total + 20,
            decay_t=milestones,
            decay_rate=0.3,
            **climb(warmup, 0.0),
        )
        steps = MultiStep(rate, [milestone - 1 for milestone in milestones], 0.3)
        check(Warmup(warmup, steps), expected)

    def test_step(self, rate, warmup, total):
        size = 1 + total // 4
        expected = original(
            "StepLRScheduler",
            rate,
            warmup + total + 20,
            decay_t=size,
            decay_rate=0.7,
            **climb(warmup, 0.0),
        )
        check(Warmup(warmup, Step(rate, size, 0.7)), expected)

    @pytest.mark.parametrize("shape", ["linear", "1-sqrt", "cosine"])
    def test_warmup_stable_decay(self, rate, warmup, total, shape):
        decay, lowest, start = 1 + total // 4, 0.1 * rate, 0.3 * rate
        expected = original(
            "WSDLRScheduler",
            rate,
            warmup + total + 20,
            t_initial=total,
            decay_t=decay,
            lr_min=lowest,
            decay_fn=shape,
            warmup_t=warmup,
            warmup_lr_init=start,
        )
        check(Warmup(warmup, Cooldown(rate, total - decay, decay, lowest, shape), start), expected)

    def test_reciprocal_square_root_and_its_cooldown(self, rate, warmup, total):
        decay, timescale = 1 + total // 4, 1 + total // 10
        expected = original(
            "WSDLRScheduler",
            rate,
            warmup + total + 20,
            t_initial=total,
            decay_t=decay,
            stable_fn="rsqrt",
            stable_timescale=timescale,
            decay_fn="linear",
            warmup_t=warmup,
        )
        fall = Sequential([1.0, Linear(1.0, decay, 0.0)], [total - decay])
        check(Warmup(warmup, Product([InverseSquareRoot(rate, timescale), fall])), expected)
