"""Batch, stochastic and mini-batch gradient descent: `descent.md`."""

import numpy as np
from common import COLOURS, draw_curves, figure, finish, percent, save, spread, write_page
from training import Course, Program

# Recipe -> the epochs that it is trained for.
RECIPES = {
    "batch_gradient_descent": 60,
    "minibatch_gradient_descent": 10,
    "stochastic_gradient_descent": 4,
}
EPOCHS = 4


def measure() -> dict[str, tuple[int, list[Course]]]:
    """Updates an epoch and the trainings of each recipe."""
    found = {}
    for name, epochs in RECIPES.items():
        program = Program(name, [f"epochs={epochs}"], jit=name.startswith("stochastic"))
        found[name] = (program.steps, program.courses())
    return found


def draw(found: dict[str, tuple[int, list[Course]]]) -> None:
    picture = figure(9, 3.6)
    by_epoch, by_update = picture.subplots(1, 2, sharey=True)
    for colour, (name, (steps, runs)) in zip(COLOURS, found.items(), strict=False):
        curves = [run.curves["val_loss"] for run in runs]
        label = name.removesuffix("_gradient_descent").replace("minibatch", "mini-batch of 32")
        draw_curves(by_epoch, curves, label, colour)
        updates = steps * np.arange(1, len(curves[0]) + 1)
        draw_curves(by_update, curves, label, colour, updates)
    for axes in (by_epoch, by_update):
        axes.set_xscale("log")
        axes.set_yscale("log")
    finish(by_epoch, "by passes over the rows", "epochs", "validation loss")
    finish(by_update, "by updates of the weights", "updates", "", legend=False)
    save(picture, "descent")


def main() -> None:
    found = measure()
    draw(found)
    rows = [
        [
            f"`{name}`",
            f"{steps}",
            f"{RECIPES[name]}",
            spread([run.curves["val_loss"][EPOCHS - 1] for run in runs], digits=3),
            percent([run.accuracy for run in runs]),
        ]
        for name, (steps, runs) in found.items()
    ]
    columns = (
        "recipe",
        "updates an epoch",
        "epochs",
        f"validation loss after {EPOCHS} epochs",
        "test accuracy at the end, %",
    )
    write_page("descent", {"descent": (columns, rows)})


if __name__ == "__main__":
    main()
