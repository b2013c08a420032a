"""Evaluation and prediction with a Keras model, without Keras's progress output."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

# Keras annotates no types, and a type checker infers from its default, "auto", that `verbose` is a
# string.
SILENT: dict[str, Any] = {"verbose": 0}


def metrics_on(model: keras.Model, dataset: tf.data.Dataset) -> dict[str, float]:
    """Loss and metrics of a compiled model on batches with their targets."""
    values = model.evaluate(dataset, return_dict=True, **SILENT)
    return {name: float(value) for name, value in dict(values).items()}


def outputs_of(model: keras.Model, batches: Iterable[object]) -> dict[str, np.ndarray]:
    """Outputs of a model for all rows, by name; a single output has the empty name."""
    outputs = model.predict(batches, **SILENT)
    return dict(outputs) if isinstance(outputs, Mapping) else {"": np.asarray(outputs)}
