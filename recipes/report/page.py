"""The HTML page of one run; several runs have that of `several`."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ..record import directory as files
from ..record.contents import JSONObject
from ..record.several import read_run
from . import features, forecast, network, overview, pretraining, quality, rows, several, training
from .content import RunContent
from .markup import Section, document, text, write_page
from .recipe_text import greyed

# What the files of a stranger, or of a damaged run, may lead to.
WRONG_FORM = (
    AttributeError, IndexError, KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError,
)  # fmt: skip


def write_report(
    runs: Sequence[Path],
    out: str | os.PathLike | None = None,
    *,
    patience: float = 0.0,
    refresh: int = 0,
) -> Path:
    """Write one page about the runs and return where it is.

    Args:
        runs: run directories.
        out: HTML file; by default `report.html` in the first run directory.
        patience: seconds to wait for a disk that is full.
        refresh: seconds after which a browser reads the page again; 0 for never.

    Raises:
        RequestError: a directory is of no run, a file of it is damaged, or the page cannot be
            written.
    """
    target = Path(runs[0], files.REPORT) if out is None else Path(out)
    if len(runs) == 1:
        content = page(RunContent(Path(runs[0])), refresh=refresh)
    else:
        content = several.page([read_run(Path(run)) for run in runs], refresh=refresh)
    return write_page(target, content, patience=patience)


def page(run: RunContent, *, refresh: int = 0) -> str:
    """The page of a run as text."""
    result = run.result
    # Lines are read before what is wrong with them is shown.
    sections = [
        Section("Results", overview.results(result)),
        Section("Folds", overview.folds(result)),
        Section("Members", overview.members(result)),
        Section("Findings", overview.findings(result.findings)),
        Section(
            "Curves", training.metrics_section(run.curves, result.best_epoch, run.epochs_logged)
        ),
        Section("Rates", training.rates_section(run.curves)),
        Section("Gradients", training.gradients_section(run.curves, run.gradients())),
        Section("Activations", _guarded("measurements", lambda: _activations(run))),
        Section("Probabilities", _guarded(files.QUALITY, lambda: _quality(run))),
        Section(
            "Predictions", _guarded(files.EVIDENCE, lambda: rows.residuals_section(run.evidence))
        ),
        Section("Forecasts", _guarded(files.EVIDENCE, lambda: _forecasts(run))),
        Section("Pretraining", _guarded(files.PRETRAINING, lambda: _pretraining(run))),
        Section("Data", _guarded(files.DATA, lambda: features.section(run.data))),
        Section("Network", network.picture(run.network)),
        Section("Recipe", recipe(run)),
        Section("Manifest", manifest(run.manifest)),
    ]
    problems = "".join(f'<p class="failed">{text(problem)}</p>' for problem in run.problems)
    return document(run.name, overview.sentences(run) + problems, sections, refresh=refresh)


def _guarded(name: str, made: Callable[[], str]) -> str:
    """A part of the page, or an error if its file is damaged."""
    try:
        return made()
    except WRONG_FORM:
        return f'<p class="failed">{text(name)} is damaged.</p>'


def _activations(run: RunContent) -> str:
    return training.activations_section(run.activations())


def _quality(run: RunContent) -> str:
    if not run.quality:
        return ""
    return quality.section(run.quality, run.result.threshold, run.evidence)


def _forecasts(run: RunContent) -> str:
    return forecast.section(run.result.horizon, run.evidence)


def _pretraining(run: RunContent) -> str:
    if run.pretraining is None:
        return ""
    return pretraining.section(run.pretraining, run.pictures)


def recipe(run: RunContent) -> str:
    """The recipe; keys that have their default values are grey."""
    found = run.manifest.get("defaults", [])
    known = [key for key in found if isinstance(key, str)] if isinstance(found, list) else []
    note = "<p>Resolved; keys with their default values are grey.</p>" if known else ""
    return note + greyed(run.recipe, known)


def manifest(content: JSONObject) -> str:
    """Versions, machine and data, folded away."""
    shown = {key: value for key, value in content.items() if key != "defaults"}
    words = text(json.dumps(shown, indent=2))
    return f"<details><summary>versions, machine, data</summary><pre>{words}</pre></details>"
