"""The HTML page of a sweep: the answer, how sure it is, the pictures, the trials."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...report.curves import svg
from ...report.markup import document, link, number, rounded, table, text, write_page
from . import pictures
from .files import MANIFEST, Parameter, SweepFiles

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
    sweep = SweepFiles(Path(directory))
    return write_page(sweep.path / REPORT, page(sweep))


def page(sweep: SweepFiles) -> str:
    """The page as text."""
    title = f"sweep {sweep.name}"
    parts = [
        f"<h1>{text(title)}</h1>",
        answer(sweep),
        "<h2>Search</h2>",
        _row([pictures.progress(sweep), pictures.curves(sweep)]) if sweep.ranked else "",
        narrowing(sweep),
        "<h2>Parameters</h2>" if sweep.ranked and sweep.parameters else "",
        by_parameter(sweep),
        "<h2>Trials</h2>",
        trials(sweep),
        failures(sweep),
    ]
    return document(title, parts)


def answer(sweep: SweepFiles) -> str:
    """The best trial, how far it is ahead, and what came of it."""
    content = sweep.result
    lines = [
        f'<span class="{text(content["status"])}">{text(content["status"])}</span>: '
        f"{text(content['reason'])}; {text(content['trials'])} trials, {text(content['failed'])} "
        f"failed, {text(content['epochs'])} epochs, {rounded(content['seconds'], '.0f')} s"
    ]
    best = content.get("best") or {}
    if best:
        interval = ""
        if best["low"] is not None:
            interval = (
                f" (95 % interval {rounded(best['low'], '.5g')} to {rounded(best['high'], '.5g')})"
            )
        lines.append(
            f"best: trial {text(best['trial'])}, {text(sweep.metric)} "
            f"{rounded(best['score'], '.6g')}{interval}; "
            "<code>keras-recipes train best.yaml</code> trains it"
        )
        lines.extend(
            f"<code>{text(name)}: {text(value)}</code>" for name, value in best["values"].items()
        )
    if (content.get("lead") or {}).get("said"):
        lines.append(text(content["lead"]["said"]))
    for name, found in (("test rows", content.get("test")), ("ensemble", _validation(content))):
        if found:
            values = ", ".join(f"{text(key)} {rounded(value)}" for key, value in found.items())
            lines.append(f"{name}: {values}")
    return f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"


def narrowing(sweep: SweepFiles) -> str:
    """The ranges of each round of a coarse-to-fine search."""
    if not sweep.rounds:
        return ""
    found = [pictures.ranges(sweep, chosen) for chosen in sweep.parameters]
    return (
        "<h2>Ranges by round</h2><p>Grey is what a round draws from; orange trials were kept, and "
        f"the next round is drawn around them.</p>{_row(found)}"
    )


def by_parameter(sweep: SweepFiles) -> str:
    """The score over each parameter, and all of them together."""
    if not sweep.ranked:
        return ""
    found = [pictures.parameter(sweep, chosen) for chosen in sweep.parameters]
    together = _row([pictures.parallel(sweep)]) if len(sweep.parameters) > 1 else ""
    return _row(found) + together


def trials(sweep: SweepFiles) -> str:
    """The best trials as a table."""
    if not sweep.ranked:
        return "<p>No trial was completed.</p>"
    labels = [chosen.label for chosen in sweep.parameters]
    head = ["trial", sweep.metric, "low", "high", "epochs", "seconds", *labels, "remark"]
    rows = []
    for row in sweep.ranked[:MOST_ROWS]:
        cells = [
            _link(sweep, row),
            *(number(row[name]) for name in ("score", "low", "high", "epochs", "seconds")),
            *(_value(row["values"], chosen) for chosen in sweep.parameters),
            f"<td>{text(row['reason'])}</td>",
        ]
        rows.append("".join(cells))
    more = len(sweep.ranked) - MOST_ROWS
    rest = f"<p>{more} more are in trials.csv.</p>" if more > 0 else ""
    return table(head, rows) + rest


def failures(sweep: SweepFiles) -> str:
    """The trials that failed, each with its reason."""
    failed = [row for row in sweep.rows if row["status"] == "failed"]
    items = "".join(f"<li>trial {text(row['trial'])}: {text(row['reason'])}</li>" for row in failed)
    return f'<h2>Failed trials</h2><ul class="failed">{items}</ul>' if failed else ""


def _validation(content: dict[str, Any]) -> dict[str, float]:
    return (content.get("ensemble") or {}).get("validation") or {}


def _link(sweep: SweepFiles, row: dict[str, Any]) -> str:
    """The name of a trial, leading to its run directory."""
    if not row["directories"]:
        return f"<td>{text(row['trial'])}</td>"
    return f"<td>{link(sweep.path, row['directories'][0], row['trial'])}</td>"


def _value(values: Mapping[str, Any], chosen: Parameter) -> str:
    """A cell; empty where the parameter was not active in the trial."""
    if chosen.name not in values:
        return "<td></td>"
    value = values[chosen.name]
    if isinstance(value, float):
        return f'<td class="number">{value:.4g}</td>'
    return f"<td>{text(chosen.word(value))}</td>"


def _row(found: Sequence[Any]) -> str:
    return f'<div class="curves">{"".join(svg(picture) for picture in found)}</div>'
