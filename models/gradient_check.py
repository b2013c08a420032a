"""Automatic differentiation against differences of the loss, for layers and losses of one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .arguments import positive, whole


@dataclass(frozen=True)
class GradientCheck:
    """How well the gradient of one variable agrees.

    Attributes:
        path: where the variable is.
        entries: how many of its numbers were looked at.
        error: the largest relative error, (|a - n| - r) / (|a| + |n|), where r is what the rounding
            of the loss alone does to the difference; 0 where that explains it.
        index: where it is.
        automatic: the derivative there by automatic differentiation.
        numerical: the same by differences of the loss.

    >>> GradientCheck("dense/kernel", 10, 3e-9, (0, 1), 0.25, 0.25).error < 1e-6
    True
    """

    path: str
    entries: int
    error: float
    index: tuple[int, ...]
    automatic: float
    numerical: float


def gradient_check(
    loss: Callable[[], Any],
    variables: Sequence[keras.Variable],
    *,
    entries: int = 10,
    step: float = 1e-6,
    seed: int = 0,
) -> list[GradientCheck]:
    """Compare the gradient of a loss with central differences of it, at numbers of each variable.

    The difference is (loss(w + h) - loss(w - h)) / (2 h), whose error is of order h^2. Float32 has
    too few digits for it: make the variables in float64, with
    `keras.config.set_dtype_policy("float64")` and `keras.config.set_floatx("float64")`.

    Args:
        loss: returns the loss, a scalar, at the variables' values; the same at every call.
        variables: those that it depends on, float64.
        entries: numbers of each variable that are looked at, >= 1; all where it has no more.
        step: h, > 0, as a share of max(1, |w|).
        seed: which numbers.

    Returns:
        A row for each variable, in their order. An error of 1e-6 and below is rounding; above 1e-4
        the gradient is wrong, unless the loss has a kink there, as relu has at 0.

    Raises:
        ValueError: a variable is not float64, or an argument is out of range.

    >>> w = keras.Variable([1.0, 2.0], dtype="float64")
    >>> gradient_check(lambda: tf.reduce_sum(w.value**3), [w])[0].error < 1e-6
    True
    """
    whole("entries", entries, least=1)
    positive("step", step)
    for variable in variables:
        if variable.dtype != "float64":
            raise ValueError(
                "The loss must be computed in float64: float32 has too few digits for differences. "
                f"Received: {variable.path} of {variable.dtype}"
            )
    compiled = tf.function(loss)
    with tf.GradientTape() as tape:
        value = compiled()
    found: Any = tape.gradient(value, [variable.value for variable in variables])
    gradients = [
        np.zeros(variable.shape) if g is None else np.asarray(tf.convert_to_tensor(g))
        for variable, g in zip(variables, found, strict=True)
    ]
    # The loss is a sum of many rounded numbers: some of its last digits are none.
    rounding = 16 * np.finfo("float64").eps * max(1.0, abs(float(value))) / step
    random = np.random.default_rng(seed)
    rows = []
    for variable, gradient in zip(variables, gradients, strict=True):
        chosen = random.permutation(gradient.size)[:entries]
        rows.append(_worst(compiled, variable, gradient, chosen, step, rounding))
    return rows


def _worst(
    loss: Callable[[], Any],
    variable: keras.Variable,
    gradient: np.ndarray,
    chosen: np.ndarray,
    step: float,
    rounding: float,
) -> GradientCheck:
    """The entry of a variable that agrees least."""
    worst = GradientCheck(variable.path, len(chosen), -1.0, (), 0.0, 0.0)
    values = np.array(variable)
    for flat in chosen:
        index = tuple(int(part) for part in np.unravel_index(flat, values.shape))
        numerical = _difference(loss, variable, values, index, step)
        automatic = float(gradient[index])
        apart = max(0.0, abs(automatic - numerical) - rounding)
        error = apart / max(abs(automatic) + abs(numerical), 1e-300)
        if not error <= worst.error:
            worst = GradientCheck(variable.path, len(chosen), error, index, automatic, numerical)
    variable.assign(values)
    return worst


def _difference(
    loss: Callable[[], Any], variable: keras.Variable, values: np.ndarray, index: Any, step: float
) -> float:
    """The central difference of the loss at one number."""
    width = step * max(1.0, abs(float(values[index])))
    found = []
    for sign in (1.0, -1.0):
        moved = values.copy()
        moved[index] += sign * width
        variable.assign(moved)
        found.append(float(loss()))
    return (found[0] - found[1]) / (2.0 * width)
