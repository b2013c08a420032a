"""Functional models with the training step: clipping, decay, and all of it."""

from __future__ import annotations

import inspect
from typing import Any

import keras

from . import parts
from .clipping import GradientClipping
from .decay import WeightDecay
from .graph_class import graph_class, is_a_graph
from .training_step import TrainingStep


@keras.saving.register_keras_serializable(package="keras_recipes")
class TrainingModel(TrainingStep, keras.Model):
    """A model that clips its gradient, decays its weights, and what else `TrainingStep` does.

    It is made from a graph, as `TrainingModel(inputs, outputs)`, or is the base of a class with a
    `call` of its own.

    Args:
        inputs: input tensors, as for `keras.Model`.
        outputs: output tensors.
        name: name of the model.
        gradient_clipping: a `GradientClipping`, or None.
        weight_decay: a `WeightDecay`, or None.
        gradient_accumulation: batches whose mean gradient makes one update, >= 1.
        gradient_transforms: `GradientCentralization` and `GradientNoise`, in order.
        sam: a `SharpnessAware`, or None.
        weight_averaging: a `WeightAveraging`, or None.
        layer_rates: a `LayerRates`, or None.
        momentum: a schedule of the optimizer's `momentum` or `beta_1`, or None for a constant.

    `keras.models.load_model` brings a saved one back, settings, optimizer and state included, in a
    program that imports `keras_recipes` after Keras, or `keras_recipes.models`: Keras reads no
    class that is not registered.

    Raises:
        ValueError: a part of another type. When training begins: a part and the optimizer do the
            same, a rule of the decay matches no variable, or a model inside has parts of its own.

    >>> import keras
    >>> inputs = keras.Input((4,))
    >>> outputs = keras.layers.Dense(1)(inputs)
    >>> model = TrainingModel(inputs, outputs, weight_decay=WeightDecay(1e-4))
    >>> model.compile("sgd", "mse")
    """

    # True in the training of a recipe: its `.keras` files hold the network alone, which any program
    # with Keras loads; optimizer and parts are in the state that the run is resumed from.
    saves_network = False

    def __new__(cls, *args: Any, **kwargs: Any) -> TrainingModel:
        """A model of this class, or of its form for graphs."""
        form = graph_class(cls) if is_a_graph(args, kwargs) else cls
        return super().__new__(form)

    # Keras tells a functional constructor by this signature, and then saves the graph.
    def __init__(self, *args: Any, **kwargs: Any):
        if is_a_graph(args, kwargs):
            # A subclass may have made the graph itself, after `__new__`.
            self.__class__ = graph_class(type(self))
        given = {name: kwargs.pop(name, None) for name in parts.PARTS}
        super().__init__(*args, **kwargs)
        self.set_training(**given)

    def save(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """Save the whole model; where `saves_network` is set, the layers and their weights alone.

        The arguments are those of `keras.Model.save`.
        """
        if not self.saves_network:
            super().save(filepath, *args, **kwargs)
            return
        network = keras.Model(self.inputs[0], self.outputs[0], name=self.name)
        network.save(filepath, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The graph or the arguments, and the parts that are set."""
        return {**super().get_config(), **parts.to_config(self.training_parts())}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> TrainingModel:
        """The model that `get_config` described."""
        graph = {name: value for name, value in config.items() if name not in parts.PARTS}
        model = super().from_config(graph, custom_objects)
        model.set_training(**parts.from_config(config))
        return model


@keras.saving.register_keras_serializable(package="keras_recipes")
class GradientClippingModel(TrainingModel):
    """A model that clips its gradient; its bounds are the arguments of `GradientClipping`.

    >>> import keras
    >>> inputs = keras.Input((4,))
    >>> model = GradientClippingModel(inputs, keras.layers.Dense(1)(inputs), global_norm=1.0)
    >>> model.gradient_clipping.global_norm
    1.0
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **_with_part("gradient_clipping", GradientClipping, kwargs))


@keras.saving.register_keras_serializable(package="keras_recipes")
class WeightDecayModel(TrainingModel):
    """A model that decays its weights; its settings are the arguments of `WeightDecay`.

    >>> import keras
    >>> inputs = keras.Input((4,))
    >>> model = WeightDecayModel(inputs, keras.layers.Dense(1)(inputs), rate=1e-4)
    >>> model.weight_decay.mode
    'decoupled'
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **_with_part("weight_decay", WeightDecay, kwargs))


def _with_part(name: str, cls: type, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments with those of a part gathered into it."""
    known = inspect.signature(cls).parameters
    own = {key: value for key, value in kwargs.items() if key in known}
    if not own:
        return kwargs
    if kwargs.get(name) is not None:
        raise ValueError(f"Received `{name}` and, of its arguments, {', '.join(own)}: give one.")
    return {**{k: v for k, v in kwargs.items() if k not in own}, name: cls(**own)}
