"""Verbs on what a training left: evaluate, predict, report."""

import argparse
import csv
import os
import sys
from pathlib import Path
from typing import Any, TextIO

from ..errors import RequestError
from .options import (
    Arguments,
    metrics,
    print_json,
    takes_json,
    takes_plugins,
    takes_run,
    verb,
)


def add(verbs: Any) -> None:
    text = "metrics of a run's model on one of its splits, or on a file with targets"
    measuring = verb(verbs, "evaluate", evaluate, text)
    takes_run(measuring)
    measuring.add_argument(
        "file", metavar="FILE", nargs="?", help="rows with targets: .csv or .npz, not a split"
    )
    text = "override of the run's recipe, such as the path of data that was moved"
    measuring.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help=text)
    measuring.add_argument("--split", choices=("train", "validation", "test"), help="default: test")
    _takes_on_error(measuring)
    takes_plugins(measuring)
    takes_json(measuring)
    text = "predictions of a run's model for the rows of a file"
    predicting = verb(verbs, "predict", predict, text)
    takes_run(predicting)
    predicting.add_argument("file", metavar="FILE", help="raw rows: .csv, .npz or .npy")
    predicting.add_argument("--out", metavar="FILE", help="CSV file to write (default: stdout)")
    _takes_on_error(predicting)
    takes_plugins(predicting)
    telling = verb(verbs, "report", report, "one HTML page from run directories, or from a sweep's")
    telling.add_argument("runs", metavar="RUN", nargs="+")
    telling.add_argument("--out", metavar="FILE", help="HTML file (default: RUN/report.html)")


def _takes_on_error(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--on-error",
        choices=("refuse", "skip"),
        default="refuse",
        help="what becomes of a file in which some rows cannot be used (default: refuse)",
    )


def evaluate(arguments: Arguments) -> int:
    """Metrics on one split, or on a file."""
    from ..run.backend import use_tensorflow

    use_tensorflow()
    from ..run.reload import evaluate as evaluate_run
    from ..run.reload import members as evaluate_members

    words = [word for word in (arguments.file, *arguments.overrides) if word is not None]
    named = [word for word in words if "=" not in word or os.path.exists(word)]
    overrides = [word for word in words if word not in named]
    if len(named) > 1 or (named and arguments.split):
        raise RequestError("evaluate: give one file, or `--split`.")
    on: Any = Path(named[0]) if named else arguments.split or "test"
    more: Any = {"on_error": arguments.on_error, "plugins": arguments.plugin}
    values = evaluate_run(arguments.run, on, overrides, **more)
    members = evaluate_members(arguments.run, on, overrides, **more)
    what = {"file": named[0]} if named else {"split": on}
    told = {"run": arguments.run, **what, "metrics": values}
    if arguments.json:
        print_json({**told, "members": members} if members else told)
        return 0
    for index, member in enumerate(members, start=1):
        print(f"member {index}: {metrics(member)}")
    print(f"{on}: {metrics(values)}")
    return 0


def predict(arguments: Arguments) -> int:
    """A CSV table of predictions."""
    from ..run.backend import use_tensorflow

    use_tensorflow()
    from ..run.reload import log_rows
    from ..run.reload import predict as predict_rows

    found = predict_rows(
        arguments.run, arguments.file, on_error=arguments.on_error, plugins=arguments.plugin
    )
    log_rows(found.notes, found.errors)
    header, rows = found.table(errors=arguments.on_error == "skip")
    if arguments.out is None:
        _write_table(sys.stdout, header, rows)
        return 0
    try:
        with open(arguments.out, "w", encoding="utf-8", newline="") as file:
            _write_table(file, header, rows)
    except OSError as error:
        raise RequestError(f"{arguments.out}: cannot be written: {error.strerror}.") from None
    skipped = f" ({len(found.errors)} rows without one)" if found.errors else ""
    print(f"{len(rows) - len(found.errors)} predictions in {arguments.out}{skipped}")
    return 0


def report(arguments: Arguments) -> int:
    """One HTML page."""
    from ..report import write_report
    from ..sweep.report import is_sweep_directory, write_sweep_report

    if len(arguments.runs) == 1 and arguments.out is None and is_sweep_directory(arguments.runs[0]):
        print(write_sweep_report(arguments.runs[0]))
        return 0
    print(write_report([Path(run) for run in arguments.runs], arguments.out))
    return 0


def _write_table(file: TextIO, header: list[str], rows: list[list]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
