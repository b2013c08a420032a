"""Weight decay: the kernels shrink in every update, beside the optimizer or through it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import keras
import tensorflow as tf

from .clipping import positive

MODES = ("decoupled", "l2")


@keras.saving.register_keras_serializable(package="keras_recipes")
class WeightDecay:
    """Shrinks kernels in every update.

    - `decoupled`: w becomes w * (1 - learning_rate * rate) before the optimizer's own step, with
      the learning rate of that update (Loshchilov & Hutter 2019; AdamW, and `weight_decay` of
      Keras's optimizers).
    - `l2`: rate * w is added to the gradient after clipping, so that it goes through momentum and
      moments (`weight_decay` of torch's SGD and Adam). It is the gradient of rate / 2 * ||w||^2.

    Variables of rank 2 and more decay: kernels and embeddings. Biases, and the scales and shifts
    of normalization, do not.

    Args:
        rate: how fast weights shrink, > 0.
        mode: `decoupled` or `l2`.
        exclude: regular expressions; a variable whose path one of them finds does not decay. Each
            must find a variable.

    Raises:
        ValueError: the rate is not positive, the mode is unknown, or an expression is none.

    >>> WeightDecay(1e-4, mode="l2").get_config()
    {'rate': 0.0001, 'mode': 'l2', 'exclude': []}
    """

    def __init__(
        self,
        rate: float,
        mode: Literal["decoupled", "l2"] = "decoupled",
        exclude: Sequence[str] = (),
    ):
        self.rate = positive("rate", rate)
        if mode not in MODES:
            raise ValueError(
                f"Argument `mode` must be one of {', '.join(MODES)}. Received: mode={mode!r}"
            )
        self.mode = mode
        if isinstance(exclude, str):
            raise ValueError(
                f"Argument `exclude` must be a list of expressions. Received: exclude={exclude!r}"
            )
        self.exclude = [_expression(pattern) for pattern in exclude]

    def decays(self, variable: keras.Variable) -> bool:
        """Whether a variable shrinks."""
        excluded = any(re.search(pattern, variable.path) for pattern in self.exclude)
        return len(variable.shape) >= 2 and not excluded

    def check(self, variables: Sequence[keras.Variable]) -> None:
        """Raise where an expression finds no variable: it would silently do nothing."""
        paths = [variable.path for variable in variables]
        for pattern in self.exclude:
            if not any(re.search(pattern, path) for path in paths):
                raise ValueError(
                    f"Weight decay excludes {pattern!r}, which matches no variable. "
                    f"The variables are: {', '.join(paths)}"
                )

    def tally(self, variables: Sequence[keras.Variable]) -> list[tuple[str, tuple, bool]]:
        """A row a variable: its path, its shape, and whether it decays."""
        self.check(variables)
        return [(v.path, tuple(v.shape), self.decays(v)) for v in variables]

    def shrink(self, variables: Sequence[keras.Variable], learning_rate: tf.Tensor) -> None:
        """Multiply each decaying variable by 1 - learning_rate * rate."""
        factor = tf.cast(learning_rate, tf.float32) * self.rate
        for variable in variables:
            if self.decays(variable):
                variable.assign_sub(variable.value * tf.cast(factor, variable.dtype))

    def add_to(
        self, gradients: Sequence[tf.Tensor | None], variables: Sequence[keras.Variable]
    ) -> list[tf.Tensor | None]:
        """Gradients with rate * variable added where the variable decays."""
        return [
            gradient
            if gradient is None or not self.decays(variable)
            else gradient + self.rate * tf.cast(variable.value, gradient.dtype)
            for gradient, variable in zip(gradients, variables, strict=True)
        ]

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"rate": self.rate, "mode": self.mode, "exclude": list(self.exclude)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WeightDecay:
        """The decay that `get_config` described."""
        return cls(**config)


def _expression(pattern: Any) -> str:
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ValueError(
            f"Argument `exclude` holds no regular expression: {error}. Received: {pattern!r}"
        ) from None
    return pattern
