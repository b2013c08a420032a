"""A model card in Markdown, from what a run has recorded and nothing else."""

import os
import re
from collections.abc import Iterator, Sequence

from ..errors import legible
from ..record import directory as files
from ..record.contents import JSONObject
from ..record.directory import RunDirectory, open_run, read_result
from ..record.result import Result
from ..record.several import SCORES
from ..run.quality import class_rows
from .described import Described

MOST_COLUMNS, MOST_CLASSES, MOST_SLICES = 100, 50, 100
SPLITS = ("train", "validation", "test")


def card(run: str | os.PathLike[str]) -> str:
    """The model card of a run that has ended.

    Raises:
        RequestError: there is no run, or its files are damaged.
    """
    where = open_run(run)
    result = read_result(where)
    described = where.read_json(files.DATA)
    manifest = where.read_json(files.MANIFEST)
    recipe = where.read_text(files.RECIPE)
    sections = [
        _title(recipe, described, result),
        _data(described, manifest),
        _figures(where, result),
        _findings(result),
        _repeat(manifest, recipe),
    ]
    return "\n".join(line for section in sections for line in section) + "\n"


def _title(recipe: str, described: Described, result: Result) -> Iterator[str]:
    name = next((line[6:] for line in recipe.splitlines() if line.startswith("name: ")), "model")
    yield f"# {escaped(name)}"
    yield ""
    yield f"A Keras model for {escaped(described.get('task', 'an unknown task'))}."
    yield f"Training {result.status}: {escaped(result.reason)}, {result.epochs} epochs, "
    yield f"{result.steps} updates, {result.seconds:.0f} s."
    classes = described.get("classes") or []
    if classes:
        yield ""
        yield f"Classes: {_names(classes, MOST_CLASSES)}."
    target = described.get("target") or []
    if target:
        yield ""
        yield f"Predicted: {_names(target, MOST_COLUMNS)}."
    for name, head in (described.get("heads") or {}).items():
        of = head.get("classes")
        yield ""
        yield (
            f"Output {escaped(name)}: {escaped(head.get('task', ''))}"
            + (f", classes {_names(of, MOST_CLASSES)}" if of else "")
            + "."
        )


def _data(described: Described, manifest: JSONObject) -> Iterator[str]:
    yield ""
    yield "## What it was trained on"
    yield ""
    rows = described.get("rows") or {}
    counts = ", ".join(f"{rows[name]} {name}" for name in SPLITS if rows.get(name))
    yield f"Source {escaped(described.get('source', ''))}; rows: {counts}."
    fingerprint = (manifest.get("fingerprints") or {}).get("data")
    if fingerprint:
        yield f"Fingerprint of all rows and targets: `{escaped(fingerprint)}`."
    notes = described.get("notes") or []
    if notes:
        yield ""
        yield "What each column was taken for:"
        yield ""
        yield from (f"- {escaped(note)}" for note in notes[:MOST_COLUMNS])
        if len(notes) > MOST_COLUMNS:
            yield f"- and {len(notes) - MOST_COLUMNS} more columns"
    elif described.get("input_shape"):
        yield f"A row has shape {tuple(described['input_shape'])}."


def _figures(run: RunDirectory, result: Result) -> Iterator[str]:
    yield ""
    yield "## Figures"
    measured = {name: getattr(result, name) for name in SPLITS if getattr(result, name)}
    names = list(dict.fromkeys(name for values in measured.values() for name in values))
    yield ""
    if not names:
        yield "None was recorded."
        return
    yield from _table(
        ["", *measured],
        [[name, *(_number(values.get(name)) for values in measured.values())] for name in names],
    )
    if not result.test:
        yield ""
        yield "There was no test split, or the training did not end: no figure is of unseen rows."
    if run.has(files.QUALITY):
        for split, found in run.read_json(files.QUALITY).items():
            yield from _quality(split, found)
    if run.has(files.EVIDENCE):
        shown = run.read_json(files.EVIDENCE)
        for output, splits in shown.get(files.OUTPUTS, {"": shown}).items():
            for split, found in splits.items():
                yield from _slices(f"{split} {output}".strip(), found)


def _slices(title: str, found: JSONObject) -> Iterator[str]:
    """The mean score of the rows of each category."""
    each = found.get("slices") or []
    if not each:
        return
    score = SCORES[found["score"]]
    yield ""
    yield f"By category, {escaped(title)} rows, with 95 % bootstrap intervals:"
    yield ""
    yield from _table(
        ["column", "value", "rows", score, "from", "to"],
        [
            [
                row["column"],
                row["value"],
                *(_number(row[k]) for k in ("rows", "mean", "low", "high")),
            ]
            for row in each[:MOST_SLICES]
        ],
    )


def _quality(title: str, found: JSONObject) -> Iterator[str]:
    """Figures of probabilities, then of each class or label."""
    for output, inner in (found.get(files.OUTPUTS) or {}).items():
        yield from _quality(f"{title} {output}", inner)
    figures = found.get("figures") or {}
    if figures:
        yield ""
        yield f"Probabilities and decisions, {escaped(title)} rows:"
        yield ""
        yield from _table(
            ["", "value"], [[name, _number(value)] for name, value in figures.items()]
        )
    each = class_rows(found["confusion"]) if "confusion" in found else found.get("labels") or []
    if each:
        yield ""
        yield from _table(
            [str(name) for name in each[0]],
            [[_number(value) for value in row.values()] for row in each[:MOST_CLASSES]],
        )


def _findings(result: Result) -> Iterator[str]:
    yield ""
    yield "## What the diagnoses found"
    yield ""
    if result.findings:
        yield from (f"- {escaped(finding)}" for finding in result.findings)
    else:
        yield "No finding was recorded."


def _repeat(manifest: JSONObject, recipe: str) -> Iterator[str]:
    yield ""
    yield "## How to repeat it"
    yield ""
    yield "`keras-recipes reproduce RUN` trains it again and compares bit for bit. The recipe:"
    yield ""
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall(r"`+", recipe))])
    yield f"{fence}yaml"
    yield from (legible(line) for line in recipe.splitlines())
    yield fence
    versions = manifest.get("versions") or {}
    yield ""
    yield "Versions: " + ", ".join(f"{escaped(k)} {escaped(v)}" for k, v in versions.items()) + "."
    for key in ("seed", "git_commit", "created"):
        if manifest.get(key) is not None:
            yield f"{key.replace('_', ' ')}: {escaped(manifest[key])}".capitalize() + "."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(map(escaped, head)) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield "| " + " | ".join(map(escaped, row)) + " |"


def _names(names: Sequence[object], most: int) -> str:
    shown = ", ".join(escaped(name) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _number(value: object) -> str:
    if isinstance(value, float):
        return "not finite" if value != value else f"{value:.4f}"
    return "none" if value is None else str(value)


def escaped(text: object) -> str:
    """Text of a file as Markdown that shows it and does nothing else.

    >>> escaped("a|b <i>")
    'a\\\\|b \\\\<i\\\\>'
    """
    plain = legible(str(text)).replace("\n", " ")
    return re.sub(r"([\\`*_{}\[\]<>|#!~])", r"\\\1", plain)
