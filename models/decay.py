"""Weight decay: the kernels shrink in every update, beside the optimizer or through it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import keras
import tensorflow as tf
from keras.optimizers.schedules import LearningRateSchedule

from ..arguments import (
    Configurable,
    check_choice,
    check_number,
    check_pattern,
    check_patterns,
    check_positive,
    check_steps,
    from_list,
    optional,
)
from .keras_types import Config
from .norms import TINY, unit_norms

Schedule = LearningRateSchedule
MODES = ("decoupled", "independent", "l2", "l2_loss", "l1")


@dataclass(frozen=True)
class Rule(Configurable):
    """How fast some variables decay. A rule matches a variable when every condition given does.

    Args:
        factor: the rate of a matching variable is `factor` times the rate of the decay, >= 0.
        path: a regular expression, searched for in the variable's path.
        layer: class of the layer that owns the variable, `dense` or `Dense`.
        rank: number of axes of the variable.

    Raises:
        ValueError: a bad argument, or a rule without a condition.

    >>> Rule(0.0, layer="embedding").text
    'layer embedding'
    """

    factor: float
    path: str | None = None
    layer: str | None = None
    rank: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", check_number("factor", self.factor, ge=0))
        optional(check_pattern, "path", self.path)
        optional(check_steps, "rank", self.rank)
        if self.layer is not None and not isinstance(self.layer, str):
            raise ValueError(f"Argument `layer` must be a name. Received: layer={self.layer!r}")
        if not self.text:
            raise ValueError("A rule needs at least one of `path`, `layer` and `rank`.")

    @property
    def text(self) -> str:
        """Its conditions, in words."""
        conditions = {"path": self.path, "layer": self.layer, "rank": self.rank}
        return ", ".join(
            f"{name} {value}" for name, value in conditions.items() if value is not None
        )

    def matches(self, variable: keras.Variable, layer: str) -> bool:
        """Whether it matches a variable that a layer of this class owns."""
        return (
            (self.path is None or re.search(self.path, variable.path) is not None)
            and (self.layer is None or _normalized(self.layer) == _normalized(layer))
            and (self.rank is None or len(variable.shape) == self.rank)
        )


def _normalized(name: str) -> str:
    return name.replace("_", "").lower()


# The rules behind those of the user: kernels and embeddings decay, all other variables do not.
KERNELS, OTHERS = "rank 2 and more", "rank below 2"


@dataclass(frozen=True)
class VariableDecay:
    """One variable in the table of what decays.

    Attributes:
        path: path of the variable.
        shape: its shape.
        layer: class of the layer that owns it.
        rule: the rule that decided, in words.
        factor: its rate as a multiple of the decay's rate; 0 does not decay.
    """

    path: str
    shape: tuple[int, ...]
    layer: str
    rule: str
    factor: float


@keras.saving.register_keras_serializable(package="keras_recipes")
class WeightDecay(Configurable):
    """Shrinks kernels in every update.

    With w a variable, r its rate and lr the learning rate of the update, in these modes:

    - `decoupled`: w becomes w * (1 - lr * r) before the step of the optimizer (Loshchilov & Hutter
      2019 as torch and Keras have it: AdamW, and `weight_decay` of Keras's optimizers).
    - `independent`: w becomes w * (1 - r), whatever the learning rate (the form in the same paper,
      whose strength does not change with the learning rate).
    - `l2`: r * w is added to the gradient after clipping, so that it goes through momentum and
      moments (`weight_decay` of torch's SGD and Adam).
    - `l2_loss`: r / 2 * ||w||^2 is added to the loss, in training and evaluation; its gradient is
      clipped with the rest.
    - `l1`: r * sign(w) is added to the gradient after clipping.

    Variables of rank 2 and more decay: kernels and embeddings. Biases, and the scales and shifts
    of normalization, do not. `rules` change that; the first that matches a variable decides.

    Args:
        rate: how fast weights shrink, > 0; or a schedule of it over the updates; or None, for
            `max_norm` alone.
        mode: one of the above.
        exclude: regular expressions; a variable whose path one of them is found in does not decay.
            Each must be found in some path.
        rules: `Rule`s, or their arguments by name, as `{"layer": "embedding", "factor": 0}`. Each
            must match a variable that no earlier one does.
        max_norm: bound on the norm of each unit's weights, > 0, that holds after every update
            (Srivastava et al. 2014); for the variables that decay. A unit is all axes but the last.

    Raises:
        ValueError: the rate is not positive, the mode is unknown, or an expression is invalid.

    >>> WeightDecay(1e-4, mode="l2").rate
    0.0001
    """

    def __init__(
        self,
        rate: float | Schedule | None = None,
        mode: Literal["decoupled", "independent", "l2", "l2_loss", "l1"] = "decoupled",
        exclude: Sequence[str] = (),
        *,
        rules: Sequence[Rule | Mapping[str, object]] = (),
        max_norm: float | None = None,
    ):
        scheduled = isinstance(rate, LearningRateSchedule)
        self.rate = rate if scheduled else optional(check_positive, "rate", rate)
        self.mode = check_choice("mode", mode, MODES)
        self.exclude = check_patterns("exclude", exclude)
        self.rules = from_list("rules", rules, Rule)
        self.max_norm = optional(check_positive, "max_norm", max_norm)
        if self.rate is None and self.max_norm is None:
            raise ValueError("Weight decay needs a `rate` or a `max_norm`. Received neither.")

    def table(
        self, variables: Sequence[keras.Variable], owners: Mapping[int, str] | None = None
    ) -> list[VariableDecay]:
        """A row a variable: what decays, how fast, and why.

        Args:
            variables: the trainable variables.
            owners: class of the layer that owns each, by the variable's id.

        Raises:
            ValueError: a rule or an expression decides about no variable, and so would have no
                effect.
        """
        self.check(variables, owners)
        return [self._row(variable, owners or {}) for variable in variables]

    def check(
        self, variables: Sequence[keras.Variable], owners: Mapping[int, str] | None = None
    ) -> None:
        """Raise where a rule or an expression decides about none of the variables."""
        deciding = {self._first_match(variable, owners or {}) for variable in variables}
        for index, rule in enumerate(self._all_rules()):
            if index not in deciding:
                listed = ", ".join(variable.path for variable in variables)
                raise ValueError(
                    f"A rule of the weight decay, `{rule.text}`, matches no variable that an "
                    f"earlier rule does not. The variables are: {listed}"
                )

    def factors(
        self, variables: Sequence[keras.Variable], owners: Mapping[int, str]
    ) -> list[float]:
        """The rate of each variable as a multiple of `rate`; 0 does not decay."""
        return [self._row(variable, owners).factor for variable in variables]

    def _all_rules(self) -> list[Rule]:
        return [Rule(0.0, path=pattern) for pattern in self.exclude] + list(self.rules)

    def _first_match(self, variable: keras.Variable, owners: Mapping[int, str]) -> int | None:
        layer, rules = owners.get(id(variable), ""), enumerate(self._all_rules())
        return next((index for index, rule in rules if rule.matches(variable, layer)), None)

    def _row(self, variable: keras.Variable, owners: Mapping[int, str]) -> VariableDecay:
        """The row of a variable, by the first rule that matches it, else by its rank."""
        shape, layer = tuple(variable.shape), owners.get(id(variable), "")
        index = self._first_match(variable, owners)
        if index is not None:
            rule = self._all_rules()[index]
            return VariableDecay(variable.path, shape, layer, rule.text, rule.factor)
        kernel = len(shape) >= 2
        return VariableDecay(
            variable.path, shape, layer, KERNELS if kernel else OTHERS, float(kernel)
        )

    def rate_at(self, update: tf.Tensor) -> tf.Tensor | float:
        """The rate of an update, by its number; 0 where only `max_norm` is given."""
        if isinstance(self.rate, LearningRateSchedule):
            return self.rate(update)
        return 0.0 if self.rate is None else self.rate

    def shrinkage(self, rate: tf.Tensor | float, learning_rate: tf.Tensor) -> tf.Tensor:
        """The fraction that a decoupled mode takes off a weight in one update."""
        rate = tf.convert_to_tensor(rate, tf.float32)
        return rate if self.mode == "independent" else tf.cast(learning_rate, tf.float32) * rate

    def addition(self, weights: tf.Tensor) -> tf.Tensor:
        """What a coupled mode adds to the gradient of a weight at a rate of 1."""
        return tf.sign(weights) if self.mode == "l1" else weights

    def penalty(self, variables: Sequence[keras.Variable], factors: Sequence[float]) -> tf.Tensor:
        """1/2 * sum of factor * ||w||^2: what `l2_loss` adds to the loss at a rate of 1."""
        # Sums of squares need the digits of float32, or of float64 where weights have them.
        wide = tf.float64 if any(v.dtype == "float64" for v in variables) else tf.float32
        halves = [
            factor * tf.nn.l2_loss(tf.cast(variable.value, wide))
            for variable, factor in zip(variables, factors, strict=True)
            if factor > 0
        ]
        return tf.add_n(halves) if halves else tf.constant(0.0)

    def within(self, weights: tf.Tensor) -> tf.Tensor:
        """Weights whose units have a norm of `max_norm` at most."""
        if self.max_norm is None:
            return weights
        factor = tf.minimum(1.0, self.max_norm / tf.maximum(unit_norms(weights), TINY))
        return weights * tf.cast(factor, weights.dtype)

    def get_config(self) -> Config:
        """The arguments, a schedule serialized."""
        config = super().get_config()
        if isinstance(self.rate, LearningRateSchedule):
            config["rate"] = keras.saving.serialize_keras_object(self.rate)
        return config

    @classmethod
    def from_config(cls, config: Config) -> WeightDecay:
        """The decay that `get_config` described."""
        rate = config.get("rate")
        if isinstance(rate, Mapping):
            config = {**config, "rate": keras.saving.deserialize_keras_object(dict(rate))}
        return cls(**config)
