"""The state of an oracle on disk: one file, whole or absent."""

import json
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial

from ...errors import RequestError
from ...run.directory import RunDirectory

STATE = "state.json"


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
            RequestError: the file is there and cannot be read.
        """
        path = self.folder / STATE
        if not path.exists():
            return 0.0
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            oracle.trials = {
                kept["trial_id"]: _trial(kept, oracle.hyperparameters) for kept in state["trials"]
            }
            oracle.set_state(state["oracle"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RequestError(f"{path}: cannot be read: {error!r}.") from None
        for trial in oracle.ongoing_trials.values():
            oracle._retry_queue.append(trial.trial_id)
        oracle.ongoing_trials = {}
        return float(state["seconds"])


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
