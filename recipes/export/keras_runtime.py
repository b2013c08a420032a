"""SavedModels and `.keras` files as functions of arrays; TensorFlow is imported."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..run.saved_model import open_model
from .cut import input_names, predicted
from .interface import Interface
from .kinds import Format
from .runtime import SERVE, Compute, explained, in_batches
from .saved_model_ops import check_program


def opened(path: Path, interface: Interface) -> Compute:
    """A file as a function.

    Raises:
        RequestError: it is no model, or a SavedModel whose program touches files.
    """
    if interface.format is Format.KERAS:
        compute = _keras(open_model(path), interface)
    else:
        check_program(path)
        with explained(str(path)):
            compute = _saved_model(tf.saved_model.load(str(path)), interface)

    def call(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        with explained(str(path)):
            return compute(inputs)

    return in_batches(call, interface.batch)


def _keras(model: keras.Model, interface: Interface) -> Compute:
    def compute(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        given = {port.name: inputs[port.port] for port in interface.inputs}
        names = input_names(model)
        if set(names) != set(given):
            # Keras names an input that was given no name anew when it loads a model.
            given = dict(zip(names, given.values(), strict=True))
        found = predicted(model, given)
        return {port.port: found[port.name] for port in interface.outputs}

    return compute


def _saved_model(loaded: Any, interface: Interface) -> Compute:
    serve = loaded.signatures[SERVE]

    def compute(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        found = serve(**{name: tf.constant(array) for name, array in inputs.items()})
        return {port.port: found[port.port].numpy() for port in interface.outputs}

    return compute
