"""Batch normalization against initial weights and rates: `batch_normalization.md`."""

from functools import partial
from typing import Any

import numpy as np
from common import COLOURS, draw_curves, figure, finish, percent, save, write_page
from training import Course, Program

SCALES = np.logspace(0, -4, 16)
RATES = (0.01, 0.1, 1.0, 3.0)
LAYERS, EPOCHS = 4, 8
KERNEL = "kernel_initializer: {random_normal: {stddev: 1.0}}"
PLAIN = "{dense: {units: 64, activation: relu, KERNEL}}"
NORMALIZED = (
    "{dense: {units: 64, use_bias: false, KERNEL}}, {batch_normalization: {momentum: 0.9}}, relu"
)
NETWORKS = {"without": PLAIN, "with": NORMALIZED}
# Near sqrt(2 / 64), He's deviation for layers of 64 units.
HE = 0.18
Found = dict[str, dict[str, list[list[Course]]]]


def overrides(layer: str) -> list[str]:
    """The recipe `batch_normalization` with other layers, and few rows."""
    layers = ", ".join([layer] * LAYERS).replace("KERNEL", KERNEL)
    output = f"{{dense: {{units: 10, activation: softmax, {KERNEL}}}}}"
    rows = ["data.validation=250", "data.test=547"]
    return [*rows, f"model.layers=[{layers}]", f"model.output={output}", f"epochs={EPOCHS}"]


def scaled(model: Any, scale: float) -> None:
    """Multiply the kernels, drawn with deviation 1, so that `scale` is their deviation."""
    for variable in model.trainable_variables:
        if variable.path.endswith("/kernel"):
            variable.assign(variable * scale)


def measure() -> Found:
    found: Found = {}
    for name, layer in NETWORKS.items():
        program = Program("batch_normalization", overrides(layer), jit=True)
        found[name] = {
            "scales": [
                program.courses(rate=0.1, change=partial(scaled, scale=scale)) for scale in SCALES
            ],
            "rates": [
                program.courses(rate=rate, change=partial(scaled, scale=HE)) for rate in RATES
            ],
        }
    return found


def draw(found: Found) -> None:
    picture = figure(10, 8)
    panels = picture.subplots(4, 4, sharex=True, sharey=True)
    for place, (axes, scale) in enumerate(zip(panels.flatten(), SCALES, strict=True)):
        for colour, name in zip(COLOURS, ("with", "without"), strict=False):
            runs = found[name]["scales"][place]
            draw_curves(axes, [run.curves["val_accuracy"] for run in runs], name, colour)
        axes.set_ylim(0, 1)
        row, column = divmod(place, 4)
        x = "epochs" if row == 3 else ""
        y = "validation accuracy" if column == 0 else ""
        finish(axes, f"deviation {scale:.2g}", x, y, legend=place == 0)
    save(picture, "batch_normalization")


def share(runs: list[Course]) -> str:
    return percent([run.last("val_accuracy") for run in runs])


def main() -> None:
    found = measure()
    draw(found)
    columns = ["without: validation accuracy, %", "with: validation accuracy, %"]
    tables = {}
    for key, values, first in (
        ("scales", SCALES, "deviation of the initial weights"),
        ("rates", RATES, "rate"),
    ):
        rows = [
            [f"{value:.2g}", *(share(found[name][key][place]) for name in NETWORKS)]
            for place, value in enumerate(values)
        ]
        tables[key] = ([first, *columns], rows)
    best = {
        name: max(
            (run for key in ("scales", "rates") for run in found[name][key]),
            key=lambda runs: np.mean([run.last("val_accuracy") for run in runs]),
        )
        for name in NETWORKS
    }
    row = [
        "best of all, chosen on validation rows",
        *(percent([r.accuracy for r in best[n]]) for n in NETWORKS),
    ]
    tables["best"] = (["", "without: test accuracy, %", "with: test accuracy, %"], [row])
    write_page("batch_normalization", tables)


if __name__ == "__main__":
    main()
