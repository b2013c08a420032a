"""A metric that gets targets and outputs in the form it can compare."""

from __future__ import annotations

from typing import Literal

import keras
import tensorflow as tf

from .keras_types import Config

Form = Literal["class_numbers", "columns", "one_column"]
Outputs = Literal["probabilities", "logits"]


@keras.saving.register_keras_serializable(package="keras_recipes")
class EncodedMetric(keras.metrics.Metric):
    """A Keras metric that gets targets and outputs converted to the form it compares.

    `keras.metrics.AUC` and `keras.metrics.F1Score` compare one column per class with a probability
    for each; a network with a sparse cross-entropy is trained on class numbers, and one with
    `from_logits` returns no probabilities. The forms are

    - `class_numbers`: targets (rows,) of class numbers, a probability for each class;
    - `columns`: targets (rows, classes) of 0 and 1, a probability for each class or label;
    - `one_column`: targets (rows, 1) of 0 and 1, the probability of the second of two classes.

    Args:
        metric: the metric inside, whose name this one has.
        classes: number of classes.
        form: form of targets and outputs.
        metric_form: form that the metric compares; with `one_column` there are two classes.
        outputs: whether the outputs are probabilities or logits.
        multi_label: whether the columns are labels that do not exclude each other; logits then go
            through a sigmoid, not a softmax.

    >>> metric = EncodedMetric(
    ...     keras.metrics.CategoricalAccuracy(), 3, form="class_numbers", metric_form="columns"
    ... )
    >>> metric.update_state([2, 0], [[0.1, 0.2, 0.7], [0.1, 0.8, 0.1]])
    >>> float(metric.result())
    0.5
    """

    def __init__(
        self,
        metric: keras.metrics.Metric,
        classes: int,
        *,
        form: Form,
        metric_form: Form,
        outputs: Outputs = "probabilities",
        multi_label: bool = False,
        name: str | None = None,
    ):
        super().__init__(name=name or metric.name)
        self.metric = metric
        self.classes = classes
        self.form: Form = form
        self.metric_form: Form = metric_form
        self.outputs = outputs
        self.multi_label = multi_label

    def update_state(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        """Convert a batch, and update the metric inside."""
        y_true, y_pred = tf.convert_to_tensor(y_true), tf.convert_to_tensor(y_pred)
        if self.outputs == "logits":
            single = self.multi_label or self.form == "one_column"
            y_pred = tf.sigmoid(y_pred) if single else tf.nn.softmax(y_pred)
        if self.form != self.metric_form:
            y_true, y_pred = self._targets(y_true), self._probabilities(y_pred)
        self.metric.update_state(y_true, y_pred, sample_weight=sample_weight)

    def _targets(self, y_true: tf.Tensor) -> tf.Tensor:
        if self.form == "columns":
            y_true = tf.argmax(y_true, axis=-1)
        numbers = tf.cast(tf.reshape(y_true, [-1]), tf.int32)
        if self.metric_form == "columns":
            return tf.one_hot(numbers, self.classes)
        if self.metric_form == "one_column":
            return tf.cast(numbers, tf.float32)[:, None]
        return numbers

    def _probabilities(self, y_pred: tf.Tensor) -> tf.Tensor:
        if self.metric_form == "one_column":
            return y_pred[:, 1:2]
        if self.form == "one_column":
            return tf.concat([1 - y_pred, y_pred], axis=-1)
        return y_pred

    def result(self) -> tf.Tensor:
        """The result of the metric inside."""
        return self.metric.result()

    def reset_state(self) -> None:
        """Reset the metric inside."""
        self.metric.reset_state()

    def get_config(self) -> Config:
        """The arguments."""
        return {
            "metric": keras.saving.serialize_keras_object(self.metric),
            "classes": self.classes,
            "form": self.form,
            "metric_form": self.metric_form,
            "outputs": self.outputs,
            "multi_label": self.multi_label,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: Config) -> EncodedMetric:
        """The metric that `get_config` described."""
        inner = keras.saving.deserialize_keras_object(config["metric"])
        return cls(**{**config, "metric": inner})
