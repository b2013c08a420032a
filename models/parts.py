"""The parts of a training step: which there are, checked, saved, and held against the optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from .arguments import whole
from .averaging import WeightAveraging
from .clipping import GradientClipping
from .decay import WeightDecay
from .layer_rates import LayerRates
from .sharpness import SharpnessAware
from .transforms import transforms_of

CLASSES = {
    "gradient_clipping": GradientClipping,
    "weight_decay": WeightDecay,
    "sam": SharpnessAware,
    "weight_averaging": WeightAveraging,
    "layer_rates": LayerRates,
    "momentum": keras.optimizers.schedules.LearningRateSchedule,
}
DEFAULTS: dict[str, Any] = {
    "gradient_clipping": None,
    "weight_decay": None,
    "gradient_accumulation": 1,
    "gradient_transforms": (),
    "sam": None,
    "weight_averaging": None,
    "layer_rates": None,
    "momentum": None,
}
PARTS = tuple(DEFAULTS)
# Settings of a Keras optimizer that do what a part does: both together would do it twice, or at
# the wrong time.
SAME_IN_OPTIMIZER = {
    "clipnorm": "gradient_clipping",
    "clipvalue": "gradient_clipping",
    "global_clipnorm": "gradient_clipping",
    "weight_decay": "weight_decay",
    "use_ema": "weight_averaging",
}


def checked(parts: Mapping[str, Any]) -> dict[str, Any]:
    """The parts with the right types, defaults for those that are left out or None.

    Raises:
        ValueError: a part of another type, or none that there is.
    """
    for name in parts:
        if name not in DEFAULTS:
            raise ValueError(f"There is no part `{name}`. The parts are {', '.join(PARTS)}.")
    found = {name: parts.get(name) for name in PARTS}
    for name, cls in CLASSES.items():
        if found[name] is not None and not isinstance(found[name], cls):
            raise ValueError(
                f"Argument `{name}` must be a `{cls.__name__}` or None. "
                f"Received: {name}={found[name]!r}"
            )
    steps, transforms = found["gradient_accumulation"], found["gradient_transforms"]
    found["gradient_accumulation"] = (
        1 if steps is None else whole("gradient_accumulation", steps, least=1)
    )
    found["gradient_transforms"] = () if transforms is None else transforms_of(transforms)
    return found


def to_config(parts: Mapping[str, Any]) -> dict[str, Any]:
    """The parts that are set, as a saved model holds them."""
    return {
        name: keras.saving.serialize_keras_object(part)
        for name, part in parts.items()
        if part != DEFAULTS[name]
    }


def from_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The parts that `to_config` wrote, among other keys."""
    return {
        name: keras.saving.deserialize_keras_object(config[name])
        for name in PARTS
        if config.get(name) is not None
    }


def check_optimizer(optimizer: Any, parts: Mapping[str, Any]) -> None:
    """Raise where the optimizer has a setting that a part has too."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    for name, part in SAME_IN_OPTIMIZER.items():
        value = getattr(inner, name, None)
        if value and parts[part] is not None:
            raise ValueError(
                f"The optimizer has `{name}={value}` and the model `{part}`: they would both act. "
                f"Leave `{name}` out of the optimizer"
                + (", or use `Adam` in place of `AdamW`." if name == "weight_decay" else ".")
            )
    if getattr(inner, "gradient_accumulation_steps", None):
        raise ValueError(
            "The optimizer has `gradient_accumulation_steps`, which evaluates schedules, clips and "
            "decays once a batch. Give the model `gradient_accumulation` instead."
        )
