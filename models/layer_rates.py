"""Learning rates of single layers, as multiples of the optimizer's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from .arguments import expression, number

ALL = "all others"


@dataclass(frozen=True)
class LayerRate:
    """The learning rate of some variables.

    Args:
        match: a regular expression that the variable's path must hold.
        multiplier: learning rate of a variable that matches over the optimizer's, >= 0. With 0 the
            variable is frozen: it neither learns nor decays, in any mode of the weight decay.

    Raises:
        ValueError: a bad argument.

    >>> LayerRate("embedding", 0.1).multiplier
    0.1
    """

    match: str
    multiplier: float

    def __post_init__(self) -> None:
        expression("match", self.match)
        multiplier = number("multiplier", self.multiplier)
        if multiplier < 0:
            raise ValueError(f"Argument `multiplier` must be >= 0. Received: {self.multiplier}")
        object.__setattr__(self, "multiplier", multiplier)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"match": self.match, "multiplier": self.multiplier}


@dataclass(frozen=True)
class RateRow:
    """One variable in the table of learning rates.

    Attributes:
        path: where the variable is.
        shape: its shape.
        rule: what decided, in words.
        multiplier: its learning rate as a multiple of the optimizer's.
    """

    path: str
    shape: tuple[int, ...]
    rule: str
    multiplier: float


@keras.saving.register_keras_serializable(package="keras_recipes")
class LayerRates:
    """Multiplies the learning rate of single layers, with one optimizer for all.

    With w' what decoupled decay and the optimizer make of w, and m the multiplier of the variable,
    w becomes w + m (w' - w). Every rule of Keras whose step is proportional to the learning rate
    then does what it would do at m times the rate. The multiplier of a variable is

    m = multiplier of the first rule that matches, or 1, times layer_decay^d,

    where d counts the layers with a kernel between the variable's layer and the output: 0 for the
    last, 1 for the one before it (Howard & Ruder 2018; Bao et al. 2021). A layer without a kernel,
    such as a normalization, counts with the kernel before it.

    Args:
        rules: `LayerRate`s, or their arguments by name, as `{"match": "embedding", "multiplier":
            0.1}`. Each must decide about a variable.
        layer_decay: multiplier a layer on the way from the output to the input, > 0; None for 1.

    Raises:
        ValueError: a bad argument, or neither is given.

    >>> LayerRates([{"match": "^dense", "multiplier": 0.1}]).rules[0].multiplier
    0.1
    """

    def __init__(
        self,
        rules: Sequence[LayerRate | Mapping[str, Any]] = (),
        layer_decay: float | None = None,
    ):
        if isinstance(rules, (str, Mapping)) or not isinstance(rules, Sequence):
            raise ValueError(f"Argument `rules` must be a list of rules. Received: rules={rules!r}")
        self.rules = tuple(_rule(index, rule) for index, rule in enumerate(rules))
        self.layer_decay = None if layer_decay is None else number("layer_decay", layer_decay)
        if self.layer_decay is not None and self.layer_decay <= 0:
            raise ValueError(f"Argument `layer_decay` must be > 0. Received: {layer_decay}")
        if not self.rules and self.layer_decay is None:
            raise ValueError("Layer rates need `rules` or a `layer_decay`. Received none of them.")

    def table(
        self, variables: Sequence[keras.Variable], depths: Mapping[int, int]
    ) -> list[RateRow]:
        """A row a variable: its multiplier and why.

        Args:
            variables: those that are trained.
            depths: layers between each and the output, by the variable's id; see `depths`.

        Raises:
            ValueError: a rule decides about no variable: it would silently do nothing.
        """
        decided = [self._deciding(variable) for variable in variables]
        for index, rule in enumerate(self.rules):
            if index not in decided:
                listed = ", ".join(variable.path for variable in variables)
                raise ValueError(
                    f"A rule of the layer rates, `match: {rule.match}`, matches no variable that "
                    f"an earlier rule does not. The variables are: {listed}"
                )
        rows = zip(variables, decided, strict=True)
        return [self._row(variable, index, depths[id(variable)]) for variable, index in rows]

    def _deciding(self, variable: keras.Variable) -> int | None:
        """Index of the first rule that matches a variable."""
        matching = (i for i, r in enumerate(self.rules) if re.search(r.match, variable.path))
        return next(matching, None)

    def _row(self, variable: keras.Variable, index: int | None, depth: int) -> RateRow:
        multiplier = 1.0 if index is None else self.rules[index].multiplier
        words = ALL if index is None else f"match {self.rules[index].match}"
        if self.layer_decay is not None:
            multiplier *= self.layer_decay**depth
            words = f"{words}, {depth} layers from the output"
        return RateRow(variable.path, tuple(variable.shape), words, multiplier)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        rules = [rule.get_config() for rule in self.rules]
        return {"rules": rules, "layer_decay": self.layer_decay}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LayerRates:
        """The rates that `get_config` described."""
        return cls(**config)


def depths(model: keras.Model) -> dict[int, int]:
    """Layers with a kernel between each trainable variable's layer and the output, by its id."""
    groups: list[list[int]] = [[]]
    seen: set[int] = set()
    for layer in model._flatten_layers(include_self=False):
        inner = [child for child in layer._flatten_layers(include_self=False) if child.weights]
        own = [v for v in layer.trainable_variables if id(v) not in seen]
        if inner or not own:
            continue
        if any(len(variable.shape) >= 2 for variable in own):
            groups.append([])
        seen.update(id(variable) for variable in own)
        groups[-1].extend(id(variable) for variable in own)
    last = len(groups) - 1
    found = {name: last - index for index, group in enumerate(groups) for name in group}
    # What belongs to the model itself, and to no layer, is as far away as anything.
    return {id(v): found.get(id(v), last) for v in model.trainable_variables}


def _rule(index: int, rule: Any) -> LayerRate:
    if isinstance(rule, LayerRate):
        return rule
    if not isinstance(rule, Mapping):
        raise ValueError(f"Argument `rules[{index}]` must name its parts. Received: {rule!r}")
    try:
        return LayerRate(**rule)
    except TypeError as error:
        message = str(error).replace("LayerRate.__init__()", f"`rules[{index}]`")
        raise ValueError(f"{message}. Received: {dict(rule)!r}") from None
