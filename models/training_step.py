"""The compiled training step as a mix-in for any `keras.Model`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras.src.models.functional import Functional

from . import replicas
from .adversarial import AdversarialTraining, Front, Rest, floating, moved
from .keras_types import Batch, Logs, Tensors
from .layer_structure import owners
from .norms import Gradients
from .sharded_step import shard_gradients, shard_outputs
from .shards import ShardedBatch
from .step_functions import StepFunctions
from .step_state import STEP_METRICS
from .training_parts import SharpnessAware
from .update_rule import UpdateRule

# The calls of models that compute the same in training and in inference, but for their layers.
GRAPH_CALLS = (Functional.call, keras.Sequential.call)


class _Pass(NamedTuple):
    """Outputs, loss, and its gradients by the variables and by the tensors that may move."""

    outputs: Tensors
    loss: Any
    gradients: Gradients
    by_inputs: Sequence[tf.Tensor | None]


class TrainingStep(StepFunctions):
    """Gradient clipping, weight decay and more for any `keras.Model`, as a mix-in before it.

    The step computes the gradient, clips it, decays the weights and lets the optimizer update, as
    one compiled function. Beside loss and metrics, training (not evaluation) reports:

    - `gradient_norm`: mean over the epoch's updates of the gradient's global norm before clipping;
    - `update_ratio`: mean of ||w' - w|| / ||w|| over all variables, of one update in 16; about
      1e-3 is healthy;
    - with clipping, `clipped_norm`: the mean norm after it; `clipped_steps`: the fraction of
      updates that it changed; `nonfinite_steps`: the fraction whose gradient held a NaN or
      infinity. The means leave the last out.

    A subclassed model sets its parts like this, and saves them in its `get_config`:

    >>> import keras
    >>> from keras_recipes.models import GradientClipping
    >>> class Net(TrainingStep, keras.Model):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.set_training(gradient_clipping=GradientClipping(global_norm=1.0))
    ...         self.dense = keras.layers.Dense(1)
    ...     def call(self, inputs):
    ...         return self.dense(inputs)
    >>> Net().training_parts.gradient_clipping.global_norm
    1.0
    """

    _split: tuple[AdversarialTraining, tuple[Front, Rest]] | None = None

    def train_step(self, data: object) -> Logs:
        """One step, compiled by Keras."""
        if isinstance(data, ShardedBatch):
            return self._sharded_step(data)
        batch: Batch = keras.utils.unpack_x_y_sample_weight(data)
        outputs, loss, gradients = self.loss_and_gradients(*batch)
        self._track_loss(loss, batch[0])
        if self.trainable_variables:
            rule = self._update_rule()
            sam = self.training_parts.sam
            if sam is not None:
                again = partial(self.loss_and_gradients, *batch)
                gradients = self._sharpness_aware(rule, sam, gradients, lambda: again()[2])
            rule(gradients)
        x, y, sample_weight = batch
        return self.compute_metrics(x, y, outputs, sample_weight=sample_weight)

    def _make_variables(self, batch: object) -> None:
        """Make the variables of optimizer and metrics, where the step will make no others.

        A `train_step` of somebody's own may train more variables or change the batch. A `call` of
        somebody's own may have other outputs in training.

        Args:
            batch: shapes and types of a batch.
        """
        if type(self).train_step is not TrainingStep.train_step:
            return
        if not all(layer.built for layer in self._flatten_layers()):
            return
        if not self.optimizer.built:
            self.optimizer.build(self.trained_variables)
        leaves = tf.nest.flatten(batch)
        known = all(isinstance(one, tf.TensorSpec) and one.shape.rank is not None for one in leaves)
        if known and type(self).call in GRAPH_CALLS:
            self._symbolic_build(data_batch=batch)

    def _sharded_step(self, share: ShardedBatch) -> dict[str, tf.Tensor]:
        """A step on a global batch, of which this process computes its shards."""
        sharing = self._sharing
        assert sharing is not None
        found = shard_gradients(self, share, sharing)
        y, outputs, sample_weight = found.batch
        self._loss_tracker.update_state(found.loss, sample_weight=found.rows)
        if len(tf.nest.flatten(outputs)) > 1:
            # For the losses of the single outputs, which it adds up.
            self._compute_loss(None, y, outputs, sample_weight, training=True)
        if self.trainable_variables:
            rule, gradients = self._update_rule(), found.gradients
            sam = self.training_parts.sam
            if sam is not None:
                again = partial(shard_gradients, self, share, sharing, gather=False)
                gradients = self._sharpness_aware(rule, sam, gradients, lambda: again().gradients)
            rule(gradients)
        return self.compute_metrics(None, y, outputs, sample_weight=sample_weight)

    def test_step(self, data: object) -> Logs:
        """One step of evaluation, without the metrics that only training has."""
        if isinstance(data, ShardedBatch):
            assert self._sharing is not None
            y, outputs, sample_weight = shard_outputs(self, data, self._sharing)
            loss = self._compute_loss(None, y, outputs, sample_weight, training=False)
            self._loss_tracker.update_state(loss, sample_weight=tf.shape(tf.nest.flatten(y)[0])[0])
            logs = self.compute_metrics(None, y, outputs, sample_weight=sample_weight)
        else:
            logs = super().test_step(data)
        return {name: value for name, value in logs.items() if name not in STEP_METRICS}

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The compiled loss, and the penalty of a weight decay that is part of the loss."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        decay = self.training_parts.weight_decay
        if decay is None or decay.mode != "l2_loss" or decay.rate is None:
            return loss
        variables = self.trainable_variables
        penalty = decay.penalty(variables, decay.factors(variables, owners(self)))
        rate: Any = decay.rate_at(self.optimizer.iterations.value)
        # The replicas' losses are summed, and each adds the penalty.
        return loss + tf.cast(tf.cast(rate, penalty.dtype) * penalty / replicas.count(), loss.dtype)

    def loss_and_gradients(
        self, x: Any, y: Any, sample_weight: Any, scale: tf.Tensor | float = 1.0
    ) -> tuple[Any, Any, Gradients]:
        """Outputs, loss, and the gradient of the loss as the optimizer scales it.

        Args:
            scale: what the loss is multiplied by.
        """
        part = self.training_parts.adversarial_training
        ends = self.adversarial_ends()
        found = self._forward_and_back((x, y, sample_weight), scale, ends)
        gradients = found.gradients
        if part is not None:
            steps = [part.step(gradient) for gradient in found.by_inputs]
            again = self._forward_and_back((x, y, sample_weight), scale, ends, steps)
            gradients = part.mixed(gradients, again.gradients)
        if self._trained is not None:
            by_variable = dict(zip(map(id, self.trainable_variables), gradients, strict=True))
            gradients = [by_variable.get(id(variable)) for variable in self._trained]
        return found.outputs, found.loss, gradients

    def _forward_and_back(
        self,
        batch: Batch,
        scale: tf.Tensor | float,
        ends: tuple[Front, Rest] | None,
        steps: Sequence[tf.Tensor | None] | None = None,
    ) -> _Pass:
        """A pass and its gradients.

        Args:
            ends: the model before and after the tensors whose gradients are wanted too.
            steps: what is added to these tensors.
        """
        x, y, sample_weight = batch
        inner: list[tf.Tensor] = []
        with tf.GradientTape() as tape:
            if ends is None:
                outputs: Any = self(x, training=True)
            else:
                front, rest = ends
                tensors = front(x)
                inner = floating(tensors)
                tape.watch(inner)
                outputs = rest(tensors if steps is None else moved(tensors, steps))
            loss: Any = self._compute_loss(
                x=x, y=y, y_pred=outputs, sample_weight=sample_weight, training=True
            )
            if tf.is_tensor(scale):
                loss = loss * tf.cast(scale, loss.dtype)
            scaled = self.optimizer.scale_loss(loss)
        variables = self.trainable_variables
        gradients: Any = tape.gradient(scaled, [*variables, *inner])
        return _Pass(outputs, loss, gradients[: len(variables)], gradients[len(variables) :])

    def adversarial_ends(self) -> tuple[Front, Rest] | None:
        """The model before and after the tensors that adversarial training moves, if it does.

        Raises:
            ValueError: it cannot move any.
        """
        part = self.training_parts.adversarial_training
        if part is None:
            return None
        if self._split is None or self._split[0] is not part:
            # Not through Keras's tracking: the layers are those of the model.
            object.__setattr__(self, "_split", (part, part.split(self)))
        assert self._split is not None
        return self._split[1]

    def _sharpness_aware(
        self,
        rule: UpdateRule,
        sam: SharpnessAware,
        gradients: Gradients,
        again: Callable[[], Gradients],
    ) -> Gradients:
        """The gradient at the nearby point of highest loss; the weights are unchanged."""
        steps = sam.steps(rule.unscaled(gradients))
        moved = [v for v, step in zip(rule.variables, steps, strict=True) if step is not None]
        before = [tf.identity(variable.value) for variable in moved]
        replicas.assign_add(moved, [step for step in steps if step is not None])
        gradients = again()
        # The old values themselves: adding and subtracting would leave a rounding error.
        replicas.assign(moved, before)
        return gradients

    def _track_loss(self, loss: tf.Tensor, x: object) -> None:
        """Keras averages the loss over samples, so a short last batch weighs less."""
        rows = tf.shape(next(leaf for leaf in tf.nest.flatten(x) if leaf is not None))[0]
        loss *= tf.cast(replicas.count(), loss.dtype)
        self._loss_tracker.update_state(loss, sample_weight=rows)
