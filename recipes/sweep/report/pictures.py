"""Pictures of a sweep: its curves, its progress, each parameter, the ranges of each round."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...report.curves import COLOURS, label
from .files import Parameter, SweepFiles

BEST, OTHERS, FADED = COLOURS[1], COLOURS[0], "#9aa5b1"
# Trials drawn in the picture of curves, the best of them.
MOST_CURVES = 60
WIDE, SMALL = (10.8, 3.6), (5.2, 3.2)


def curves(sweep: SweepFiles) -> Figure:
    """The objective after each epoch: every trial faint, the best bold."""
    picture, axes = _axes(SMALL, f"{sweep.metric} by epoch", "epoch")
    best = sweep.ranked[:1]
    for row in reversed(sweep.ranked[:MOST_CURVES]):
        chosen = row in best
        for curve in row["curves"]:
            axes.plot(
                range(1, len(curve) + 1),
                curve,
                color=BEST if chosen else FADED,
                alpha=1.0 if chosen else 0.5,
                linewidth=2.0 if chosen else 0.8,
                marker="." if len(curve) < 3 else "",
                label=f"trial {label(row['trial'])}"
                if chosen and curve is row["curves"][0]
                else None,
            )
    _scale(
        axes, [value for row in sweep.ranked[:MOST_CURVES] for c in row["curves"] for value in c]
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if best:
        axes.legend(fontsize="small")
    return picture


def progress(sweep: SweepFiles) -> Figure:
    """The score of each trial and the best so far, by the epochs that were trained."""
    picture, axes = _axes(SMALL, f"best {sweep.metric} so far", "epochs trained")
    epochs, spent, best, leaders = 0, [], None, []
    scores = []
    for row in sweep.rows:
        epochs += row["epochs"]
        if row["status"] != "completed" or row["score"] is None:
            continue
        spent.append(epochs)
        scores.append(row["score"])
        best = row["score"] if best is None else sweep.better(best, row["score"])
        leaders.append(best)
    axes.plot(spent, scores, ".", color=FADED)
    axes.step(spent, leaders, where="post", color=BEST)
    _scale(axes, scores)
    return picture


def parameter(sweep: SweepFiles, chosen: Parameter) -> Figure:
    """The score over the values of one parameter; the best trial is marked."""
    picture, axes = _axes(SMALL, f"{sweep.metric} by {chosen.label}", chosen.label)
    rows = [row for row in sweep.ranked if chosen.name in row["values"]]
    scores = [row["score"] for row in rows]
    places = [chosen.place(row["values"][chosen.name]) for row in rows]
    axes.plot(places, scores, "o", color=OTHERS, alpha=0.5, markersize=4)
    if rows:
        axes.plot(places[:1], scores[:1], "*", color=BEST, markersize=13)
    for row, place in zip(rows, places, strict=True):
        if row["low"] is not None:
            axes.plot([place, place], [row["low"], row["high"]], color=OTHERS, alpha=0.3)
    _marks(axes, chosen)
    _scale(axes, scores)
    return picture


def parallel(sweep: SweepFiles) -> Figure:
    """Parallel coordinates: a line a trial through its values, the better the darker."""
    picture = Figure(figsize=WIDE, layout="constrained")
    axes = picture.subplots()
    shown = sweep.parameters
    rows = sweep.ranked
    for rank, row in reversed(list(enumerate(rows))):
        heights = [chosen.height(row["values"].get(chosen.name)) for chosen in shown]
        strength = 1.0 - rank / max(1, len(rows))
        axes.plot(
            [index for index, height in enumerate(heights) if height is not None],
            [height for height in heights if height is not None],
            color=BEST if rank == 0 else OTHERS,
            alpha=1.0 if rank == 0 else 0.05 + 0.5 * strength**2,
            linewidth=2.2 if rank == 0 else 1.0,
        )
    axes.set_xticks(range(len(shown)), [label(chosen.label) for chosen in shown])
    axes.set_yticks([0, 1], ["low", "high"])
    axes.set_title("every trial through its values; the best is orange, better ones are darker")
    for index in range(len(shown)):
        axes.axvline(index, color="#cccccc", linewidth=0.8, zorder=0)
    return picture


def ranges(sweep: SweepFiles, chosen: Parameter) -> Figure:
    """The range of a parameter in each round, narrowing around the trials that were kept."""
    picture, axes = _axes(SMALL, f"ranges of {chosen.label}", chosen.label)
    kept = {name for found in sweep.rounds for name in found["kept"]}
    for found in sweep.rounds:
        height = found["number"] + 1
        bounds = found["ranges"].get(chosen.name, [])
        ends = [chosen.place(value) for value in bounds]
        if not chosen.words and len(ends) == 2:
            axes.plot(ends, [height, height], color=FADED, linewidth=8, solid_capstyle="butt")
        elif ends:
            axes.plot(ends, [height] * len(ends), "s", color=FADED, markersize=11)
        for name in found["trials"]:
            row = sweep.row(name)
            if row is None or chosen.name not in row["values"]:
                continue
            place = chosen.place(row["values"][chosen.name])
            chosen_colour = BEST if name in kept else OTHERS
            axes.plot(
                place, height, "o", color=chosen_colour, markersize=4, zorder=3 + (name in kept)
            )
    _marks(axes, chosen)
    axes.set_yticks([found["number"] + 1 for found in sweep.rounds])
    axes.set_ylabel("round")
    axes.set_ylim(len(sweep.rounds) + 0.6, 0.4)
    return picture


def _axes(size: tuple[float, float], title: str, below: str) -> tuple[Figure, Axes]:
    picture = Figure(figsize=size, layout="constrained")
    axes = picture.subplots()
    axes.set_title(label(title))
    axes.set_xlabel(label(below))
    axes.grid(alpha=0.3)
    return picture, axes


def _marks(axes: Axes, chosen: Parameter) -> None:
    if chosen.words:
        axes.set_xticks(
            range(len(chosen.words)),
            [label(word) for word in chosen.words],
            rotation=20,
            ha="right",
        )
    elif chosen.log:
        axes.set_xscale("log")


def _scale(axes: Axes, values: Sequence[Any]) -> None:
    numbers = [value for value in values if isinstance(value, (int, float))]
    if numbers and min(numbers) > 0 and max(numbers) > 30 * min(numbers):
        axes.set_yscale("log")
