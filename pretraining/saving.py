"""Base classes: objects that Keras can save, and models that are trained without a loss."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Literal, Self

import keras
import tensorflow as tf
from tensorflow import Tensor

from ..schedules.arguments import check_steps


class Serializable:
    """An object that keeps each argument of its constructor in an attribute of the same name."""

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, serialized."""
        parameters = inspect.signature(type(self).__init__).parameters.values()
        names = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        serialized = keras.saving.serialize_keras_object
        return {name: serialized(getattr(self, name)) for name in names if name != "self"}

    @classmethod
    def from_config(
        cls, config: dict[str, object], custom_objects: Mapping[str, object] | None = None
    ) -> Self:
        """The object that `get_config` described."""
        revived = keras.saving.deserialize_keras_object
        return cls(**{name: revived(value, custom_objects) for name, value in config.items()})


class StepMeans(keras.metrics.Metric):
    """Means over the steps of an epoch of several numbers, kept in one variable."""

    def __init__(self, names: tuple[str, ...], name: str = "step_means"):
        super().__init__(name=name)
        self.names = names
        # A row of sums and a row of how many were added.
        self.sums = self.add_variable((2, len(names)), "zeros", name="sums")

    def update_state(
        self, values: Mapping[str, Tensor], counts: list[Tensor | float] | None = None
    ) -> None:
        """Add a step's numbers; one with a count of 0 is left out."""
        row = tf.stack([tf.cast(values[name], tf.float32) for name in self.names])
        weights = tf.ones_like(row) if counts is None else tf.cast(tf.stack(counts), tf.float32)
        self.sums.assign_add(tf.stack([row * weights, weights]))

    def result(self) -> dict[str, Tensor]:
        """Mean by name."""
        means = tf.math.divide_no_nan(self.sums.value[0], self.sums.value[1])
        return {name: means[index] for index, name in enumerate(self.names)}


class GenerativeModel(Serializable, keras.Model):
    """A model whose `train_step` computes gradients itself; training continues after loading.

    Attributes:
        step_means: the metric of training and validation steps.
    """

    step_means: StepMeans

    @property
    def updated_variables(self) -> list[keras.Variable]:
        """The variables that an update changes, in the order of the optimizer."""
        return self.trainable_variables

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Means over the steps of an epoch."""
        return [self.step_means]

    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer = "sgd",
        *,
        steps_per_execution: int = 50,
        run_eagerly: bool = False,
        jit_compile: bool | Literal["auto"] = "auto",
    ) -> None:
        """Configure the training; there is no loss to choose.

        Args:
            optimizer: a Keras optimizer, such as `MomentumSGD`.
            steps_per_execution: updates in one call of the compiled function.
            run_eagerly: as in `keras.Model.compile`.
            jit_compile: compile the updates with XLA; `auto` does for rows in memory with enough
                updates an epoch for that to be faster.
        """
        self._compile_arguments = {
            "steps_per_execution": check_steps("steps_per_execution", steps_per_execution),
            "run_eagerly": run_eagerly,
            "jit_compile": jit_compile,
        }
        # What `auto` stands for is decided when the rows are known.
        by_xla = jit_compile is True
        super().compile(optimizer=optimizer, **{**self._compile_arguments, "jit_compile": by_xla})

    def get_compile_config(self) -> dict[str, Any]:
        """The arguments of `compile`."""
        if not self.compiled:
            return {}
        optimizer = keras.saving.serialize_keras_object(self.optimizer)
        return {"optimizer": optimizer, **self._compile_arguments}

    def compile_from_config(self, config: Mapping[str, object]) -> None:
        """Compile as the saved model was; the optimizer's state is loaded from the file."""
        optimizer = keras.saving.deserialize_keras_object(config["optimizer"])
        self.compile(**{**config, "optimizer": optimizer})
        if self.built:
            self.optimizer.build(self.updated_variables)
