"""The outputs of each layer of a model for a batch, and their statistics."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .remedies import activation_of, layers_of
from .variables import get_values, set_values

# The bounds of functions that saturate.
BOUNDS = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
}
RELUS = ("relu", "relu6")


@dataclass(frozen=True)
class LayerOutput:
    """The outputs of one layer for one batch.

    Attributes:
        layer: its path.
        activation: name of its activation function, or None.
        mean: mean of all outputs.
        deviation: standard deviation of all outputs.
        spread: how much of the outputs depends on the row: root mean square of their deviation
            over rows, divided by that of the outputs.
        saturated: fraction near a bound of sigmoid, tanh and the like; None for other functions.
        dead: fraction of units that are 0 for every row; None without a relu.
        counts: number of outputs in each bin.
        edges: the bins' edges, one more than there are bins.
    """

    layer: str
    activation: str | None
    mean: float
    deviation: float
    spread: float
    saturated: float | None
    dead: float | None
    counts: list[int]
    edges: list[float]


def statistics(
    layer: str, activation: str | None, outputs: np.ndarray, margin: float, bins: int
) -> LayerOutput:
    """Statistics of a layer's outputs; rows are the first axis and units the last.

    >>> found = statistics("d", "relu", np.array([[0.0, 2.0], [0.0, 0.0]]), margin=0.05, bins=2)
    >>> found.dead, found.counts
    (0.5, [3, 1])
    """
    outputs = np.asarray(outputs, np.float64)
    finite = outputs[np.isfinite(outputs)]
    bounds = BOUNDS.get(activation or "")
    low, high = bounds or (finite.min(initial=0.0), finite.max(initial=0.0))
    counts, edges = np.histogram(finite, bins, (low, high))
    return LayerOutput(
        layer=layer,
        activation=activation,
        mean=float(outputs.mean()),
        deviation=float(outputs.std()),
        spread=_spread(outputs),
        saturated=None if bounds is None else _saturated(outputs, bounds, margin),
        dead=_dead(outputs) if activation in RELUS else None,
        counts=counts.tolist(),
        edges=edges.tolist(),
    )


def _saturated(outputs: np.ndarray, bounds: tuple[float, float], margin: float) -> float:
    """Fraction of outputs within `margin`, a fraction of the range, of either bound."""
    low, high = bounds
    width = margin * (high - low)
    return float(np.mean((outputs < low + width) | (outputs > high - width)))


def _dead(outputs: np.ndarray) -> float:
    return float(np.mean(np.all(outputs.reshape(-1, outputs.shape[-1]) == 0, axis=0)))


def _spread(outputs: np.ndarray) -> float:
    size = math.sqrt(float(np.mean(np.square(outputs))))
    if size == 0 or not math.isfinite(size):
        return 0.0
    return math.sqrt(float(np.mean(np.var(outputs, axis=0)))) / size


class LayerOutputs:
    """A compiled function from a batch to the outputs of every layer of a model.

    It works for functional and subclassed models alike: while the function is traced, each layer's
    `call` is wrapped to record its outputs. Nested layers count too; containers, and layers without
    numeric outputs, do not. The model is left as it was.

    Args:
        model: a built model.
    """

    def __init__(self, model: keras.Model):
        self.model = model
        skipped = (keras.Model, keras.layers.InputLayer, keras.layers.Wrapper)
        self.layers = [layer for layer in layers_of(model) if not isinstance(layer, skipped)]
        self._found: list[tuple[keras.Layer, str]] = []
        self._outputs = tf.function(self._collected)

    def __call__(self, x: object) -> Iterator[tuple[str, str | None, np.ndarray]]:
        """Path, activation and outputs of each layer, in the order of the network."""
        others = list(self.model.non_trainable_variables)
        before = get_values(others)
        try:
            outputs = self._outputs(keras.tree.map_structure(tf.convert_to_tensor, x))
        finally:
            set_values(others, before)
        for (layer, path), output in zip(self._found, outputs, strict=True):
            yield path, activation_of(layer), output.numpy()

    def _collected(self, x: object) -> list[tf.Tensor]:
        recorded: list[tuple[keras.Layer, tf.Tensor]] = []
        with _recording(self.layers, recorded):
            self.model(x, training=False)
        self._found = list(_named([layer for layer, _ in recorded]))
        return [tf.cast(output, tf.float32) for _, output in recorded]


def _named(layers: Sequence[keras.Layer]) -> Iterator[tuple[keras.Layer, str]]:
    """Each layer with its path, and a number where it is called more than once."""
    calls: dict[int, int] = {}
    for layer in layers:
        calls[id(layer)] = number = calls.get(id(layer), 0) + 1
        path = layer.path or layer.name
        yield layer, path if number == 1 else f"{path}:{number}"


@contextmanager
def _recording(
    layers: Sequence[keras.Layer], recorded: list[tuple[keras.Layer, tf.Tensor]]
) -> Iterator[None]:
    """Let each layer's `call` add what it returns to a list."""
    before = {id(layer): vars(layer).get("call") for layer in layers}
    try:
        for layer in layers:
            # Without Keras's tracking of attributes: this one is removed after the tracing.
            object.__setattr__(layer, "call", _recorder(layer, layer.call, recorded))
        yield
    finally:
        for layer in layers:
            if before[id(layer)] is None:
                object.__delattr__(layer, "call")
            else:
                object.__setattr__(layer, "call", before[id(layer)])


def _recorder(
    layer: keras.Layer, call: Callable[..., Any], recorded: list[tuple[keras.Layer, tf.Tensor]]
) -> Callable[..., object]:
    graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()

    def called(*args: object, **kwargs: object) -> Any:
        outputs = call(*args, **kwargs)
        if not tf.is_tensor(outputs) or not outputs.dtype.is_floating or not outputs.shape.rank:
            return outputs
        # A step of a loop, or a first call that only builds, has another graph.
        if graph is None or outputs.graph is graph:
            recorded.append((layer, outputs))
        return outputs

    return called
