"""Conditions between the values of a trial, read from a whitelist of arithmetic and never run."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from ...errors import Problem
from ...spec.nodes import Place

MOST_CHARACTERS = 500
MOST_DEPTH = 30

# Takes two values, whose types are checked when it is called.
Operator = Callable[[Any, Any], object]
OPERATORS: dict[type, Operator] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: lambda base, exponent: float(base) ** float(exponent),
}
COMPARISONS: dict[type, Operator] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
# Name -> how many values it takes, or None for two and more.
FUNCTIONS: dict[str, tuple[int | None, Callable[..., object]]] = {
    "abs": (1, abs),
    "sqrt": (1, math.sqrt),
    "exp": (1, math.exp),
    "log": (1, math.log),
    "log2": (1, math.log2),
    "log10": (1, math.log10),
    "floor": (1, math.floor),
    "ceil": (1, math.ceil),
    "min": (None, min),
    "max": (None, max),
}
CONSTANTS = {"true": True, "false": False, "True": True, "False": False}

# Where a sweep from Python stands.
NO_FILE = Place("sweep")

Values = Mapping[str, object]
Evaluator = Callable[[Values], object]


class Inactive(Exception):
    """A key that the constraint names has no value in this trial."""


@dataclass(frozen=True)
class Constraint:
    """A condition between the values of a trial.

    A constraint that names a key without a value in the trial says nothing about that trial.

    Attributes:
        text: as it stands in the file.
        names: keys of the recipe that it names.
        place: where it stands in the sweep's file.

    >>> narrowing = compiled("model.layers[0].dense.units >= model.layers[1].dense.units")
    >>> narrowing.holds({"model.layers[0].dense.units": 64, "model.layers[1].dense.units": 32})
    True
    """

    text: str
    names: tuple[str, ...]
    place: Place = NO_FILE

    def problem(self, message: str) -> Problem:
        """A problem of this constraint, where it stands."""
        return self.place.problem("constraints", message)

    def holds(self, values: Values) -> bool:
        """Whether the condition holds, given the value of each key that has one.

        Raises:
            ValueError: the arithmetic cannot be done with these values.
        """
        try:
            # Functions cannot be sent to another process; the text can.
            return bool(_compiled(self.text)[0](values))
        except Inactive:
            return True
        except (TypeError, ArithmeticError, ValueError) as error:
            given = {name: values[name] for name in self.names if name in values}
            raise ValueError(f"cannot be computed with {given}: {error}") from None


def compiled(text: object, place: Place = NO_FILE) -> Constraint:
    """A constraint from its text.

    Numbers, texts, true and false; keys of the recipe; `+ - * / // % **`, comparisons, `and`, `or`,
    `not`, `a if b else c`, and the functions abs, sqrt, exp, log, log2, log10, floor, ceil, min and
    max. It is parsed and checked against this list; nothing in it is run as Python.

    Raises:
        ValueError: it holds anything else, or compares nothing.
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError("expected a condition, as `data.batch_size <= 128`.")
    return Constraint(text, _compiled(text)[1], place)


@lru_cache(maxsize=256)
def _compiled(text: str) -> tuple[Evaluator, tuple[str, ...]]:
    """A condition as a function of the values, and the keys that it names."""
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"a constraint has at most {MOST_CHARACTERS} characters.")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        words = getattr(error, "msg", None) or str(error)
        raise ValueError(f"is not a condition: {words}.") from None
    if not isinstance(tree, (ast.Compare, ast.BoolOp)) and not (
        isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not)
    ):
        raise ValueError("expected a comparison, as `data.batch_size <= 128`.")
    names: dict[str, None] = {}
    evaluate = _Compiler(text.strip(), names).node(tree)
    if not names:
        raise ValueError("names no key of the recipe.")
    return evaluate, tuple(names)


