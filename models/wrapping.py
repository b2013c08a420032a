"""The training step around a model that exists already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from . import parts
from .averaging import WeightAveraging
from .clipping import GradientClipping
from .decay import WeightDecay
from .layer_rates import LayerRates
from .sharpness import SharpnessAware
from .training_model import TrainingModel
from .training_step import TrainingStep
from .transforms import Transform


@keras.saving.register_keras_serializable(package="keras_recipes")
class Wrapped(TrainingModel):
    """A model around one with a `call` of its own, whose variables it trains."""

    def __init__(self, inner: keras.Model, **kwargs: Any):
        super().__init__(**{"name": inner.name, **kwargs})
        self.inner = inner
        # The one inside has its variables already; nothing is left to build.
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """What the inner model computes."""
        return self.inner(inputs, training=training)

    def get_config(self) -> dict[str, Any]:
        """The inner model and the parts that are set."""
        inner = keras.saving.serialize_keras_object(self.inner)
        return {"inner": inner, "name": self.name, **parts.to_config(self.training_parts())}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Wrapped:
        """The model that `get_config` described."""
        inner = keras.saving.deserialize_keras_object(config["inner"], custom_objects)
        return cls(inner, name=config["name"], **parts.from_config(config))


def wrap(
    model: keras.Model,
    *,
    gradient_clipping: GradientClipping | None = None,
    weight_decay: WeightDecay | None = None,
    gradient_accumulation: int | None = None,
    gradient_transforms: Sequence[Transform] | None = None,
    sam: SharpnessAware | None = None,
    weight_averaging: WeightAveraging | None = None,
    layer_rates: LayerRates | None = None,
    momentum: Any = None,
) -> keras.Model:
    """A model that trains the layers and variables of `model`, with clipping, decay and more.

    Args:
        model: a built model: Sequential, functional or subclassed. Its own `train_step`, if it
            has one, is not used. Parts that it has and that are not given here are taken over.
        gradient_clipping: a `GradientClipping`, or None.
        weight_decay: a `WeightDecay`, or None.
        gradient_accumulation: batches whose mean gradient makes one update, >= 1.
        gradient_transforms: `GradientCentralization` and `GradientNoise`, in order.
        sam: a `SharpnessAware`, or None.
        weight_averaging: a `WeightAveraging`, or None.
        layer_rates: a `LayerRates`, or None.
        momentum: a schedule of the optimizer's `momentum` or `beta_1`, or None for a constant.

    Returns:
        A model to compile and fit; `model` has the trained weights afterwards.

    Raises:
        ValueError: the model is not built.

    >>> import keras
    >>> net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> wrap(net, weight_decay=WeightDecay(1e-4)).layers[-1] is net.layers[-1]
    True
    """
    if not model.built:
        raise ValueError(
            f"The model {model.name!r} has no variables yet. Give it an `Input`, or call it on a "
            "batch, before it is wrapped."
        )
    given = {
        "gradient_clipping": gradient_clipping,
        "weight_decay": weight_decay,
        "gradient_accumulation": gradient_accumulation,
        "gradient_transforms": gradient_transforms,
        "sam": sam,
        "weight_averaging": weight_averaging,
        "layer_rates": layer_rates,
        "momentum": momentum,
    }
    own = model.training_parts() if isinstance(model, TrainingStep) else {}
    chosen = {name: own.get(name) if part is None else part for name, part in given.items()}
    if not _is_a_graph(model):
        return Wrapped(model, **chosen)
    # A Sequential has lists of one; another model's ends may be a dict or a list, and stay so.
    if isinstance(model, keras.Sequential):
        ends = (model.inputs[0], model.outputs[0])
    else:
        ends = (model.input, model.output)
    return TrainingModel(*ends, name=model.name, **chosen)


def _is_a_graph(model: keras.Model) -> bool:
    """Whether a model computes what its graph does, and no `call` of its own."""
    own = not type(model).call.__module__.startswith("keras.")
    return bool(getattr(model, "inputs", None)) and not own
