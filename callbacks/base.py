"""Callbacks with a state that can be stored as JSON and restored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras

from .codec import Json, decode, encode


class StatefulCallback(keras.callbacks.Callback):
    """A callback whose state can be saved and restored, to resume a training exactly.

    A subclass lists the attributes that are its state in `STATE`, and sets them to their initial
    values in `reset`. The first training after `set_state` resumes from that state; any other one
    starts with `reset`. Only the listed attributes are restored: restoring all attributes of a
    Keras callback would flip the sign of its `min_delta`.
    """

    STATE: tuple[str, ...] = ()
    # Attributes that are also needed to resume in the middle of an epoch.
    MID_EPOCH_STATE: tuple[str, ...] = ()
    _restored = False

    if TYPE_CHECKING:
        # Keras initializes it with None, and annotates nothing.
        @property
        def model(self) -> keras.Model: ...

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.resume_or_reset()

    def resume_or_reset(self) -> bool:
        """Whether the training that begins resumes from a restored state; resets if it does not."""
        resumed, self._restored = self._restored, False
        if not resumed:
            self.reset()
        return resumed

    def reset(self) -> None:
        """Set the state to its initial values."""

    def flush(self) -> None:
        """Write everything that is still buffered."""

    def saved_files(self) -> tuple[str, ...]:
        """Files that this callback has written and may replace, as names in the folder `path`.

        An empty name stands for `path` itself, where that is a file.
        """
        return ()

    def get_state(self) -> dict[str, Json]:
        """The state by name, as plain data for JSON; arrays are encoded as text."""
        return {name: encode(getattr(self, name)) for name in self.STATE}

    def set_state(self, state: Mapping[str, Json]) -> None:
        """Restore a state that `get_state` returned.

        Raises:
            ValueError: a name is missing or unknown, or a value is invalid.
        """
        if set(state) != set(self.STATE):
            raise ValueError(
                f"State of `{type(self).__name__}` must have {sorted(self.STATE)}. "
                f"Received: {sorted(state)}"
            )
        found = {name: decode(state[name]) for name in self.STATE}
        self.check_state(found)
        for name, value in found.items():
            setattr(self, name, value)
        self._restored = True

    def check_state(self, state: Mapping[str, object]) -> None:
        """Refuse values that this callback never produces.

        Raises:
            ValueError: what is wrong.
        """