class _Compiler:
    """Turns syntax into functions, one kind of node at a time."""

    def __init__(self, text: str, names: dict[str, None]):
        self.text = text
        self.names = names

    def node(self, node: ast.expr, depth: int = 0) -> Evaluator:
        """One node as a function of the values; anything that is not listed is refused."""
        if depth > MOST_DEPTH:
            raise ValueError(f"is nested more than {MOST_DEPTH} deep.")

        def inner(*nodes: ast.expr) -> list[Evaluator]:
            return [self.node(each, depth + 1) for each in nodes]

        match node:
            case ast.Constant(value=value) if type(value) in (int, float, str):
                return _always(_checked(value))
            case ast.Name(id=name) if name in CONSTANTS:
                return _always(CONSTANTS[name])
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self.key(self.dotted(node))
            case ast.BinOp(op=op) if type(op) in OPERATORS:
                apply, (left, right) = OPERATORS[type(op)], inner(node.left, node.right)
                return lambda values: apply(_number(left(values)), _number(right(values)))
            case ast.UnaryOp(op=ast.USub() | ast.Not()):
                sign: Callable[[Any], object]
                sign = operator.neg if isinstance(node.op, ast.USub) else operator.not_
                (part,) = inner(node.operand)
                return lambda values: sign(part(values))
            case ast.BoolOp():
                every = all if isinstance(node.op, ast.And) else any
                parts = inner(*node.values)
                return lambda values: every(part(values) for part in parts)
            case ast.IfExp():
                test, then, other = inner(node.test, node.body, node.orelse)
                return lambda values: then(values) if test(values) else other(values)
            case ast.Compare(ops=ops) if all(type(sign) in COMPARISONS for sign in ops):
                signs = [COMPARISONS[type(sign)] for sign in ops]
                return _comparison(signs, inner(node.left, *node.comparators))
            case ast.Call(func=ast.Name(id=name), keywords=[]) if name in FUNCTIONS:
                return self.call(name, inner(*node.args))
        raise self.refused(node)

    def key(self, name: str) -> Evaluator:
        """A dotted key of the recipe."""
        self.names[name] = None

        def value(values: Values) -> object:
            if name not in values:
                raise Inactive(name)
            return values[name]

        return value

    def dotted(self, node: ast.expr) -> str:
        """The key as it is written."""
        match node:
            case ast.Name(id=name):
                return name
            case ast.Attribute(value=above, attr=name):
                return f"{self.dotted(above)}.{name}"
            case ast.Subscript(value=above, slice=ast.Constant(value=index)) if type(index) is int:
                return f"{self.dotted(above)}[{index}]"
        raise self.refused(node)

    def call(self, name: str, inner: list[Evaluator]) -> Evaluator:
        """One of the few functions."""
        count, function = FUNCTIONS[name]
        if len(inner) != count if count is not None else len(inner) < 2:
            expected = "two values or more" if count is None else f"{count} value"
            raise ValueError(f"`{name}` takes {expected}, not {len(inner)}.")
        return lambda values: function(*(_number(part(values)) for part in inner))

    def refused(self, node: ast.AST) -> ValueError:
        """The error for syntax that is not listed."""
        part = ast.get_source_segment(self.text, node) or type(node).__name__
        return ValueError(
            "may hold only comparisons and arithmetic on keys of the recipe, and "
            f"`{part[:60]}` is neither."
        )


def _always(value: object) -> Evaluator:
    return lambda values: value


def _checked(value: object) -> object:
    if isinstance(value, int) and abs(value) > 10**300:
        raise ValueError("has a number too large.")
    return value


def _number(value: object) -> float:
    """Arithmetic is for numbers: no text is repeated, no list joined."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is not a number")
    return value


def _comparison(signs: list[Operator], parts: list[Evaluator]) -> Evaluator:
    def evaluate(values: Values) -> bool:
        sides = [part(values) for part in parts]
        pairs = zip(signs, pairwise(sides), strict=True)
        return all(sign(left, right) for sign, (left, right) in pairs)

    return evaluate
