"""Automatic differentiation against differences of the loss, for custom layers and losses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..arguments import check_positive, check_steps

# A relative error of the derivative along a direction above which single numbers are searched.
SUSPICIOUS = 1e-7
# A step along a direction of all numbers of a variable has this length: longer than one along a
# single number, because the loss is rounded and the derivative is divided by their count.
STRIDE = 10.0


@dataclass(frozen=True)
class GradientCheck:
    """How well the gradient of one variable agrees.

    Attributes:
        path: path of the variable.
        entries: how many of its numbers were checked one by one.
        error: the largest relative error, (|a - n| - r) / (|a| + |n|), where r is what the rounding
            of the loss alone does to the difference; 0 where that explains it.
        index: index of the number with that error.
        automatic: the derivative there by automatic differentiation.
        numerical: the same by differences of the loss.
        size: how many numbers the variable has.
        directions: along how many random directions all of them were checked together.
        training: whether the loss is that of training, with dropout and batch statistics.

    >>> GradientCheck("dense/kernel", 10, 3e-9, (0, 1), 0.25, 0.25).error < 1e-6
    True
    """

    path: str
    entries: int
    error: float
    index: tuple[int, ...]
    automatic: float
    numerical: float
    size: int = 0
    directions: int = 0
    training: bool = False


def gradient_check(
    loss: Callable[[], tf.Tensor],
    variables: Sequence[keras.Variable],
    *,
    entries: int = 10,
    directions: int = 3,
    step: float = 1e-6,
    seed: int = 0,
    training: bool = False,
) -> list[GradientCheck]:
    """Compare the gradient of a loss with central differences of it, for each variable.

    The difference along a direction d is (loss(w + h d) - loss(w - h d)) / (2 h), whose error is of
    order h^2. It is taken along single numbers of a variable, and along random directions in which
    all of its numbers move: there a single wrong one shows too. Where a direction disagrees, its
    numbers are halved again and again, after the half that disagrees more, down to a single number.

    Float32 has too few digits for it: make the variables in float64, with
    `keras.config.set_dtype_policy("float64")` and `keras.config.set_floatx("float64")`.

    Args:
        loss: returns the loss, a scalar, at the variables' values; the same at every call.
        variables: the variables that it depends on, float64.
        entries: numbers of each variable that are checked one by one, >= 1; all where it has no
            more.
        directions: random directions for each variable that has more numbers than that, >= 0.
        step: h, > 0, as a fraction of max(1, |w|).
        seed: which numbers and directions.
        training: whether the loss is that of training; reported in the rows.

    Returns:
        A row for each variable, in their order, with the number that agrees least. An error of 1e-6
        and below is rounding; above 1e-4 the gradient is wrong, unless the loss has a kink there,
        as relu has at 0.

    Raises:
        ValueError: a variable is not float64, an argument is out of range, or the loss is not the
            same at every call.

    >>> w = keras.Variable([1.0, 2.0], dtype="float64")
    >>> gradient_check(lambda: tf.reduce_sum(w.value**3), [w])[0].error < 1e-6
    True
    """
    check_steps("entries", entries, ge=1)
    check_steps("directions", directions)
    check_positive("step", step)
    for variable in variables:
        if variable.dtype != "float64":
            raise ValueError(
                "The loss must be computed in float64: float32 has too few digits for differences. "
                f"Received: {variable.path} of {variable.dtype}"
            )
    compiled = tf.function(loss)
    with tf.GradientTape() as tape:
        value = compiled()
    # Twice: the function that the tape called is a different one, with a separate generator.
    again = [float(compiled()), float(compiled())]
    if again != [float(value)] * 2:
        raise ValueError(
            "The loss differs from call to call, and so has no derivative. Received: "
            f"{float(value)!r}, then {again}. Fix the seed of what it draws."
        )
    found: Any = tape.gradient(value, [variable.value for variable in variables])
    # The loss is a sum of many rounded numbers: its last digits carry no information.
    rounding = 16 * np.finfo("float64").eps * max(1.0, abs(float(value)))
    random = np.random.default_rng(seed)
    rows = []
    for variable, g in zip(variables, found, strict=True):
        gradient = np.zeros(variable.shape) if g is None else np.asarray(tf.convert_to_tensor(g))
        check = _Variable(compiled, variable, gradient, step, rounding)
        rows.append(check.row(random, entries, directions, training))
    return rows


class _Variable:
    """Compares derivatives of a loss by one variable."""

    def __init__(
        self,
        loss: Callable[[], tf.Tensor],
        variable: keras.Variable,
        gradient: np.ndarray,
        step: float,
        rounding: float,
    ):
        self.loss = loss
        self.variable = variable
        self.gradient = gradient.reshape(-1)
        self.values = np.array(variable).reshape(-1)
        self.step = step
        self.rounding = rounding

    def row(
        self, random: np.random.Generator, entries: int, directions: int, training: bool
    ) -> GradientCheck:
        """The number that agrees least of those checked."""
        size = self.values.size
        chosen = list(random.permutation(size)[:entries])
        count = directions if size > entries else 0
        found = [self._wrong_entry(_direction(random, size)) for _ in range(count)]
        looked_at = list(dict.fromkeys([*chosen, *(flat for flat in found if flat is not None)]))
        entries_found = [self._entry(flat) for flat in looked_at] or [(0.0, 0, 0.0, 0.0)]
        self.variable.assign(self.values.reshape(self.variable.shape))
        # NaN agrees less than anything.
        error, flat, automatic, numerical = max(
            entries_found, key=lambda entry: (np.isnan(entry[0]), entry[0])
        )
        index = tuple(map(int, np.unravel_index(flat, self.variable.shape))) if size else ()
        return GradientCheck(
            path=self.variable.path,
            entries=len(looked_at),
            error=error,
            index=index,
            automatic=automatic,
            numerical=numerical,
            size=size,
            directions=count,
            training=training,
        )

    def _entry(self, flat: int) -> tuple[float, int, float, float]:
        """Relative error at one number, the number, and both derivatives."""
        distance = self.step * max(1.0, abs(float(self.values[flat])))
        direction = np.zeros_like(self.values)
        direction[flat] = 1.0
        numerical, automatic = self._difference(direction, distance), float(self.gradient[flat])
        apart = np.maximum(0.0, abs(automatic - numerical) - self.rounding / self.step)
        error = apart / max(abs(automatic) + abs(numerical), 1e-300)
        return float(error), int(flat), automatic, numerical

    def _wrong_entry(self, direction: np.ndarray) -> int | None:
        """Index of the number that makes the derivative along a direction wrong, or None."""
        inside = np.arange(direction.size)
        difference, tolerance = self._disagreement(direction, inside)
        if difference <= tolerance:
            return None
        while inside.size > 1:
            halves = np.array_split(inside, 2)
            inside = max(halves, key=lambda half: self._disagreement(direction, half)[0])
        return int(inside[0])

    def _disagreement(self, direction: np.ndarray, inside: np.ndarray) -> tuple[float, float]:
        """The difference of both derivatives along part of a direction, and its tolerance."""
        part = np.zeros_like(direction)
        part[inside] = direction[inside]
        length = _norm(part)
        distance = STRIDE * self.step
        numerical = length * self._difference(part / length, distance)
        automatic = float(np.sum(part * self.gradient))
        # NaN is as far apart as anything.
        apart = np.nan_to_num(abs(automatic - numerical), nan=np.inf)
        usual = _norm(part * self.gradient)
        return float(apart), SUSPICIOUS * usual + length * self.rounding / distance

    def _difference(self, direction: np.ndarray, distance: float) -> float:
        """The central difference of the loss along a direction."""
        found = []
        for sign in (1.0, -1.0):
            moved = self.values + sign * distance * direction
            self.variable.assign(moved.reshape(self.variable.shape))
            found.append(float(self.loss()))
        return (found[0] - found[1]) / (2.0 * distance)


def _direction(random: np.random.Generator, size: int) -> np.ndarray:
    """Random numbers of which none is small, so that every entry has an effect."""
    return random.uniform(0.5, 1.5, size) * random.choice([-1.0, 1.0], size)


def _norm(vector: np.ndarray) -> float:
    # `np.linalg.norm` calls the linear algebra library, whose threads a vector does not need.
    return float(np.sqrt(np.sum(np.square(vector))))
