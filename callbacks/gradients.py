"""Norms of each variable's gradient and weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .remedies import layers_of
from .snapshot import assign, values


@dataclass(frozen=True)
class Row:
    """One trainable variable.

    Attributes:
        path: its path.
        layer: path of the layer it belongs to.
        gradient: norm of its gradient.
        weight: norm of its value.
        usual: norm that Glorot's initial values have in a kernel of this shape.
        size: how many numbers it holds.
        kernel: whether it connects units with units.
        symmetric: whether it feeds all units of its layer alike.
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
        """Root mean square of the gradient, which layers of different sizes can be compared by."""
        return self.gradient / math.sqrt(self.size)

    @property
    def relative(self) -> float:
        """Norm of the gradient as a multiple of that of the weights.

        Weights that begin at 0 are small for a while, and that is no sign of anything.
        """
        return self.gradient / max(self.weight, self.usual)


def rows(model: Any, norms: Mapping[str, float]) -> list[Row]:
    """A row for every trainable variable of a model, in its order, from its gradients' norms."""
    tables = {id(v) for layer in layers_of(model) if _looks_up(layer) for v in layer.weights}
    return [_row(variable, norms, id(variable) in tables) for variable in model.trainable_variables]


def _looks_up(layer: Any) -> bool:
    """Whether a layer reads rows of a table: most rows have no gradient in a batch."""
    return isinstance(layer, keras.layers.Embedding)


def _row(variable: Any, norms: Mapping[str, float], table: bool) -> Row:
    value = np.asarray(variable, np.float32)
    return Row(
        path=variable.path,
        layer=variable.path.rpartition("/")[0] or variable.path,
        gradient=float(norms.get(variable.path, 0.0)),
        weight=float(np.linalg.norm(value)),
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
    """Gradients of a model on one batch, by a compiled function of their own.

    The model is left as it was: moving statistics and random generators, which a pass of training
    moves, are put back.

    Args:
        model: a compiled model.
        x: inputs.
        y: targets.
    """

    def __init__(self, model: Any, x: Any, y: Any):
        self.model = model
        self.batch = tuple(keras.tree.map_structure(tf.convert_to_tensor, part) for part in (x, y))
        self._norms = tf.function(self._measured)

    def norms(self) -> dict[str, float]:
        """Norm of each trainable variable's gradient, by path."""
        others = list(self.model.non_trainable_variables)
        before = values(others)
        try:
            found = self._norms(*self.batch).numpy().tolist()
        finally:
            assign(others, before)
        paths = [variable.path for variable in self.model.trainable_variables]
        return dict(zip(paths, found, strict=True))

    def _measured(self, x: Any, y: Any) -> tf.Tensor:
        with tf.GradientTape() as tape:
            outputs = self.model(x, training=True)
            loss = self.model.compute_loss(x=x, y=y, y_pred=outputs, training=True)
        gradients = tape.gradient(loss, self.model.trainable_variables)
        return tf.stack(list(_norms_of(gradients)))


def _norms_of(gradients: Any) -> Iterator[tf.Tensor]:
    for gradient in gradients:
        if gradient is None:
            yield tf.constant(0.0)
        else:
            yield tf.norm(tf.cast(tf.convert_to_tensor(gradient), tf.float32))
