"""The state of an oracle on disk: one file, whole or absent."""

import json
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from ...record.directory import RunDirectory
from .layout import is_trial_id
from .stored import Damaged, damaged, fits, read_json

STATE = "state.json"
MEND = (
    "Put a copy of it back; or remove it: the search then begins again, and takes what is finished "
    "from the directories of the trials."
)
# What reading a state of another form may raise, in keras-tuner's code as well.
WRONG = (ValueError, KeyError, TypeError, AttributeError, IndexError)


class Keep:
    """Where the state of a sweep's oracle is kept.

    keras-tuner writes a file for the oracle and one for each trial; a kill between two of them
    leaves a state that never was. Here everything is one file, moved to its place in one step.

    Args:
        folder: the folder of the oracle.
    """

    def __init__(self, folder: Path):
        self.folder = RunDirectory(folder)

    def save(self, oracle: keras_tuner.Oracle, seconds: float) -> None:
        """Write the state of an oracle, and how long it has searched."""
        state = {
            "seconds": seconds,
            "oracle": oracle.get_state(),
            "trials": [_trial_state(oracle.trials[name]) for name in oracle.start_order],
        }
        text = json.dumps(state, default=_plain)
        self.folder.write_text(STATE, text)

    def load(self, oracle: keras_tuner.Oracle) -> float:
        """Bring an oracle to the state that was kept; trials that ran wait to be continued.

        Returns:
            Seconds that were searched before; 0 where nothing was kept.

        Raises:
            RequestError: the file is there and cannot be used.
        """
        path = self.folder / STATE
        if not path.exists():
            return 0.0
        state = read_json(path, MEND)
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
        for trial in oracle.ongoing_trials.values():
            oracle._retry_queue.append(trial.trial_id)
        oracle.ongoing_trials = {}
        return seconds


def check_names(state: Any) -> None:
    """Refuse a state in which a trial has no sound name, or one is named that is not there.

    Raises:
        Damaged: it is such a state.
    """
    names = [kept["trial_id"] for kept in state["trials"]]
    own = state["oracle"]
    lists = (own["start_order"], own["end_order"], own["retry_queue"])
    if not all(fits(found, list[str]) for found in lists):
        raise Damaged("the orders of its trials are no lists of names")
    if not all(is_trial_id(name) for name in names) or len(set(names)) < len(names):
        raise Damaged(f"names of trials: {names!r:.100}")
    others = [*own["end_order"], *own["retry_queue"], *own["ongoing_trials"].values()]
    if own["start_order"] != names or not set(others) <= set(names):
        raise Damaged("it names trials that are not in it")


def check_trial(trial: Trial, oracle: keras_tuner.Oracle) -> None:
    """Refuse a trial that no search makes: a worker would carry it out.

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
    parent = values.get("tuner/trial_id")
    if parent is not None and parent not in oracle.trials:
        raise Damaged(f"{name} continues {parent!r:.80}")
    for key in ("tuner/epochs", "tuner/initial_epoch"):
        if not fits(values.get(key, 1), int) or values.get(key, 1) < 0:
            raise Damaged(f"{name} has {key} {values[key]!r:.80}")


def _trial_state(trial: Trial) -> dict[str, Any]:
    """What distinguishes a trial; the space itself is the oracle's."""
    state = trial.get_state()
    state["values"] = trial.hyperparameters.values
    del state["hyperparameters"]
    return state


def _trial(state: dict[str, Any], space: keras_tuner.HyperParameters) -> Trial:
    hyperparameters = space.copy()
    hyperparameters.values = state["values"]
    return Trial.from_state({**state, "hyperparameters": hyperparameters.get_config()})


def _plain(value: Any) -> Any:
    """Numbers of numpy as numbers; sets, which oracles keep, as lists."""
    return value.item() if hasattr(value, "item") else sorted(value)
