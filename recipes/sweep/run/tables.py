"""The table of all trials: what each was, what it reached, how it came along."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ....disk import when_there_is_space
from ...record.directory import RunDirectory
from ..engine.trial import Trial, TrialOutcome, plan_of
from ..spec.records import Sweep
from .layout import TABLE, TABLE_JSON, run_folders
from .row import Row
from .statistics import interval
from .training import curve, epochs_of


def row(sweep: Sweep, directory: Path, trial: Trial) -> Row:
    """The row of a trial, from its run directories."""
    plan = plan_of(sweep, trial)
    metric, direction = sweep.objective.metric, sweep.objective.direction
    folders = run_folders(directory, trial.trial_id, sweep.repeats)
    curves = [[value for _, value in curve(folder, metric)] for folder in folders]
    lines = [epochs_of(folder) for folder in folders]
    completed = trial.outcome in (TrialOutcome.COMPLETED, TrialOutcome.STOPPED)
    better = min if direction == "min" else max
    seeds = [better(values) for values in curves if values] if completed else []
    bounds = interval(seeds) if len(seeds) > 1 else None
    paused = plan.until is not None and plan.full is not None and plan.until < plan.full
    return Row(
        trial.trial_id,
        "completed" if completed else "failed" if trial.outcome else "running",
        trial.score if completed else None,
        bounds and bounds[0],
        bounds and bounds[1],
        plan.values,
        seeds,
        sum(max(0, len(epochs) - plan.first) for epochs in lines),
        plan.until,
        plan.parent,
        round(sum(_seconds(epochs, plan.first) for epochs in lines), 3),
        trial.outcome is TrialOutcome.COMPLETED and not paused,
        trial.message,
        [folder.relative_to(directory).as_posix() for folder in folders if folder.exists()],
        curves,
    )


def _seconds(lines: Sequence[dict[str, Any]], first: int) -> float:
    """The time of the epochs after the first ones; lines hold the time since the start."""
    if len(lines) <= first:
        return 0.0
    before = lines[first - 1].get("seconds", 0.0) if first else 0.0
    return lines[-1].get("seconds", 0.0) - before


class Table:
    """The rows of a sweep; those of trials that have ended are made once."""

    def __init__(self, sweep: Sweep, directory: Path):
        self.sweep = sweep
        self.directory = directory
        self._ended: dict[str, Row] = {}

    def rows(self, trials: Sequence[Trial]) -> list[Row]:
        """A row for each trial, in order."""
        found = []
        for trial in trials:
            if trial.trial_id not in self._ended:
                made = row(self.sweep, self.directory, trial)
                if made.status == "running":
                    found.append(made)
                    continue
                self._ended[trial.trial_id] = made
            found.append(self._ended[trial.trial_id])
        return found

    def write(self, trials: Sequence[Trial]) -> list[Row]:
        """Write `trials.csv`, and `trials.json` with the curve of each trial."""
        rows = self.rows(trials)
        directory = RunDirectory(self.directory)
        text, table = as_csv(rows, names_of(self.sweep)), [asdict(item) for item in rows]
        when_there_is_space(lambda: directory.write_text(TABLE, text))
        when_there_is_space(lambda: directory.write_json(TABLE_JSON, table))
        return rows


def names_of(sweep: Sweep) -> list[str]:
    """The names of the parameters, each once."""
    return list(dict.fromkeys(parameter.name for parameter in sweep.parameters))


COLUMNS = ("trial", "status", "score", "low", "high", "epochs", "seconds", "whole", "continues")


def as_csv(rows: Sequence[Row], names: Sequence[str]) -> str:
    """The table as CSV: a column for each parameter, empty where it is not active."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *names, "reason", "directory"])
    for item in rows:
        content = asdict(item)
        writer.writerow(
            [
                *(cell(content[name]) for name in COLUMNS),
                *(cell(item.values[name]) if name in item.values else "" for name in names),
                item.reason,
                " ".join(item.directories),
            ]
        )
    return text.getvalue()


def cell(value: Any) -> str:
    """A value as it is written in a table; a float so that reading it gives the same float."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
