"""The page's part about probabilities: figures, curves, calibration, classes, confusion."""

from collections.abc import Mapping, Sequence
from typing import Literal

from ..record.bootstrap import recall_and_precision
from ..record.contents import Confusion, JSONObject, Quality, RankingCurve, RowEvidence
from ..record.directory import OUTPUTS
from . import markup
from .chart import Chart, Layout, LegendEntry, Trace, charts, colour, line, points, shown
from .markup import number, rounded, text
from .rows import slices, worst

# Titles of the figures that are no names of metrics.
TITLES = {
    "pr_auc": "average precision (PR-AUC)",
    "roc_auc": "ROC-AUC",
    "brier": "Brier score",
    "ece": "expected calibration error",
}
Threshold = Sequence[float] | Mapping[str, Sequence[float]] | None


def section(quality: JSONObject, threshold: Threshold, evidence: JSONObject | None = None) -> str:
    """The part about one run.

    Args:
        quality: `quality.json`, by split, or by output and split.
        threshold: above which a class or label is decided on, of several outputs by name, or None
            for 0.5.
        evidence: `evidence.json`, likewise; empty of an older run.
    """
    evidence = evidence or {}
    if OUTPUTS in quality:
        each = threshold if isinstance(threshold, Mapping) else {}
        rest = evidence.get(OUTPUTS, {})
        return "".join(
            _section(found, each.get(name), rest.get(name, {}), f"Probabilities of {name}")
            for name, found in quality[OUTPUTS].items()
        )
    return _section(quality, None if isinstance(threshold, Mapping) else threshold, evidence)


def _section(
    quality: Mapping[str, Quality],
    threshold: Sequence[float] | None,
    evidence: Mapping[str, RowEvidence],
    title: str = "",
) -> str:
    last = list(quality)[-1]
    measured, shown_of = quality[last], evidence.get(last)
    parts = [f"<h3>{text(title)}</h3>" if title else "", figures(quality)]
    if threshold is not None and len(threshold) == 1:
        parts.insert(1, f"<p>The second class is decided on above {float(threshold[0]):.4f}.</p>")
    drawn = [reliability(quality)]
    curves = shown_of.get("curves") if shown_of else None
    if curves:
        drawn += [roc(curves, last), precision_recall(curves, last)]
    if "confusion" in measured:
        drawn.append(confusion(measured["confusion"], last))
    parts.append(charts(drawn))
    if "confusion" in measured:
        parts.append(classes(measured["confusion"], last))
    if "labels" in measured:
        parts.append(labels(measured["labels"], last))
    if shown_of:
        parts += [slices(shown_of, last), worst(shown_of, last)]
    return "".join(parts)


def figures(quality: Mapping[str, Quality]) -> str:
    """A row for each figure, a column for each split."""
    names = dict.fromkeys(name for found in quality.values() for name in found["figures"])
    rows = [
        f'<th scope="row">{text(TITLES.get(name, name.replace("_", " ")))}</th>'
        + "".join(number(found["figures"].get(name)) for found in quality.values())
        for name in names
    ]
    return markup.table(["", *quality], rows)


def reliability(quality: Mapping[str, Quality]) -> Chart:
    """The observed fraction over the predicted probability; a point for each bin with rows."""
    traces: list[Trace] = [diagonal()]
    entries, rows = [], []
    for index, (split, found) in enumerate(quality.items()):
        bins = found["reliability"]
        most = max(each["rows"] for each in bins)
        predicted, observed = (
            [float(each[key]) for each in bins] for key in ("predicted", "observed")
        )
        sizes = [7 + 15 * (each["rows"] / most) ** 0.5 for each in bins]
        words = [f"{each['rows']:,} rows" for each in bins]
        more = {"text": words, "hovertemplate": "predicted %{x:.3f}, observed %{y:.3f}<br>%{text}"}
        trace = points(predicted, observed, split, colour(index), size=sizes, **more)
        traces.append({**trace, "mode": "lines+markers", "line": {"color": colour(index)}})
        entries.append(LegendEntry(split, colour(index), (index + 1,)))
        rows += [
            f'<th scope="row">{text(split)}</th>{number(x)}{number(y)}{number(each["rows"])}'
            for x, y, each in zip(predicted, observed, bins, strict=True)
        ]
    table = markup.table(["", "predicted", "observed", "rows"], rows)
    layout = unit_square("predicted probability", "observed fraction")
    return Chart("reliability (size of a point: rows)", traces, layout, entries, table)


