"""Schedules of the learning rate, each from several peaks: `rate_schedules.md`."""

import numpy as np
from common import COLOURS, draw_curves, figure, finish, percent, save, spread, write_page
from training import SEEDS, Course, Program

PEAKS = (0.03, 0.1, 0.3)
EPOCHS = 12
# Name -> the curve with PEAK for its highest rate.
SCHEDULES = {
    "constant": "PEAK",
    "step": "{piecewise_constant: {boundaries: [50%, 75%], values: [PEAK, TENTH, HUNDREDTH]}}",
    "exponential": "{exponential: {initial_learning_rate: PEAK, decay_steps: 3 epochs,"
    " decay_rate: 0.5}}",
    "polynomial": "{polynomial: {initial_learning_rate: PEAK, decay_steps: 100%,"
    " end_learning_rate: 1e-4, power: 2.0}}",
    "cosine": "{cosine: {initial_learning_rate: PEAK, decay_steps: 100%}}",
    "warm restarts": "{cosine_restarts: {initial_learning_rate: PEAK,"
    " first_decay_steps: 4 epochs, t_mul: 2.0}}",
    "one cycle": "{one_cycle: {max_learning_rate: PEAK, total_steps: 100%}}",
    "warm-up, stable, decay": "{warmup_stable_decay: {learning_rate: PEAK, warmup_steps: 5%,"
    " stable_steps: 75%, decay_steps: 20%, decay_type: 1-sqrt}}",
}
Found = dict[str, tuple[float, np.ndarray, list[Course]]]


def schedule(name: str, peak: float) -> str:
    """The override of a schedule."""
    numbers = {"HUNDREDTH": peak / 100, "TENTH": peak / 10, "PEAK": peak}
    text = SCHEDULES[name]
    for word, number in numbers.items():
        text = text.replace(word, f"{number:g}")
    return f"learning_rate={text}"


def measure() -> Found:
    """The peak with the lowest validation loss of the first seed, its rates and its trainings."""
    program = Program("schedule_plateau", [f"epochs={EPOCHS}", "callbacks=[]"], jit=True)
    found: Found = {}
    for name in SCHEDULES:
        tried = {peak: program.train([schedule(name, peak)], SEEDS[0]) for peak in PEAKS}
        best = min(tried, key=lambda peak: tried[peak].last("val_loss"))
        chosen = [schedule(name, best)]
        rates = program.begin(chosen, SEEDS[0])
        others = program.courses(chosen, SEEDS[1:])
        found[name] = (best, rates.ravel(), [tried[best], *others])
    return found


def draw(found: Found) -> None:
    picture = figure(10, 6.5)
    above, below = picture.subplots(2, 2)
    names = list(found)
    for part, (top, bottom) in enumerate(zip(above, below, strict=True)):
        for name, colour in zip(names[part::2], COLOURS, strict=False):
            _, rates, runs = found[name]
            updates = np.arange(len(rates)) * EPOCHS / len(rates)
            top.plot(updates, rates, color=colour, label=name, linewidth=1.4)
            draw_curves(bottom, [run.curves["val_loss"] for run in runs], name, colour)
        bottom.set_ylim(0.08, 0.5)
        finish(top, "", "epochs", "learning rate", legend=False)
        finish(bottom, "", "epochs", "validation loss")
    save(picture, "rate_schedules")


def main() -> None:
    found = measure()
    draw(found)
    rows = [
        [
            name,
            f"{peak:g}",
            spread([run.last("loss") for run in runs], digits=4),
            spread([run.last("val_loss") for run in runs], digits=3),
            percent([run.last("val_accuracy") for run in runs]),
            percent([run.accuracy for run in runs]),
        ]
        for name, (peak, _, runs) in found.items()
    ]
    columns = (
        "schedule",
        "highest rate",
        "training loss",
        "validation loss",
        "validation accuracy, %",
        "test accuracy, %",
    )
    write_page("rate_schedules", {"schedules": (columns, rows)})


if __name__ == "__main__":
    main()
