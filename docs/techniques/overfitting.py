"""Overfitting, and what mends it: `overfitting.md`."""

import numpy as np
from common import COLOURS, draw_curves, figure, finish, percent, save, spread, write_page
from training import SEEDS, Course, Program, accuracy_of

# 150 training rows, as in the recipe, and all others for the test.
ROWS = ["data.limit=null", "data.validation=270", "data.test=1377", "epochs=40"]
UNITS = "units: 512, activation: relu, kernel_initializer: he_normal"
DROPOUT = "{dropout: {rate: 0.5}}"
NETWORK = f"model.layers=[{{dense: {{{UNITS}}}}}, {DROPOUT}, {{dense: {{{UNITS}}}}}, {DROPOUT}]"
DECAYS = (0.3,)
MEMBERS, PATIENCE = 5, 8
RECIPE = ["learning_rate=0.003"]


def measure() -> dict[str, list[Course]]:
    """The trainings of each recipe; of the plain one also those of the ensembles' members."""
    plain = Program("overfitting", ROWS)
    seeds = range(1, MEMBERS * len(SEEDS) + 1)
    found = {"plain": plain.courses(RECIPE, seeds)}
    found["early stopping"] = [
        plain.train(RECIPE, seed, epochs=course.stopped(PATIENCE))
        for seed, course in zip(SEEDS, found["plain"], strict=False)
    ]
    for rate in DECAYS:
        decay = f"weight_decay={{rate: {rate}}}"
        found[f"weight decay {rate:g}"] = Program("overfitting", [*ROWS, decay]).courses(RECIPE)
    found["dropout"] = Program("overfitting", [*ROWS, NETWORK]).courses(RECIPE)
    return found


def ensembles(members: list[Course]) -> list[float]:
    """Test accuracies of ensembles of five: of the mean of their members' probabilities."""
    groups = [members[start :: len(SEEDS)] for start in range(len(SEEDS))]
    return [
        accuracy_of(np.mean([run.outputs for run in group], axis=0), group[0].targets)
        for group in groups
    ]


def draw(found: dict[str, list[Course]]) -> None:
    picture = figure(9, 3.8)
    left, right = picture.subplots(1, 2)
    plain = found["plain"][: len(SEEDS)]
    draw_curves(left, [run.curves["loss"] for run in plain], "training rows", COLOURS[0])
    draw_curves(left, [run.curves["val_loss"] for run in plain], "validation rows", COLOURS[1])
    left.set_yscale("log")
    finish(left, "`overfitting`: 150 rows, 301,000 weights", "epochs", "loss")
    names = [name for name in found if name != "early stopping"]
    for name, colour in zip(names, COLOURS[1:], strict=False):
        runs = found[name][: len(SEEDS)]
        draw_curves(right, [run.curves["val_loss"] for run in runs], name, colour)
    right.set_ylim(0.15, 0.5)
    finish(right, "the same, mended", "epochs", "validation loss")
    save(picture, "overfitting")


def main() -> None:
    found = measure()
    draw(found)
    rows = []
    for name, runs in found.items():
        runs = runs[: len(SEEDS)]
        losses = [run.curves["val_loss"] for run in runs]
        rows.append(
            [
                name,
                spread([run.last("loss") for run in runs], digits=4),
                spread([float(loss.min()) for loss in losses], digits=3),
                spread([float(loss[-1]) for loss in losses], digits=3),
                percent([run.accuracy for run in runs]),
            ]
        )
    shares = percent(ensembles(found["plain"]))
    rows.append([f"ensemble of {MEMBERS} plain ones", "", "", "", shares])
    columns = (
        "",
        "training loss",
        "lowest validation loss",
        "validation loss at the end",
        "test accuracy, %",
    )
    write_page("overfitting", {"overfitting": (columns, rows)})


if __name__ == "__main__":
    main()
