"""Models with the training step: functional, subclassed, or around an existing model."""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import keras
from keras.src.models.functional import Functional

from .clipping import GradientClipping
from .decay import WeightDecay
from .keras_types import Config, Tensors
from .lora import merged
from .loss_weights import without_weights
from .training_parts import PART_NAMES, TrainingParts
from .training_step import TrainingStep

# Class -> its variant for graphs. Keras makes a model from a graph by changing the bases of its
# class for good: every class that derives from it then needs a graph too, and a subclass that
# defines `call` can no longer be made. So the variant for graphs is a separate class.
_GRAPH_CLASSES: dict[type, type] = {}
# What Keras takes for any model; for one from a graph it ignores other arguments in silence.
_KERAS_ARGUMENTS = frozenset(
    {"inputs", "outputs", "name", "trainable", "dtype", "autocast", "activity_regularizer"}
)


@keras.saving.register_keras_serializable(package="keras_recipes")
class TrainingModel(TrainingStep, keras.Model):
    """A model with the parts of `TrainingParts` in its training step: clipping, decay and more.

    It is made from a graph, as `TrainingModel(inputs, outputs)`, or is the base of a class that
    defines `call`.

    Args:
        inputs: input tensors, as for `keras.Model`.
        outputs: output tensors.
        name: name of the model.
        parts: the arguments of `TrainingParts`, such as `gradient_clipping` and `weight_decay`.

    `keras.models.load_model` loads a saved one, with parts, optimizer and state, in a program that
    imports `keras_recipes` after Keras, or `keras_recipes.models`: Keras loads only registered
    classes. `keras.models.clone_model` makes a model without the parts, as it gives a class inputs,
    outputs and name alone; `type(model).from_config(model.get_config())` is a copy that has them.

    Raises:
        ValueError: a part has another type, or an argument is not known. When training begins: a
            part and the optimizer do the same, a rule of the decay matches no variable, or a model
            inside has other parts.

    >>> import keras
    >>> inputs = keras.Input((4,))
    >>> outputs = keras.layers.Dense(1)(inputs)
    >>> model = TrainingModel(inputs, outputs, weight_decay=WeightDecay(1e-4))
    >>> model.compile("sgd", "mse")
    """

    # True in the training of a recipe: its `.keras` files hold only the network, which any program
    # with Keras loads; the checkpoints hold optimizer and parts.
    saves_network = False
    # What the saved network begins with: a model from what users have to what this one takes.
    preprocessing: keras.Model | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> TrainingModel:
        """A model of this class, or of its variant for graphs."""
        return super().__new__(_graph_class(cls) if _is_graph(args, kwargs) else cls)

    # Keras recognizes a functional constructor by this signature, and then saves the graph.
    def __init__(self, *args: Any, **kwargs: Any):
        if _is_graph(args, kwargs):
            # A subclass may have made the graph itself, after `__new__`.
            self.__class__ = _graph_class(type(self))
            _refuse_unknown(kwargs)
        parts = {name: kwargs.pop(name) for name in PART_NAMES if name in kwargs}
        super().__init__(*args, **kwargs)
        self.set_training(**parts)

    def save(self, filepath: str | os.PathLike, *args: Any, **kwargs: Any) -> None:
        """Save the model; if `saves_network` is set, only the layers and their weights.

        The arguments are those of `keras.Model.save`.
        """
        if not self.saves_network:
            super().save(filepath, *args, **kwargs)
            return
        self.network().save(filepath, *args, **kwargs)

    def network(self) -> keras.Model:
        """The layers and weights alone, as a model of Keras's own class, behind `preprocessing`.

        Low-rank adapters are added to the weights that they adapt.
        """
        # A single output stands alone, several by name, without the weights of their losses.
        several = isinstance(self.output, dict)
        outputs = without_weights(self.output) if several else self.outputs[0]
        if self.preprocessing is None:
            return merged(keras.Model(self.inputs[0], outputs, name=self.name))
        raw = self.preprocessing.input
        layers = merged(keras.Model(self.input, outputs, name="network"))
        return keras.Model(raw, layers(self.preprocessing(raw)), name=self.name)

    def get_config(self) -> Config:
        """The graph or the arguments, and the active parts."""
        return {**super().get_config(), **self.training_parts.get_config()}

    @classmethod
    def from_config(cls, config: Config, custom_objects: Config | None = None) -> TrainingModel:
        """The model that `get_config` described."""
        graph = {name: value for name, value in config.items() if name not in PART_NAMES}
        model = super().from_config(graph, custom_objects)
        model.training_parts = TrainingParts.from_config(config)
        return model


