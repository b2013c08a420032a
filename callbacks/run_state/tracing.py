"""Training and test steps that TensorFlow traces alike whenever it does."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

STEPS = ("train_step", "test_step")


class TracedSteps:
    """Gives Python code the same random numbers each time that a model's steps are traced.

    A layer whose Python code draws random numbers (`keras.layers.AugMix` does) draws them while
    TensorFlow traces the step, and they become constants of the compiled program. A resumed process
    traces anew, at another place of its generators, and TensorFlow may trace a step twice.

    Args:
        model: whose steps are wrapped until `release` is called, before Keras compiles them.
        states: states of Python's and numpy's generators, as `capture` gives them; they may be
            replaced until the first step.
    """

    def __init__(self, model: Any, states: Mapping[str, Any]):
        self.states = states
        self._model = model
        # Steps that somebody has set on the model itself, rather than on its class.
        self._own = {name: vars(model)[name] for name in STEPS if name in vars(model)}
        for name in STEPS:
            setattr(model, name, self._wrapped(getattr(model, name)))
        # A function that was made before holds the step without its wrapper.
        model.train_function = model.test_function = None

    def release(self) -> None:
        """Give the model its own steps back."""
        for name in STEPS:
            vars(self._model).pop(name, None)
        for name, step in self._own.items():
            setattr(self._model, name, step)

    def _wrapped(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def traced(*arguments: Any) -> Any:
            # Outside of a graph the draws are those of each step, which a checkpoint restores.
            if tf.executing_eagerly():
                return step(*arguments)
            now = capture()
            restore(self.states)
            try:
                return step(*arguments)
            finally:
                restore(now)

        return traced


def capture() -> dict[str, Any]:
    """The states of the generators that Python code draws from, as plain data and arrays."""
    return {"python": random.getstate(), "numpy": np.random.get_state()}


def restore(states: Mapping[str, Any]) -> None:
    """Put back what `capture` gave."""
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
