"""Initial weights from a deep belief network against random ones, by depth: `belief_network.md`."""

import os
import tempfile

from common import COLOURS, draw_curves, figure, finish, percent, save, spread, write_page
from training import Course, Program

DEPTHS = (1, 4)
UNITS = 64
RANDOM = "random, sigmoid"
DBN = "belief network, sigmoid"
RELU = "random (He), relu"
Found = dict[int, dict[str, list[Course]]]


def overrides(depth: int, layer: str) -> list[str]:
    """The recipe `digits_dbn` with another depth."""
    rbms = ", ".join([f"{{units: {UNITS}}}"] * depth)
    return [
        f"pretraining.dbn.layers=[{rbms}]",
        "pretraining.dbn.epochs=10",
        "pretraining.dbn.batch_size=50",
        f"model.layers=[{', '.join([layer] * depth)}]",
        "epochs=10",
    ]


def measure() -> Found:
    with tempfile.TemporaryDirectory() as folder:
        # RBMs that are below others are trained once, and none is found from before.
        os.environ["KERAS_RECIPES_CACHE"] = folder
        return {depth: of_depth(depth) for depth in DEPTHS}


def of_depth(depth: int) -> dict[str, list[Course]]:
    sigmoid = Program(
        "digits_dbn", overrides(depth, f"{{dense: {{units: {UNITS}, activation: sigmoid}}}}")
    )
    he = f"{{dense: {{units: {UNITS}, activation: relu, kernel_initializer: he_normal}}}}"
    relu = Program("digits_dbn", [*overrides(depth, he), "pretraining=null"])
    return {
        RANDOM: sigmoid.courses(["pretraining=null"]),
        DBN: sigmoid.courses(),
        RELU: relu.courses(),
    }


def draw(found: Found) -> None:
    picture = figure(9, 3.4)
    panels = picture.subplots(1, len(DEPTHS), sharey=True)
    for axes, (depth, variants) in zip(panels, found.items(), strict=True):
        for (name, runs), colour in zip(variants.items(), COLOURS, strict=False):
            draw_curves(axes, [run.curves["val_accuracy"] for run in runs], name, colour)
        axes.set_ylim(0, 1)
        first = depth == DEPTHS[0]
        title = f"{depth} hidden layer{'s' * (depth > 1)}"
        finish(axes, title, "epochs", "validation accuracy" * first, legend=first)
    save(picture, "belief_network")


def main() -> None:
    found = measure()
    draw(found)
    rows = [
        [
            f"{depth}",
            name,
            percent([run.curves["val_accuracy"][0] for run in runs]),
            spread([run.last("val_loss") for run in runs], digits=3),
            percent([run.accuracy for run in runs]),
        ]
        for depth, variants in found.items()
        for name, runs in variants.items()
    ]
    columns = (
        "hidden layers",
        "initial weights, activation",
        "validation accuracy after an epoch, %",
        "validation loss at the end",
        "test accuracy, %",
    )
    write_page("belief_network", {"depths": (columns, rows)})


if __name__ == "__main__":
    main()
