"""The HTML page: result, curves, recipe and machine of one run, or several side by side."""

import html
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ... import disk
from ..errors import RequestError
from ..run import directory as files
from ..run.directory import RunDirectory, opened, result_of
from ..run.result import Result
from .curves import Curve, figure, svg
from .machines import read_arrays, section

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem;
       color: #222; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; } th, td { padding: .25rem .8rem; text-align: left;
       border-bottom: 1px solid #ddd; } td.number { text-align: right;
       font-variant-numeric: tabular-nums; }
.curves { display: flex; flex-wrap: wrap; gap: 1rem; } .curves svg { max-width: 100%;
       height: auto; }
.failed, .interrupted { color: #b00020; } pre { background: #f6f6f6; padding: 1rem;
       overflow-x: auto; font-size: .85rem; }
"""
# Metrics drawn first, in this order; the others follow by name.
FIRST = ("loss", "accuracy", "rmse", "learning_rate", "gradient_norm")
NOT_CURVES = frozenset({"epoch", "step", "seconds"})


class Story:
    """What a page needs of one run directory."""

    def __init__(self, run: RunDirectory):
        self.path = run.path
        self.name = run.path.resolve().name
        self.result = {**Result("running", str(run.path)).to_json(), **result_of(run)}
        self.manifest = run.read_json(files.MANIFEST)
        self.recipe = run.read_text(files.RECIPE)
        self.problems: list[str] = []
        self.lines = run.read_lines(files.METRICS, self.problems)
        self.pretraining = None
        if run.has(files.PRETRAINING):
            self.pretraining = run.read_json(files.PRETRAINING, "layers", "handed")
        self.machines = {}
        if run.has(files.PICTURES):
            self.machines = read_arrays(run.verified(files.PICTURES))


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
    directories = [opened(run) for run in runs]
    text = page([Story(run) for run in directories])
    target = directories[0] / files.REPORT if out is None else Path(out)
    try:
        RunDirectory(target.parent, patience).write_text(target.name, text)
    except OSError as error:
        raise RequestError(f"{target}: cannot be written: {disk.cause(error)}.") from None
    return target


def page(stories: Sequence[Story]) -> str:
    """The whole page as text."""
    title = " against ".join(story.name for story in stories)
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        results(stories),
        findings(stories),
        "<h2>Curves</h2>",
        curves(stories),
        *(details(story) for story in stories),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def results(stories: Sequence[Story]) -> str:
    """A row a run: how it ended and what it reached."""
    names: list[str] = []
    for story in stories:
        for split in ("validation", "test"):
            names.extend(f"{split} {name}" for name in story.result[split])
    names = list(dict.fromkeys(names))
    head = ["run", "status", "why it ended", "epochs", "best epoch", "seconds", *names]
    rows = [row(story, names) for story in stories]
    titles = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    return f"<table><tr>{titles}</tr>{''.join(rows)}</table>"


def findings(stories: Sequence[Story]) -> str:
    """What the callbacks found, in their words."""
    parts = []
    for story in stories:
        found = story.result.get("findings") or []
        items = "".join(f"<li>{html.escape(text)}</li>" for text in found)
        title = f"<h3>{html.escape(story.name)}</h3>" if len(stories) > 1 else ""
        parts.append(f"{title}<ul>{items}</ul>" if items else "")
    return f"<h2>Findings</h2>{''.join(parts)}" if any(parts) else ""


def row(story: Story, names: Sequence[str]) -> str:
    """One run's row of the table of results."""
    result = story.result
    cells = [
        f"<td>{html.escape(story.name)}</td>",
        f'<td class="{html.escape(result["status"])}">{html.escape(result["status"])}</td>',
        f"<td>{html.escape(result['reason'])}</td>",
        number(result["epochs"]),
        number(result["best_epoch"]),
        number(result["seconds"]),
    ]
    for name in names:
        split, metric = name.split(" ", 1)
        cells.append(number(result[split].get(metric)))
    return f"<tr>{''.join(cells)}</tr>"


def number(value: Any) -> str:
    """A table cell for a number that may be missing."""
    text = f"{value:.4f}" if isinstance(value, float) else "" if value is None else str(value)
    return f'<td class="number">{text}</td>'


def curves(stories: Sequence[Story]) -> str:
    """A picture for each metric that any run logged."""
    logged = {name for story in stories for line in story.lines for name in line}
    names = {name.removeprefix("val_") for name in logged} - NOT_CURVES
    order = sorted(names, key=lambda name: (_rank(name), name))
    pictures = []
    for name in order:
        found = [Curve(story.name, story.lines, name) for story in stories]
        if any(curve.training[0] or curve.validation[0] for curve in found):
            pictures.append(svg(figure(found, name.replace("_", " "))))
    if not pictures:
        return "<p>No epoch was finished.</p>"
    return f'<div class="curves">{"".join(pictures)}</div>'


def _rank(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)


def details(story: Story) -> str:
    """The recipe and the machine, folded away."""
    manifest = html.escape(json.dumps(story.manifest, indent=2))
    problems = "".join(f'<p class="failed">{html.escape(text)}</p>' for text in story.problems)
    machines = "" if story.pretraining is None else section(story.pretraining, story.machines)
    return (
        f"<h2>{html.escape(story.name)}</h2>{problems}{machines}"
        f"<details open><summary>recipe, resolved</summary><pre>{html.escape(story.recipe)}</pre>"
        f"</details><details><summary>versions, machine, data</summary><pre>{manifest}</pre>"
        "</details>"
    )
