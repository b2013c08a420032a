"""What the callbacks share: monitored values, checked arguments, and state that can be saved."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import keras

from ..arguments import check_choice
from .state import from_plain, to_plain

Mode = Literal["auto", "min", "max"]
MODES: tuple[Mode, ...] = ("auto", "min", "max")
# Words in a metric's name that say more is better.
RISING = ("acc", "auc", "precision", "recall", "f1", "iou", "r2", "cosine_similarity", "fbeta")


class StatefulCallback(keras.callbacks.Callback):
    """A callback whose state can be taken out and put back, to continue a run exactly.

    The state is plain data that JSON can hold; arrays in it are texts of their bytes. A subclass
    lists the names of its state in `STATE`. Only what is listed is restored: restoring all
    attributes of a Keras callback turns the sign of its `min_delta`. The training after a state was
    put back continues from it; every other one begins with `reset`.
    """

    STATE: tuple[str, ...] = ()
    # What the time between two hooks needs beside it.
    MID_EPOCH_STATE: tuple[str, ...] = ()
    _resumed = False

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.resume_or_reset()

    def resume_or_reset(self) -> bool:
        """Whether the training that begins continues from a state; otherwise there is none now."""
        continues, self._resumed = self._resumed, False
        if not continues:
            self.reset()
        return continues

    def reset(self) -> None:
        """Make the state that of a callback without a past."""

    def flush(self) -> None:
        """Write what is held back until training ends."""

    def saved_files(self) -> tuple[str, ...]:
        """Files that this callback has written and may replace: names in the folder `path`.

        The empty name is that of a `path` which is a file.
        """
        return ()

    def get_state(self) -> dict[str, Any]:
        """The state, by name, as plain data."""
        return {name: to_plain(getattr(self, name)) for name in self.STATE}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Put a state back that `get_state` gave.

        Raises:
            ValueError: a name is missing, or belongs to another callback.
        """
        if set(state) != set(self.STATE):
            raise ValueError(
                f"State of `{type(self).__name__}` must have {sorted(self.STATE)}. "
                f"Received: {sorted(state)}"
            )
        found = {name: from_plain(state[name]) for name in self.STATE}
        self.check_state(found)
        for name, value in found.items():
            setattr(self, name, value)
        self._resumed = True

    def check_state(self, state: Mapping[str, Any]) -> None:
        """Refuse values that this callback never has.

        Raises:
            ValueError: with what is wrong.
        """


def lower_is_better(monitor: str, mode: Mode) -> bool:
    """Whether less of a monitored value is better."""
    if mode == "auto":
        name = monitor.removeprefix("val_")
        return not any(word in name for word in RISING)
    return mode == "min"


def monitored_value(monitor: str, logs: Mapping[str, Any] | None, who: str) -> float:
    """The monitored value of an epoch.

    Raises:
        ValueError: it is not logged: a callback that watches nothing would do nothing, silently.
    """
    if logs is None or monitor not in logs:
        known = ", ".join(sorted(logs or {})) or "nothing"
        raise ValueError(f"`{who}` watches `{monitor}`, which is not logged. Logged are: {known}.")
    return float(logs[monitor])


def is_improvement(value: float, best: float | None, min_delta: float, *, less: bool) -> bool:
    """Whether a value improves on the best by more than `min_delta`; no NaN or infinity does."""
    if not math.isfinite(value):
        return False
    if best is None:
        return True
    return value < best - min_delta if less else value > best + min_delta


def check_mode(mode: Any) -> Mode:
    """`auto`, `min` or `max`."""
    return check_choice("mode", mode, MODES)
