"""Learning rates of single layers, as multiples of the optimizer's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras

from ..arguments import Configurable, check_number, check_pattern, from_list, optional


@dataclass(frozen=True)
class LayerRate(Configurable):
    """The learning rate of some variables.

    Args:
        match: a regular expression, searched for in the variable's path.
        multiplier: learning rate of a matching variable over the optimizer's, >= 0. With 0 the
            variable is frozen: it neither learns nor decays, in any mode of the weight decay.

    Raises:
        ValueError: a bad argument.

    >>> LayerRate("embedding", 0.1).multiplier
    0.1
    """

    match: str
    multiplier: float

    def __post_init__(self) -> None:
        check_pattern("match", self.match)
        multiplier = check_number("multiplier", self.multiplier, ge=0)
        object.__setattr__(self, "multiplier", multiplier)


@dataclass(frozen=True)
class RateRow:
    """One variable in the table of learning rates.

    Attributes:
        path: path of the variable.
        shape: its shape.
        rule: the rule that decided, in words.
        multiplier: its learning rate as a multiple of the optimizer's.
    """

    path: str
    shape: tuple[int, ...]
    rule: str
    multiplier: float


@keras.saving.register_keras_serializable(package="keras_recipes")
class LayerRates(Configurable):
    """Multiplies the learning rate of single layers, with one optimizer for all.

    With w' what decoupled decay and the optimizer make of w, and m the multiplier of the variable,
    w becomes w + m (w' - w). Every Keras optimizer whose step is proportional to the learning rate
    then does what it would do at m times the rate. The multiplier of a variable is

    m = r * layer_decay^d,

    where r is the multiplier of the first rule that matches, or 1, and d counts the layers with a
    kernel between the variable's layer and the output: 0 for the last, 1 for the one before it
    (Howard & Ruder 2018; Bao et al. 2021). A layer without a kernel, such as a normalization,
    counts with the kernel before it.

    Args:
        rules: `LayerRate`s, or their arguments by name, as `{"match": "embedding", "multiplier":
            0.1}`. Each must match a variable that no earlier rule does.
        layer_decay: factor per layer on the way from the output to the input, > 0; None for 1.

    Raises:
        ValueError: a bad argument, or neither is given.

    >>> LayerRates([{"match": "^dense", "multiplier": 0.1}]).rules[0].multiplier
    0.1
    """

    def __init__(
        self,
        rules: Sequence[LayerRate | Mapping[str, object]] = (),
        layer_decay: float | None = None,
    ):
        self.rules = from_list("rules", rules, LayerRate)
        self.layer_decay = optional(check_number, "layer_decay", layer_decay, gt=0)
        if not self.rules and self.layer_decay is None:
            raise ValueError("Layer rates need `rules` or a `layer_decay`. Received neither.")

    def table(
        self, variables: Sequence[keras.Variable], depths: Mapping[int, int]
    ) -> list[RateRow]:
        """A row a variable: its multiplier and why.

        Args:
            variables: the trainable variables.
            depths: layers between each and the output, by the variable's id.

        Raises:
            ValueError: a rule decides about no variable, and so would have no effect.
        """
        rows = [self._row(variable, depths[id(variable)]) for variable in variables]
        deciding = {self._first_match(variable) for variable in variables}
        for index, rule in enumerate(self.rules):
            if index not in deciding:
                listed = ", ".join(variable.path for variable in variables)
                raise ValueError(
                    f"A rule of the layer rates, `match: {rule.match}`, matches no variable that "
                    f"an earlier rule does not. The variables are: {listed}"
                )
        return rows

    def _first_match(self, variable: keras.Variable) -> int | None:
        rules = enumerate(self.rules)
        return next((index for index, rule in rules if re.search(rule.match, variable.path)), None)

    def _row(self, variable: keras.Variable, depth: int) -> RateRow:
        index = self._first_match(variable)
        rule = None if index is None else self.rules[index]
        multiplier = 1.0 if rule is None else rule.multiplier
        words = "all others" if rule is None else f"match {rule.match}"
        if self.layer_decay is not None:
            multiplier *= self.layer_decay**depth
            words = f"{words}, {depth} layers from the output"
        return RateRow(variable.path, tuple(variable.shape), words, multiplier)
