"""Random generators that belong to no model: Python's, numpy's, TensorFlow's and Keras's own."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf


def capture() -> dict[str, Any]:
    """The state of each, as plain data and arrays.

    What TensorFlow's old operations (`tf.random.normal` and its like) draw inside of compiled
    functions depends on counters that nothing can read.
    """
    keras_own = _keras_generator()
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "tensorflow": np.asarray(tf.random.get_global_generator().state),
        "keras": None if keras_own is None else np.asarray(keras_own.state),
    }


def restore(states: Mapping[str, Any]) -> None:
    """Put back what `capture` gave."""
    if states["keras"] is not None:
        keras.random.normal((), seed=None)  # makes the generator, if there is none yet
        _keras_generator().state.assign(states["keras"])
    tf.random.get_global_generator().reset(states["tensorflow"])
    np.random.set_state(states["numpy"])
    # Last: Keras takes the seed of a new generator from here.
    random.setstate(states["python"])


def _keras_generator() -> Any:
    """What Keras draws from where it is given no seed; None if it has not been needed.

    Asking Keras for it would make it, and take a number from Python's generator for its seed.
    """
    from keras.src.backend.common import global_state
    from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR

    return global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)
