"""The Dense layers of a model in the order in which data pass them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras

# Layers that do not mix units, so that the next Dense layer's inputs are this one's units.
TRANSPARENT = (
    keras.layers.Dropout,
    keras.layers.AlphaDropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.Normalization,
    keras.layers.Rescaling,
    keras.layers.Flatten,
    keras.layers.Reshape,
    keras.layers.Identity,
    keras.layers.InputLayer,
)
ACTIVATION = (keras.layers.Activation, keras.layers.ReLU)
# Layers that are activations with arguments.
ACTIVATION_LAYERS = (
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
    keras.layers.Softmax,
)
RELU = ("max_value", "negative_slope", "threshold")


@dataclass
class DenseStep:
    """A Dense layer, and what follows from its place in the model.

    Attributes:
        dense: the layer.
        activation: name of its activation, of the activation layer after it, or of both.
        kept: fraction of its inputs that dropout before it keeps.
    """

    dense: keras.layers.Dense
    activation: str
    kept: float = 1.0


def dense_path(model: keras.Model, count: int, names: Sequence[str] | None) -> list[DenseStep]:
    """The first Dense layers of a model, or those of some names.

    Raises:
        ValueError: there are fewer, a name is not of a Dense layer, or a layer that mixes units
            is between two of them.
    """
    if not isinstance(model, keras.Model):
        raise ValueError(f"Argument `model` must be a `keras.Model`. Received: {model!r}")
    layers = [layer for layer in _flat(model) if not isinstance(layer, keras.Model)]
    dense: list[keras.layers.Dense] = [
        layer for layer in layers if isinstance(layer, keras.layers.Dense)
    ]
    if names is not None:
        dense = _select(dense, names, count)
    if len(dense) < count:
        raise ValueError(
            f"The model has {len(dense)} Dense layers, and {count} need weights: "
            f"{', '.join(layer.name for layer in dense) or 'none'}."
        )
    positions = [layers.index(layer) for layer in dense[:count]]
    if positions != sorted(positions):
        raise ValueError(f"The layers {list(names or ())} are not in this order in the model.")
    steps, begin = [], 0
    for position in positions:
        between = layers[begin:position]
        _check_between(layers[position], between)
        rates = [layer.rate for layer in between if isinstance(layer, keras.layers.Dropout)]
        kept = math.prod(1 - rate for rate in rates) if rates else 1.0
        steps.append(DenseStep(layers[position], _activation(layers, position), kept))
        begin = position + 1
    return steps


def _flat(model: keras.Model) -> list[keras.layers.Layer]:
    """Layers from the input on, those of inner models in their place."""
    found = []
    for layer in model.layers:
        found.extend(_flat(layer) if isinstance(layer, keras.Model) else [layer])
    return found


def _select(
    dense: list[keras.layers.Dense], names: Sequence[str], count: int
) -> list[keras.layers.Dense]:
    known = {layer.name: layer for layer in dense}
    if isinstance(names, str) or len(names) != count:
        raise ValueError(f"Argument `layers` must name {count} layers. Received: {names!r}")
    for name in names:
        if name not in known:
            raise ValueError(
                f"The model has no Dense layer `{name}`. It has: {', '.join(known) or 'none'}."
            )
    if len(set(names)) < len(names):
        raise ValueError(f"Argument `layers` names a layer twice. Received: {names!r}")
    return [known[name] for name in names]


def _check_between(dense: keras.layers.Dense, between: list[keras.layers.Layer]) -> None:
    for layer in between:
        if not isinstance(layer, (*TRANSPARENT, *ACTIVATION)):
            raise ValueError(
                f"`{layer.name}` ({type(layer).__name__}) comes before `{dense.name}`. "
                "Between the layers that get weights there may only be dropout, noise, "
                "normalization, activations and reshaping."
            )


def _activation(layers: list[keras.layers.Layer], position: int) -> str:
    """Name of a Dense layer's activation; several in a row are named together."""
    found = [_function_name(layers[position].activation)]
    for layer in layers[position + 1 :]:
        if isinstance(layer, keras.layers.Activation):
            found.append(_function_name(layer.activation))
        elif isinstance(layer, ACTIVATION_LAYERS):
            found.append(_activation_layer(layer))
        elif not isinstance(layer, TRANSPARENT):
            break
    return ", then ".join(name for name in found if name != "linear") or "linear"


def _function_name(activation: Callable) -> str:
    """The name of one of Keras's functions; other objects as they print."""
    name = keras.activations.serialize(activation)
    return name if isinstance(name, str) else repr(activation)


def _activation_layer(layer: keras.layers.Layer) -> str:
    """The name of an activation layer; with other arguments it is another function."""
    plain = type(layer)().get_config() if type(layer) is keras.layers.ReLU else {}
    own = layer.get_config()
    changed = [f"{name}={own[name]}" for name in plain if name in RELU and own[name] != plain[name]]
    name = type(layer).__name__.lower()
    return f"{name} with {', '.join(changed)}" if changed else name
