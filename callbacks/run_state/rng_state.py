"""States of the random generators that belong to no model, and steps traced with fixed ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, TypedDict

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common import global_state
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR

STEPS = ("train_step", "test_step")


class PythonRng(TypedDict):
    """The generators that Python code draws from."""

    python: tuple[object, ...]
    numpy: tuple[Any, ...]


class ProcessRng(PythonRng):
    """All generators of a process; `keras` is None until it is first used."""

    tensorflow: np.ndarray
    keras: np.ndarray | None


def capture_python() -> PythonRng:
    """The states of Python's and NumPy's global generators."""
    numpy_state = np.random.get_state(legacy=True)
    return {"python": random.getstate(), "numpy": tuple(numpy_state)}


def restore_python(states: PythonRng) -> None:
    """Put back what `capture_python` returned."""
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])


def capture() -> ProcessRng:
    """The states of Python's, NumPy's, TensorFlow's and Keras's global generators.

    What TensorFlow's old operations (`tf.random.normal` and the like) draw inside of compiled
    functions depends on counters that nothing can read.
    """
    seeds = _keras_generator()
    return {
        **capture_python(),
        "tensorflow": np.asarray(_tensorflow_generator().state),
        "keras": None if seeds is None else np.asarray(seeds.state),
    }


def restore(states: ProcessRng) -> None:
    """Put back what `capture` returned."""
    if states["keras"] is not None:
        keras.random.normal((), seed=None)  # makes the generator if there is none yet
        seeds = _keras_generator()
        assert seeds is not None
        seeds.state.assign(states["keras"])
    _tensorflow_generator().reset(states["tensorflow"])
    # Last, because Keras takes the seed of a new generator from Python's.
    restore_python(states)


def _tensorflow_generator() -> Any:
    """TensorFlow's global generator."""
    try:
        return tf.random.get_global_generator()
    except RuntimeError:
        # Under `tf.config.experimental.enable_op_determinism` none is seeded at random.
        tf.random.set_global_generator(tf.random.Generator.from_seed(0))
        return tf.random.get_global_generator()


def _keras_generator() -> keras.random.SeedGenerator | None:
    """The generator that Keras draws from where it is given no seed; None until it is first used.

    Keras's function for it would make one, and take its seed from Python's generator.
    """
    return global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)


def check(states: object) -> None:
    """Refuse what `capture` never returns: NumPy reads beyond the end of a state it is given.

    Raises:
        ValueError: with what is wrong.
    """
    if not isinstance(states, Mapping) or set(states) != {"python", "numpy", "tensorflow", "keras"}:
        raise ValueError("`generators` must have python, numpy, tensorflow and keras")
    check_python("generators", {name: states[name] for name in ("python", "numpy")})
    if not _is_integers(states["tensorflow"], (3,), "int64"):
        raise ValueError("`generators.tensorflow` is not a state of its generator")
    if states["keras"] is not None and not _is_integers(states["keras"], (2,)):
        raise ValueError("`generators.keras` is not a state of its generator")


def check_python(name: str, states: object) -> None:
    """Refuse what `capture_python` never returns.

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
        raise ValueError(f"`{name}.python` is not a state of its generator: {error}") from None
    if not _is_numpy_state(states["numpy"]):
        raise ValueError(f"`{name}.numpy` is not a state of its generator")


def _is_numpy_state(state: object) -> bool:
    if not isinstance(state, tuple) or len(state) != 5 or state[0] != "MT19937":
        return False
    _, key, position, has_gauss, gauss = state
    if not _is_integers(key, (624,), "uint32") or type(position) is not int:
        return False
    return 0 <= position <= 624 and has_gauss in (0, 1) and isinstance(gauss, float)


def _is_integers(value: object, shape: tuple[int, ...], dtype: str | None = None) -> bool:
    if not isinstance(value, np.ndarray) or value.shape != shape or value.dtype.kind not in "iu":
        return False
    return dtype is None or value.dtype.name == dtype


def _same(first: PythonRng, second: PythonRng) -> bool:
    """Whether two states are equal."""
    pairs = zip(first["numpy"], second["numpy"], strict=True)
    return first["python"] == second["python"] and all(np.array_equal(a, b) for a, b in pairs)


# The attribute of a model with its functions, and the states with which they were traced.
TRACED = "_traced_with"


def keep_functions(model: keras.Model) -> None:
    """Let a model keep its functions from one training with a `RunState` to the next.

    They are kept where they would be traced with the same states again. It is for models without
    TensorFlow's old random operations, whose counters continue in a function that is kept.
    """
    # Not through Keras's tracking: it is no part of the model.
    object.__setattr__(model, TRACED, ())


class TracedSteps:
    """Gives Python code the same random numbers whenever TensorFlow traces a model's steps.

    A layer whose Python code draws random numbers (`keras.layers.AugMix` does) draws them while
    TensorFlow traces the step, and they become constants of the compiled program. A resumed process
    traces again, when its generators have other states, and TensorFlow may trace a step twice.

    Functions that an earlier one let trace with the same states are kept, if the model may.

    Args:
        model: whose steps are wrapped, before Keras compiles them, until `release` is called.

    Attributes:
        states: of the generators while a step is traced.
    """

    def __init__(self, model: keras.Model):
        self.states = capture_python()
        self._model = model
        # Steps that were set on the model itself, rather than on its class.
        self._own_steps = {name: vars(model)[name] for name in STEPS if name in vars(model)}
        for name in STEPS:
            setattr(model, name, self._wrapped(getattr(model, name)))
        kept = vars(model).get(TRACED)
        functions = model.train_function, model.test_function
        self._traced = bool(kept) and kept[1:] == functions and _same(kept[0], self.states)
        if not self._traced:
            # A function that was made before may hold the step without its wrapper.
            model.train_function = model.test_function = None

    def restore(self, states: PythonRng) -> None:
        """Trace with the states of a checkpoint, before the first step."""
        if self._traced and not _same(states, self.states):
            self._model.make_train_function(force=True)
            self._model.test_function = None
        self.states = states

    def release(self) -> None:
        """Give the model its steps back."""
        model = self._model
        if TRACED in vars(model):
            kept = self.states, model.train_function, model.test_function
            object.__setattr__(model, TRACED, kept)
        for name in STEPS:
            self._model.__dict__.pop(name, None)
        for name, step in self._own_steps.items():
            setattr(self._model, name, step)

    def _wrapped(self, step: Callable[..., object]) -> Callable[..., object]:
        def traced(*arguments: object) -> object:
            # Outside of a graph the draws are those of each step, which a checkpoint restores.
            if tf.executing_eagerly():
                return step(*arguments)
            before = capture_python()
            restore_python(self.states)
            try:
                return step(*arguments)
            finally:
                restore_python(before)

        return traced
