"""Transforms of the gradient: centralization before clipping, noise and trust ratios after it."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from ..arguments import Configurable, check_number, check_positive, check_steps
from .norms import Gradients, squares


class GradientTransform(Configurable):
    """A change of the gradients of an update, before they are clipped or after.

    Attributes:
        after_clipping: whether it is applied to the clipped gradients; a class sets it.

    >>> class Halving(GradientTransform):
    ...     def __call__(self, gradients, update):
    ...         return [None if g is None else 0.5 * g for g in gradients]
    >>> [float(g) for g in Halving()([4.0, 2.0], update=0)]
    [2.0, 1.0]
    """

    after_clipping = False

    def __call__(self, gradients: Gradients, update: tf.Tensor | int) -> list[tf.Tensor | None]:
        """The changed gradients of an update, by its number."""
        raise NotImplementedError

    def apply(
        self,
        gradients: Gradients,
        update: tf.Tensor | int,
        variables: Sequence[keras.Variable],
    ) -> list[tf.Tensor | None]:
        """The changed gradients, as the training step asks for them.

        A transform that depends on the weights too overrides this one in place of `__call__`.

        Args:
            gradients: one for each variable, None for one that has none.
            update: its number, from 0.
            variables: the trainable variables, before the update.
        """
        return self(gradients, update)


@keras.saving.register_keras_serializable(package="keras_recipes")
class GradientCentralization(GradientTransform):
    """Subtracts the mean of each unit's gradient: g <- g - mean(g), for kernels.

    The mean is over all axes but the last, for variables of rank 2 and more (Yong, Huang, Hua &
    Zhang 2020, equation 1). It comes before clipping; the metric `gradient_norm` is the norm of
    what remains.

    >>> g = GradientCentralization()([tf.constant([[1.0, 4.0], [3.0, 8.0]])], 0)
    >>> g[0].numpy().tolist()
    [[-1.0, -2.0], [1.0, 2.0]]
    """

    def __call__(self, gradients: Gradients, update: tf.Tensor | int) -> list[tf.Tensor | None]:
        return [g if g is None or len(g.shape) < 2 else g - _unit_means(g) for g in gradients]


def _unit_means(gradient: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(gradient, axis=list(range(len(gradient.shape) - 1)), keepdims=True)


@keras.saving.register_keras_serializable(package="keras_recipes")
class GradientNoise(GradientTransform):
    """Adds Gaussian noise that fades: g <- g + N(0, eta / (1 + t)^gamma) at update t.

    The noise is independent for each element (Neelakantan et al. 2015, equation 1) and added after
    clipping. It depends on the seed and the number of the update alone, so a resumed training draws
    what the uninterrupted one would have.

    Args:
        eta: variance at the first update, > 0; the paper tries 0.01, 0.3 and 1.
        gamma: how fast the variance falls, >= 0.
        seed: seed of the noise.

    Raises:
        ValueError: a bad argument.

    >>> noise = GradientNoise(0.01, seed=1)
    >>> zeros = [tf.zeros(3)]
    >>> bool(tf.reduce_all(noise(zeros, 5)[0] == noise(zeros, 5)[0]))
    True
    """

    after_clipping = True

    def __init__(self, eta: float = 0.01, gamma: float = 0.55, *, seed: int = 0):
        self.eta = check_positive("eta", eta)
        self.gamma = check_number("gamma", gamma, ge=0)
        self.seed = check_steps("seed", seed)

    def __call__(self, gradients: Gradients, update: tf.Tensor | int) -> list[tf.Tensor | None]:
        fade = tf.pow(1.0 + tf.cast(update, tf.float32), self.gamma / 2)
        deviation = self.eta**0.5 / fade
        return [
            g if g is None else g + tf.cast(deviation * self._normal(g, index, update), g.dtype)
            for index, g in enumerate(gradients)
        ]

    def _normal(self, gradient: tf.Tensor, index: int, update: tf.Tensor | int) -> tf.Tensor:
        """Standard normal numbers in the shape of a gradient, different for each variable."""
        variable = tf.constant(self.seed * 65_536 + index, tf.int64)
        key = tf.stack([variable, tf.cast(update, tf.int64)])
        return tf.random.stateless_normal(tf.shape(gradient), seed=key)


@keras.saving.register_keras_serializable(package="keras_recipes")
class TrustRatio(GradientTransform):
    """Scales each kernel's gradient to its weights: g <- trust_coefficient * ||w|| / ||g|| * g.

    Every kernel then moves by the same fraction of its own norm, `learning_rate *
    trust_coefficient` with plain SGD, however large its gradient is. This is layer-wise adaptive
    rate scaling (LARS; You, Gitman & Ginsburg 2017), for training with large batches
    and SGD with momentum. Variables of rank 0 and 1, such as biases, keep their gradient, and so
    does a kernel that is zero. It comes after clipping; a `weight_decay` is not scaled by it.

    Args:
        trust_coefficient: fraction of its norm that a kernel moves by at a rate of 1, > 0.

    Raises:
        ValueError: a bad argument.

    >>> kernel = keras.Variable([[3.0, 4.0]])
    >>> g = TrustRatio(0.1).apply([tf.constant([[0.0, 2.0]])], 0, [kernel])
    >>> g[0].numpy().tolist()
    [[0.0, 0.5]]
    """

    after_clipping = True

    def __init__(self, trust_coefficient: float = 0.001):
        self.trust_coefficient = check_positive("trust_coefficient", trust_coefficient)

    def apply(
        self,
        gradients: Gradients,
        update: tf.Tensor | int,
        variables: Sequence[keras.Variable],
    ) -> list[tf.Tensor | None]:
        pairs = zip(gradients, variables, strict=True)
        return [g if g is None or len(g.shape) < 2 else g * self._ratio(g, w) for g, w in pairs]

    def _ratio(self, gradient: tf.Tensor, variable: keras.Variable) -> tf.Tensor:
        norm, weights = tf.unstack(tf.sqrt(tf.stack(squares([gradient, variable.value]))))
        ratio = self.trust_coefficient * tf.math.divide_no_nan(weights, norm)
        # The square of a small gradient may be 0 in float32; the gradient is small then anyway.
        return tf.cast(tf.where((weights > 0) & (norm > 0), ratio, 1.0), gradient.dtype)


# The names that a recipe uses.
GRADIENT_TRANSFORMS = {
    "gradient_centralization": GradientCentralization,
    "gradient_noise": GradientNoise,
    "trust_ratio": TrustRatio,
}


def check_transforms(value: object) -> tuple[GradientTransform, ...]:
    """One transform or a list of them, as a tuple."""
    transforms = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    for transform in transforms:
        if not isinstance(transform, GradientTransform):
            raise ValueError(
                "Argument `gradient_transforms` must hold transforms such as `GradientNoise`. "
                f"Received: {transform!r}"
            )
    return tuple(transforms)
