"""Models whose compiled training step clips gradients and decays weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import keras
import tensorflow as tf

from .clipping import GradientClipping, global_norm
from .decay import WeightDecay

# Metrics of the training step alone; evaluation has no gradient to tell of.
STEP_METRICS = ("gradient_norm", "clipped_steps", "nonfinite_steps")
PARTS = ("gradient_clipping", "weight_decay")

# A mix-in stands before `keras.Model`; for a type checker it has what a model has.
if TYPE_CHECKING:
    _Model = keras.Model
else:
    _Model = object


class TrainingStep(_Model):
    """Gradient clipping and weight decay for any `keras.Model`, as a mix-in before it.

    The step computes the gradient, clips it, decays the weights and lets the optimizer update, as
    one compiled function. It reports, beside loss and metrics, the mean over the epoch of the
    gradient's global norm before clipping (`gradient_norm`) and, with clipping, the share of steps
    that were clipped (`clipped_steps`) or had a gradient that is no number (`nonfinite_steps`).

    A subclassed model uses it so, and saves the two settings with its own `get_config`:

    >>> import keras
    >>> class Net(TrainingStep, keras.Model):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.set_training(gradient_clipping=GradientClipping(global_norm=1.0))
    ...         self.dense = keras.layers.Dense(1)
    ...     def call(self, inputs):
    ...         return self.dense(inputs)
    >>> Net().gradient_clipping.global_norm
    1.0
    """

    gradient_clipping: GradientClipping | None = None
    weight_decay: WeightDecay | None = None
    _step_metrics: tuple[keras.metrics.Mean, ...] = ()

    def set_training(
        self,
        gradient_clipping: GradientClipping | None = None,
        weight_decay: WeightDecay | None = None,
    ) -> None:
        """Say how this model clips and decays; before it is compiled.

        Args:
            gradient_clipping: bounds on the gradient, or None.
            weight_decay: shrinking of the kernels, or None.
        """
        _expect("gradient_clipping", gradient_clipping, GradientClipping)
        _expect("weight_decay", weight_decay, WeightDecay)
        self.gradient_clipping = gradient_clipping
        self.weight_decay = weight_decay
        names = STEP_METRICS if gradient_clipping is not None else STEP_METRICS[:1]
        self._step_metrics = tuple(keras.metrics.Mean(name=name) for name in names)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One update, compiled by Keras."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(
                x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True
            )
            scaled = self.optimizer.scale_loss(loss)
        self._track_loss(loss, x)
        variables = self.trainable_variables
        gradients: Any = tape.gradient(scaled, variables)
        self._update(gradients, variables)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One step of evaluation, without the metrics that only training has."""
        logs = super().test_step(data)
        return {name: value for name, value in logs.items() if name not in STEP_METRICS}

    def _update(
        self, gradients: Sequence[tf.Tensor | None], variables: Sequence[keras.Variable]
    ) -> None:
        """Measure, clip, decay, and let the optimizer update."""
        # A LossScaleOptimizer takes scaled gradients and unscales them itself; bounds and norms
        # are meant for the true ones.
        scale = getattr(self.optimizer, "dynamic_scale", None)
        if scale is not None:
            gradients = _multiplied(gradients, 1.0 / scale.value)
        norm = global_norm(gradients)
        clipping, decay = self.gradient_clipping, self.weight_decay
        self._track_norm(gradients, norm)
        if clipping is not None:
            gradients = clipping(gradients, norm, keep_nonfinite=scale is not None)
        if decay is not None and decay.mode == "l2":
            gradients = decay.add_to(gradients, variables)
        if decay is not None:
            decay.check(variables)
        if decay is not None and decay.mode == "decoupled":
            decay.shrink(variables, self.optimizer.learning_rate)
        if scale is not None:
            gradients = _multiplied(gradients, scale.value)
        self.optimizer.apply(gradients, variables)

    def _track_loss(self, loss: Any, x: Any) -> None:
        """Keras averages the loss over rows, so a short last batch weighs less."""
        rows = tf.shape(tf.nest.flatten(x)[0])[0]
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, sample_weight=rows)

    def _track_norm(self, gradients: Sequence[tf.Tensor | None], norm: tf.Tensor) -> None:
        if not self._step_metrics:
            return
        self._step_metrics[0].update_state(norm)
        if self.gradient_clipping is not None:
            clipped = self.gradient_clipping.clips(gradients, norm)
            self._step_metrics[1].update_state(tf.cast(clipped, tf.float32))
            self._step_metrics[2].update_state(tf.cast(~tf.math.is_finite(norm), tf.float32))


