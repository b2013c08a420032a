"""The last layer of a network that has weights."""

from __future__ import annotations

from typing import Any

import keras


def output_variables(model: keras.Model) -> frozenset[int]:
    """Ids of the variables of the layers with weights that stand nearest to the outputs.

    For a functional model the way back from each output is followed; otherwise it is the last layer
    with a kernel in the order in which the model's layers were made.
    """
    outputs = getattr(model, "outputs", None)
    if outputs:
        layers = [_nearest(tensor) for tensor in outputs]
    else:
        layers = [layer for layer in model._flatten_layers(include_self=False) if _owns(layer)]
        layers = layers[-1:]
    return frozenset(
        id(variable) for layer in layers if layer is not None for variable in layer.weights
    )


def _nearest(tensor: Any) -> Any:
    """The layer with weights on the way back from a tensor, through layers without."""
    while True:
        operation, node, _ = tensor._keras_history
        if getattr(operation, "trainable_weights", None):
            return operation
        parents = operation._inbound_nodes[node].input_tensors
        if not parents:
            return None
        tensor = parents[0]


def _owns(layer: Any) -> bool:
    inner = [child for child in layer._flatten_layers(include_self=False) if child.weights]
    return not inner and any(len(variable.shape) >= 2 for variable in layer.trainable_weights)
