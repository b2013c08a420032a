"""The parts of a training step beside model and optimizer; the small ones are defined here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import UnionType
from typing import Any, Self, get_args, get_type_hints

import keras
import tensorflow as tf
from keras.optimizers.schedules import LearningRateSchedule

from ..arguments import Configurable, Steps, check_between, check_positive, check_steps, optional
from ..optimizers import inner_optimizer
from .adversarial import AdversarialTraining
from .clipping import GradientClipping
from .decay import WeightDecay
from .keras_types import Config
from .layer_rates import LayerRates
from .norms import TINY, Gradients, global_norm, scaled
from .transforms import GradientTransform, check_transforms

# Settings of a Keras optimizer that do the same as a part; together they would act twice.
OPTIMIZER_SETTINGS = {
    "clipnorm": "gradient_clipping",
    "clipvalue": "gradient_clipping",
    "global_clipnorm": "gradient_clipping",
    "weight_decay": "weight_decay",
    "use_ema": "weight_averaging",
}


@keras.saving.register_keras_serializable(package="keras_recipes")
class SharpnessAware(Configurable):
    """Updates the weights w by the gradient at w + rho * g / ||g||, where g is the gradient at w.

    Such an update looks for a flat minimum (Foret, Kleiner, Mobahi & Neyshabur 2021, algorithm 1).
    It costs a second pass. Loss and metrics are those of the first; clipping and the gradient's
    norm are those of the second. Normalization layers see the batch twice.

    Args:
        rho: radius of the neighborhood, > 0.

    Raises:
        ValueError: a bad argument.

    >>> steps = SharpnessAware(0.5).steps([tf.constant([3.0, 4.0]), None])
    >>> [round(step, 6) for step in steps[0].numpy().tolist()], steps[1] is None
    ([0.3, 0.4], True)
    """

    def __init__(self, rho: float = 0.05):
        self.rho = check_positive("rho", rho)

    def steps(self, gradients: Gradients) -> list[tf.Tensor | None]:
        """How far each variable moves for the second pass."""
        return scaled(gradients, self.rho / tf.maximum(global_norm(gradients), TINY))


@keras.saving.register_keras_serializable(package="keras_recipes")
class WeightAveraging(Configurable):
    """Keeps an average of the weights, which is evaluated and saved in their place.

    - With a `decay` d, the exponential average: a <- a + (1 - d) * (w - a) after every update
      (Polyak & Juditsky 1992; EMA).
    - Without one, the mean of all averaged updates: a <- a + (w - a) / n (Izmailov et al. 2018;
      SWA, with `start` at about three quarters of the run and `every` an epoch).

    Until update `start`, the average is the weights themselves; so with `start` 0 the initial
    weights are the first term of the mean, and with `start` 1, as in torch's `AveragedModel`, those
    after the first update. All floating-point weights are averaged, the moving statistics of
    normalization among them.

    Training continues from the weights; the model holds the average outside of its training steps,
    so that `evaluate`, `predict` and `save` use it. A saved model holds both.

    Args:
        decay: between 0 and 1, or None for the mean.
        start: optimizer updates before the first that is averaged, >= 0.
        every: optimizer updates from one that is averaged to the next, >= 1.

    Raises:
        ValueError: a bad argument.

    >>> average = WeightAveraging(start=100, every=10)
    >>> [float(average.fraction(update)) for update in (99, 100, 101, 110, 120)]
    [1.0, 1.0, 0.0, 0.5, 0.3333333432674408]
    """

    def __init__(self, decay: float | None = None, *, start: Steps = 0, every: Steps = 1):
        self.decay = optional(check_between, "decay", decay, low=0, high=1)
        self.start = check_steps("start", start)
        self.every = check_steps("every", every, ge=1)

    def fraction(self, updates: tf.Tensor | int) -> tf.Tensor:
        """The fraction of w - a that the average moves by after an update: 1 copies w."""
        after: Any = tf.cast(updates, tf.int64) - self.start
        if self.decay is None:
            fraction = 1.0 / tf.cast(after // self.every + 1, tf.float32)
        else:
            fraction = tf.constant(1.0 - self.decay)
        averaged = tf.where(after % self.every == 0, fraction, 0.0)
        return tf.where(after <= 0, 1.0, averaged)


@dataclass(frozen=True, kw_only=True)
class TrainingParts:
    """What a training step does beside the optimizer's update; every part is off by default.

    A new part is a row here. A recipe has a key for each, of the same name, except for `momentum`,
    which it writes as an argument of the optimizer.

    Args:
        gradient_clipping: bounds on the gradient.
        weight_decay: decay of the kernels, and a bound on their norm.
        layer_rates: learning rates of single layers, as multiples of the optimizer's.
        gradient_accumulation: batches whose mean gradient makes one update, >= 1. Schedules,
            clipping and decay act once an update, and `optimizer.iterations` counts updates.
        gradient_transforms: changes of the gradient such as `GradientNoise`, applied in order.
        sam: sharpness-aware minimization.
        adversarial_training: the loss also at inputs that were moved to where it is higher.
        weight_averaging: an average of the weights, which is evaluated and saved.
        momentum: a schedule of the optimizer's `momentum` or `beta_1`; None for a constant.

    Raises:
        ValueError: a part has another type.

    >>> TrainingParts(weight_decay=WeightDecay(1e-4)).weight_decay.mode
    'decoupled'
    """

    gradient_clipping: GradientClipping | None = None
    weight_decay: WeightDecay | None = None
    layer_rates: LayerRates | None = None
    gradient_accumulation: int = 1
    gradient_transforms: tuple[GradientTransform, ...] = ()
    sam: SharpnessAware | None = None
    adversarial_training: AdversarialTraining | None = None
    weight_averaging: WeightAveraging | None = None
    momentum: LearningRateSchedule | None = None

    def __post_init__(self) -> None:
        for name, cls in part_classes().items():
            value = getattr(self, name)
            if value is not None and not isinstance(value, cls):
                raise ValueError(
                    f"Argument `{name}` must be a `{cls.__name__}` or None. "
                    f"Received: {name}={value!r}"
                )
        check_steps("gradient_accumulation", self.gradient_accumulation, ge=1)
        object.__setattr__(self, "gradient_transforms", check_transforms(self.gradient_transforms))

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Self:
        """The parts by name; None means the default."""
        return cls(**{name: part for name, part in arguments.items() if part is not None})

    def active(self) -> Config:
        """The parts that differ from their default, by name."""
        values = {row.name: (getattr(self, row.name), row.default) for row in fields(self)}
        return {name: part for name, (part, default) in values.items() if part != default}

    def schedules(self) -> list[LearningRateSchedule]:
        """The schedules that parts follow."""
        rate = self.weight_decay.rate if self.weight_decay is not None else None
        return [one for one in (self.momentum, rate) if isinstance(one, LearningRateSchedule)]

    def get_config(self) -> Config:
        """The active parts, serialized."""
        return {
            name: keras.saving.serialize_keras_object(part) for name, part in self.active().items()
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The parts that `get_config` described; other keys are left alone."""
        return cls.of(
            {
                name: keras.saving.deserialize_keras_object(config[name])
                for name in PART_NAMES
                if name in config
            }
        )

    def check_optimizer(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Raise where the optimizer has a setting that does the same as a part.

        Raises:
            ValueError: with the setting and the part.
        """
        inner = inner_optimizer(optimizer)
        for name, part in OPTIMIZER_SETTINGS.items():
            value = getattr(inner, name, None)
            if value and getattr(self, part) is not None:
                raise ValueError(
                    f"The optimizer has `{name}={value}` and the model `{part}`: both would act. "
                    f"Leave `{name}` out of the optimizer"
                    + (", or use `Adam` in place of `AdamW`." if name == "weight_decay" else ".")
                )
        if getattr(inner, "gradient_accumulation_steps", None):
            raise ValueError(
                "The optimizer has `gradient_accumulation_steps`, which evaluates schedules, clips "
                "and decays once a batch. Give the model `gradient_accumulation` instead."
            )


PART_NAMES = tuple(row.name for row in fields(TrainingParts))


def part_classes() -> dict[str, type]:
    """The class of each part that is an object or None.

    >>> part_classes()["sam"].__name__
    'SharpnessAware'
    """
    types = get_type_hints(TrainingParts)
    return {name: get_args(kind)[0] for name, kind in types.items() if isinstance(kind, UnionType)}
