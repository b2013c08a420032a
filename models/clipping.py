"""Bounds on a gradient, applied before the optimizer sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple

import keras
import tensorflow as tf

from ..arguments import Configurable, check_choice, check_positive, from_value, optional
from .bounds import (
    AdaptiveClipping,
    Bounded,
    PercentileClipping,
    ZScoreClipping,
    by_block_rms,
    by_norm,
    by_value,
)
from .norms import TINY, Gradients, global_norm, scaled

POLICIES = ("zero", "skip", "raise")
History = PercentileClipping | ZScoreClipping


class NonFiniteGradientError(ArithmeticError):
    """The gradient of an update held a NaN or infinity; the update was not made.

    Attributes:
        update: number of updates before it.
        variables: paths of the variables whose gradient is not finite.

    >>> NonFiniteGradientError(7, ["dense/kernel"]).update
    7
    """

    def __init__(self, update: int, variables: Sequence[str]):
        self.update = update
        self.variables = list(variables)
        super().__init__(
            f"After {update} updates the gradient is NaN or infinite, for {', '.join(variables)}. "
            "The weights are those before it. Lower the learning rate, add a warm-up or clip the "
            "gradient; the other usual cause is NaN in the data."
        )


class Clipped(NamedTuple):
    """The gradients of an update after clipping.

    Attributes:
        gradients: one a variable, in order.
        norm: their global norm.
        cut: whether any bound changed them, a boolean scalar.
        states: the next state of each history, by name.
    """

    gradients: list[tf.Tensor | None]
    norm: tf.Tensor
    cut: tf.Tensor
    states: dict[str, tf.Tensor]


@keras.saving.register_keras_serializable(package="keras_recipes")
class GradientClipping(Configurable):
    """Bounds on a gradient: by element, by variable, by unit, and over all variables.

    The bounds apply in this order, each to the result of the one before it:

    - `value`: every element is cut to [-value, value].
    - `block_rms`: the gradient g of a variable becomes g / max(1, rms(g) / block_rms).
    - `norm`: the gradient g of a variable becomes g * min(1, norm / ||g||).
    - `adaptive`: the gradient of a unit is bounded by the size of its weights; see
      `AdaptiveClipping`.
    - `global_norm`, `percentile`, `z_score`: all gradients are multiplied by min(1, b / n), where
      n is the square root of the sum of their squared norms and b the least of the bounds:
      `global_norm` itself (Pascanu, Mikolov & Bengio 2013), a percentile of the norms so far (see
      `PercentileClipping`), or what is usual for the run (see `ZScoreClipping`). These keep the
      direction of the update, which the others bend.

    A gradient that holds a NaN or infinity cannot be bounded by any of them: the clipping of Keras
    turns an infinite norm into NaN in every variable. What happens to it is `nonfinite`, and it
    counts into the metric `nonfinite_steps`. It enters no history.

    Args:
        value: bound on the size of every element, > 0, or None.
        norm: bound on the Euclidean norm of each variable's gradient, > 0, or None.
        global_norm: bound on the norm of all gradients together, > 0, or None.
        block_rms: bound on the root mean square of each variable's gradient, > 0, or None.
        adaptive: bound on a unit's gradient as a fraction of its weights, > 0; or an
            `AdaptiveClipping`, or its arguments by name; or None.
        percentile: between 0 and 100; or a `PercentileClipping`, or its arguments by name; or None.
        z_score: standard deviations, > 0; or a `ZScoreClipping`, or its arguments by name; or None.
        nonfinite: what becomes of a gradient with a NaN or infinity. `zero`: it counts as zero;
            momentum and decay still act. `skip`: there is no update, and the optimizer does not
            count it. `raise`: there is no update, and `NonFiniteGradientError` ends the training
            with the weights before it.

    Raises:
        ValueError: no bound is given, or one is out of range.

    >>> GradientClipping(global_norm=1.0, nonfinite="skip").global_norm
    1.0
    >>> GradientClipping(z_score={"threshold": 3.0}).z_score.threshold
    3.0
    """

    def __init__(
        self,
        value: float | None = None,
        norm: float | None = None,
        global_norm: float | None = None,
        *,
        block_rms: float | None = None,
        adaptive: float | Mapping[str, object] | AdaptiveClipping | None = None,
        percentile: float | Mapping[str, object] | PercentileClipping | None = None,
        z_score: float | Mapping[str, object] | ZScoreClipping | None = None,
        nonfinite: Literal["zero", "skip", "raise"] = "zero",
    ):
        self.value = optional(check_positive, "value", value)
        self.norm = optional(check_positive, "norm", norm)
        self.global_norm = optional(check_positive, "global_norm", global_norm)
        self.block_rms = optional(check_positive, "block_rms", block_rms)
        self.adaptive = from_value("adaptive", adaptive, AdaptiveClipping, "factor")
        self.percentile = from_value("percentile", percentile, PercentileClipping, "percentile")
        self.z_score = from_value("z_score", z_score, ZScoreClipping, "threshold")
        self.nonfinite = check_choice("nonfinite", nonfinite, POLICIES)
        bounds = {name: bound for name, bound in vars(self).items() if name != "nonfinite"}
        if all(bound is None for bound in bounds.values()):
            raise ValueError(
                f"Gradient clipping needs at least one of {', '.join(f'`{b}`' for b in bounds)}. "
                "Received none of them."
            )

    def histories(self) -> dict[str, History]:
        """The bounds that depend on the norms of earlier updates, by name."""
        found = {"percentile": self.percentile, "z_score": self.z_score}
        return {name: history for name, history in found.items() if history is not None}

    def __call__(
        self,
        gradients: Gradients,
        variables: Sequence[keras.Variable],
        norm: tf.Tensor,
        states: Mapping[str, tf.Tensor],
        output: frozenset[int] = frozenset(),
    ) -> Clipped:
        """Bound the gradients of one update.

        Args:
            gradients: one a variable; None for a variable that the loss does not reach.
            variables: in the same order.
            norm: global norm of the gradients, a float32 scalar.
            states: state of each of `histories`, by the same names.
            output: ids of the variables of the last layer.

        Returns:
            The clipped gradients. Where `norm` is not finite, they are zero under the policy
            `zero` and undefined under the others, and the states are unchanged.
        """
        finite = tf.math.is_finite(norm)
        bounded, cuts = self._local(gradients, variables, output)
        if cuts:
            norm = global_norm(bounded)
        bound, following = self._bound(norm, states)
        factor = tf.constant(1.0)
        if bound is not None:
            cuts.append(norm > bound)
            factor = tf.minimum(1.0, bound / tf.maximum(norm, TINY))
        if bound is not None or self.nonfinite == "zero":
            bounded = self._scaled(bounded, factor, finite)
        return Clipped(
            gradients=bounded,
            norm=norm * factor,
            cut=cuts[0] if len(cuts) == 1 else tf.reduce_any(tf.stack(cuts)),
            states={name: tf.where(finite, following[name], states[name]) for name in following},
        )

    def _local(
        self, gradients: Gradients, variables: Sequence[keras.Variable], output: frozenset[int]
    ) -> tuple[list[tf.Tensor | None], list[tf.Tensor]]:
        """The gradients within the bounds on single variables, and what was cut."""
        bounded, cuts = list(gradients), []
        for index, variable in enumerate(variables):
            for bound in self._local_bounds(variable, output):
                gradient = bounded[index]
                if gradient is not None:
                    bounded[index], cut = bound(gradient)
                    cuts.append(cut)
        return bounded, cuts

    def _local_bounds(
        self, variable: keras.Variable, output: frozenset[int]
    ) -> list[Callable[[tf.Tensor], Bounded]]:
        """The bounds on one variable's gradient as functions of it, in order."""
        found: list[Callable[[tf.Tensor], Bounded]] = []
        if self.value is not None:
            found.append(partial(by_value, bound=self.value))
        if self.block_rms is not None:
            found.append(partial(by_block_rms, bound=self.block_rms))
        if self.norm is not None:
            found.append(partial(by_norm, bound=self.norm))
        adaptive = self.adaptive
        if adaptive is not None and adaptive.applies_to(variable, output):
            found.append(partial(adaptive, weights=variable.value))
        return found

    def _bound(
        self, norm: tf.Tensor, states: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor | float | None, dict[str, tf.Tensor]]:
        """The least of the bounds on the global norm, None if there is none, and next states."""
        bound, following = self.global_norm, {}
        for name, history in self.histories().items():
            observed, following[name] = history.observe(states[name], norm)
            bound = observed if bound is None else tf.minimum(bound, observed)
        return bound, following

    def _scaled(
        self, gradients: Gradients, factor: tf.Tensor, finite: tf.Tensor
    ) -> list[tf.Tensor | None]:
        """Each gradient times the factor; under the policy `zero`, zero where it is not finite.

        One operation a variable does both: a product that is 0 for a factor of 0 even where the
        gradient is NaN.
        """
        if self.nonfinite != "zero":
            return scaled(gradients, factor)
        factor = tf.where(finite, factor, 0.0)
        return [
            g if g is None else tf.math.multiply_no_nan(g, tf.cast(factor, g.dtype))
            for g in gradients
        ]
