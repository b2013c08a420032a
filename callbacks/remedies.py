"""What helps against a finding: the remedies that a network does not have yet."""

from __future__ import annotations

from collections.abc import Iterator

import keras

# Activation layers by class, and functions that saturate on both sides.
ACTIVATION_LAYERS = {
    "ReLU": "relu",
    "LeakyReLU": "leaky_relu",
    "PReLU": "leaky_relu",
    "ELU": "elu",
    "Softmax": "softmax",
}
SQUASHING = ("sigmoid", "tanh", "hard_sigmoid", "hard_tanh", "softsign")
# Networks of fewer layers with kernels train without skip connections.
DEEP = 8


def layers_of(model: keras.Model) -> Iterator[keras.Layer]:
    """Every layer, nested ones included, in order."""
    return iter(model._flatten_layers(include_self=False))


def activation_of(layer: keras.Layer) -> str | None:
    """Name of the activation function that a layer ends in, or None."""
    function = getattr(layer, "activation", None)
    name = getattr(function, "__name__", type(function).__name__) if function is not None else None
    name = ACTIVATION_LAYERS.get(type(layer).__name__, name)
    return None if name == "linear" else name


class Traits:
    """What a network has already: activations, normalization, skip connections and the like.

    >>> import keras
    >>> net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="tanh")])
    >>> Traits(net).squashing, Traits(net).normalized
    (['tanh'], False)
    """

    def __init__(self, model: keras.Model):
        layers = list(layers_of(model))
        kinds = [type(layer).__name__ for layer in layers]
        # The last activation belongs to the loss: a sigmoid there is right.
        inner = [activation_of(layer) for layer in layers if activation_of(layer)]
        hidden = inner[:-1] if len(inner) > 1 else inner
        self.squashing = sorted({name for name in hidden if name in SQUASHING})
        self.relu = any(name in ("relu", "relu6") for name in inner)
        self.normalized = any(kind.endswith("Normalization") for kind in kinds)
        self.skips = any(kind in ("Add", "Concatenate", "Residual") for kind in kinds)
        self.recurrent = any(hasattr(layer, "recurrent_initializer") for layer in layers)
        self.deep = sum(getattr(layer, "kernel", None) is not None for layer in layers) >= DEEP
        optimizer = getattr(model, "optimizer", None)
        bounds = [getattr(optimizer, key, None) for key in ("clipnorm", "global_clipnorm")]
        self.clips = any([*bounds, getattr(model, "gradient_clipping", None)])


def remedy(kind: str, model: keras.Model) -> str:
    """Advice against a finding of this kind, without what the network has already."""
    text = "; ".join(_ADVICE[kind](Traits(model)) if kind in _ADVICE else ())
    return f"Remedy: {text}." if text else ""


def _vanishing(has: Traits) -> Iterator[str]:
    if has.squashing:
        names = " and ".join(has.squashing)
        yield f"relu or gelu with he_normal kernels in place of {names}, whose slope is below 1"
    else:
        yield "kernels that keep the size of the signal: he_normal for relu"
    yield from _in_between(has)


def _exploding(has: Traits) -> Iterator[str]:
    if not has.clips:
        yield "a bound on the gradient, GradientClipping(global_norm=1.0) or `global_clipnorm`"
    yield "a lower learning rate, or a warm-up"
    kernels = "orthogonal recurrent kernels" if has.recurrent else "glorot_uniform or he_normal"
    yield f"smaller initial weights: {kernels}"
    yield from _in_between(has)


def _dead(has: Traits) -> Iterator[str]:
    yield "leaky_relu, elu or gelu in place of relu" if has.relu else "another activation"
    yield "biases that start at 0 and he_normal kernels"
    yield "a lower learning rate"
    if not has.normalized:
        yield "batch or layer normalization before the activation"


def _symmetric(has: Traits) -> Iterator[str]:
    yield (
        "a random initializer, glorot_uniform or he_normal: units that start equal get equal "
        "gradients and stay equal"
    )


def _saturated(has: Traits) -> Iterator[str]:
    yield "smaller initial weights, glorot_uniform for tanh and sigmoid"
    yield "inputs of mean 0 and standard deviation 1"
    yield "relu or gelu between the layers"
    if not has.normalized:
        yield "batch or layer normalization before the activation"


def _constant(has: Traits) -> Iterator[str]:
    yield "larger initial weights, he_normal for relu, glorot_uniform for tanh"
    yield from _in_between(has)


def _in_between(has: Traits) -> Iterator[str]:
    """Remedies that keep the size of signals and gradients through many layers."""
    if not has.normalized:
        yield "batch or layer normalization between the layers"
    if has.deep and not has.skips:
        yield "skip connections around every few layers"


_ADVICE = {
    "vanishing": _vanishing,
    "exploding": _exploding,
    "dead": _dead,
    "symmetric": _symmetric,
    "saturated": _saturated,
    "constant": _constant,
}
