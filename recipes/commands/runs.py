"""Verbs on many runs: runs, compare, report."""

import fnmatch
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RequestError
from ..output import coloured
from .options import Arguments, Verbs, add_json, add_quiet, add_verb, print_json, print_line

if TYPE_CHECKING:
    from ..record.several import ComparedRun

SORTS = ("name", "status", "epochs", "metric", "age")
# Seconds between two looks at a run that is followed.
PAUSE = 2.0


def add(verbs: Verbs) -> None:
    text = "write one HTML page about run directories, or about a sweep"
    reporting = add_verb(verbs, "report", report, text)
    reporting.add_argument("runs", metavar="RUN", nargs="+")
    reporting.add_argument(
        "-o", "--out", metavar="FILE", help="HTML file (default: RUN/report.html)"
    )
    reporting.add_argument(
        "--watch",
        action="store_true",
        help="write it again whenever something was trained, until all runs have ended; a browser "
        "that has the page open follows",
    )
    add_json(reporting)

    listing = add_verb(verbs, "runs", runs, "list the runs below a folder")
    listing.add_argument("folder", metavar="DIR", nargs="?", default="runs", help="default: runs")
    listing.add_argument("--status", metavar="STATUS", help="only those, such as `completed`")
    listing.add_argument("--match", metavar="PATTERN", help="only names like it, as in `digits*`")
    listing.add_argument("--metric", metavar="NAME", help="metric to show (default: the first)")
    listing.add_argument("--sort", choices=SORTS, default="name", help="default: name")
    listing.add_argument("--reverse", action="store_true", help="the other way round")
    add_json(listing)

    comparing = add_verb(
        verbs, "compare", compare, "compare runs: results, keys that differ, rows they got right"
    )
    comparing.add_argument("runs", metavar="RUN", nargs="+")
    form = comparing.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="tables in Markdown")
    form.add_argument("--latex", action="store_true", help="tables in LaTeX")
    form.add_argument("--json", action="store_true", help="print the result as JSON")
    comparing.add_argument(
        "--figure", metavar="FILE", help="draw the curves of a metric: SVG, PDF or PNG"
    )
    comparing.add_argument(
        "--metric", metavar="NAME", default="loss", help="of --figure (default: loss)"
    )
    add_quiet(comparing)


def report(arguments: Arguments) -> int:
    """One HTML page."""
    page = _write(arguments, refresh=PAUSE if arguments.watch else 0)
    print_line(arguments, page)
    if arguments.watch:
        _follow(arguments)
    if arguments.json:
        print_json({"page": page})
    return 0


def _write(arguments: Arguments, refresh: float) -> str:
    every = round(refresh)
    if len(arguments.runs) == 1:
        from ..record.listing import is_sweep_directory

        if is_sweep_directory(arguments.runs[0]):
            from ..sweep.report.page import write_sweep_report

            return str(write_sweep_report(arguments.runs[0], arguments.out, refresh=every))
    from ..report import write_report

    return str(write_report([Path(run) for run in arguments.runs], arguments.out, refresh=every))


def _follow(arguments: Arguments) -> None:
    """Write the page again when files have changed, and a last time when all runs have ended."""
    from ..report.watch import all_ended, state_of

    folders = [Path(run) for run in arguments.runs]
    before = state_of(folders)
    while not all_ended(folders):
        time.sleep(PAUSE)
        now = state_of(folders)
        if now != before:
            before = now
            _write(arguments, refresh=PAUSE)
    _write(arguments, refresh=0)


def runs(arguments: Arguments) -> int:
    """A table of the runs below a folder."""
    folder = Path(arguments.folder)
    if not folder.is_dir():
        raise RequestError(
            f"{folder}: there is no such folder. Name one: `keras-recipes runs DIR`."
        )
    from ..record.listing import State, runs_below
    from ..report.listing import in_order, listing
    from ..report.tables import as_text

    if arguments.status is not None and arguments.status not in list(State):
        raise RequestError(
            f"--status: expected one of {', '.join(State)}. Received {arguments.status}."
        )
    found = [
        row
        for row in runs_below(folder)
        if (arguments.status is None or row.status == arguments.status)
        and (arguments.match is None or fnmatch.fnmatch(row.name, arguments.match))
    ]
    found = in_order(found, arguments.sort, arguments.metric, reverse=arguments.reverse)
    if arguments.json:
        print_json({"folder": str(folder), "runs": [asdict(row) for row in found]})
        return 0
    print(coloured(as_text(listing(found, arguments.metric)), sys.stdout))
    return 0


def compare(arguments: Arguments) -> int:
    """Tables of how runs differ."""
    if len(arguments.runs) < 2:
        raise RequestError("compare: name two runs or more.")
    from ..record.several import read_run

    found = [read_run(Path(run)) for run in arguments.runs]
    if all(run.problem is not None for run in found):
        raise RequestError("\n".join(str(run.problem) for run in found))
    for run in found:
        if run.problem is not None:
            print(run.problem, file=sys.stderr)
    if arguments.figure is not None:
        _draw(arguments, found)
    if arguments.json:
        print_json(_as_json(found))
        return 0
    from ..report.tables import as_latex, as_markdown, as_text, compared

    form = as_latex if arguments.latex else as_markdown if arguments.markdown else as_text
    print("\n\n".join(map(form, compared(found))))
    return 0


def _draw(arguments: Arguments, found: "Sequence[ComparedRun]") -> None:
    from ..report.curves import plot_metric

    plot_metric(found, arguments.metric, Path(arguments.figure))
    if not arguments.quiet:
        print(arguments.figure, file=sys.stderr)


def _as_json(found: "Sequence[ComparedRun]") -> dict[str, object]:
    from ..record.several import differences, distinct, keys_that_differ

    names = distinct(found)
    return {
        "runs": [
            {
                "name": name,
                "directory": str(run.path),
                "problem": run.problem,
                "status": run.result and run.result.status,
                "epochs": run.result and run.result.epochs,
                "validation": run.result and run.result.validation,
                "test": run.result and run.result.test,
            }
            for name, run in zip(names, found, strict=True)
        ],
        "keys": keys_that_differ(found),
        "differences": [
            {**asdict(each), "runs": [names[index] for index in each.runs]}
            for each in differences(found)
        ],
    }
