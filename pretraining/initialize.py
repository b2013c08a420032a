"""Initializing any Keras model with the weights of a deep belief network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import keras
import numpy as np

from ..arguments import check_bool, check_choice
from .dbn import DBN
from .path import DenseStep, dense_path
from .rbm import RBM

ACTIVATIONS = ("same", "convert", "ignore")
DROPOUTS = ("inverted", "classic")
# The activations that a layer may have for each activation of hidden units, without conversion.
ACCEPTED = {"sigmoid": ("sigmoid",), "softplus": ("softplus", "relu"), "linear": ("linear",)}


@dataclass(frozen=True)
class WeightTransfer:
    """A variable of the model that got a value.

    Attributes:
        variable: its path.
        source: which parameter of which RBM.
        shape: of both.
        note: how the values were changed, or an empty text.

    >>> print(WeightTransfer("dense/kernel", "rbm 0, weights", (4, 3)))
    dense/kernel (4, 3) <- rbm 0, weights
    """

    variable: str
    source: str
    shape: tuple[int, ...]
    note: str = ""

    def __str__(self) -> str:
        return f"{self.variable} {self.shape} <- {self.source}" + (
            f" ({self.note})" if self.note else ""
        )


@dataclass
class LayerValues:
    """Kernel and bias for a layer, where they come from, and how they were changed."""

    layer: keras.layers.Dense
    kernel: np.ndarray
    bias: np.ndarray
    sources: tuple[str, str]
    kernel_notes: list[str]
    bias_notes: list[str] = field(default_factory=list)


def initialize_from(
    dbn: DBN | RBM,
    model: keras.Model,
    *,
    layers: Sequence[str] | None = None,
    activation: Literal["same", "convert", "ignore"] = "same",
    dropout: Literal["inverted", "classic"] = "inverted",
    decoder: bool = False,
) -> list[WeightTransfer]:
    """Give the Dense layers of a model the weights of a network's RBMs.

    The first RBM's weights go to the first Dense layer, and so on; further Dense layers keep what
    they have. Between the Dense layers there may be layers that do not mix units: dropout, noise,
    normalization, activations, flattening. There are no convolutional RBMs.

    Args:
        dbn: a `DBN`, or one `RBM`.
        model: a model that is built.
        layers: names of the Dense layers, from the first RBM to the last; None for their
            order in the model.
        activation: `same`: a layer must have the activation that gives the mean of the RBM's
            hidden units: sigmoid, softplus or relu, linear. `convert`: also tanh for Bernoulli
            units, with weights and biases changed so that the network computes the same:
            sigmoid(x) = (1 + tanh(x / 2)) / 2. `ignore`: whatever there is.
        dropout: `inverted`: the model's dropout scales what it keeps, as that of Keras does, so
            weights stay as they are. `classic`: it does not, so the kernel after a Dropout layer
            is divided by the fraction that it keeps (Srivastava et al. 2014).
        decoder: as many Dense layers again follow, which undo the RBMs from the topmost down: they
            get the transposed weights and the visible biases, as in the autoencoder of
            Hinton & Salakhutdinov (2006).

    Returns:
        A row for each variable that got a value, in order.

    Raises:
        ValueError: something does not fit; then nothing is changed.

    >>> rbm = RBM(3)
    >>> rbm.build((None, 4))
    >>> dense = keras.layers.Dense(3, activation="sigmoid", name="first")
    >>> model = keras.Sequential([keras.Input((4,)), dense])
    >>> [row.source for row in initialize_from(rbm, model)]
    ['rbm 0, weights', 'rbm 0, hidden bias']
    """
    plan = plan_transfer(
        dbn, model, layers=layers, activation=activation, dropout=dropout, decoder=decoder
    )
    return [row for values in plan for row in _assign(values)]


def plan_transfer(
    dbn: DBN | RBM,
    model: keras.Model,
    *,
    layers: Sequence[str] | None = None,
    activation: str = "same",
    dropout: str = "inverted",
    decoder: bool = False,
) -> list[LayerValues]:
    """What `initialize_from` would give to which layer; it changes nothing.

    The RBMs need weights of the right shapes, which need not be trained.
    """
    check_choice("activation", activation, ACTIVATIONS)
    check_choice("dropout", dropout, DROPOUTS)
    rbms = built_rbms(dbn)
    path = dense_path(model, len(rbms) * (2 if check_bool("decoder", decoder) else 1), layers)
    values = []
    for index, (rbm, step) in enumerate(zip(rbms, path, strict=False)):
        _check_shapes(f"RBM {index}", (rbm.width, rbm.units), step)
        allowed = ACCEPTED[rbm.hidden.activation]
        _check_activation(f"hidden units of RBM {index}", allowed, step, activation)
        values.append(_encoder_values(index, rbm, step))
    if decoder:
        for index, step in zip(reversed(range(len(rbms))), path[len(rbms) :], strict=True):
            rbm = rbms[index]
            _check_shapes(f"RBM {index}, transposed", (rbm.units, rbm.width), step)
            allowed = rbm.visible.decoder_activations(rbm.width)
            _check_activation(f"visible units of RBM {index}", allowed, step, activation)
            values.append(_decoder_values(index, rbm, step))
    if dropout == "classic":
        for value, step in zip(values, path, strict=True):
            if step.kept < 1:
                value.kernel = value.kernel / step.kept
                value.kernel_notes.append(f"divided by {step.kept:g} for dropout")
    if activation == "convert":
        _convert(values, path)
    return values


def built_rbms(dbn: DBN | RBM) -> list[RBM]:
    """The RBMs of a network, or the one.

    Raises:
        ValueError: one has no weights yet.
    """
    rbms = [dbn] if isinstance(dbn, RBM) else list(dbn.rbms)
    for index, rbm in enumerate(rbms):
        if not rbm.built:
            raise ValueError(f"RBM {index} has no weights yet: train it first.")
    return rbms


def _check_shapes(what: str, wanted: tuple[int, int], step: DenseStep) -> None:
    dense = step.dense
    if not dense.built:
        raise ValueError(f"Layer `{dense.name}` is not built: call the model on data first.")
    if tuple(dense.kernel.shape) != wanted:
        raise ValueError(
            f"Layer `{dense.name}` cannot take the weights of {what}: its kernel has "
            f"shape {tuple(dense.kernel.shape)} and the weights have shape {wanted}."
        )
    if not dense.use_bias:
        raise ValueError(f"Layer `{dense.name}` has no bias, and {what} has one.")


def _check_activation(what: str, allowed: tuple[str, ...], step: DenseStep, policy: str) -> None:
    if policy == "convert" and "sigmoid" in allowed:
        allowed = (*allowed, "tanh")
    if policy != "ignore" and step.activation not in allowed:
        raise ValueError(
            f"Layer `{step.dense.name}` has the activation {step.activation!r}, and the {what} "
            f"need {' or '.join(allowed)}. Change it, or see the argument `activation` of "
            "`initialize_from`."
        )


def _encoder_values(index: int, rbm: RBM, step: DenseStep) -> LayerValues:
    kernel = np.asarray(rbm.kernel, "float32")
    variance = np.asarray(rbm.distribution().variance)
    notes = []
    if not np.allclose(variance, 1):
        # The input of the hidden units is v / sigma^2.
        kernel = kernel / variance[:, None]
        notes.append("divided by sigma^2")
    bias = np.asarray(rbm.hidden_bias, "float32")
    sources = (f"rbm {index}, weights", f"rbm {index}, hidden bias")
    return LayerValues(step.dense, kernel, bias, sources, notes)


def _decoder_values(index: int, rbm: RBM, step: DenseStep) -> LayerValues:
    kernel = np.asarray(rbm.kernel, "float32").T
    bias = np.asarray(rbm.visible_bias, "float32")
    sources = (f"rbm {index}, weights", f"rbm {index}, visible bias")
    return LayerValues(step.dense, kernel, bias, sources, ["transposed"])


def _convert(values: list[LayerValues], path: list[DenseStep]) -> None:
    """Halve the parameters of tanh layers; the next layer gets (1 + tanh) / 2 for h."""
    for value, above, step in zip(values, [*values[1:], None], path, strict=True):
        if step.activation != "tanh":
            continue
        value.kernel, value.bias = value.kernel / 2, value.bias / 2
        value.kernel_notes.append("halved for tanh")
        value.bias_notes.append("halved for tanh")
        if above is not None:
            above.bias = above.bias + above.kernel.sum(0) / 2
            above.kernel = above.kernel / 2
            above.kernel_notes.append("halved for tanh below")
            above.bias_notes.append("moved for tanh below")


def _assign(values: LayerValues) -> list[WeightTransfer]:
    layer, (kernel_source, bias_source) = values.layer, values.sources
    rows = []
    for variable, value, source, notes in (
        (layer.kernel, values.kernel, kernel_source, values.kernel_notes),
        (layer.bias, values.bias, bias_source, values.bias_notes),
    ):
        variable.assign(value)
        rows.append(WeightTransfer(variable.path, source, value.shape, ", ".join(notes)))
    return rows
