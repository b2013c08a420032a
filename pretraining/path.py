"""The Dense layers of a model in the order in which data pass them, and what stands between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import keras

# Layers that keep units apart, so that what one Dense layer gives is what the next one takes.
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
SHAPED = (
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
    keras.layers.Softmax,
)
RELU = ("max_value", "negative_slope", "threshold")


@dataclass
class Step:
    """A Dense layer, and what follows from where it stands.

    Attributes:
        dense: the layer.
        activation: name of its activation, of the activation layer behind it, or of both.
        kept: share of its inputs that dropout before it keeps.
    """

    dense: Any
    activation: str
    kept: float = 1.0
    before: list[Any] = field(default_factory=list)


def path_of(model: Any, count: int, names: Sequence[str] | None) -> list[Step]:
    """The first Dense layers of a model, or those of some names.

    Raises:
        ValueError: there are fewer, a name is none of a Dense layer, or a layer that mixes units
            stands between two of them.
    """
    if not isinstance(model, keras.Model):
        raise ValueError(f"Argument `model` must be a `keras.Model`. Received: {model!r}")
    layers = [layer for layer in _flat(model) if not isinstance(layer, keras.Model)]
    dense = [layer for layer in layers if isinstance(layer, keras.layers.Dense)]
    if names is not None:
        dense = _named(dense, names, count)
    if len(dense) < count:
        raise ValueError(
            f"The model has {len(dense)} Dense layers, and there are {count} machines: "
            f"{', '.join(layer.name for layer in dense) or 'none'}."
        )
    positions = [layers.index(layer) for layer in dense[:count]]
    if positions != sorted(positions):
        raise ValueError(f"The layers {list(names or ())} do not stand in this order in the model.")
    begins = [0, *[position + 1 for position in positions]]
    steps = []
    for position, begin in zip(positions, begins, strict=False):
        between = layers[begin:position]
        _check_between(layers[position], between)
        rates = [layer.rate for layer in between if isinstance(layer, keras.layers.Dropout)]
        kept = 1.0
        for rate in rates:
            kept *= 1 - rate
        steps.append(Step(layers[position], _activation(layers, position), kept, between))
    return steps


def _flat(model: Any) -> list[Any]:
    """Layers from the input on, those of inner models in their place."""
    found = []
    for layer in model.layers:
        found.extend(_flat(layer) if isinstance(layer, keras.Model) else [layer])
    return found


def _named(dense: list[Any], names: Sequence[str], count: int) -> list[Any]:
    known = {layer.name: layer for layer in dense}
    if isinstance(names, str) or len(names) != count:
        raise ValueError(
            f"Argument `layers` must name {count} layers, one a machine. Received: {names!r}"
        )
    for name in names:
        if name not in known:
            raise ValueError(
                f"The model has no Dense layer `{name}`. It has: {', '.join(known) or 'none'}."
            )
    if len(set(names)) < len(names):
        raise ValueError(f"Argument `layers` names a layer twice. Received: {names!r}")
    return [known[name] for name in names]


def _check_between(dense: Any, between: list[Any]) -> None:
    for layer in between:
        if not isinstance(layer, (*TRANSPARENT, *ACTIVATION)):
            raise ValueError(
                f"`{layer.name}` ({type(layer).__name__}) stands before `{dense.name}`. Between "
                "the layers that take weights may stand dropout, noise, normalization, "
                "activations and reshaping alone."
            )


def _activation(layers: list[Any], position: int) -> str:
    """What a Dense layer's units go through before the next Dense layer.

    Several activations in a row are named together, and are none that a machine could have.
    """
    found = [keras.activations.serialize(layers[position].activation)]
    for layer in layers[position + 1 :]:
        if isinstance(layer, keras.layers.Activation):
            found.append(keras.activations.serialize(layer.activation))
        elif isinstance(layer, SHAPED):
            found.append(_shaped(layer))
        elif not isinstance(layer, TRANSPARENT):
            break
    return ", then ".join(str(name) for name in found if name != "linear") or "linear"


def _shaped(layer: Any) -> str:
    """The name of an activation layer; with arguments of its own it is another function."""
    plain = type(layer)().get_config() if type(layer) is keras.layers.ReLU else {}
    own = layer.get_config()
    changed = [f"{name}={own[name]}" for name in plain if name in RELU and own[name] != plain[name]]
    name = type(layer).__name__.lower()
    return f"{name} with {', '.join(changed)}" if changed else name