def diagonal() -> Trace:
    """A dotted line of what would be perfect, or no better than chance."""
    return {
        "type": "scatter", "mode": "lines", "x": [0, 1], "y": [0, 1], "hoverinfo": "skip",
        "line": {"color": "@soft", "dash": "dot", "width": 1},
    }  # fmt: skip


def unit_square(x: str, y: str) -> Layout:
    """A layout whose axes go from 0 to 1."""
    return {
        "xaxis": {"title": {"text": x}, "range": [-0.02, 1.02]},
        "yaxis": {"title": {"text": y}, "range": [-0.02, 1.02]},
    }


def roc(curves: Sequence[RankingCurve], split: str) -> Chart:
    """True positives over false ones, as the threshold falls."""
    layout = unit_square("false positive rate", "true positive rate")
    return _ranked(curves, "roc", f"ROC, {split} rows", layout, [diagonal()])


def precision_recall(curves: Sequence[RankingCurve], split: str) -> Chart:
    """Precision over recall, as the threshold falls."""
    layout = unit_square("recall", "precision")
    return _ranked(curves, "precision_recall", f"precision and recall, {split} rows", layout, [])


def _ranked(
    curves: Sequence[RankingCurve],
    key: Literal["roc", "precision_recall"],
    title: str,
    layout: Layout,
    traces: list[Trace],
) -> Chart:
    entries, rows = [], []
    for index, each in enumerate(curves):
        x, y = each[key]
        entries.append(LegendEntry(each["name"], colour(index), (len(traces),), dashed=index >= 8))
        traces.append(line(x, y, each["name"], colour(index), dashed=index >= 8))
        rows.append(f'<th scope="row">{text(each["name"])}</th>{number(each["fraction"])}')
    table = markup.table(["against the rest", "fraction of rows"], rows)
    return Chart(title, traces, layout, entries if len(curves) > 1 else (), table)


def confusion(found: Confusion, split: str) -> Chart:
    """Rows of a split by their class, a row, and the class that was decided on, a column."""
    names, counts = found["classes"], found["rows"]
    shares = [[count / max(sum(row), 1) for count in row] for row in counts]
    labels = [shown(name) for name in names]
    trace = {
        "type": "heatmap", "z": shares, "zmin": 0, "zmax": 1, "showscale": False,
        "x": list(range(len(names))), "y": list(range(len(names))),
        "customdata": counts, "xgap": 1, "ygap": 1,
        "colorscale": [[0, "@paper"], [1, "@c0"]],
        "hovertemplate": "%{customdata} rows, %{z:.1%} of the class<extra></extra>",
        **({"text": counts, "texttemplate": "%{text}"} if len(names) <= 12 else {}),
    }  # fmt: skip
    ticks = {"tickvals": list(range(len(names))), "ticktext": labels, "showgrid": False}
    layout = {
        "xaxis": {"title": {"text": "decided class"}, **ticks},
        "yaxis": {"title": {"text": "true class"}, "autorange": "reversed", **ticks},
    }
    rows = [
        f'<th scope="row">{text(name)}</th>{"".join(number(count) for count in line)}'
        for name, line in zip(names, counts, strict=True)
    ]
    title = f"confusion, {split} rows: true class by row, decided class by column"
    return Chart(title, [trace], layout, numbers=markup.table(["", *names], rows))


def classes(found: Confusion, split: str) -> str:
    """Recall and precision of each class, with bootstrap intervals."""
    rows = []
    for name, counts, each in zip(
        found["classes"], found["rows"], recall_and_precision(found["rows"]), strict=True
    ):
        cells = "".join(_between(each[key]) for key in ("recall", "precision"))
        rows.append(f'<th scope="row">{text(name)}</th>{number(sum(counts))}{cells}')
    title = f"<p>Each class, {text(split)} rows, with 95 % bootstrap intervals</p>"
    return title + markup.table(["class", "rows", "recall", "precision"], rows)


def _between(values: tuple[float, float, float] | None) -> str:
    if values is None:
        return '<td class="number">none</td>'
    mean, low, high = (rounded(value, ".3f") for value in values)
    return f'<td class="number">{mean} ({low} to {high})</td>'


def labels(found: Sequence[Mapping[str, str | float]], split: str) -> str:
    """A row for each label."""
    names = [name for name in found[0] if name != "label"]
    rows = [
        f'<th scope="row">{text(each["label"])}</th>'
        + "".join(number(each.get(name)) for name in names)
        for each in found
    ]
    head = ["label", *(TITLES.get(name, name.replace("_", " ")) for name in names)]
    return f"<p>Each label, {text(split)} rows</p>" + markup.table(head, rows)
