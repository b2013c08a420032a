"""The page's part about probabilities: figures, a reliability diagram, and confused classes."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from ..record.directory import OUTPUTS
from . import markup
from .curves import COLOURS, svg
from .markup import number, text

# Titles of the figures that are no names of metrics.
TITLES = {
    "pr_auc": "average precision (PR-AUC)",
    "roc_auc": "ROC-AUC",
    "brier": "Brier score",
    "ece": "expected calibration error",
}


def section(
    quality: Mapping[str, Any], threshold: Sequence[float] | Mapping[str, Sequence[float]] | None
) -> str:
    """The part about one run.

    Args:
        quality: `quality.json`, by split, or by output and split.
        threshold: above which a class or label is decided on, of several outputs by name, or None
            for 0.5.
    """
    if OUTPUTS in quality:
        each = threshold if isinstance(threshold, Mapping) else {}
        return "".join(
            _section(found, each.get(name), f"Probabilities of {name}")
            for name, found in quality[OUTPUTS].items()
        )
    return _section(quality, None if isinstance(threshold, Mapping) else threshold)


def _section(
    quality: Mapping[str, Any], threshold: Sequence[float] | None, title: str = "Probabilities"
) -> str:
    last = list(quality)[-1]
    parts = [
        f"<h3>{text(title)}</h3>",
        figures(quality),
        f'<div class="curves">{svg(reliability_diagram(quality))}</div>',
    ]
    if threshold is not None and len(threshold) == 1:
        parts.insert(1, f"<p>The second class is decided on above {float(threshold[0]):.4f}.</p>")
    if "confusion" in quality[last]:
        parts.append(confusion(quality[last]["confusion"], last))
    if "labels" in quality[last]:
        parts.append(labels(quality[last]["labels"], last))
    return "".join(parts)


def figures(quality: Mapping[str, Any]) -> str:
    """A row for each figure, a column for each split."""
    names = dict.fromkeys(name for found in quality.values() for name in found["figures"])
    rows = [
        f'<th scope="row">{text(TITLES.get(name, name.replace("_", " ")))}</th>'
        + "".join(number(found["figures"].get(name)) for found in quality.values())
        for name in names
    ]
    return markup.table(["", *quality], rows)


def reliability_diagram(quality: Mapping[str, Any]) -> Figure:
    """How often it was so, by the probability that was said; a point for each bin with rows."""
    picture = Figure(figsize=(5.2, 4.2), layout="constrained")
    axes = picture.subplots()
    axes.plot([0, 1], [0, 1], ":", color="gray")
    for colour, (split, found) in zip(COLOURS, quality.items(), strict=False):
        bins = found["reliability"]
        most = max(each["rows"] for each in bins)
        said, seen = ([float(each[key]) for each in bins] for key in ("predicted", "observed"))
        axes.plot(said, seen, color=colour, alpha=0.6, label=split)
        sizes = [8 + 60 * each["rows"] / most for each in bins]
        axes.scatter(said, seen, s=sizes, color=colour)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="predicted probability", ylabel="observed fraction")
    axes.set_title("reliability (size: rows)")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    return picture


def confusion(found: Mapping[str, Any], split: str) -> str:
    """Rows of a split by their class, a row, and the class that was decided on, a column."""
    names = found["classes"]
    rows = [
        f'<th scope="row">{text(name)}</th>{"".join(number(count) for count in counts)}'
        for name, counts in zip(names, found["rows"], strict=True)
    ]
    title = f"<p>{text(split)} rows: true class by row, decided class by column</p>"
    return title + markup.table(["", *names], rows)


def labels(found: Sequence[Mapping[str, Any]], split: str) -> str:
    """A row for each label."""
    names = [name for name in found[0] if name != "label"]
    rows = [
        f'<th scope="row">{text(each["label"])}</th>'
        + "".join(number(each.get(name)) for name in names)
        for each in found
    ]
    head = ["label", *(TITLES.get(name, name.replace("_", " ")) for name in names)]
    return f"<p>Each label, {text(split)} rows</p>" + markup.table(head, rows)