@keras.saving.register_keras_serializable(package="keras_recipes")
class TrainingModel(TrainingStep, keras.Model):
    """A functional model that clips its gradient and decays its weights.

    Args:
        inputs: input tensors, as for `keras.Model`.
        outputs: output tensors.
        name: name of the model.
        gradient_clipping: a `GradientClipping`, or None.
        weight_decay: a `WeightDecay`, or None.

    `keras.models.load_model` brings a saved one back, settings and optimizer included, in a program
    that has imported `keras_recipes.models`: Keras reads no class that is not registered.

    >>> import keras
    >>> inputs = keras.Input((4,))
    >>> outputs = keras.layers.Dense(1)(inputs)
    >>> model = TrainingModel(inputs, outputs, weight_decay=WeightDecay(1e-4))
    >>> model.compile("sgd", "mse")
    """

    # Keras tells a functional constructor by this signature, and then saves the graph.
    def __init__(self, *args: Any, **kwargs: Any):
        parts = {name: kwargs.pop(name, None) for name in PARTS}
        super().__init__(*args, **kwargs)
        self.set_training(**parts)

    def get_config(self) -> dict[str, Any]:
        """The graph, the clipping and the decay."""
        parts = {
            name: keras.saving.serialize_keras_object(getattr(self, name))
            for name in PARTS
            if getattr(self, name) is not None
        }
        return {**super().get_config(), **parts}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> TrainingModel:
        """The model that `get_config` described."""
        graph = {name: value for name, value in config.items() if name not in PARTS}
        model = super().from_config(graph, custom_objects)
        model.set_training(
            **{
                name: keras.saving.deserialize_keras_object(config[name])
                for name in PARTS
                if config.get(name) is not None
            }
        )
        return model


@keras.saving.register_keras_serializable(package="keras_recipes")
class GradientClippingModel(TrainingModel):
    """A functional model that clips its gradient; the bounds are those of `GradientClipping`.

    >>> import keras
    >>> inputs = keras.Input((4,))
    >>> model = GradientClippingModel(inputs, keras.layers.Dense(1)(inputs), global_norm=1.0)
    """

    def __init__(
        self,
        *args: Any,
        value: float | None = None,
        norm: float | None = None,
        global_norm: float | None = None,
        **kwargs: Any,
    ):
        if (value, norm, global_norm) != (None, None, None):
            kwargs["gradient_clipping"] = GradientClipping(value, norm, global_norm)
        super().__init__(*args, **kwargs)


@keras.saving.register_keras_serializable(package="keras_recipes")
class WeightDecayModel(TrainingModel):
    """A functional model that decays its weights; the arguments are those of `WeightDecay`.

    >>> import keras
    >>> inputs = keras.Input((4,))
    >>> model = WeightDecayModel(inputs, keras.layers.Dense(1)(inputs), rate=1e-4)
    """

    def __init__(
        self,
        *args: Any,
        rate: float | None = None,
        mode: Literal["decoupled", "l2"] = "decoupled",
        exclude: Sequence[str] = (),
        **kwargs: Any,
    ):
        if rate is not None:
            kwargs["weight_decay"] = WeightDecay(rate, mode, exclude)
        super().__init__(*args, **kwargs)


class Wrapped(TrainingStep, keras.Model):
    """A model around a subclassed one, whose variables it trains."""

    def __init__(self, inner: keras.Model):
        super().__init__(name=inner.name)
        self.inner = inner

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """What the inner model computes."""
        return self.inner(inputs, training=training)


def wrap(
    model: keras.Model,
    *,
    gradient_clipping: GradientClipping | None = None,
    weight_decay: WeightDecay | None = None,
) -> keras.Model:
    """A model that trains the layers and variables of `model`, with clipping and decay.

    Args:
        model: a built model: Sequential, functional or subclassed. Its own `train_step`, if it
            has one, is not used.
        gradient_clipping: a `GradientClipping`, or None.
        weight_decay: a `WeightDecay`, or None.

    Returns:
        A model to compile and fit; `model` has the trained weights afterwards.

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
    if getattr(model, "inputs", None):
        return TrainingModel(
            model.inputs,
            model.outputs,
            name=model.name,
            gradient_clipping=gradient_clipping,
            weight_decay=weight_decay,
        )
    wrapped = Wrapped(model)
    wrapped.set_training(gradient_clipping, weight_decay)
    return wrapped


def _multiplied(gradients: Sequence[tf.Tensor | None], factor: tf.Tensor) -> list[tf.Tensor | None]:
    return [g if g is None else g * tf.cast(factor, g.dtype) for g in gradients]


def _expect(name: str, value: Any, cls: type) -> None:
    if value is not None and not isinstance(value, cls):
        raise ValueError(
            f"Argument `{name}` must be a `{cls.__name__}` or None. Received: {name}={value!r}"
        )
