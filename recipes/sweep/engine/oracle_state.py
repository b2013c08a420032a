"""The state of a search on disk: one file, complete or absent."""

import json
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from ...record.contents import JSONObject
from ...record.directory import RunDirectory
from ..stored import Damaged, damaged, fits, is_trial_id, read_json
from .hyperparameters import EPOCHS, INITIAL_EPOCH, PARENT
from .search import Search

STATE = "state.json"
MEND = (
    "Put a copy of it back; or remove it: the search then starts again, and reads what is finished "
    "from the directories of the trials."
)
# What reading a state of another form may raise, in keras-tuner's code as well.
WRONG = (ValueError, KeyError, TypeError, AttributeError, IndexError)


class OracleState:
    """Where the state of a sweep's search is stored.

    keras-tuner writes a file for the oracle and one for each trial; a kill between two of them
    leaves a state that never was. Here everything is one file, moved to its place in one step.

    Args:
        folder: the folder of the oracle.
    """

    def __init__(self, folder: Path):
        self.folder = RunDirectory(folder)

    def save(self, search: Search, seconds: float) -> None:
        """Write the state of a search, and how long it has taken so far."""
        oracle = search.oracle
        state = {
            "seconds": seconds,
            "oracle": oracle.get_state(),
            "trials": [_trial_state(oracle.trials[name]) for name in oracle.start_order],
            "stopped": sorted(search.stopped),
        }
        self.folder.write_text(STATE, json.dumps(state, default=_plain))

    def load(self, search: Search) -> float:
        """Restore the state of a search; trials that ran wait to be continued.

        Returns:
            Seconds that it took before; 0 where nothing is stored.

        Raises:
            RequestError: the file is there and cannot be used.
        """
        path = self.folder / STATE
        if not path.exists():
            return 0.0
        state, oracle = read_json(path, MEND), search.oracle
        try:
            check_names(state)
            seconds = float(state["seconds"])
            oracle.trials = {
                kept["trial_id"]: _trial(kept, oracle.hyperparameters) for kept in state["trials"]
            }
            oracle.set_state(state["oracle"])
            for trial in oracle.trials.values():
                check_trial(trial, oracle)
        except WRONG as error:
            what = f"is not the state of a search ({type(error).__name__}: {error!s:.200})"
            raise damaged(path, what, MEND) from None
        search.stopped = set(state.get("stopped", []))
        for trial_id in search.running:
            search.put_back(trial_id)
        return seconds


def check_names(state: JSONObject) -> None:
    """Refuse a state with an invalid name of a trial, or one of a trial that is not in it.

    Raises:
        Damaged: it is such a state.
    """
    names = [kept["trial_id"] for kept in state["trials"]]
    own = state["oracle"]
    lists = (own["start_order"], own["end_order"], own["retry_queue"], state.get("stopped", []))
    if not all(fits(found, list[str]) for found in lists):
        raise Damaged("the orders of its trials are not lists of names")
    if not all(is_trial_id(name) for name in names) or len(set(names)) < len(names):
        raise Damaged(f"names of trials: {names!r:.100}")
    others = [*own["ongoing_trials"].values(), *(name for found in lists[1:] for name in found)]
    if own["start_order"] != names or not set(others) <= set(names):
        raise Damaged("it names trials that are not in it")


def check_trial(trial: Trial, oracle: keras_tuner.Oracle) -> None:
    """Refuse a trial that no search makes: a worker would train it.

    Raises:
        Damaged: it is one.
    """
    name = f"trial {trial.trial_id}"
    values = trial.hyperparameters.values
    if not isinstance(values, dict) or not isinstance(trial.message, (str, type(None))):
        raise Damaged(f"{name} has values {values!r:.80}")
    if trial.status not in vars(TrialStatus).values():
        raise Damaged(f"{name} has the status {trial.status!r:.80}")
    if trial.status == TrialStatus.COMPLETED and not fits(trial.score, float):
        raise Damaged(f"{name} has the score {trial.score!r:.80}")
    parent = values.get(PARENT)
    if parent is not None and parent not in oracle.trials:
        raise Damaged(f"{name} continues {parent!r:.80}")
    for key in (EPOCHS, INITIAL_EPOCH):
        if not fits(values.get(key, 1), int) or values.get(key, 1) < 0:
            raise Damaged(f"{name} has {key} {values[key]!r:.80}")


def _trial_state(trial: Trial) -> JSONObject:
    """What distinguishes a trial; the space itself is the oracle's."""
    state = trial.get_state()
    state["values"] = trial.hyperparameters.values
    del state["hyperparameters"]
    return state


def _trial(state: JSONObject, space: keras_tuner.HyperParameters) -> Trial:
    hyperparameters = space.copy()
    hyperparameters.values = state["values"]
    return Trial.from_state({**state, "hyperparameters": hyperparameters.get_config()})


def _plain(value: Any) -> object:
    """Numbers of numpy as numbers; sets, which oracles keep, as lists."""
    return value.item() if hasattr(value, "item") else sorted(value)
