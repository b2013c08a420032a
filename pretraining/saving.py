"""What a generative model needs to be saved by Keras, and to go on training when it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import keras

# A mix-in stands before `keras.Model`; for a type checker it has what a model has.
if TYPE_CHECKING:
    _Model = keras.Model
else:
    _Model = object


class Saved(_Model):
    """Reads arguments and optimizer from a file; a subclass says what an update changes.

    `_given` are the arguments of `compile` beside the optimizer.
    """

    _given: Mapping[str, Any]

    def updated(self) -> list[Any]:
        """The variables that an update changes, in the order of the optimizer."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """The model that `get_config` described."""
        revived = keras.saving.deserialize_keras_object
        return cls(**{k: revived(v) if isinstance(v, dict) else v for k, v in config.items()})

    def get_compile_config(self) -> dict[str, Any]:
        """The arguments of `compile`."""
        if not self.compiled:
            return {}
        return {"optimizer": keras.saving.serialize_keras_object(self.optimizer), **self._given}

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        """Compile as the saved model was; the optimizer gets its state from the file."""
        optimizer = keras.saving.deserialize_keras_object(config["optimizer"])
        self.compile(optimizer, **{k: v for k, v in config.items() if k != "optimizer"})
        if self.built:
            self.optimizer.build(self.updated())