@keras.saving.register_keras_serializable(package="keras_recipes")
class GradientClippingModel(TrainingModel):
    """A model that clips its gradient; its bounds are the arguments of `GradientClipping`.

    >>> import keras
    >>> inputs = keras.Input((4,))
    >>> model = GradientClippingModel(inputs, keras.layers.Dense(1)(inputs), global_norm=1.0)
    >>> model.training_parts.gradient_clipping.global_norm
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
    >>> model.training_parts.weight_decay.mode
    'decoupled'
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **_with_part("weight_decay", WeightDecay, kwargs))


def _with_part(name: str, cls: type, kwargs: Config) -> Config:
    """The keyword arguments, those of a part's constructor gathered into the part."""
    known = inspect.signature(cls).parameters
    arguments = {key: value for key, value in kwargs.items() if key in known}
    if not arguments:
        return kwargs
    if kwargs.get(name) is not None:
        listed = ", ".join(arguments)
        raise ValueError(f"Received `{name}` and, of its arguments, {listed}: give one of them.")
    return {**{k: v for k, v in kwargs.items() if k not in known}, name: cls(**arguments)}


@keras.saving.register_keras_serializable(package="keras_recipes")
class Wrapped(TrainingModel):
    """A model around one that defines `call`, whose variables it trains."""

    def __init__(self, inner: keras.Model, **kwargs: Any):
        super().__init__(**{"name": inner.name, "dtype": inner.dtype_policy, **kwargs})
        self.inner = inner
        # The inner model has its variables already; nothing is left to build.
        self.built = True

    def call(self, inputs: Tensors, training: bool | None = None) -> Tensors:
        """What the inner model computes."""
        return self.inner(inputs, training=training)

    def get_config(self) -> Config:
        """The inner model and the active parts."""
        inner = keras.saving.serialize_keras_object(self.inner)
        return {"inner": inner, "name": self.name, **self.training_parts.get_config()}

    @classmethod
    def from_config(cls, config: Config, custom_objects: Config | None = None) -> Wrapped:
        """The model that `get_config` described."""
        inner = keras.saving.deserialize_keras_object(config["inner"], custom_objects)
        parts = TrainingParts.from_config(config)
        return cls(inner, name=config["name"], **parts.active())


def wrap(model: keras.Model, **parts: Any) -> TrainingModel:
    """A model that trains the layers and variables of `model`, with clipping, decay and more.

    Args:
        model: a built model: Sequential, functional or subclassed. Its `train_step`, if it
            defines one, is not used. Parts that it has are kept unless given here.
        parts: the arguments of `TrainingParts`, such as `gradient_clipping` and `weight_decay`.

    Returns:
        A model to compile and fit; `model` has the trained weights afterwards.

    Raises:
        ValueError: the model is not built, or a part has another type.

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
    own = model.training_parts if isinstance(model, TrainingStep) else TrainingParts()
    given = {name: part for name, part in parts.items() if part is not None}
    chosen = replace(own, **given).active()
    subclassed = not type(model).call.__module__.startswith("keras.")
    if subclassed or not getattr(model, "inputs", None):
        return Wrapped(model, **chosen)
    # A Sequential has lists of one; the inputs of another model may be a dict or a list.
    if isinstance(model, keras.Sequential):
        ends = (model.inputs[0], model.outputs[0])
    else:
        ends = (model.input, model.output)
    trained = TrainingModel(*ends, name=model.name, **chosen)
    # By which `compile` decides whether to scale the loss.
    trained.dtype_policy = model.dtype_policy
    return trained


def _is_graph(args: tuple[object, ...], kwargs: Mapping[str, object]) -> bool:
    """Whether the arguments of a constructor are the inputs and outputs of a graph."""
    ends = [*args[:2], *(kwargs[name] for name in ("inputs", "outputs") if name in kwargs)]
    leaves = keras.tree.flatten(ends)
    return len(ends) == 2 and {True} == {isinstance(leaf, keras.KerasTensor) for leaf in leaves}


def _refuse_unknown(names: Collection[str]) -> None:
    """Raise where an argument is neither one of Keras nor a part."""
    for name in names:
        if name not in _KERAS_ARGUMENTS and name not in PART_NAMES:
            close = difflib.get_close_matches(name, PART_NAMES, n=1)
            meant = f" Did you mean `{close[0]}`?" if close else ""
            raise ValueError(
                f"`{name}` is no argument of a model.{meant} Expected those of `keras.Model` and "
                f"the parts {', '.join(PART_NAMES)}."
            )


def _graph_class(cls: Any) -> Any:
    """The variant of a class that is made from a graph: of the same name, and saved as it."""
    if issubclass(cls, Functional):
        return cls
    if cls not in _GRAPH_CLASSES:
        namespace = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
        variant = type(cls.__name__, (cls, Functional), namespace)
        package, _, name = keras.saving.get_registered_name(cls).rpartition(">")
        if package:
            # Both are saved under one name, and that name loads the class.
            for registered in (variant, cls):
                keras.saving.register_keras_serializable(package=package, name=name)(registered)
        _GRAPH_CLASSES[cls] = variant
    return _GRAPH_CLASSES[cls]
