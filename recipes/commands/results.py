"""Verbs on the model of a run: evaluate, predict."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RequestError
from .options import (
    Arguments,
    Verbs,
    add_json,
    add_plugins,
    add_run,
    add_several,
    add_verb,
    check_run,
    metrics,
    print_json,
)

if TYPE_CHECKING:
    from ..record.contents import JSONObject
    from ..run.predictions import Predictions


def add(verbs: Verbs) -> None:
    text = "evaluate a run's model on one of its splits, or on a file with targets"
    evaluating = add_verb(verbs, "evaluate", evaluate, text)
    add_run(evaluating)
    evaluating.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="rows with targets, not a split: .csv or .npz, or a folder of pictures by class",
    )
    text = "override of the run's recipe, such as the path of data that was moved"
    evaluating.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help=text)
    evaluating.add_argument(
        "--split", choices=("train", "validation", "test"), help="default: test"
    )
    _add_on_error(evaluating)
    add_plugins(evaluating)
    add_json(evaluating)
    text = "predict with a run's model for the rows of a file"
    predicting = add_verb(verbs, "predict", predict, text)
    predicting.add_argument("run", metavar="RUN", help="run directory, or an exported file")
    predicting.add_argument(
        "file",
        metavar="FILE",
        help="raw rows: a table (.csv, .tsv, .jsonl, .parquet), .npz or .npy; a picture, or a "
        "folder of them",
    )
    predicting.add_argument(
        "--out",
        metavar="FILE",
        help="file to write: .csv, .jsonl or .parquet (default: CSV to stdout)",
    )
    text = "column of FILE that is copied beside the predictions"
    add_several(predicting, "--keep", "COLUMN", text)
    _add_on_error(predicting)
    predicting.add_argument(
        "--all-windows",
        action="store_true",
        help="of a run with windows over series: forecast from every window of the rows, and not "
        "only from the last one of each series",
    )
    add_plugins(predicting)


def _add_on_error(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--on-error",
        choices=("refuse", "skip"),
        default="refuse",
        help="refuse a file with rows that cannot be used, or skip those rows (default: refuse)",
    )


def evaluate(arguments: Arguments) -> int:
    """Metrics on one split, or on a file."""
    words = [word for word in (arguments.file, *arguments.overrides) if word is not None]
    named = [word for word in words if "=" not in word or os.path.exists(word)]
    overrides = [word for word in words if word not in named]
    if len(named) > 1 or (named and arguments.split):
        raise RequestError("evaluate: give one file, or `--split`.")
    check_run(arguments.run)
    from ..record.directory import FOLDS
    from ..run.reload import evaluated
    from ..run.reload import members as evaluate_members

    on = Path(named[0]) if named else arguments.split or "test"
    found = evaluated(
        arguments.run, on, overrides, on_error=arguments.on_error, plugins=arguments.plugin
    )
    members = evaluate_members(
        arguments.run, on, overrides, on_error=arguments.on_error, plugins=arguments.plugin
    )
    what = {"file": named[0]} if named else {"split": on}
    output = {"run": arguments.run, **what, "metrics": found.metrics, "quality": found.quality}
    word = "fold" if os.path.isdir(Path(arguments.run, FOLDS)) else "member"
    if arguments.json:
        print_json({**output, f"{word}s": members} if members else output)
        return 0
    for index, member in enumerate(members, start=1):
        print(f"{word} {index}: {metrics(member)}")
    print(f"{on}: {metrics(found.metrics)}")
    for line in _quality(on, found.quality):
        print(line)
    return 0


def _quality(on: object, quality: "JSONObject") -> Iterator[str]:
    """The quality of probabilities in lines: figures of all rows, then of each class or label."""
    from ..data.frame import plain
    from ..record.directory import OUTPUTS
    from ..run.quality import class_rows

    for output, found in quality.get(OUTPUTS, {}).items():
        yield from _quality(f"{on} {output}", found)
    if quality.get("figures"):
        yield f"{on} quality: {metrics(quality['figures'])}"
    rows = class_rows(quality["confusion"]) if "confusion" in quality else quality.get("labels", [])
    for row in rows:
        (kind, name), *cells = row.items()
        values = [_cell(key, value) for key, value in cells]
        yield f"{kind} {plain(str(name))}: {', '.join(values)}"


def _cell(name: str, value: str | float | None) -> str:
    if value is None:
        return f"{name} none"
    return f"{name} {value:.4f}" if isinstance(value, float) else f"{name} {value}"


def predict(arguments: Arguments) -> int:
    """A table of predictions."""
    from ..export.kinds import is_exported

    exported = is_exported(arguments.run)
    if not exported:
        check_run(arguments.run)
    from ..data.writing import check_ending, write_columns, write_csv

    if arguments.out is not None:
        check_ending(Path(arguments.out))
    if exported:
        found = _predict_exported(arguments)
    else:
        from ..run.reload import predict as predict_rows

        found = predict_rows(
            arguments.run,
            arguments.file,
            on_error=arguments.on_error,
            plugins=arguments.plugin,
            all_windows=arguments.all_windows,
            keep=arguments.keep,
        )
    from ..run.predictions import log_rows

    log_rows(found.notes, found.errors)
    columns = found.columns(errors=arguments.on_error == "skip")
    if arguments.out is None:
        write_csv(sys.stdout, columns)
        return 0
    write_columns(Path(arguments.out), columns)
    skipped = f" ({len(found.errors)} rows skipped)" if found.errors else ""
    print(f"{len(found) - len(found.errors)} predictions in {arguments.out}{skipped}")
    return 0


def _predict_exported(arguments: Arguments) -> "Predictions":
    """Predictions of an exported file, which needs no run."""
    from ..export.predictor import load_predictor
    from ..spec.plugins import load_plugins

    load_plugins(arguments.plugin)
    return load_predictor(arguments.run).read(
        arguments.file,
        on_error=arguments.on_error,
        all_windows=arguments.all_windows,
        keep=arguments.keep,
    )
