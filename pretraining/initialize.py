"""Handing the weights of a deep belief network to any Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np

from ..schedules.arguments import flag, one_of
from .dbn import DBN
from .path import Step, path_of
from .rbm import RBM

ACTIVATIONS = ("same", "convert", "ignore")
DROPOUTS = ("inverted", "classic")
# Of a machine's activation, those that a network may have in its place without conversion.
ACCEPTED = {"sigmoid": ("sigmoid",), "softplus": ("softplus", "relu"), "linear": ("linear",)}


@dataclass(frozen=True)
class Handed:
    """A variable of the model that got a value.

    Attributes:
        variable: its path.
        source: which parameter of which machine.
        shape: of both.
        note: what was changed on the way, or an empty text.

    >>> print(Handed("dense/kernel", "rbm 0, weights", (4, 3)))
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
class Values:
    """Kernel and bias on their way from a machine to a layer, and what was done to them."""

    kernel: np.ndarray
    bias: np.ndarray
    sources: list[str]
    kernel_notes: list[str]
    bias_notes: list[str]


def initialize_from(
    dbn: DBN | RBM,
    model: keras.Model,
    *,
    layers: Sequence[str] | None = None,
    activation: Literal["same", "convert", "ignore"] = "same",
    dropout: Literal["inverted", "classic"] = "inverted",
    decoder: bool = False,
) -> list[Handed]:
    """Give the Dense layers of a model the weights of a network's machines.

    The first machine's weights go to the first Dense layer, and so on; Dense layers after the last
    machine keep what they have. Between the Dense layers may stand whatever keeps the units apart:
    dropout, noise, normalization, activations, flattening. Convolutions have no counterpart here.

    Args:
        dbn: a `DBN`, or one `RBM`.
        model: a model that is built.
        layers: names of the Dense layers, from the first machine to the last; None for the order
            in which they stand in the model.
        activation: `same`: a layer must have the activation that gives the mean of the machine's
            hidden units: sigmoid, softplus or relu, linear. `convert`: also tanh for Bernoulli
            units, with weights and biases changed so that the network computes the same:
            sigmoid(x) = (1 + tanh(x / 2)) / 2. `ignore`: whatever there is.
        dropout: `inverted`: the model's dropout scales what it keeps, as that of Keras does, so
            weights stay as they are. `classic`: it does not, so the kernel after a Dropout layer
            is divided by the share that it keeps (Srivastava et al. 2014).
        decoder: as many Dense layers again follow, which undo the machines from the topmost down:
            they get the transposed weights and the visible biases, as in the autoencoder of
            Hinton & Salakhutdinov (2006).

    Returns:
        A row for each variable that got a value, in order.

    Raises:
        ValueError: something does not fit: nothing is changed then.

    >>> rbm = RBM(3)
    >>> rbm.build((None, 4))
    >>> dense = keras.layers.Dense(3, activation="sigmoid", name="first")
    >>> model = keras.Sequential([keras.Input((4,)), dense])
    >>> [row.source for row in initialize_from(rbm, model)]
    ['rbm 0, weights', 'rbm 0, hidden bias']
    """
    plan = planned(
        dbn, model, layers=layers, activation=activation, dropout=dropout, decoder=decoder
    )
    return [row for values, dense in plan for row in _hand(values, dense)]


def planned(
    dbn: DBN | RBM,
    model: keras.Model,
    *,
    layers: Sequence[str] | None = None,
    activation: str = "same",
    dropout: str = "inverted",
    decoder: bool = False,
) -> list[tuple[Values, Any]]:
    """What `initialize_from` would give to which layer; nothing is changed yet.

    The machines need weights of the right shapes, which need not be trained.
    """
    one_of("activation", activation, ACTIVATIONS)
    one_of("dropout", dropout, DROPOUTS)
    machines = [dbn] if isinstance(dbn, RBM) else list(dbn.machines)
    count = len(machines) * (2 if flag("decoder", decoder) else 1)
    path = path_of(model, count, layers)
    for index, (machine, step) in enumerate(zip(machines, path, strict=False)):
        _check_built(index, machine)
        _check_shapes(f"machine {index}", (machine.width, machine.units), step)
        allowed = ACCEPTED[machine.hidden.activation]
        _check_activation(f"hidden units of machine {index}", allowed, step, activation)
    values = [_values(index, machine) for index, machine in enumerate(machines)]
    if decoder:
        values += _way_down(machines, path[len(machines) :], activation)
    if dropout == "classic":
        for value, step in zip(values, path, strict=True):
            _scale_for_dropout(value, step)
    if activation == "convert":
        _convert(values, path)
    return [(value, step.dense) for value, step in zip(values, path, strict=True)]


def _way_down(machines: list[RBM], path: list[Step], policy: str) -> list[Values]:
    """The transposed weights and visible biases, from the topmost machine down."""
    found = []
    for index, step in zip(reversed(range(len(machines))), path, strict=True):
        machine = machines[index]
        _check_shapes(f"machine {index} on the way down", (machine.units, machine.width), step)
        allowed = (machine.visible.activation,)
        _check_activation(f"visible units of machine {index}", allowed, step, policy)
        found.append(
            Values(
                np.asarray(machine.kernel, "float32").T,
                np.asarray(machine.visible_bias, "float32"),
                [f"rbm {index}, weights", f"rbm {index}, visible bias"],
                ["transposed"],
                [],
            )
        )
    return found


def _check_built(index: int, machine: RBM) -> None:
    if not machine.built:
        raise ValueError(f"Machine {index} has no weights yet: train it first.")


def _check_shapes(what: str, wanted: tuple[int, int], step: Step) -> None:
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


def _check_activation(what: str, allowed: tuple[str, ...], step: Step, policy: str) -> None:
    if policy == "convert" and "sigmoid" in allowed:
        allowed = (*allowed, "tanh")
    if policy != "ignore" and step.activation not in allowed:
        raise ValueError(
            f"Layer `{step.dense.name}` has the activation {step.activation!r}, and the {what} "
            f"ask for {' or '.join(allowed)}. Change it, or see the argument `activation` of "
            "`initialize_from`."
        )


def _values(index: int, machine: RBM) -> Values:
    kernel = np.asarray(machine.kernel, "float32")
    equations = machine.machine()
    notes = []
    if equations.variance is not None and not np.allclose(equations.variance, 1):
        # What reaches the hidden units is v / sigma^2.
        kernel = kernel / np.asarray(equations.variance)[:, None]
        notes.append("divided by sigma^2")
    bias = np.asarray(machine.hidden_bias, "float32")
    sources = [f"rbm {index}, weights", f"rbm {index}, hidden bias"]
    return Values(kernel, bias, sources, notes, [])


def _scale_for_dropout(value: Values, step: Step) -> None:
    if step.kept < 1:
        value.kernel = value.kernel / step.kept
        value.kernel_notes.append(f"divided by {step.kept:g} for dropout")


def _convert(values: list[Values], path: list[Step]) -> None:
    """Halve what tanh replaces; the next layer gets (1 + t) / 2 where it had h."""
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


def _hand(value: Values, dense: Any) -> list[Handed]:
    rows = []
    for variable, made, source, notes in zip(
        (dense.kernel, dense.bias),
        (value.kernel, value.bias),
        value.sources,
        (value.kernel_notes, value.bias_notes),
        strict=True,
    ):
        variable.assign(made)
        shape = tuple(int(length) for length in made.shape)
        rows.append(Handed(variable.path, source, shape, ", ".join(notes)))
    return rows
