"""Places of variables in a model: their layer, their distance from the output, the last layer."""

from __future__ import annotations

from typing import Any

import keras


def owners(model: keras.Model) -> dict[int, str]:
    """Class name of the innermost layer that owns each variable, by the variable's id."""
    found: dict[int, str] = {}
    for layer in model._flatten_layers():
        # An outer layer comes before the layers inside it, which overwrite its entry.
        for variable in layer.weights:
            if id(variable) not in found or layer is not model:
                found[id(variable)] = type(layer).__name__
    return found


def depths(model: keras.Model) -> dict[int, int]:
    """Layers with a kernel between each trainable variable's layer and the output, by its id."""
    groups: list[list[int]] = [[]]
    seen: set[int] = set()
    for layer in model._flatten_layers(include_self=False):
        own = [v for v in layer.trainable_variables if id(v) not in seen]
        if _has_weights_inside(layer) or not own:
            continue
        if any(len(variable.shape) >= 2 for variable in own):
            groups.append([])
        seen.update(id(variable) for variable in own)
        groups[-1].extend(id(variable) for variable in own)
    last = len(groups) - 1
    found = {name: last - index for index, group in enumerate(groups) for name in group}
    # A variable of the model itself, and of no layer, counts as the farthest.
    return {id(v): found.get(id(v), last) for v in model.trainable_variables}


def output_variables(model: keras.Model) -> frozenset[int]:
    """Ids of the variables of the layers with weights that are nearest to the outputs.

    For a functional model the graph is followed back from each output; otherwise it is the last
    layer with a kernel in the order in which the model's layers were made.
    """
    outputs = getattr(model, "outputs", None)
    if outputs:
        layers = [_nearest(tensor) for tensor in outputs]
    else:
        layers = [layer for layer in model._flatten_layers(include_self=False) if _is_kernel(layer)]
        layers = layers[-1:]
    return frozenset(
        id(variable) for layer in layers if layer is not None for variable in layer.weights
    )


def _nearest(tensor: Any) -> keras.Layer | None:
    """The first layer with weights on the way back from a tensor."""
    while True:
        operation, node, _ = tensor._keras_history
        # A number alone is the weight of a loss, and no part of the network.
        if any(weight.shape for weight in getattr(operation, "trainable_weights", ())):
            return operation
        parents = operation._inbound_nodes[node].input_tensors
        if not parents:
            return None
        tensor = parents[0]


def _is_kernel(layer: keras.Layer) -> bool:
    """Whether a layer has a kernel, and no layers with weights inside."""
    kernel = any(len(variable.shape) >= 2 for variable in layer.trainable_weights)
    return kernel and not _has_weights_inside(layer)


def _has_weights_inside(layer: keras.Layer) -> bool:
    return any(child.weights for child in layer._flatten_layers(include_self=False))
