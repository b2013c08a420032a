"""The page of several runs: results beside what differs, curves with means and bands over seeds."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..record.metrics import Curve
from ..record.several import (
    SCORES,
    ComparedRun,
    Difference,
    differences,
    distinct,
    groups_of,
    keys_that_differ,
)
from . import overview
from .chart import Chart, LegendEntry, Trace, charts, colour, line, shown
from .markup import Section, document, number, table, text
from .thin import MOST_POINTS, thinned
from .training import NORMS, RATES, by_epoch, extremes, metric_names

# Points of a chart in all, and of a curve at least.
MOST_DRAWN, LEAST_POINTS = 24_000, 60
# Of more runs the training curves are left out, and of more than that the names.
MOST_BOTH, MOST_NAMED = 6, 12
EMPTY: Curve = ([], [])


def page(runs: Sequence[ComparedRun], *, refresh: int = 0) -> str:
    """The page as text."""
    names = distinct(runs)
    title = " against ".join(names)
    if len(runs) > MOST_NAMED:
        title = f"{len(runs)} runs: {', '.join(names[:3])} and others"
    sections = [
        Section("Results", results(runs, names)),
        Section("What differs", differing(runs, names)),
        Section("Differences, row by row", paired(differences(runs), runs, names)),
        Section("Findings", findings(runs, names)),
        Section("Folds", folds(runs, names)),
        Section("Curves", curves(runs, names)),
    ]
    damaged = [run for run in runs if run.problem is not None]
    lead = f'<p class="lead">{text(sentence(runs))}</p>'
    lead += "".join(f'<p class="failed">{text(run.problem)}</p>' for run in damaged)
    return document(title, lead, sections, refresh=refresh)


def sentence(runs: Sequence[ComparedRun]) -> str:
    """How many runs, of how many recipes."""
    groups = groups_of(runs)
    repeated = sum(len(group) > 1 for group in groups)
    if len(groups) == 1:
        found = f"{len(runs)} runs of 1 recipe" + ", repeated with other seeds" * bool(repeated)
    else:
        found = f"{len(runs)} runs of {len(groups)} recipes"
        found += f", {repeated} of them repeated with other seeds" * bool(repeated)
    damaged = sum(run.problem is not None for run in runs)
    return found + (f"; {damaged} cannot be read." if damaged else ".")


def results(runs: Sequence[ComparedRun], names: Sequence[str]) -> str:
    """A row for each run: its metrics, and how it ended."""
    facts = [{} if run.result is None else overview.facts(run.result) for run in runs]
    found = list(dict.fromkeys(name for row in facts for name in row))
    found.sort(key=lambda name: name in overview.REST)
    rows = []
    for name, run, row in zip(names, runs, facts, strict=True):
        cells = "".join(overview.cell(row.get(key)) for key in found)
        if run.problem is not None:
            cells = f'<td class="failed" colspan="{max(len(found), 1)}">damaged</td>'
        rows.append(f'<th scope="row">{text(name)}</th>{cells}')
    return table(["run", *found], rows)


def differing(runs: Sequence[ComparedRun], names: Sequence[str]) -> str:
    """The keys of the recipes that differ, beside the metric that matters most."""
    keys = keys_that_differ(runs)
    if not keys:
        return "<p>The recipes are the same.</p>"
    measured = list(dict.fromkeys(name for run in runs for name in run.measured))[:2]
    rows = []
    for index, (name, run) in enumerate(zip(names, runs, strict=True)):
        values = "".join(number(run.measured.get(key)) for key in measured)
        cells = "".join(
            f"<td>{'' if found[index] is None else text(found[index])}</td>"
            for found in keys.values()
        )
        rows.append(f'<th scope="row">{text(name)}</th>{values}{cells}')
    return table(["run", *measured, *keys], rows)


def paired(found: Sequence[Difference], runs: Sequence[ComparedRun], names: Sequence[str]) -> str:
    """Each run, or the mean of its repetitions, against the first."""
    if not found:
        return ""
    rows = []
    for each in found:
        words = "yes" if each.low > 0 or each.high < 0 else "no"
        rows.append(
            f'<th scope="row">{text(" and ".join(names[index] for index in each.runs))}</th>'
            f'<td class="number">{each.mean:+.4g}</td>'
            f'<td class="number">{each.low:+.4g} to {each.high:+.4g}</td><td>{words}</td>'
        )
    score = SCORES[found[0].score]
    first = " and ".join(names[index] for index in groups_of(runs)[0])
    explanation = (
        f"The {score} on the same {found[0].split} rows, minus that of {first}; a paired bootstrap "
        "over rows, means of repetitions."
    )
    head = ["run", f"difference of the {score}", "95 % interval", "more than noise"]
    return f"<p>{text(explanation)}</p>{table(head, rows)}"


def findings(runs: Sequence[ComparedRun], names: Sequence[str]) -> str:
    """What callbacks diagnosed in each run."""
    return "".join(
        f"<h3>{text(name)}</h3>{overview.findings(run.result.findings)}"
        for name, run in zip(names, runs, strict=True)
        if run.result is not None and run.result.findings
    )


def folds(runs: Sequence[ComparedRun], names: Sequence[str]) -> str:
    """The folds of runs that have some."""
    return "".join(
        f"<h3>Folds of {text(name)}, validation</h3>{overview.folds(run.result)}"
        for name, run in zip(names, runs, strict=True)
        if run.result is not None and run.result.folds
    )


def curves(runs: Sequence[ComparedRun], names: Sequence[str]) -> str:
    """A chart for each metric: every run, and mean and band of repetitions."""
    logged = {key: curve for run in runs for key, curve in run.curves.items()}
    drawn = [
        *(metric(runs, names, name) for name in metric_names(logged)),
        *(metric(runs, names, name) for name in (*RATES, *NORMS[:1]) if any(
            any(run.curves.get(name, EMPTY)[1]) for run in runs
        )),
    ]  # fmt: skip
    if not drawn:
        return "<p>No epoch was finished.</p>"
    repeated = any(len(group) > 1 for group in groups_of(runs))
    both = len(runs) <= MOST_BOTH and any(f"val_{key}" in logged for key in logged)
    notes = [
        "Bold lines are means over seeds, bands are one standard deviation to both sides; thin "
        "lines are the runs." * repeated,
        "Dashed lines are of training rows." * both,
    ]
    note = " ".join(filter(None, notes))
    return f"{f'<p>{note}</p>' if note else ''}{charts(drawn)}"


def metric(runs: Sequence[ComparedRun], names: Sequence[str], name: str) -> Chart:
    """One metric of all runs, on the validation rows where there are some."""
    key = f"val_{name}" if any(f"val_{name}" in run.curves for run in runs) else name
    both = key != name and len(runs) <= MOST_BOTH
    count = len(runs) * (2 if both else 1)
    most = max(LEAST_POINTS, min(MOST_POINTS, MOST_DRAWN // count))
    traces: list[Trace] = []
    entries: list[LegendEntry] = []
    validated: dict[str, Curve] = {}
    for place, group in enumerate(groups_of(runs)):
        own = len(traces)
        for index in group:
            curve = runs[index].curves.get(key, EMPTY)
            validated[names[index]] = curve
            traces.append(_one(thinned(*curve, most=most), names[index], place, len(group) > 1))
            if both and name in runs[index].curves:
                training = thinned(*runs[index].curves[name], most=most)
                label = f"{names[index]}, training"
                traces.append(line(*training, label, colour(place), dashed=True, opacity=0.6))
        if len(group) > 1:
            traces += band([runs[index].curves.get(key, EMPTY) for index in group], place, most)
        label = (
            names[group[0]] if len(group) == 1 else f"{names[group[0]]} and {len(group) - 1} more"
        )
        entries.append(LegendEntry(label, colour(place), tuple(range(own, len(traces)))))
    rows = key.replace("val_", "", 1).replace("_", " ")
    title = f"{rows}, validation" if key != name else rows
    layout = by_epoch(list(validated.values()), unified=len(runs) <= MOST_BOTH)
    if name in RATES:
        layout["yaxis"] = {"type": "linear", "rangemode": "tozero"}
    return Chart(title, traces, layout, entries, extremes(validated))


def _one(curve: Curve, name: str, place: int, faint: bool) -> Trace:
    trace = line(*curve, name, colour(place))
    if faint:
        trace |= {"line": {"color": colour(place), "width": 1}, "opacity": 0.5}
    return trace


def band(found: Sequence[Curve], place: int, most: int) -> list[Trace]:
    """The mean of curves at the epochs that all have, and a standard deviation to both sides."""
    epochs, mean, spread = mean_and_spread(found)
    if not epochs:
        return []
    kept, values = thinned(epochs, mean, most=most)
    at = {epoch: index for index, epoch in enumerate(epochs)}
    upper = [mean[at[epoch]] + spread[at[epoch]] for epoch in kept]
    lower = [mean[at[epoch]] - spread[at[epoch]] for epoch in kept]
    edge = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "line": {"width": 0}}
    area = {
        **edge, "x": [*kept, *reversed(kept)], "y": [*upper, *reversed(lower)], "fill": "toself",
        "fillcolor": colour(place), "opacity": 0.18,
    }  # fmt: skip
    words = f"mean of {len(found)} seeds"
    bold = line(kept, values, words, colour(place))
    return [area, {**bold, "line": {"color": colour(place), "width": 3}, "name": shown(words)}]


def mean_and_spread(found: Sequence[Curve]) -> tuple[list[int], list[float], list[float]]:
    """Mean and standard deviation (n - 1) of curves, at the epochs that all of them have.

    >>> mean_and_spread([([1, 2], [1.0, 2.0]), ([1], [3.0])])
    ([1], [2.0], [1.4142135623730951])
    """
    maps: list[Mapping[int, float]] = [dict(zip(*curve, strict=True)) for curve in found]
    epochs = sorted(set.intersection(*(set(each) for each in maps))) if maps else []
    if not epochs:
        return [], [], []
    values = np.array([[each[epoch] for epoch in epochs] for each in maps])
    return epochs, values.mean(axis=0).tolist(), values.std(axis=0, ddof=1).tolist()
