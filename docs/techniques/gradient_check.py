"""Numerical against automatic gradients: `gradient_check.md`."""

import numpy as np
from common import COLOURS, figure, finish, save, write_page
from losses import RECIPE, Network, moved, network
from training import SEEDS, load

from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.run.analysis import check_gradients

STEPS = np.logspace(-12, 0, 13)
WEIGHTS = 20


def automatic(net: Network) -> list[np.ndarray]:
    """The gradient of the cross-entropy by the chain rule, written out: backpropagation."""
    w, b, v, _ = net.weights
    hidden = np.tanh(net.rows @ w + b)
    error = net.probabilities(net.weights)
    error[np.arange(len(net.classes)), net.classes] -= 1.0
    error /= len(net.classes)
    back = error @ v.T * (1.0 - hidden**2)
    return [net.rows.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0)]


def places(net: Network, seed: int) -> list[tuple[int, int]]:
    """Some weights, drawn from all arrays; those that no row moves are left out."""
    draw, gradient, found = np.random.default_rng(seed), automatic(net), []
    while len(found) < WEIGHTS:
        array = int(draw.integers(len(net.weights)))
        place = int(draw.integers(net.weights[array].size))
        if gradient[array].flat[place] != 0.0:
            found.append((array, place))
    return found


def relative_error(net: Network, step: float, central: bool, kind: str, seed: int) -> float:
    """The median of |a - n| / (|a| + |n|) over some weights, the loss rounded to a type."""
    exact, errors = automatic(net), []
    for array, place in places(net, seed):

        def loss(by: float, at: tuple[int, int] = (array, place)) -> float:
            return float(np.dtype(kind).type(net.loss(moved(net.weights, at, by))))

        if central:
            found = (loss(step) - loss(-step)) / (2 * step)
        else:
            found = (loss(step) - loss(0.0)) / step
        true = float(exact[array].flat[place])
        errors.append(abs(found - true) / max(abs(found) + abs(true), 1e-300))
    return float(np.median(errors))


WAYS = {
    "central, float64": (True, "float64"),
    "forward, float64": (False, "float64"),
    "central, float32": (True, "float32"),
}


def measure() -> tuple[dict[str, np.ndarray], list[float]]:
    """Errors by step of each way (seeds, steps), and the largest of `check-gradients` by seed."""
    nets = [small(network(seed)) for seed in SEEDS]
    errors = {
        name: np.array(
            [
                [relative_error(net, float(step), *how, seed) for step in STEPS]
                for net, seed in zip(nets, SEEDS, strict=True)
            ]
        )
        for name, how in WAYS.items()
    }
    checked = []
    for seed in SEEDS:
        recipe = load(RECIPE, seed=seed)
        checked.append(
            max(row.error for row in check_gradients(recipe, data_of(recipe), entries=3))
        )
    return errors, checked


def small(net: Network) -> Network:
    """The same network with few rows, so that it is quick."""
    return Network(net.weights, net.rows[:64], net.classes[:64])


def draw(errors: dict[str, np.ndarray]) -> None:
    picture = figure(6.5, 3.8)
    axes = picture.subplots()
    for (name, values), colour in zip(errors.items(), COLOURS, strict=False):
        axes.plot(STEPS, np.exp(np.log(values).mean(axis=0)), "o-", markersize=3, color=colour,
                  label=name)  # fmt: skip
    axes.set(xscale="log", yscale="log")
    finish(axes, "numerical against automatic gradient", "step h", "relative error, median")
    save(picture, "gradient_check")


def main() -> None:
    errors, checked = measure()
    draw(errors)
    rows = []
    for name, values in errors.items():
        best = values.argmin(axis=1)
        lowest = values.min(axis=1)
        steps = STEPS[best]
        rows.append(
            [
                name,
                f"{steps.min():.0e} to {steps.max():.0e}",
                f"{lowest.mean():.1e} ± {lowest.std(ddof=1):.1e}",
            ]
        )
    worst = [f"{np.mean(checked):.1e} ± {np.std(checked, ddof=1):.1e}", f"{max(checked):.1e}"]
    write_page(
        "gradient_check",
        {
            "steps": (("difference, precision of the loss", "best step", "relative error"), rows),
            "check": (("largest relative error of all variables", "of all seeds"), [worst]),
        },
    )


if __name__ == "__main__":
    main()
