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


def check(states: Any) -> None:
    """Refuse what `capture` never gives: NumPy reads beyond the end of a state it is given.

    Raises:
        ValueError: with what is wrong.
    """
    if not isinstance(states, Mapping) or set(states) != {"python", "numpy", "tensorflow", "keras"}:
        raise ValueError("`generators` must have python, numpy, tensorflow and keras")
    check_own("generators", {name: states[name] for name in ("python", "numpy")})
    if not _is_words(states["tensorflow"], (3,), "int64"):
        raise ValueError("`generators.tensorflow` is no state of its generator")
    if states["keras"] is not None and not _is_words(states["keras"], (2,), None):
        raise ValueError("`generators.keras` is no state of its generator")


def check_own(name: str, states: Any) -> None:
    """Refuse what are no states of Python's and numpy's generators.

    Args:
        name: what the states are called in the error.

    Raises:
        ValueError: with what is wrong.
    """
    if not isinstance(states, Mapping) or set(states) != {"python", "numpy"}:
        raise ValueError(f"`{name}` must have python and numpy")
    try:
        random.Random().setstate(states["python"])
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"`{name}.python` is no state: {error}") from None
    numpy_own = states["numpy"]
    if not isinstance(numpy_own, tuple) or len(numpy_own) != 5 or numpy_own[0] != "MT19937":
        raise ValueError(f"`{name}.numpy` is no state of its generator")
    _, key, position, has_gauss, _ = numpy_own
    whole = _is_words(key, (624,), "uint32") and type(position) is int and 0 <= position <= 624
    if not whole or has_gauss not in (0, 1) or not isinstance(numpy_own[4], float):
        raise ValueError(f"`{name}.numpy` is no state of its generator")


def _is_words(value: Any, shape: tuple[int, ...], dtype: str | None) -> bool:
    if not isinstance(value, np.ndarray) or value.shape != shape or value.dtype.kind not in "iu":
        return False
    return dtype is None or value.dtype.name == dtype


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
