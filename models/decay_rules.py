"""Which variables decay: rules by path, layer and rank, and the table that they make."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from .arguments import expression, number, whole


@dataclass(frozen=True)
class Rule:
    """What decays how fast.

    A rule matches a variable when all that it names does.

    Args:
        factor: the rate of a variable that matches is `factor` times the rate of the whole, >= 0.
        path: a regular expression that the variable's path must hold.
        layer: class of the layer that owns the variable, `dense` or `Dense`.
        rank: number of axes of the variable.

    Raises:
        ValueError: a bad argument, or a rule that names nothing.

    >>> Rule(0.0, layer="embedding").text
    'layer embedding'
    """

    factor: float
    path: str | None = None
    layer: str | None = None
    rank: int | None = None

    def __post_init__(self) -> None:
        factor = number("factor", self.factor)
        if factor < 0:
            raise ValueError(f"Argument `factor` must be >= 0. Received: factor={self.factor}")
        object.__setattr__(self, "factor", factor)
        if self.path is not None:
            expression("path", self.path)
        if self.layer is not None and not isinstance(self.layer, str):
            raise ValueError(f"Argument `layer` must be a name. Received: layer={self.layer!r}")
        if self.rank is not None:
            whole("rank", self.rank, least=0)
        if self.path is None and self.layer is None and self.rank is None:
            raise ValueError("A rule needs at least one of `path`, `layer` and `rank`.")

    @property
    def text(self) -> str:
        """What it matches, in words."""
        named = {"path": self.path, "layer": self.layer, "rank": self.rank}
        return ", ".join(f"{name} {value}" for name, value in named.items() if value is not None)

    def matches(self, variable: keras.Variable, layer: str) -> bool:
        """Whether it speaks of a variable that a layer of this class owns."""
        return (
            (self.path is None or re.search(self.path, variable.path) is not None)
            and (self.layer is None or _plain(self.layer) == _plain(layer))
            and (self.rank is None or len(variable.shape) == self.rank)
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments that are given."""
        named = {"path": self.path, "layer": self.layer, "rank": self.rank}
        given = {name: value for name, value in named.items() if value is not None}
        return {"factor": self.factor, **given}


@dataclass(frozen=True)
class Row:
    """One variable in the table of what decays.

    Attributes:
        path: where the variable is.
        shape: its shape.
        layer: class of the layer that owns it.
        rule: what decided, in words.
        factor: its rate as a multiple of the rate of the whole; 0 does not decay.
    """

    path: str
    shape: tuple[int, ...]
    layer: str
    rule: str
    factor: float


def made_rules(rules: Sequence[Rule | Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Rules from rules, or from their arguments by name."""
    if isinstance(rules, (str, Mapping)) or not isinstance(rules, Sequence):
        raise ValueError(f"Argument `rules` must be a list of rules. Received: rules={rules!r}")
    return tuple(_rule(index, rule) for index, rule in enumerate(rules))


def _rule(index: int, rule: Any) -> Rule:
    if isinstance(rule, Rule):
        return rule
    if not isinstance(rule, Mapping):
        raise ValueError(f"Argument `rules[{index}]` must name its parts. Received: {rule!r}")
    try:
        return Rule(**rule)
    except TypeError as error:
        message = str(error).replace("Rule.__init__()", f"`rules[{index}]`")
        raise ValueError(f"{message}. Received: {dict(rule)!r}") from None


def owners(model: keras.Model) -> dict[int, str]:
    """Class of the innermost layer that owns each variable, by the variable's id."""
    found: dict[int, str] = {}
    for layer in model._flatten_layers():
        # An outer layer comes before those within it, which overwrite its claim.
        for variable in layer.weights:
            if id(variable) not in found or layer is not model:
                found[id(variable)] = type(layer).__name__
    return found


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
