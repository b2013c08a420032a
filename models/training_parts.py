"""The parts of a training step, beside model and optimizer: the one list of them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import UnionType
from typing import Any, Self, get_args

import keras
from keras.optimizers.schedules import LearningRateSchedule

from .arguments import check_steps
from .averaging import WeightAveraging
from .clipping import GradientClipping
from .decay import WeightDecay
from .layer_rates import LayerRates
from .sam import SharpnessAware
from .transforms import GradientTransform, check_transforms

# Settings of a Keras optimizer that do what a part does; together they would do it twice.
OPTIMIZER_SETTINGS = {
    "clipnorm": "gradient_clipping",
    "clipvalue": "gradient_clipping",
    "global_clipnorm": "gradient_clipping",
    "weight_decay": "weight_decay",
    "use_ema": "weight_averaging",
}


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
        """The parts by name; None stands for the default."""
        return cls(**{name: part for name, part in arguments.items() if part is not None})

    def active(self) -> dict[str, Any]:
        """The parts that differ from their default, by name."""
        values = {row.name: (getattr(self, row.name), row.default) for row in fields(self)}
        return {name: part for name, (part, default) in values.items() if part != default}

    def schedules(self) -> list[LearningRateSchedule]:
        """The schedules that parts follow."""
        rate = self.weight_decay.rate if self.weight_decay is not None else None
        return [one for one in (self.momentum, rate) if isinstance(one, LearningRateSchedule)]

    def get_config(self) -> dict[str, Any]:
        """The active parts, serialized."""
        return {
            name: keras.saving.serialize_keras_object(part) for name, part in self.active().items()
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
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
        inner = getattr(optimizer, "inner_optimizer", optimizer)
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
    optional = {row.name: row.type for row in fields(TrainingParts)}
    return {
        name: get_args(kind)[0] for name, kind in optional.items() if isinstance(kind, UnionType)
    }
