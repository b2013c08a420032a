"""What the parity tests share: random arguments, originals, and the comparison of two curves."""

import numpy as np


def optimizer_of_torch(rate):
    """An optimizer for a scheduler to act on."""
    import torch

    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)


def check(schedule, expected, steps=None):
    """The same rate at each step.

    Near a zero of the curve a rounding of the parts that are added is a fraction of the peak, not
    of what is left of it: hence 1e-9 times the peak.

    Args:
        expected: the rates of the original.
        steps: those that they belong to; by default all from 0 on.
    """
    places = np.arange(len(expected)) if steps is None else np.asarray(steps)
    ours = np.asarray(schedule(places), "float64")
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-9 * np.max(expected))


def runs(count, seed=0):
    """Random runs: rate, steps of the warm-up (0 among them), steps in all."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        total = int(rng.integers(4, 800))
        warmup = 0 if index % 5 == 0 else int(rng.integers(1, total - 1))
        yield float(10 ** rng.uniform(-6, 1)), warmup, total
