"""Runs in MLflow, through its client: a server, or a local SQLite store."""

import importlib
import os
import re
import time
from collections.abc import Mapping
from typing import Any

from ..record.contents import JSONObject
from ..record.result import Status
from .stored_recipe import flat
from .tracker import Ending, Histograms, TrackedRun, as_counts

URI, EXPERIMENT = "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"
# MLflow gives a run its own id; this tag of a run has the one that the run directory knows.
TAG = "keras_recipes.id"
# The tag by which MLflow's viewer shows a run below another one.
PARENT = "mlflow.parentRunId"
STATUS: Mapping[Status, str] = {
    "completed": "FINISHED",
    "interrupted": "KILLED",
    "failed": "FAILED",
}
# What MLflow takes: of a parameter its length, of a request its number of parameters.
MOST_TEXT, MOST_PARAMETERS = 500, 100


class MlflowTracker:
    """A run in MLflow, in the experiment of its recipe's name.

    `MLFLOW_TRACKING_URI` names the store, by default `mlflow.db` of the working directory, and
    `MLFLOW_EXPERIMENT_NAME` another experiment.
    """

    def __init__(self) -> None:
        uri = os.environ.get(URI) or f"sqlite:///{os.path.abspath('mlflow.db')}"
        self._mlflow = importlib.import_module("mlflow")
        self._client = self._mlflow.MlflowClient(uri)
        self._run = ""

    def begin(self, run: TrackedRun) -> set[int]:
        experiment = self._experiment(os.environ.get(EXPERIMENT) or run.group)
        runs = self._runs_with_id(experiment, run.id)
        if runs:
            self._client.update_run(runs[0].info.run_id, status="RUNNING")
        tags = {TAG: run.id}
        above = self._runs_with_id(experiment, run.parent) if run.parent else []
        if above:
            tags[PARENT] = above[0].info.run_id
        made = runs or [self._client.create_run(experiment, run_name=run.name, tags=tags)]
        self._run = made[0].info.run_id
        self._log_parameters(run.recipe, made[0].data.params)
        return self._steps("epoch")

    def _runs_with_id(self, experiment: str, known: str) -> list[Any]:
        """The run with an id of ours, or none."""
        return list(self._client.search_runs([experiment], f"tags.`{TAG}` = '{known}'"))

    def log(self, epoch: int, values: Mapping[str, float], histograms: Histograms) -> None:
        if histograms:
            # Before the metrics, by which an epoch is known to be there. MLflow has no type for it.
            counted = {name: as_counts(histogram) for name, histogram in histograms.items()}
            content = {name: {"counts": c, "edges": e} for name, (c, e) in counted.items()}
            self._client.log_dict(self._run, content, f"histograms/epoch_{epoch:05}.json")
        # One request: either all values of an epoch are there or none, `epoch` among them.
        now = int(time.time() * 1000)
        metric = self._mlflow.entities.Metric
        named = {_name(name): value for name, value in values.items()}
        rows = [metric(key, value, now, epoch) for key, value in {**named, "epoch": epoch}.items()]
        self._client.log_batch(self._run, metrics=rows)

    def end(self, ending: Ending) -> None:
        for name, value in ending.values.items():
            if ending.epoch not in self._steps(_name(name)):
                self._client.log_metric(self._run, _name(name), value, step=ending.epoch)
        for path in ending.artifacts:
            self._client.log_artifact(self._run, str(path))
        self._client.set_terminated(self._run, STATUS[ending.status])

    def _experiment(self, name: str) -> str:
        experiment = self._client.get_experiment_by_name(name)
        return experiment.experiment_id if experiment else self._client.create_experiment(name)

    def _steps(self, name: str) -> set[int]:
        """The steps at which a metric has a value."""
        return {row.step for row in self._client.get_metric_history(self._run, name)}

    def _log_parameters(self, recipe: JSONObject, known: Mapping[str, str]) -> None:
        """Log the recipe key by key; MLflow refuses to change a parameter that is there."""
        named = {_name(re.sub(r"\[(\d+)\]", r".\1", key)): str(v) for key, v in flat(recipe)}
        new = [
            self._mlflow.entities.Param(key, value[:MOST_TEXT])
            for key, value in named.items()
            if key not in known
        ]
        for first in range(0, len(new), MOST_PARAMETERS):
            self._client.log_batch(self._run, params=new[first : first + MOST_PARAMETERS])


def _name(name: str) -> str:
    """A name as MLflow takes it.

    >>> _name("recall@5")
    'recall_5'
    """
    return re.sub(r"[^\w./ -]", "_", name)
