"""Conditions between the values of a trial, read from a whitelist of arithmetic and never run."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

MOST_CHARACTERS = 500
MOST_DEPTH = 30

OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: lambda base, exponent: float(base) ** float(exponent),
}
COMPARISONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
# Name -> how many values it takes, or None for two and more.
FUNCTIONS: dict[str, tuple[int | None, Callable[..., Any]]] = {
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

Values = Mapping[str, Any]
Evaluator = Callable[[Values], Any]


class Inactive(Exception):
    """A key that the constraint names has no value in this trial."""


@dataclass(frozen=True)
class Constraint:
    """A condition between the values of a trial.

    A constraint that names a key without a value in the trial says nothing about that trial.

    Attributes:
        text: as it was written.
        names: keys of the recipe that it names.
        line: line of the sweep's file; None where there is none.
        column: column of it.

    >>> narrowing = compiled("model.layers[0].dense.units >= model.layers[1].dense.units")
    >>> narrowing.holds({"model.layers[0].dense.units": 64, "model.layers[1].dense.units": 32})
    True
    """

    text: str
    names: tuple[str, ...]
    line: int | None = None
    column: int | None = None

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


def compiled(text: Any, line: int | None = None, column: int | None = None) -> Constraint:
    """A constraint from its text.

    Numbers, texts, true and false; keys of the recipe; `+ - * / // % **`, comparisons, `and`, `or`,
    `not`, `a if b else c`, and the functions abs, sqrt, exp, log, log2, log10, floor, ceil, min and
    max. It is parsed and checked against this list; nothing in it is run as Python.

    Raises:
        ValueError: it holds anything else, or compares nothing.
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError("expected a condition, as `data.batch_size <= 128`.")
    return Constraint(text, _compiled(text)[1], line, column)


@lru_cache(maxsize=256)
def _compiled(text: str) -> tuple[Evaluator, tuple[str, ...]]:
    """A condition as a function of the values, and the keys that it names."""
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"a constraint has at most {MOST_CHARACTERS} characters.")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        words = getattr(error, "msg", None) or str(error)
        raise ValueError(f"is no condition: {words}.") from None
    if not isinstance(tree, (ast.Compare, ast.BoolOp)) and not (
        isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not)
    ):
        raise ValueError("expected a comparison, as `data.batch_size <= 128`.")
    names: dict[str, None] = {}
    evaluate = _Compiler(text.strip(), names).node(tree, 0)
    if not names:
        raise ValueError("names no key of the recipe.")
    return evaluate, tuple(names)


class _Compiler:
    """Turns syntax into functions, one kind of node at a time."""

    def __init__(self, text: str, names: dict[str, None]):
        self.text = text
        self.names = names

    def node(self, node: ast.AST, depth: int) -> Evaluator:
        """One node as a function of the values; anything that is not listed is refused."""
        if depth > MOST_DEPTH:
            raise ValueError(f"is nested more than {MOST_DEPTH} deep.")
        inner = [self.node(child, depth + 1) for child in self.children(node)]
        if isinstance(node, ast.Constant) and type(node.value) in (int, float, str):
            return _always(_checked(node.value))
        if isinstance(node, ast.Name) and node.id in CONSTANTS:
            return _always(CONSTANTS[node.id])
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
            return self.key(node)
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            apply, (left, right) = OPERATORS[type(node.op)], inner
            return lambda values: apply(_number(left(values)), _number(right(values)))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
            sign = operator.neg if isinstance(node.op, ast.USub) else operator.not_
            return lambda values: sign(inner[0](values))
        if isinstance(node, ast.BoolOp):
            every = all if isinstance(node.op, ast.And) else any
            return lambda values: every(part(values) for part in inner)
        if isinstance(node, ast.IfExp):
            test, then, other = inner
            return lambda values: then(values) if test(values) else other(values)
        if isinstance(node, ast.Compare):
            return _comparison([COMPARISONS[type(sign)] for sign in node.ops], inner)
        return self.call(node, inner)

    def children(self, node: ast.AST) -> list[ast.expr]:
        """What a node is made of; checks the parts that are no expressions."""
        if isinstance(node, ast.BinOp):
            return [node.left, node.right]
        if isinstance(node, ast.UnaryOp):
            return [node.operand]
        if isinstance(node, ast.BoolOp):
            return node.values
        if isinstance(node, ast.IfExp):
            return [node.test, node.body, node.orelse]
        if isinstance(node, ast.Compare) and all(type(sign) in COMPARISONS for sign in node.ops):
            return [node.left, *node.comparators]
        if isinstance(node, ast.Call) and not node.keywords:
            return node.args
        if isinstance(node, (ast.Constant, ast.Name, ast.Attribute, ast.Subscript)):
            return []
        raise self.refused(node)

    def key(self, node: ast.AST) -> Evaluator:
        """A dotted key of the recipe."""
        name = self.dotted(node)
        self.names[name] = None

        def value(values: Values) -> Any:
            if name not in values:
                raise Inactive(name)
            return values[name]

        return value

    def dotted(self, node: ast.AST) -> str:
        """The key as it is written."""
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute):
            return f"{self.dotted(node.value)}.{node.attr}"
        index = node.slice if isinstance(node, ast.Subscript) else None
        if isinstance(index, ast.Constant) and type(index.value) is int:
            assert isinstance(node, ast.Subscript)
            return f"{self.dotted(node.value)}[{index.value}]"
        raise self.refused(node)

    def call(self, node: ast.AST, inner: list[Evaluator]) -> Evaluator:
        """One of the few functions."""
        if not (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in FUNCTIONS
        ):
            raise self.refused(node)
        count, function = FUNCTIONS[node.func.id]
        if len(inner) != count if count is not None else len(inner) < 2:
            wanted = "two values or more" if count is None else f"{count} value"
            raise ValueError(f"`{node.func.id}` takes {wanted}, not {len(inner)}.")
        return lambda values: function(*(_number(part(values)) for part in inner))

    def refused(self, node: ast.AST) -> ValueError:
        """What to say of syntax that is not listed."""
        part = ast.get_source_segment(self.text, node) or type(node).__name__
        return ValueError(
            f"may hold comparisons and arithmetic on keys of the recipe alone; `{part[:60]}` is "
            "not."
        )


def _always(value: Any) -> Evaluator:
    return lambda values: value


def _checked(value: Any) -> Any:
    if isinstance(value, int) and abs(value) > 10**300:
        raise ValueError("has a number too large.")
    return value


def _number(value: Any) -> Any:
    """Arithmetic is for numbers: no text is repeated, no list joined."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is no number")
    return value


def _comparison(signs: list[Callable[[Any, Any], Any]], parts: list[Evaluator]) -> Evaluator:
    def evaluate(values: Values) -> bool:
        sides = [part(values) for part in parts]
        return all(
            sign(left, right)
            for sign, left, right in zip(signs, sides[:-1], sides[1:], strict=True)
        )

    return evaluate
