"""Scaling of inputs, and the zigzag without it: `input_scaling.md`."""

import keras
import numpy as np
from bowl import best_factor, best_rate, value, way
from common import COLOURS, draw_curves, figure, finish, percent, save, spread, write_page
from training import Course, Program, built_of, load

# Curvatures of three bowls; the start is the worst one for gradient descent at its best rate.
BOWLS = ((1.0, 1.0), (1.0, 10.0), (1.0, 100.0))
UPDATES = 20
SCALES = ("none", "minmax", "standardize")
RATES = (1e-5, 1e-3, 1e-2, 1e-1)
BASE = ["data.folds=null", "data.test=20%", "data.validation=20%", "epochs=40"]
VARIANTS = {
    **{scale: [f"data.scale={scale}", "optimizer=sgd"] for scale in SCALES},
    "none, Adam": ["data.scale=none", "optimizer=adam"],
}


def start_of(curvatures: tuple[float, float]) -> tuple[float, float]:
    """As much slope in both directions, for which steepest descent is slowest."""
    low, high = curvatures
    return (2.0, 2.0 * low / high)


def bowl_way(curvatures: tuple[float, float]) -> np.ndarray:
    """Gradient descent at the best rate."""
    optimizer = keras.optimizers.SGD(best_rate(curvatures))
    return way(optimizer, start_of(curvatures), curvatures, UPDATES)


def condition(scale: str) -> float:
    """Condition number of the covariance of the training rows of wine, as the network sees them."""
    rows = np.asarray(built_of(load("wine_folds", [*BASE, "data.scale=none"])).data.train.x)
    rows = rows.astype("float64")
    if scale == "minmax":
        rows = (rows - rows.min(axis=0)) / (rows.max(axis=0) - rows.min(axis=0))
    elif scale == "standardize":
        rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    return float(np.linalg.cond(np.cov(rows.T)))


def measure() -> tuple[dict[str, float], dict[str, tuple[float, list[Course]]]]:
    """Condition numbers, and the trainings at the rate with the lowest mean validation loss."""
    found = {}
    for name, overrides in VARIANTS.items():
        program = Program("wine_folds", [*BASE, *overrides])
        tried = {rate: program.courses(rate=rate) for rate in RATES}
        best = min(tried, key=lambda rate: mean_loss(tried[rate]))
        found[name] = (best, tried[best])
    return {scale: condition(scale) for scale in SCALES}, found


def mean_loss(runs: list[Course]) -> float:
    losses = np.array([run.last("val_loss") for run in runs])
    return float(np.where(np.isfinite(losses), losses, np.inf).mean())


def draw(found: dict[str, tuple[float, list[Course]]]) -> None:
    picture = figure(10, 6)
    above, below = picture.subplots(2, 3)
    x, y = np.meshgrid(np.linspace(-2.3, 2.3, 80), np.linspace(-2.3, 2.3, 80))
    for axes, curvatures in zip(above, BOWLS, strict=True):
        points = bowl_way(curvatures)
        tall = start_of(curvatures)[1] * 1.3
        scaled = np.stack([x, y * tall / 2.3], axis=-1)
        axes.contour(scaled[..., 0], scaled[..., 1], value(scaled, curvatures), levels=10,
                     colors="lightgray", linewidths=0.8)  # fmt: skip
        axes.plot(*points.T, "o-", color=COLOURS[0], markersize=3, linewidth=1)
        number = curvatures[1] / curvatures[0]
        finish(axes, f"condition number {number:g}", "x", "y", legend=False)
    for axes, names in zip(below, (SCALES, ("none", "none, Adam")), strict=False):
        for name, colour in zip(names, COLOURS, strict=False):
            rate, runs = found[name]
            curves = [run.curves["val_loss"] for run in runs]
            draw_curves(axes, curves, f"{name}, rate {rate:g}", colour)
        axes.set_yscale("log")
        title = "wine, gradient descent" if names == SCALES else "wine, unscaled"
        finish(axes, title, "epochs", "validation loss")
    conditions = np.logspace(0, 4, 60)
    below[2].plot(conditions, np.log(0.01) / np.log(np.maximum(best_factor_of(conditions), 1e-9)))
    below[2].set(xscale="log", yscale="log")
    finish(below[2], "best rate on a bowl", "condition number", "updates to 1 % of the distance",
           legend=False)  # fmt: skip
    save(picture, "input_scaling")


def best_factor_of(conditions: np.ndarray) -> np.ndarray:
    return np.array([best_factor(float(each)) for each in conditions])


def main() -> None:
    conditions, found = measure()
    draw(found)
    bowls = []
    for curvatures in BOWLS:
        points = bowl_way(curvatures)
        distances = np.linalg.norm(points * np.sqrt(curvatures), axis=1)
        factor = (distances[-1] / distances[0]) ** (1 / UPDATES)
        number = curvatures[1] / curvatures[0]
        bowls.append([f"{number:g}", f"{factor:.4f}", f"{best_factor(number):.4f}"])
    rows = [
        [
            name,
            f"{conditions[name.split(',')[0]]:.2g}",
            f"{rate:g}",
            spread([run.curves["val_loss"][9] for run in runs], digits=3),
            spread([run.last("val_loss") for run in runs], digits=3),
            percent([run.accuracy for run in runs]),
        ]
        for name, (rate, runs) in found.items()
    ]
    write_page(
        "input_scaling",
        {
            "bowl": (
                ("condition number", "left of the distance by an update", "(k - 1) / (k + 1)"),
                bowls,
            ),
            "wine": (
                (
                    "scale",
                    "condition number of the inputs",
                    "rate",
                    "validation loss, epoch 10",
                    "epoch 40",
                    "test accuracy, %",
                ),
                rows,
            ),
        },
    )


if __name__ == "__main__":
    main()
