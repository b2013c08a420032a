"""Norms of the gradient and the value of each variable."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .codec import record
from .remedies import layers_of
from .variables import get_values, set_values


@record
@dataclass(frozen=True)
class VariableGradient:
    """One trainable variable.

    Attributes:
        path: its path.
        layer: path of the layer it belongs to.
        gradient: norm of its gradient.
        weight: norm of its value.
        usual: norm that Glorot's initial values have in a kernel of this shape.
        size: number of its elements.
        kernel: whether it connects units with units.
        symmetric: whether all units of its layer have the same weights.
    """

    path: str
    layer: str
    gradient: float
    weight: float
    usual: float
    size: int
    kernel: bool
    symmetric: bool

    @property
    def per_weight(self) -> float:
        """Root mean square of the gradient, which does not depend on the layer's size."""
        return self.gradient / math.sqrt(self.size)

    @property
    def relative(self) -> float:
        """Norm of the gradient as a multiple of that of the weights.

        Weights that start at 0 are small for a while, which is no problem.
        """
        return self.gradient / max(self.weight, self.usual)


def rows(model: keras.Model, norms: Mapping[str, float]) -> list[VariableGradient]:
    """A row for every trainable variable of a model, in its order, from its gradients' norms."""
    # Most rows of a table have no gradient in a batch.
    tables = {
        id(variable)
        for layer in layers_of(model)
        if isinstance(layer, keras.layers.Embedding)
        for variable in layer.weights
    }
    return [_row(variable, norms, id(variable) in tables) for variable in model.trainable_variables]


def _row(variable: keras.Variable, norms: Mapping[str, float], table: bool) -> VariableGradient:
    value = np.asarray(variable, np.float32)
    flat = value.reshape(-1)
    return VariableGradient(
        path=variable.path,
        layer=variable.path.rpartition("/")[0] or variable.path,
        gradient=float(norms.get(variable.path, 0.0)),
        # In 64 bits: the squares of weights that have exploded overflow in 32.
        weight=math.sqrt(float(np.einsum("i,i->", flat, flat, dtype=np.float64))),
        usual=_usual(value.shape),
        size=value.size,
        kernel=value.ndim >= 2 and not table,
        symmetric=value.ndim >= 2 and symmetric(value),
    )


def _usual(shape: tuple[int, ...]) -> float:
    """Root of size times variance, which is 2 / (inputs + outputs)."""
    size = math.prod(shape)
    outputs = shape[-1] if shape else 1
    return math.sqrt(2 * size / (size / outputs + outputs)) if size else 1.0


def symmetric(kernel: np.ndarray) -> bool:
    """Whether all units, the last axis of a kernel, have the same weights.

    >>> symmetric(np.zeros((3, 2))), symmetric(np.eye(2)), symmetric(np.zeros((3, 1)))
    (True, False, False)
    """
    if kernel.shape[-1] < 2:
        return False
    return bool(np.all(kernel == kernel[..., :1]))


class BatchGradients:
    """Gradients of a model on one batch, by a compiled function.

    Moving statistics and random generators, which a forward pass changes, are restored.

    Args:
        model: a compiled model.
        x: inputs.
        y: targets.
    """

    def __init__(self, model: keras.Model, x: object, y: object):
        self.model = model
        self.batch = tuple(keras.tree.map_structure(tf.convert_to_tensor, part) for part in (x, y))
        self._norms = tf.function(self._measured)

    def norms(self) -> dict[str, float]:
        """Norm of each trainable variable's gradient, by path."""
        others = list(self.model.non_trainable_variables)
        before = get_values(others)
        try:
            found = self._norms(*self.batch).numpy().tolist()
        finally:
            set_values(others, before)
        paths = [variable.path for variable in self.model.trainable_variables]
        return dict(zip(paths, found, strict=True))

    def _measured(self, x: object, y: object) -> tf.Tensor:
        with tf.GradientTape() as tape:
            outputs = self.model(x, training=True)
            loss: Any = self.model.compute_loss(x=x, y=y, y_pred=outputs, training=True)
            # In 16 bits small gradients vanish unless the loss is scaled as it is in training.
            scale = self.model.optimizer.scale_loss(tf.ones_like(loss))
            scaled = loss * scale
        gradients = tape.gradient(scaled, self.model.trainable_variables)
        return tf.stack([_norm(gradient) for gradient in gradients]) / scale


def _norm(gradient: tf.Tensor | tf.IndexedSlices | None) -> tf.Tensor:
    if gradient is None:
        return tf.constant(0.0)
    return tf.norm(tf.cast(tf.convert_to_tensor(gradient), tf.float32))
