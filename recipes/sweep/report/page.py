"""The HTML page of a sweep: the answer, how sure it is, the pictures, the trials."""

import html
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...report.curves import svg
from ...report.page import STYLE, number
from ...run.directory import RunDirectory
from . import pictures
from .story import MANIFEST, Parameter, Story

REPORT = "report.html"
# Trials in the table of the page; the others are in trials.csv.
MOST_ROWS = 30


def is_sweep_directory(path: str | Path) -> bool:
    """Whether a directory holds a sweep rather than a run."""
    return os.path.isdir(Path(path) / "oracle") and os.path.isfile(Path(path) / MANIFEST)


def write_sweep_report(directory: str | Path) -> Path:
    """Write `report.html` into the directory of a sweep, and return where it is.

    Raises:
        RequestError: there is no sweep, or none that has come to an end.
    """
    story = Story(Path(directory))
    RunDirectory(story.path).write_text(REPORT, page(story))
    return story.path / REPORT


def page(story: Story) -> str:
    """The whole page as text."""
    title = html.escape(f"sweep {story.name}")
    parts = [
        f"<h1>{title}</h1>",
        answer(story),
        "<h2>Search</h2>",
        _row([pictures.progress(story), pictures.curves(story)]) if story.ranked else "",
        narrowing(story),
        "<h2>Parameters</h2>" if story.ranked and story.parameters else "",
        by_parameter(story),
        "<h2>Trials</h2>",
        trials(story),
        failures(story),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def answer(story: Story) -> str:
    """The best trial, how far it is ahead, and what came of it."""
    told = story.result
    lines = [
        f'<span class="{html.escape(told["status"])}">{html.escape(told["status"])}</span>: '
        f"{html.escape(told['reason'])}; {told['trials']} trials, {told['failed']} failed, "
        f"{told['epochs']} epochs, {told['seconds']:.0f} s"
    ]
    best = told.get("best") or {}
    if best:
        interval = ""
        if best["low"] is not None:
            interval = f" (95 % interval {best['low']:.5g} to {best['high']:.5g})"
        lines.append(
            f"best: trial {html.escape(best['trial'])}, {html.escape(story.metric)} "
            f"{best['score']:.6g}{interval}; <code>keras-recipes train best.yaml</code> trains it"
        )
        lines.extend(
            f"<code>{html.escape(name)}: {html.escape(str(value))}</code>"
            for name, value in best["values"].items()
        )
    if (told.get("lead") or {}).get("said"):
        lines.append(html.escape(told["lead"]["said"]))
    for name, found in (("test rows", told.get("test")), ("ensemble", _validation(told))):
        if found:
            values = ", ".join(f"{key} {value:.4f}" for key, value in found.items())
            lines.append(f"{name}: {html.escape(values)}")
    return f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"


def narrowing(story: Story) -> str:
    """The ranges of each round of a coarse-to-fine search."""
    if not story.rounds:
        return ""
    found = [pictures.ranges(story, chosen) for chosen in story.parameters]
    return (
        "<h2>Ranges by round</h2><p>Grey is what a round draws from; orange trials were kept, and "
        f"the next round is drawn around them.</p>{_row(found)}"
    )


def by_parameter(story: Story) -> str:
    """The score over each parameter, and all of them together."""
    if not story.ranked:
        return ""
    found = [pictures.parameter(story, chosen) for chosen in story.parameters]
    together = _row([pictures.parallel(story)]) if len(story.parameters) > 1 else ""
    return _row(found) + together


def trials(story: Story) -> str:
    """The best trials as a table."""
    if not story.ranked:
        return "<p>No trial was completed.</p>"
    labels = [chosen.label for chosen in story.parameters]
    head = ["trial", story.metric, "low", "high", "epochs", "seconds", *labels, "remark"]
    rows = []
    for row in story.ranked[:MOST_ROWS]:
        cells = [
            _link(row),
            *(number(row[name]) for name in ("score", "low", "high", "epochs", "seconds")),
            *(_value(row["values"], chosen) for chosen in story.parameters),
            f"<td>{html.escape(row['reason'])}</td>",
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    titles = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    more = len(story.ranked) - MOST_ROWS
    rest = f"<p>{more} more are in trials.csv.</p>" if more > 0 else ""
    return f"<table><tr>{titles}</tr>{''.join(rows)}</table>{rest}"


def failures(story: Story) -> str:
    """The trials that failed, each with its reason."""
    failed = [row for row in story.rows if row["status"] == "failed"]
    items = "".join(
        f"<li>trial {html.escape(row['trial'])}: {html.escape(row['reason'])}</li>"
        for row in failed
    )
    return f'<h2>Failed trials</h2><ul class="failed">{items}</ul>' if failed else ""


def _validation(told: dict[str, Any]) -> dict[str, float]:
    return (told.get("ensemble") or {}).get("validation") or {}


def _link(row: dict[str, Any]) -> str:
    """The name of a trial, leading to its run directory."""
    name = html.escape(row["trial"])
    if not row["directories"]:
        return f"<td>{name}</td>"
    return f'<td><a href="{html.escape(row["directories"][0])}">{name}</a></td>'


def _value(values: Mapping[str, Any], chosen: Parameter) -> str:
    """A cell; empty where the parameter was not active in the trial."""
    if chosen.name not in values:
        return "<td></td>"
    value = values[chosen.name]
    if isinstance(value, float):
        return f'<td class="number">{value:.4g}</td>'
    return f"<td>{html.escape(chosen.word(value))}</td>"


def _row(found: Sequence[Any]) -> str:
    return f'<div class="curves">{"".join(svg(picture) for picture in found)}</div>'
