"""Adversarial training: the loss also at inputs that were moved to where it is higher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
import tensorflow as tf

from ..arguments import (
    Configurable,
    check_choice,
    check_fraction,
    check_positive,
    check_str,
    optional,
)
from .keras_types import Tensors
from .norms import TINY, Gradients, dense

NORMS = ("l2", "linf")
# An affine layer in front of all others is the scaling of the inputs.
SCALING_LAYERS = (keras.layers.Rescaling, keras.layers.Normalization)

# From the inputs of a model to the tensors that are moved, and from these to the outputs.
Front = Callable[[Any], Tensors]
Rest = Callable[[Tensors], Tensors]


@keras.saving.register_keras_serializable(package="keras_recipes")
class AdversarialTraining(Configurable):
    """Descends (1 - weight) * J(x) + weight * J(x + r), where the step r of a row raises its loss.

    With g the gradient of the loss J with respect to a row x, r = epsilon * g / ||g|| for the norm
    `l2` (Miyato, Dai & Goodfellow 2017) and r = epsilon * sign(g) for `linf`, the fast
    gradient sign method (Goodfellow, Shlens & Szegedy 2015). It regularizes, and makes a network
    harder to fool. It costs a second pass. Loss and metrics are those of the first; normalization
    layers see the batch twice.

    Where the model begins with a `Rescaling` or `Normalization` layer, x is what that layer gives,
    so that epsilon is in scaled units; else x is the input. Of several inputs each is moved, but
    for those of whole numbers, such as the ids of tokens: give the `layer_name` of the layer that
    embeds these.

    Args:
        epsilon: length of the step of a row, > 0: its Euclidean norm for `l2`, that of each element
            for `linf`.
        norm: `l2` or `linf`.
        weight: fraction of the loss at the moved rows, from 0 to 1.
        layer_name: that of the layer whose output is moved, for a model that is a graph.

    Raises:
        ValueError: a bad argument. When training begins: the model has no such layer, a path from
            its inputs to its outputs goes around it, or no input can be moved.

    >>> step = AdversarialTraining(0.5).step(tf.constant([[3.0, 4.0], [0.0, 0.0]]))
    >>> [[round(float(element), 6) for element in row] for row in step]
    [[0.3, 0.4], [0.0, 0.0]]
    """

    def __init__(
        self,
        epsilon: float,
        *,
        norm: Literal["l2", "linf"] = "l2",
        weight: float = 0.5,
        layer_name: str | None = None,
    ):
        self.epsilon = check_positive("epsilon", epsilon)
        self.norm = check_choice("norm", norm, NORMS)
        self.weight = check_fraction("weight", weight)
        self.layer_name = optional(check_str, "layer_name", layer_name)

    def step(self, gradient: tf.Tensor | None) -> tf.Tensor | None:
        """How far each row moves, by the gradient of the loss with respect to the rows."""
        if gradient is None:
            return None
        if self.norm == "linf":
            return self.epsilon * tf.sign(gradient)
        # Relative to the largest element: the squares of small ones would be 0.
        wide = tf.cast(gradient, tf.float32)
        axes = list(range(1, len(wide.shape)))
        wide /= tf.maximum(tf.reduce_max(tf.abs(wide), axes, keepdims=True), TINY)
        norm = tf.sqrt(tf.reduce_sum(tf.square(wide), axes, keepdims=True))
        return tf.cast(self.epsilon * tf.math.divide_no_nan(wide, norm), gradient.dtype)

    def split(self, model: keras.Model) -> tuple[Front, Rest]:
        """The model before and after the tensors that are moved.

        Raises:
            ValueError: the model has no such layer, or a path goes around it.
        """
        layer = self._layer(model)
        if layer is not None:
            return _split_at(layer, model)
        front = _tensors
        if getattr(model, "inputs", None):
            floating(model.input)
            # It casts, such as the bytes of pixels, as the model would.
            front = keras.Model(model.input, model.input, name="before_step")
        return front, lambda x: model(x, training=True)

    def _layer(self, model: keras.Model) -> keras.Layer | None:
        """The layer whose output is moved; None for the inputs of the model."""
        graph = getattr(model, "inputs", None)
        if self.layer_name is not None:
            names = [layer.name for layer in model.layers] if graph else []
            if self.layer_name not in names:
                known = ", ".join(names) or "none, for it is no graph of layers"
                raise ValueError(
                    f"`adversarial_training` names the layer {self.layer_name!r}, which the model "
                    f"does not have. Its layers: {known}."
                )
            return model.get_layer(self.layer_name)
        first = model.layers[1] if graph and len(graph) == 1 and len(model.layers) > 1 else None
        return first if isinstance(first, SCALING_LAYERS) else None

    def mixed(self, first: Gradients, second: Gradients) -> list[tf.Tensor | None]:
        """The gradient of the sum, from those of the loss at the rows and at the moved rows."""
        return [
            None if one is None or other is None else (1 - self.weight) * one + self.weight * other
            for one, other in zip(map(dense, first), map(dense, second), strict=True)
        ]


def _split_at(layer: keras.Layer, model: keras.Model) -> tuple[Front, Rest]:
    """The model before and after the output of a layer."""
    # The mask of an embedding is computed from the ids, beside the vectors.
    mask = getattr(layer.output, "_keras_mask", None)
    tensors = layer.output if mask is None else [layer.output, mask]
    floating(tensors)
    # Names of their own: Keras counts the models that have none.
    front = keras.Model(model.input, tensors, name="before_step")
    try:
        rest = keras.Model(tensors, model.output, name="after_step")
    except ValueError as error:
        raise _bypassed(layer) from error
    inputs = [other for other in rest.layers if isinstance(other, keras.layers.InputLayer)]
    if len(inputs) > len(rest.inputs):
        # Keras 3.13 makes the model even so, with the inputs that another path begins at.
        raise _bypassed(layer)
    # Without the attribute that says "masked": the mask itself goes along.
    return (
        lambda x: tf.nest.map_structure(tf.identity, front(x, training=True)),
        lambda x: rest(x, training=True),
    )


def _bypassed(layer: keras.Layer) -> ValueError:
    return ValueError(
        f"`adversarial_training` cannot move the output of the layer {layer.name!r}: not every "
        "path from the inputs to the outputs goes through it. Give the `layer_name` of one that "
        "all pass."
    )


def floating(tensors: Any) -> list[Any]:
    """Those that have a gradient: numbers, but not whole ones such as the ids of tokens.

    Raises:
        ValueError: there are none.
    """
    found = [leaf for leaf in tf.nest.flatten(tensors) if _is_floating(leaf)]
    if not found:
        raise ValueError(
            "`adversarial_training` moves numbers along a gradient, and these are whole numbers. "
            "Give the `layer_name` of the layer that embeds them."
        )
    return found


def moved(tensors: Tensors, steps: Sequence[tf.Tensor | None]) -> Tensors:
    """The tensors, of which the floating ones have made their steps."""
    left = iter(steps)

    def after_step(tensor: Any) -> Any:
        step = next(left) if _is_floating(tensor) else None
        return tensor if step is None else tensor + tf.stop_gradient(step)

    return tf.nest.map_structure(after_step, tensors)


def _is_floating(tensor: Any) -> bool:
    return tensor is not None and tf.as_dtype(tensor.dtype).is_floating


def _tensors(x: Any) -> Tensors:
    """The inputs of a model as tensors, for a tape to watch."""
    return tf.nest.map_structure(lambda one: None if one is None else tf.convert_to_tensor(one), x)
