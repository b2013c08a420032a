"""Verbs on what a training left: evaluate, predict, report."""

import csv
import sys
from pathlib import Path
from typing import Any, TextIO

from ..errors import RequestError
from .options import Arguments, metrics, print_json, takes_json, takes_plugins, takes_run, verb


def add(verbs: Any) -> None:
    measuring = verb(verbs, "evaluate", evaluate, "metrics of a run's model on one of its splits")
    takes_run(measuring)
    measuring.add_argument("--split", choices=("train", "validation", "test"), default="test")
    takes_json(measuring)
    takes_plugins(measuring)
    text = "predictions of a run's model for the rows of a file"
    predicting = verb(verbs, "predict", predict, text)
    takes_run(predicting)
    predicting.add_argument("file", metavar="FILE", help="raw rows: .csv, .npz or .npy")
    takes_plugins(predicting)
    predicting.add_argument("--out", metavar="FILE", help="CSV file to write (default: stdout)")
    telling = verb(verbs, "report", report, "one HTML page from run directories, or from a sweep's")
    telling.add_argument("runs", metavar="RUN", nargs="+")
    telling.add_argument("--out", metavar="FILE", help="HTML file (default: RUN/report.html)")


def evaluate(arguments: Arguments) -> int:
    """Metrics on one split."""
    from ..run.reload import evaluate as evaluate_run
    from ..run.reload import members as evaluate_members

    values = evaluate_run(arguments.run, arguments.split)
    members = evaluate_members(arguments.run, arguments.split)
    told = {"run": arguments.run, "split": arguments.split, "metrics": values}
    if arguments.json:
        print_json({**told, "members": members} if members else told)
        return 0
    for index, member in enumerate(members, start=1):
        print(f"member {index}: {metrics(member)}")
    print(f"{arguments.split}: {metrics(values)}")
    return 0


def predict(arguments: Arguments) -> int:
    """A CSV table of predictions."""
    from ..run.reload import predict as predict_rows

    header, rows = predict_rows(arguments.run, arguments.file)
    if arguments.out is None:
        _write_table(sys.stdout, header, rows)
        return 0
    try:
        with open(arguments.out, "w", encoding="utf-8", newline="") as file:
            _write_table(file, header, rows)
    except OSError as error:
        raise RequestError(f"{arguments.out}: cannot be written: {error.strerror}.") from None
    print(f"{len(rows)} predictions in {arguments.out}")
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
