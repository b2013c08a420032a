"""The HTML page: result, curves, recipe and machine of one run, or several side by side."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..record import directory as files
from ..record.directory import RunDirectory, opened, result_of
from ..record.result import Result
from .curves import Curve, columns_of, figure, svg
from .machines import read_arrays, section
from .markup import document, number, table, text, write_page

# Metrics drawn first, in this order; the others follow by name.
FIRST = ("loss", "accuracy", "rmse", "learning_rate", "gradient_norm")
NOT_CURVES = frozenset({"epoch", "step", "seconds"})
# Up to this many runs stand side by side, a column each; more of them below one another.
MOST_COLUMNS = 2


class Story:
    """What a page needs of one run directory."""

    def __init__(self, run: RunDirectory):
        self.path = run.path
        self.name = run.path.resolve().name
        self.result = {**Result("running", str(run.path)).to_json(), **result_of(run)}
        self.manifest = run.read_json(files.MANIFEST)
        self.recipe = run.read_text(files.RECIPE)
        self.problems: list[str] = []
        # The lines of a long run take much more memory than their columns.
        self.columns = columns_of(run.read_lines(files.METRICS, self.problems))
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
    target = directories[0] / files.REPORT if out is None else Path(out)
    return write_page(target, page([Story(run) for run in directories]), patience=patience)


def page(stories: Sequence[Story]) -> str:
    """The whole page as text."""
    title = " against ".join(story.name for story in stories)
    return document(
        title,
        [
            f"<h1>{text(title)}</h1>",
            results(stories),
            findings(stories),
            "<h2>Curves</h2>",
            curves(stories),
            *(details(story) for story in stories),
        ],
    )


def results(stories: Sequence[Story]) -> str:
    """How each run ended and what it reached, what was measured first."""
    found = [facts(story) for story in stories]
    names = list(dict.fromkeys(name for row in found for name in row))
    # Values of splits come before the rest, which is the same for all runs.
    names.sort(key=lambda name: name in REST)
    if len(stories) <= MOST_COLUMNS:
        head = ["", *(story.name for story in stories)]
        rows = [
            f'<th scope="row">{text(name)}</th>{"".join(cell(row.get(name)) for row in found)}'
            for name in names
        ]
        return table(head, rows)
    rows = [
        f"{cell(story.name)}{''.join(cell(row.get(name)) for name in names)}"
        for story, row in zip(stories, found, strict=True)
    ]
    return table(["run", *names], rows)


# What every run has beside its metrics, in this order.
REST = ("status", "epochs", "best epoch", "seconds", "why it ended")


def facts(story: Story) -> dict[str, Any]:
    """What there is to say of a run, by name."""
    result = story.result
    measured = {
        f"{split} {name}": value
        for split in ("test", "validation")
        for name, value in result[split].items()
    }
    rest = (result[key] for key in ("status", "epochs", "best_epoch", "seconds", "reason"))
    return {**measured, **dict(zip(REST, rest, strict=True))}


def cell(value: Any) -> str:
    """A table cell for a word or a number."""
    if value in ("failed", "interrupted"):
        return f'<td class="{value}">{value}</td>'
    return f"<td>{text(value)}</td>" if isinstance(value, str) else number(value)


def findings(stories: Sequence[Story]) -> str:
    """What the callbacks found, in their words."""
    parts = []
    for story in stories:
        found = story.result.get("findings") or []
        items = "".join(f"<li>{text(finding)}</li>" for finding in found)
        title = f"<h3>{text(story.name)}</h3>" if len(stories) > 1 else ""
        parts.append(f"{title}<ul>{items}</ul>" if items else "")
    return f"<h2>Findings</h2>{''.join(parts)}" if any(parts) else ""


def curves(stories: Sequence[Story]) -> str:
    """A picture for each metric that any run logged."""
    logged = {name for story in stories for name in story.columns}
    names = {name.removeprefix("val_") for name in logged} - NOT_CURVES
    order = sorted(names, key=lambda name: (_rank(name), name))
    pictures = []
    for name in order:
        found = [Curve(story.name, story.columns, name) for story in stories]
        if any(curve.training[0] or curve.validation[0] for curve in found):
            pictures.append(svg(figure(found, name.replace("_", " "))))
    if not pictures:
        return "<p>No epoch was finished.</p>"
    return f'<div class="curves">{"".join(pictures)}</div>'


def _rank(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)


def details(story: Story) -> str:
    """The recipe and the machine, folded away."""
    manifest = text(json.dumps(story.manifest, indent=2))
    problems = "".join(f'<p class="failed">{text(problem)}</p>' for problem in story.problems)
    return (
        f"<h2>{text(story.name)}</h2>{problems}{pretraining(story)}"
        f"<details open><summary>recipe, resolved</summary><pre>{text(story.recipe)}</pre>"
        f"</details><details><summary>versions, machine, data</summary><pre>{manifest}</pre>"
        "</details>"
    )


def pretraining(story: Story) -> str:
    """What the pretraining did; a sentence where its file is not of the form that a run writes."""
    if story.pretraining is None:
        return ""
    try:
        return section(story.pretraining, story.machines)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return f'<p class="failed">{files.PRETRAINING} is not what a run writes.</p>'
