"""The HTML page of a sweep: the best trial, how certain that is, charts, and all trials."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...record.contents import JSONObject
from ...report.chart import Chart, charts
from ...report.markup import (
    Section,
    document,
    link,
    number,
    rounded,
    table,
    text,
    write_page,
)
from . import pictures
from .files import ParameterAxis, ShownTrial, SweepFiles

REPORT, RECIPE = "report.html", "best.yaml"
# Trials in the table of the page; the others are in trials.csv.
MOST_ROWS = 30


def write_sweep_report(
    directory: str | Path, out: str | os.PathLike | None = None, *, refresh: int = 0
) -> Path:
    """Write the page of a sweep, and return where it is.

    Args:
        directory: of the sweep.
        out: HTML file; by default `report.html` in the directory of the sweep.
        refresh: seconds after which a browser reads the page again; 0 for never.

    Raises:
        RequestError: there is no sweep, or none that has come to an end.
    """
    sweep = SweepFiles(Path(directory))
    target = sweep.path / REPORT if out is None else Path(out)
    return write_page(target, page(sweep, refresh=refresh))


def page(sweep: SweepFiles, *, refresh: int = 0) -> str:
    """The page as text."""
    search = [pictures.progress(sweep), pictures.curves(sweep)] if sweep.ranked else []
    search += _there([pictures.rungs(sweep)])
    sections = [
        Section("Search", charts(search)),
        Section("Ranges by round", narrowing(sweep)),
        Section("Parameters", by_parameter(sweep)),
        Section("Trials", trials(sweep)),
        Section("Failed trials", failures(sweep)),
        Section("The best recipe", best_recipe(sweep)),
    ]
    return document(f"sweep {sweep.name}", answer(sweep), sections, refresh=refresh)


def _there(found: Sequence[Chart | None]) -> list[Chart]:
    return [chart for chart in found if chart is not None]


def answer(sweep: SweepFiles) -> str:
    """The best trial, how far it is ahead, and its results."""
    content = sweep.result
    lines = [
        f'<span class="{text(content["status"])}">{text(content["status"])}</span>: '
        f"{text(content['reason'])}; {text(content['trials'])} trials, {text(content['failed'])} "
        f"failed, {text(content['epochs'])} epochs, {rounded(content['seconds'], '.0f')} s"
    ]
    if content["shared_steps"]:
        alone = content["steps"] - content["shared_steps"]
        lines.append(
            f"trained {alone:,} of {content['steps']:,} steps; the other "
            f"{content['shared_steps']:,} are beginnings that trials share"
        )
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
        "<p>Grey is what a round draws from; orange trials were kept, and the next round is drawn "
        f"around them.</p>{charts(found)}"
    )


def by_parameter(sweep: SweepFiles) -> str:
    """The score over each parameter, all of them together, and how much each matters."""
    if not sweep.ranked or not sweep.parameters:
        return ""
    together = [pictures.parallel(sweep)] if len(sweep.parameters) > 1 else []
    together += _there([pictures.important(sweep)])
    return charts([*together, *(pictures.parameter(sweep, one) for one in sweep.parameters)])


def best_recipe(sweep: SweepFiles) -> str:
    """The recipe of the best trial; a click selects all of it."""
    path = sweep.path / RECIPE
    if not sweep.ranked or path.is_symlink() or not path.is_file():
        return ""
    try:
        recipe = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
    return f'<pre class="copy" tabindex="0">{text(recipe)}</pre>'


def trials(sweep: SweepFiles) -> str:
    """The best trials as a table."""
    if not sweep.ranked:
        return "<p>No trial was completed.</p>"
    shown = sweep.ranked[:MOST_ROWS]
    # Without repeats there are no intervals, and mostly nothing to remark.
    ends = [name for name in ("low", "high") if any(row[name] is not None for row in shown)]
    remarks = any(row["reason"] for row in shown)
    labels = [chosen.label for chosen in sweep.parameters]
    head = ["trial", sweep.metric, *ends, "epochs", "seconds", *labels]
    rows = []
    for row in shown:
        cells = [
            _link(sweep, row),
            *(number(row[name]) for name in ("score", *ends, "epochs")),
            f'<td class="number">{rounded(row["seconds"], ".1f")}</td>',
            *(_value(row["values"], chosen) for chosen in sweep.parameters),
            f"<td>{text(row['reason'])}</td>" if remarks else "",
        ]
        rows.append("".join(cells))
    head += ["remark"] if remarks else []
    more = len(sweep.ranked) - MOST_ROWS
    rest = f"<p>{more} more are in trials.csv.</p>" if more > 0 else ""
    return table(head, rows) + rest


def failures(sweep: SweepFiles) -> str:
    """The trials that failed, each with its reason."""
    failed = [row for row in sweep.rows if row["status"] == "failed"]
    items = "".join(f"<li>trial {text(row['trial'])}: {text(row['reason'])}</li>" for row in failed)
    return f'<ul class="failed">{items}</ul>' if failed else ""


def _validation(content: JSONObject) -> dict[str, float]:
    return (content.get("ensemble") or {}).get("validation") or {}


def _link(sweep: SweepFiles, row: ShownTrial) -> str:
    """The name of a trial, leading to its run directory."""
    if not row["directories"]:
        return f"<td>{text(row['trial'])}</td>"
    return f"<td>{link(sweep.path, row['directories'][0], row['trial'])}</td>"


def _value(values: Mapping[str, object], chosen: ParameterAxis) -> str:
    """A cell; empty where the parameter was not active in the trial."""
    if chosen.name not in values:
        return "<td></td>"
    value = values[chosen.name]
    if isinstance(value, float):
        return f'<td class="number">{value:.4g}</td>'
    return f"<td>{text(chosen.word(value))}</td>"
