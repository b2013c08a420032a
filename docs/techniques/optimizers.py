"""SGD, momentum, AdaGrad, RMSprop and Adam on a bowl and on digits: `optimizers.md`."""

from collections.abc import Callable

import keras
import numpy as np
from bowl import turns, value, way
from common import COLOURS, draw_curves, figure, finish, percent, save, spread, write_page
from training import SEEDS, Course, Program

# The textbook's bowl, x^2 / 20 + y^2, and its start.
CURVATURES, START, UPDATES = (0.1, 2.0), (-7.0, 2.0), 30
# Name -> optimizer on the bowl, and optimizer and rates to choose from on digits.
Make = Callable[[], keras.optimizers.Optimizer]
OPTIMIZERS: dict[str, tuple[Make, str, tuple[float, ...]]] = {
    "SGD": (lambda: keras.optimizers.SGD(0.95), "sgd", (0.03, 0.1, 0.3)),
    "momentum": (
        lambda: keras.optimizers.SGD(0.1, momentum=0.9),
        "{sgd: {momentum: 0.9}}",
        (0.01, 0.03, 0.1),
    ),
    "AdaGrad": (
        lambda: keras.optimizers.Adagrad(1.5, initial_accumulator_value=0.0),
        "adagrad",
        (0.01, 0.03, 0.1),
    ),
    "RMSprop": (
        lambda: keras.optimizers.RMSprop(0.3, rho=0.99),
        "rmsprop",
        (0.0003, 0.001, 0.003),
    ),
    "Adam": (lambda: keras.optimizers.Adam(0.3), "adam", (0.001, 0.003, 0.01)),
}
Found = dict[str, tuple[float, list[Course]]]


def measure() -> Found:
    """The rate with the lowest validation loss of the first seed, and its trainings."""
    found: Found = {}
    for name, (_, optimizer, rates) in OPTIMIZERS.items():
        program = Program("optimizers_compared", [f"optimizer={optimizer}", "epochs=20"])
        tried = {rate: program.train(seed=SEEDS[0], rate=rate) for rate in rates}
        best = min(tried, key=lambda rate: tried[rate].last("val_loss"))
        others = program.courses(seeds=SEEDS[1:], rate=best)
        found[name] = (best, [tried[best], *others])
    return found


def draw(found: Found) -> None:
    picture = figure(8.5, 8)
    panels = picture.subplots(3, 2).flatten()
    x, y = np.meshgrid(np.linspace(-8, 8, 100), np.linspace(-3, 3, 100))
    heights = value(np.stack([x, y], axis=-1), CURVATURES)
    for axes, colour, (name, (make, *_)) in zip(panels, COLOURS, OPTIMIZERS.items(), strict=False):
        points = way(make(), START, CURVATURES, UPDATES)
        axes.contour(x, y, heights, levels=8, colors="lightgray", linewidths=0.8)
        axes.plot(*points.T, "o-", markersize=3, color=colour, linewidth=1.2)
        axes.plot(0, 0, "+", color="black", markersize=10)
        height = float(value(points[-1], CURVATURES))
        finish(axes, f"{name}: f = {height:.2g} after {UPDATES} updates", "x", "y", legend=False)
        curves = [run.curves["loss"] for run in found[name][1]]
        draw_curves(panels[-1], curves, name, colour)
    panels[-1].set_yscale("log")
    panels[-1].set_xticks(range(0, 21, 5))
    finish(panels[-1], "digits, five seeds", "epochs", "training loss")
    save(picture, "optimizers")


def main() -> None:
    found = measure()
    draw(found)
    valley = []
    for name, (make, *_) in OPTIMIZERS.items():
        points = way(make(), START, CURVATURES, UPDATES)
        length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
        height = float(value(points[-1], CURVATURES))
        valley.append([name, f"{height:.2g}", f"{turns(points)}", f"{length:.1f}"])
    digits = [
        [
            name,
            f"{rate:g}",
            spread([run.curves["loss"][4] for run in runs], digits=3),
            spread([run.last("loss") for run in runs], digits=4),
            spread([run.last("val_loss") for run in runs], digits=3),
            percent([run.accuracy for run in runs]),
        ]
        for name, (rate, runs) in found.items()
    ]
    write_page(
        "optimizers",
        {
            "bowl": (("optimizer", "f at the end", "crossings of the floor", "length"), valley),
            "digits": (
                (
                    "optimizer",
                    "rate",
                    "training loss, epoch 5",
                    "training loss, epoch 20",
                    "validation loss",
                    "test accuracy, %",
                ),
                digits,
            ),
        },
    )


if __name__ == "__main__":
    main()
