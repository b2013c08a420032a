"""Every schedule that transformers has is the same curve here, compared with the library itself."""

import numpy as np
import pytest
from parity import check, optimizer_of_torch, runs

from keras_recipes.schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Expression,
    InverseSquareRoot,
    Linear,
    PiecewiseCosine,
    Polynomial,
    Warmup,
    WarmupStableDecay,
)

library = pytest.importorskip("transformers", reason="transformers is an optional oracle")
RUNS = list(runs(20))
PARTS = [0.0, 0.01, 0.3, 0.9]


def original(name, rate, warmup, total, count, **arguments):
    """What the schedule of transformers gives for the first `count` updates, in float64."""
    made = library.get_scheduler(name, optimizer_of_torch(rate), warmup, total, arguments or None)
    return np.array([rate * made.lr_lambdas[0](step) for step in range(count)])


@pytest.mark.parametrize(("rate", "warmup", "total"), RUNS)
class TestSchedules:
    def test_constant(self, rate, warmup, total):
        check(Constant(rate), original("constant", rate, None, None, total))

    def test_constant_with_warmup(self, rate, warmup, total):
        expected = original("constant_with_warmup", rate, warmup, None, total + 20)
        check(Warmup(warmup, rate), expected)

    def test_linear(self, rate, warmup, total):
        expected = original("linear", rate, warmup, total, total + 20)
        check(Warmup(warmup, Linear(rate, total - warmup)), expected)

    def test_cosine(self, rate, warmup, total):
        # Past the end theirs climbs again; ours stays.
        expected = original("cosine", rate, warmup, total, total + 1)
        check(Warmup(warmup, Cosine(rate, total - warmup)), expected)

    @pytest.mark.parametrize("cycles", [1, 3])
    def test_cosine_of_whole_cycles(self, rate, warmup, total, cycles):
        """Each half wave lies between two knots, where the knots are whole steps."""
        total = warmup + 2 * cycles * max(1, (total - warmup) // (2 * cycles))
        expected = original("cosine", rate, warmup, total, total + 1, num_cycles=cycles)
        knots = [index * (total - warmup) // (2 * cycles) for index in range(2 * cycles + 1)]
        values = [rate * (index % 2 == 0) for index in range(2 * cycles + 1)]
        check(Warmup(warmup, PiecewiseCosine(knots, values)), expected)

    @pytest.mark.parametrize("cycles", [1, 2, 5])
    def test_hard_restarts_of_whole_steps(self, rate, warmup, total, cycles):
        length = max(1, (total - warmup) // cycles)
        total = warmup + cycles * length
        expected = original(
            "cosine_with_restarts", rate, warmup, total, total + 20, num_cycles=cycles
        )
        ours = Warmup(warmup, CosineRestarts(rate, length, t_mul=1.0, limit=cycles))
        steps = _not_restarts(warmup, total, cycles, len(expected))
        check(ours, expected[steps], steps)

    @pytest.mark.parametrize("cycles", [2, 3, 7])
    def test_hard_restarts_in_the_middle_of_a_step(self, rate, warmup, total, cycles):
        expected = original("cosine_with_restarts", rate, warmup, total, total, num_cycles=cycles)
        formula = f"{rate} * 0.5 * (1 + cos(pi * ({cycles} * progress % 1)))"
        ours = Warmup(warmup, Expression(formula, total_steps=total - warmup))
        steps = _not_restarts(warmup, total, cycles, len(expected))
        check(ours, expected[steps], steps)

    @pytest.mark.parametrize("least", PARTS)
    def test_cosine_with_min_lr(self, rate, warmup, total, least):
        expected = original("cosine_with_min_lr", rate, warmup, total, total + 1, min_lr_rate=least)
        check(Warmup(warmup, Cosine(rate, total - warmup, alpha=least)), expected)

    @pytest.mark.parametrize("least", PARTS)
    @pytest.mark.parametrize("start", [None, 0.2])
    def test_cosine_warmup_with_min_lr(self, rate, warmup, total, least, start):
        """Their first step is one step of the climb ahead of ours."""
        warmup = max(2, warmup)
        total = max(total, warmup + 2)
        more = {} if start is None else {"warmup_lr_rate": start}
        expected = original(
            "cosine_warmup_with_min_lr", rate, warmup, total, total, min_lr_rate=least, **more
        )
        first = rate / warmup if start is None else rate * start
        check(Warmup(warmup - 1, Cosine(rate, total - warmup, alpha=least), first), expected)

    @pytest.mark.parametrize("end", [0.0, 1e-9])
    @pytest.mark.parametrize("power", [0.5, 1.0, 2.3])
    def test_polynomial(self, rate, warmup, total, end, power):
        expected = original("polynomial", rate, warmup, total, total + 20, lr_end=end, power=power)
        check(Warmup(warmup, Polynomial(rate, total - warmup, end, power)), expected)

    @pytest.mark.parametrize("timescale", [None, 1, 77])
    def test_inverse_sqrt(self, rate, warmup, total, timescale):
        more = {} if timescale is None else {"timescale": timescale}
        expected = original("inverse_sqrt", rate, warmup, None, 2 * total, **more)
        check(Warmup(warmup, InverseSquareRoot(rate, timescale or warmup or 10_000)), expected)

    @pytest.mark.parametrize("climb", ["linear", "cosine", "1-sqrt"])
    @pytest.mark.parametrize("fall", ["linear", "cosine", "1-sqrt"])
    def test_warmup_stable_decay(self, rate, warmup, total, climb, fall):
        stable = (total - warmup) // 3
        decay, least = total - warmup - stable, 0.07
        expected = original(
            "warmup_stable_decay",
            rate,
            warmup,
            None,
            total + 20,
            num_stable_steps=stable,
            num_decay_steps=decay,
            warmup_type=climb,
            decay_type=fall,
            min_lr_ratio=least,
        )
        check(WarmupStableDecay(rate, warmup, stable, decay, climb, fall, least), expected)


def _not_restarts(warmup, total, cycles, count):
    """Steps that are no restart: there theirs depends on how a quotient is rounded."""
    return [
        step
        for step in range(count)
        if step < warmup or step >= total or cycles * (step - warmup) % (total - warmup)
    ]
