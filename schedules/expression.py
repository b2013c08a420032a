"""A learning rate as a formula, read from a whitelist of arithmetic and never run as code."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from numbers import Integral
from typing import Any

import keras

from ..arguments import is_finite, is_number, optional, shown
from .arguments import MOST_STEPS, Steps, check_steps
from .base import Curve
from .tensors import Config, Tensor, ops

# How a fraction of steps is saved. Longer numbers are not read: `Fraction` would compute powers.
RATIO = re.compile(r"[0-9]{1,16}/[1-9][0-9]{0,15}")
MOST_CHARACTERS = 500
MOST_DEPTH = 30
Values = Mapping[str, Tensor]
Evaluator = Callable[[Values], Tensor]

OPERATORS: dict[type, Callable[[Tensor, Tensor], Tensor]] = {
    ast.Add: ops.add,
    ast.Sub: ops.subtract,
    ast.Mult: ops.multiply,
    ast.Div: ops.divide,
    ast.FloorDiv: ops.floor_divide,
    ast.Mod: ops.mod,
    ast.Pow: ops.power,
}
COMPARISONS: dict[type, Callable[[Tensor, Tensor], Tensor]] = {
    ast.Lt: ops.less,
    ast.LtE: ops.less_equal,
    ast.Gt: ops.greater,
    ast.GtE: ops.greater_equal,
}
FUNCTIONS: dict[str, tuple[int, Callable[..., Tensor]]] = {
    "abs": (1, ops.abs),
    "sqrt": (1, ops.sqrt),
    "exp": (1, ops.exp),
    "log": (1, ops.log),
    "sin": (1, ops.sin),
    "cos": (1, ops.cos),
    "tanh": (1, ops.tanh),
    "floor": (1, ops.floor),
    "ceil": (1, ops.ceil),
    "min": (2, ops.minimum),
    "max": (2, ops.maximum),
    "clip": (3, ops.clip),
}
CONSTANTS = {"pi": math.pi, "e": math.e}
VARIABLES = ("step", "epoch", "progress")


@keras.saving.register_keras_serializable(package="keras_recipes")
class Expression(Curve):
    """A rate by formula: torch's `LambdaLR` for a file.

    The formula may use numbers, `+ - * / // % **`, parentheses, comparisons in
    `a if condition else b`, the functions abs, sqrt, exp, log, sin, cos, tanh, floor, ceil, min,
    max and clip, the constants pi and e, and three variables:

    - `step`: the step, from 0
    - `epoch`: step / steps_per_epoch, with its fraction; `floor(epoch)` counts whole ones
    - `progress`: min(step, total_steps) / total_steps, from 0 to 1

    It is parsed, checked against this list and turned into Keras operations. Nothing in it is run
    as Python. A value below 0 becomes 0.

    Args:
        formula: the formula.
        steps_per_epoch: steps of an epoch, > 0; needed where the formula says `epoch`. It may be a
            fraction, as where 16 batches make a step and an epoch has 40: `Fraction(40, 16)`, or
            `"5/2"`, which is how it is saved.
        total_steps: steps of the run, >= 1; needed where it says `progress`.

    Raises:
        ValueError: the formula uses anything else, or a variable whose length is not given.

    >>> schedule = Expression("0.1 * 0.95 ** epoch", steps_per_epoch=100)
    >>> round(float(schedule(200)), 6)
    0.09025
    """

    def __init__(
        self,
        formula: str,
        steps_per_epoch: Steps | Fraction | None = None,
        total_steps: Steps | None = None,
    ):
        self.formula = formula
        self.steps_per_epoch = (
            None if steps_per_epoch is None else ratio("steps_per_epoch", steps_per_epoch)
        )
        self.total_steps = optional(check_steps, "total_steps", total_steps)
        self._evaluate, names = compiled(formula)
        for variable, length, argument in (
            ("epoch", self.steps_per_epoch, "steps_per_epoch"),
            ("progress", self.total_steps, "total_steps"),
        ):
            if variable in names and length is None:
                raise ValueError(
                    f"Argument `{argument}` must be given, as the formula says `{variable}`. "
                    f"Received: formula={formula!r}"
                )

    def rate(self, step: Tensor) -> Tensor:
        values: dict[str, Tensor] = {"step": ops.cast(step, "float64")}
        if self.steps_per_epoch is not None:
            values["epoch"] = epochs(step, self.steps_per_epoch)
        if self.total_steps is not None:
            done = ops.cast(ops.minimum(step, self.total_steps), "float64")
            values["progress"] = done / float(self.total_steps)
        rate = ops.cast(self._evaluate(values), "float64")
        return ops.maximum(rate, 0.0) + ops.zeros_like(values["step"])

    def get_config(self) -> Config:
        """The arguments; an epoch of a fraction of steps as text."""
        config = super().get_config()
        per_epoch = self.steps_per_epoch
        if per_epoch is not None:
            whole = per_epoch.denominator == 1
            config["steps_per_epoch"] = per_epoch.numerator if whole else str(per_epoch)
        return config

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        # For copies and pickles: the parsed formula holds functions, which cannot be pickled.
        return type(self), (self.formula, self.steps_per_epoch, self.total_steps)


def epochs(step: Tensor, per_epoch: Fraction) -> Tensor:
    """step / per_epoch, float64; exactly whole where an epoch ends at a step.

    Periods of `numerator` steps are `denominator` epochs. They and the rest are counted apart, in
    integers, so that many steps do not blur the rest.
    """
    length, count = per_epoch.numerator, per_epoch.denominator
    within = step % length * count
    whole = step // length * count + within // length
    return ops.cast(whole, "float64") + ops.cast(within % length, "float64") / float(length)


def ratio(name: str, value: Any) -> Fraction:
    """A positive number of steps, exactly: whole, a `Fraction`, a decimal, or text such as 5/2."""
    if isinstance(value, Fraction):
        found = value
    elif isinstance(value, str) and RATIO.fullmatch(value):
        found = Fraction(value)
    elif is_number(value) and is_finite(value):
        # The decimal that a float is written as, rather than its binary value.
        found = Fraction(int(value)) if isinstance(value, Integral) else Fraction(str(float(value)))
    else:
        raise ValueError(
            f"Argument `{name}` must be a number of steps, such as 100 or 5/2. "
            f"Received: {name}={shown(value)}"
        )
    if found <= 0:
        raise ValueError(f"Argument `{name}` must be > 0. Received: {name}={shown(value)}")
    if found.numerator * found.denominator > MOST_STEPS:
        raise ValueError(
            f"Argument `{name}` must be a ratio of smaller numbers: their product must be <= "
            f"{MOST_STEPS} (2^53). Received: {name}={shown(value)}"
        )
    return found


def compiled(formula: object) -> tuple[Evaluator, set[str]]:
    """A formula as a function of its variables, and which of them it uses."""
    if not isinstance(formula, str) or not formula.strip():
        raise ValueError(f"Argument `formula` must be text. Received: formula={formula!r}")
    if len(formula) > MOST_CHARACTERS:
        raise ValueError(f"Argument `formula` must have at most {MOST_CHARACTERS} characters.")
    try:
        tree = ast.parse(formula.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(
            f"Argument `formula` is no formula: {error}. Received: {formula!r}"
        ) from None
    names: set[str] = set()
    return _node(tree, formula, names, 0), names


def _node(node: ast.AST, formula: str, names: set[str], depth: int) -> Evaluator:
    """One node of the formula as a function; anything that is not listed is refused."""
    if depth > MOST_DEPTH:
        raise ValueError(f"Argument `formula` is nested more than {MOST_DEPTH} deep.")

    def inner(child: ast.AST) -> Evaluator:
        return _node(child, formula, names, depth + 1)

    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return _always(_constant(node.value, formula))
    if isinstance(node, ast.Name) and node.id in CONSTANTS:
        return _always(CONSTANTS[node.id])
    if isinstance(node, ast.Name) and node.id in VARIABLES:
        name = node.id
        names.add(name)
        return lambda values: values[name]
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        operator, left, right = OPERATORS[type(node.op)], inner(node.left), inner(node.right)
        return lambda values: operator(left(values), right(values))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        sign, operand = (-1.0 if isinstance(node.op, ast.USub) else 1.0), inner(node.operand)
        return lambda values: sign * operand(values)
    if isinstance(node, ast.IfExp):
        test, then, other = inner(node.test), inner(node.body), inner(node.orelse)
        return lambda values: ops.where(test(values), then(values), other(values))
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
        compare = COMPARISONS[type(node.ops[0])]
        left, right = inner(node.left), inner(node.comparators[0])
        return lambda values: compare(left(values), right(values))
    if isinstance(node, ast.Call):
        return _call(node, formula, inner)
    raise _refused(node, formula)


def _always(value: float) -> Evaluator:
    # As a tensor: Keras computes with Python's floats alone in float32, and does not `clip` them.
    return lambda values: ops.convert_to_tensor(value, "float64")


def _call(node: ast.Call, formula: str, inner: Callable[[ast.AST], Evaluator]) -> Evaluator:
    if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS or node.keywords:
        raise _refused(node, formula)
    count, function = FUNCTIONS[node.func.id]
    if len(node.args) != count:
        raise ValueError(
            f"Argument `formula`: `{node.func.id}` takes {count} values, not {len(node.args)}. "
            f"Received: {formula!r}"
        )
    given = [inner(argument) for argument in node.args]
    return lambda values: function(*(argument(values) for argument in given))


def _constant(value: Any, formula: str) -> float:
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"Argument `formula` has a number too large: {formula!r}") from None


def _refused(node: ast.AST, formula: str) -> ValueError:
    part = ast.get_source_segment(formula.strip(), node) or type(node).__name__
    return ValueError(
        f"Argument `formula` may hold arithmetic on {', '.join(VARIABLES)} alone; `{part[:60]}` "
        f"is not. Received: {formula[:200]!r}"
    )
