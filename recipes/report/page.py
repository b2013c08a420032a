"""The HTML page: result, curves, recipe and versions of one run, or several side by side."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..record import directory as files
from ..record.directory import RunDirectory, open_run, read_result
from . import forecast
from . import quality as probabilities
from .curves import Curve, figure, svg, thinned_curves
from .markup import document, number, rounded, table, text, write_page
from .pretraining import read_arrays, section

# Metrics drawn first, in this order; the others follow by name.
FIRST = ("loss", "accuracy", "rmse", "learning_rate", "gradient_norm")
NOT_CURVES = frozenset({"epoch", "step", "seconds"})
# Up to this many runs stand side by side, a column each; more of them below one another.
MOST_COLUMNS = 2


class RunContent:
    """What the page shows of one run directory."""

    def __init__(self, run: RunDirectory):
        self.path = run.path
        self.name = run.path.resolve().name
        if run.path.resolve().parent.name == files.FOLDS:
            self.name = f"fold {self.name}"
        self.result = read_result(run)
        self.manifest = run.read_json(files.MANIFEST)
        self.recipe = run.read_text(files.RECIPE)
        self.problems: list[str] = []
        # The lines of a long run take much more memory than their curves.
        self.curves = thinned_curves(run.read_lines(files.METRICS, self.problems))
        # The file may be that of an earlier end of a run that was given more epochs.
        measured = self.result.quality and run.has(files.QUALITY)
        self.quality = run.read_json(files.QUALITY) if measured else {}
        self.pretraining = None
        if run.has(files.PRETRAINING):
            self.pretraining = run.read_json(files.PRETRAINING, "layers", "handed")
        self.pictures = {}
        if run.has(files.PICTURES):
            self.pictures = read_arrays(run.verified(files.PICTURES))


def write_report(
    runs: Sequence[Path], out: str | os.PathLike | None = None, *, patience: float = 0.0
) -> Path:
    """Write one page about the runs and return where it is.

    Args:
        runs: run directories.
        out: HTML file; by default `report.html` in the first run directory.
        patience: seconds to wait for a disk that is full.

    Raises:
        RequestError: a directory is of no run, a file of it is damaged, or the page cannot be
            written.
    """
    directories = [open_run(run) for run in runs]
    target = directories[0] / files.REPORT if out is None else Path(out)
    return write_page(target, page([RunContent(run) for run in directories]), patience=patience)


def page(runs: Sequence[RunContent]) -> str:
    """The page as text."""
    title = " against ".join(run.name for run in runs)
    return document(
        title,
        [
            f"<h1>{text(title)}</h1>",
            results(runs),
            *(folds(run) for run in runs),
            findings(runs),
            "<h2>Curves</h2>",
            curves(runs),
            *(details(run) for run in runs),
        ],
    )


def results(runs: Sequence[RunContent]) -> str:
    """The table of results: metrics first, then how each run ended."""
    found = [facts(run) for run in runs]
    names = list(dict.fromkeys(name for row in found for name in row))
    names.sort(key=lambda name: name in REST)
    if len(runs) <= MOST_COLUMNS:
        head = ["", *(run.name for run in runs)]
        rows = [
            f'<th scope="row">{text(name)}</th>{"".join(cell(row.get(name)) for row in found)}'
            for name in names
        ]
        return table(head, rows)
    rows = [
        f"{cell(run.name)}{''.join(cell(row.get(name)) for name in names)}"
        for run, row in zip(runs, found, strict=True)
    ]
    return table(["run", *names], rows)


def folds(run: RunContent) -> str:
    """The validation metrics of each fold, with their mean and standard deviation."""
    result = run.result
    if not result.folds:
        return ""
    names = list(result.folds[0]["validation"])
    rows = [
        f"{cell(f'fold {index}')}{''.join(cell(fold['validation'].get(name)) for name in names)}"
        for index, fold in enumerate(result.folds, start=1)
    ]
    spread = (
        cell(f"{rounded(result.validation.get(name))} ± {rounded(result.validation_std.get(name))}")
        for name in names
    )
    rows.append(f"{cell('mean ± standard deviation')}{''.join(spread)}")
    what = f"Folds of {text(run.name)}, validation" if result.validation_std else "Folds"
    return f"<h2>{what}</h2>{table(['', *names], rows)}"


# The rows of every run after its metrics.
REST = ("status", "epochs", "best epoch", "seconds", "why it ended")


def facts(run: RunContent) -> dict[str, Any]:
    """The rows of a run in the table of results, by name."""
    result = run.result
    measured = {
        f"{split} {name}": value
        for split, values in (("test", result.test), ("validation", result.validation))
        for name, value in values.items()
    }
    rest = (result.status, result.epochs, result.best_epoch, result.seconds, result.reason)
    return {**measured, **dict(zip(REST, rest, strict=True))}


def cell(value: Any) -> str:
    """A table cell for text or a number."""
    if value in ("failed", "interrupted"):
        return f'<td class="{value}">{value}</td>'
    return f"<td>{text(value)}</td>" if isinstance(value, str) else number(value)


def findings(runs: Sequence[RunContent]) -> str:
    """The findings of the callbacks."""
    parts = []
    for run in runs:
        items = "".join(f"<li>{text(finding)}</li>" for finding in run.result.findings)
        title = f"<h3>{text(run.name)}</h3>" if len(runs) > 1 else ""
        parts.append(f"{title}<ul>{items}</ul>" if items else "")
    return f"<h2>Findings</h2>{''.join(parts)}" if any(parts) else ""


def curves(runs: Sequence[RunContent]) -> str:
    """A picture for each metric that any run logged."""
    logged = {name for run in runs for name in run.curves}
    names = {name.removeprefix("val_") for name in logged} - NOT_CURVES
    order = sorted(names, key=lambda name: (_rank(name), name))
    pictures = []
    for name in order:
        found = [Curve(run.name, run.curves, name) for run in runs]
        if any(curve.training[0] or curve.validation[0] for curve in found):
            pictures.append(svg(figure(found, name.replace("_", " "))))
    if not pictures:
        return "<p>No epoch was finished.</p>"
    return f'<div class="curves">{"".join(pictures)}</div>'


def _rank(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)


def details(run: RunContent) -> str:
    """The recipe, and the manifest folded away."""
    manifest = text(json.dumps(run.manifest, indent=2))
    problems = "".join(f'<p class="failed">{text(problem)}</p>' for problem in run.problems)
    return (
        f"<h2>{text(run.name)}</h2>{problems}{quality(run)}{pretraining(run)}"
        f"{forecast.section(run.result.horizon)}"
        f"<details open><summary>recipe, resolved</summary><pre>{text(run.recipe)}</pre>"
        f"</details><details><summary>versions, machine, data</summary><pre>{manifest}</pre>"
        "</details>"
    )


def quality(run: RunContent) -> str:
    """The section about probabilities, or an error if its file is damaged."""
    if not run.quality:
        return ""
    try:
        return probabilities.section(run.quality, run.result.threshold)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return f'<p class="failed">{files.QUALITY} is damaged.</p>'


def pretraining(run: RunContent) -> str:
    """The section about pretraining, or an error if its file is damaged."""
    if run.pretraining is None:
        return ""
    try:
        return section(run.pretraining, run.pictures)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return f'<p class="failed">{files.PRETRAINING} is damaged.</p>'
