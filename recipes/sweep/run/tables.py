"""The table of all trials: as rows, as CSV, and as runs for TensorBoard."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from ....callbacks.event_records import EventFile, end_summary, scalar_summary, start_summary
from ....disk import replaced_files, when_there_is_space
from ...record.contents import JSONObject
from ...record.directory import RunDirectory
from ...record.metrics import curves, read_metrics
from ..engine.trial import Trial, TrialOutcome, plan_of
from ..spec.records import Sweep
from ..spec.trial import stated
from .folder import TABLE, TABLE_JSON, TENSORBOARD, TRIALS, run_folders
from .result import TrialRow
from .winner import interval

COLUMNS = ("trial", "status", "score", "low", "high", "epochs", "seconds", "whole", "continues")
# Names of event files; nothing else is ever removed.
EVENT_FILES = "events.out.tfevents.*"


def row(sweep: Sweep, directory: Path, trial: Trial) -> TrialRow:
    """The row of a trial, from its run directories."""
    plan = plan_of(sweep, trial)
    metric, direction = sweep.objective.metric, sweep.objective.direction
    folders = run_folders(directory, trial.trial_id, sweep)
    lines = [read_metrics(folder) for folder in folders]
    found = [curves(epochs).get(metric, ([], []))[1] for epochs in lines]
    completed = trial.outcome in (TrialOutcome.COMPLETED, TrialOutcome.STOPPED)
    better = min if direction == "min" else max
    seeds = [better(values) for values in found if values] if completed else []
    bounds = interval(seeds) if len(seeds) > 1 else None
    paused = plan.until is not None and plan.full is not None and plan.until < plan.full
    return TrialRow(
        trial.trial_id,
        "completed" if completed else "failed" if trial.outcome else "running",
        trial.score if completed else None,
        bounds and bounds[0],
        bounds and bounds[1],
        {name: stated(plan.values, name) for name in plan.values},
        seeds,
        sum(max(0, len(epochs) - plan.first) for epochs in lines),
        plan.until,
        plan.parent,
        round(sum(_seconds(epochs, plan.first) for epochs in lines), 3),
        trial.outcome is TrialOutcome.COMPLETED and not paused,
        trial.message,
        [folder.relative_to(directory).as_posix() for folder in folders if folder.exists()],
        found,
    )


def _seconds(lines: Sequence[JSONObject], first: int) -> float:
    """The time of the epochs after the first ones; a line holds the time since the start."""
    if len(lines) <= first:
        return 0.0
    before = lines[first - 1].get("seconds", 0.0) if first else 0.0
    return lines[-1].get("seconds", 0.0) - before


class TrialTable:
    """The rows of a sweep; rows of trials that have ended are computed once."""

    def __init__(self, sweep: Sweep, directory: Path):
        self.sweep = sweep
        self.directory = directory
        self._ended: dict[str, TrialRow] = {}

    def rows(self, trials: Sequence[Trial]) -> list[TrialRow]:
        """A row for each trial, in order."""
        found = []
        for trial in trials:
            known = self._ended.get(trial.trial_id) or row(self.sweep, self.directory, trial)
            if known.status != "running":
                self._ended[trial.trial_id] = known
            found.append(known)
        return found

    def write(self, trials: Sequence[Trial]) -> list[TrialRow]:
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


def as_csv(rows: Sequence[TrialRow], names: Sequence[str]) -> str:
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


def cell(value: object) -> str:
    """A value as it is written in a table; a float so that reading it gives the same float."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def write_tensorboard(directory: Path, rows: Sequence[TrialRow]) -> None:
    """Write a run for each training of the trials: its values, and the curves of its metrics.

    `tensorboard --logdir SWEEP/tensorboard` shows them. Events that were written there before are
    replaced; other files stay.
    """
    for row in rows:
        for run in row.directories:
            target = directory / TENSORBOARD / run.removeprefix(f"{TRIALS}/").replace("/", "-")
            when_there_is_space(partial(_write_events, directory / run, target, row))


def _write_events(run: Path, target: Path, row: TrialRow) -> None:
    with replaced_files(target, EVENT_FILES) as beside:
        file = EventFile(beside)
        known = (bool, int, float, str)
        values = {k: v if isinstance(v, known) else cell(v) for k, v in row.values.items()}
        file.write(start_summary(values, 0.0))
        for line in read_metrics(run):
            numbers = {name: points[0] for name, (_, points) in curves([line]).items()}
            scalars = {name: numbers[name] for name in numbers if name not in ("epoch", "step")}
            file.write(scalar_summary(scalars), int(line["epoch"]))
        file.write(end_summary(row.seconds))
        file.flush()
