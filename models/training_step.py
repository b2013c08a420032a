"""The compiled training step as a mix-in for any `keras.Model`."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from . import replicas
from .decay import Row
from .layer_rates import RateRow
from .layer_structure import depths, output_variables, owners
from .norms import Gradients
from .row_loop import HeldRows, batch_spec, row_loop, takes_rows
from .sharded_step import shard_gradients, shard_outputs
from .shards import ShardedBatch, Sharing
from .step_state import STEP_METRICS, StepMemory
from .training_parts import SharpnessAware, TrainingParts
from .update_rule import UpdateRule

# A mix-in comes before `keras.Model`; for a type checker it has what a model has.
if TYPE_CHECKING:
    _Model = keras.Model
else:
    _Model = object


class TrainingStep(_Model):
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

    training_parts: TrainingParts = TrainingParts()
    _rule: UpdateRule | None = None
    _rule_key: tuple = ()
    _memory: StepMemory | None = None
    # Variables that some phase of the training trains, and the depth of each; None for one phase.
    _trained: tuple[keras.Variable, ...] | None = None
    _depths: Mapping[int, int] | None = None
    _held: HeldRows | None = None
    _sharing: Sharing | None = None

    def set_training(self, **parts: Any) -> None:
        """Set how this model trains, before it is compiled.

        Args:
            parts: the arguments of `TrainingParts`; None means the default.

        Raises:
            ValueError: a part has another type.
        """
        self.training_parts = TrainingParts.of(parts)

    def set_trained_variables(self, variables: Sequence[keras.Variable]) -> None:
        """Name what trains at any time, for a training that freezes layers at times.

        The state of the step, such as accumulated gradients, then covers these variables in every
        phase. Call it while none of them is frozen.

        Args:
            variables: those of `trainable_variables` that train in some phase.
        """
        # Not through Keras's tracking: they belong to the layers.
        object.__setattr__(self, "_trained", tuple(variables))
        object.__setattr__(self, "_depths", depths(self))
        self.restart_step()

    def hold_rows(self, held: HeldRows | None) -> None:
        """Let `fit` take a dataset of `StepRows`, whose steps run as a loop of one program.

        Args:
            held: the rows that the dataset names; None for none.
        """
        # Not through Keras's tracking: the rows are no part of the model.
        object.__setattr__(self, "_held", held)
        self.train_function = None

    def share_batches(self, sharing: Sharing, spec: ShardedBatch) -> None:
        """Let `fit` and `evaluate` take datasets of `ShardedBatch`; call it after `compile`.

        Args:
            sharing: the processes and devices that compute them together.
            spec: shapes and types of an element.
        """
        # Not through Keras's tracking: devices are no part of the model.
        object.__setattr__(self, "_sharing", sharing)
        self.train_function = self.test_function = None
        # Keras would make the metrics inside of the first step, where no shard may make variables.
        self._symbolic_build(data_batch=spec)

    @property
    def trained_variables(self) -> list[keras.Variable]:
        """Variables that train in some phase; `trainable_variables` train in the present one."""
        return list(self.trainable_variables if self._trained is None else self._trained)

    @property
    def step_variables(self) -> list[keras.Variable]:
        """Variables of the training step, which are saved beside weights and optimizer.

        They hold averaged weights, accumulated gradients and the histories of norms; there are none
        before the first step.
        """
        return [] if self._memory is None else self._memory.variables

    def decay_table(self) -> list[Row]:
        """Whether each trainable variable decays, and by which rule; empty without weight decay.

        Raises:
            ValueError: a rule matches no variable.
        """
        decay = self.training_parts.weight_decay
        return [] if decay is None else decay.table(self.trained_variables, owners(self))

    def rate_table(self) -> list[RateRow]:
        """The learning-rate multiplier of each trainable variable; empty without layer rates.

        Raises:
            ValueError: a rule matches no variable.
        """
        rates = self.training_parts.layer_rates
        if rates is None:
            return []
        return rates.table(self.trained_variables, self._depths or depths(self))

    def gradient_norms(self) -> dict[str, float]:
        """Mean norm of each variable's gradient in this epoch, by path, before clipping."""
        if self._rule is None:
            return {}
        rule = self._rule
        trained = {id(variable) for variable in rule.trained}
        rows = zip(rule.variables, rule.statistics.norms().tolist(), strict=True)
        return {variable.path: norm for variable, norm in rows if id(variable) in trained}

    def restart_step(self) -> None:
        """Reset the state of the step: averages of the weights start from the present weights."""
        object.__setattr__(self, "_rule", None)
        self.train_function = None

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One step, compiled by Keras."""
        if isinstance(data, ShardedBatch):
            return self._sharded_step(data)
        batch = keras.utils.unpack_x_y_sample_weight(data)
        loss, outputs, gradients = self._backward(*batch)
        self._track_loss(loss, batch[0])
        if self.trainable_variables:
            rule = self._update_rule()
            sam = self.training_parts.sam
            if sam is not None:
                again = partial(self._backward, *batch)
                gradients = self._sharpness_aware(rule, sam, gradients, lambda: again()[2])
            rule(gradients)
        x, y, sample_weight = batch
        return self.compute_metrics(x, y, outputs, sample_weight=sample_weight)

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

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
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

    def make_train_function(self, force: bool = False) -> Any:
        """The compiled function, with the state of the step made before it is traced."""
        if self.train_function is not None and not force:
            return self.train_function
        super().make_train_function(force)
        if self.built:
            self._update_rule()
        compiled: Any = self.train_function
        self.train_function = self._with_trained_weights(self._with_row_loop(compiled))

    def make_test_function(self, force: bool = False) -> Any:
        """The compiled function, on the averaged weights if there are any."""
        if self.test_function is not None and not force:
            return self.test_function
        super().make_test_function(force)
        compiled: Any = self.test_function
        self.test_function = self._with_averaged_weights(compiled)

    def make_predict_function(self, force: bool = False) -> Any:
        """The compiled function, on the averaged weights if there are any."""
        if self.predict_function is not None and not force:
            return self.predict_function
        super().make_predict_function(force)
        self.predict_function = self._with_averaged_weights(self.predict_function)

    def _with_row_loop(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """A function that takes batches, or the rows of steps where rows are held."""
        if self._held is None:
            return function
        loop = row_loop(self, self._held)
        return lambda iterator: (loop if takes_rows(iterator) else function)(iterator)

    def _with_trained_weights(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """A function that trains the weights, not their average, and raises on NaN if asked to."""
        clipping = self.training_parts.gradient_clipping
        raises = clipping is not None and clipping.nonfinite == "raise"
        if self.training_parts.weight_averaging is None and not raises:
            return function

        def on_trained_weights(iterator: Any) -> Any:
            if self._rule is not None:
                self._rule.swap_weights(average=False)
            result = function(iterator)
            self._update_rule().raise_if_failed()
            return result

        return on_trained_weights

    def _with_averaged_weights(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        if self.training_parts.weight_averaging is None:
            return function

        def on_averaged_weights(data: Any) -> Any:
            self.use_averaged_weights()
            return function(data)

        return on_averaged_weights

    def use_averaged_weights(self) -> None:
        """Put the averaged weights, if any, into the model; training puts the trained ones back.

        `fit` does so at its end; call it if `fit` ended with an exception.
        """
        if self._rule is not None:
            self._rule.swap_weights(average=True)

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """As `keras.Model.fit`; afterwards the model holds the averaged weights, if any."""
        history = super().fit(*args, **kwargs)
        self.use_averaged_weights()
        return history

    def save(self, *args: Any, **kwargs: Any) -> None:
        """As `keras.Model.save`; the weights in the file are the averaged ones, if any."""
        self.use_averaged_weights()
        super().save(*args, **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """As in `keras.Model`; makes the state of the step too, so that Keras can load it."""
        super().compile_from_config(config)
        if self.compiled and self.optimizer is not None and self.built:
            self._update_rule()

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """As in Keras, from the batch of one replica of a strategy.

        Keras takes the mean of the replicas' batches, which fails where they are not of one size.
        """
        if self._distribute_strategy is not None and iterator is not None:
            for _, _, batches in iterator:
                data_batch = tf.nest.map_structure(self._of_first_replica, next(batches))
                iterator = None
                break
        super()._maybe_symbolic_build(iterator, data_batch)

    def _symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """As in Keras, from the batch of which a dataset may give the rows alone."""
        if isinstance(data_batch, ShardedBatch):
            data_batch = data_batch.batch
        super()._symbolic_build(iterator, batch_spec(data_batch, self._held))

    def _of_first_replica(self, value: object) -> Any:
        return self.distribute_strategy.experimental_local_results(value)[0]

    def _backward(self, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Gradients]:
        """Loss, outputs, and the gradient of the loss as the optimizer scales it."""
        outputs, loss, gradients = self.loss_and_gradients(x, y, sample_weight)
        return loss, outputs, gradients

    def loss_and_gradients(
        self, x: Any, y: Any, sample_weight: Any, scale: tf.Tensor | float = 1.0
    ) -> tuple[Any, Any, Gradients]:
        """Outputs, loss, and the gradient of the loss as the optimizer scales it.

        Args:
            scale: what the loss is multiplied by.
        """
        with tf.GradientTape() as tape:
            outputs = self(x, training=True)
            loss: Any = self._compute_loss(
                x=x, y=y, y_pred=outputs, sample_weight=sample_weight, training=True
            )
            if tf.is_tensor(scale):
                loss = loss * tf.cast(scale, loss.dtype)
            scaled = self.optimizer.scale_loss(loss)
        variables = self.trainable_variables
        gradients: Any = tape.gradient(scaled, variables)
        if self._trained is not None:
            found = dict(zip(map(id, variables), gradients, strict=True))
            gradients = [found.get(id(variable)) for variable in self._trained]
        return outputs, loss, gradients

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

    def _track_loss(self, loss: tf.Tensor, x: Any) -> None:
        """Keras averages the loss over samples, so a short last batch weighs less."""
        rows = tf.shape(next(leaf for leaf in tf.nest.flatten(x) if leaf is not None))[0]
        loss *= tf.cast(replicas.count(), loss.dtype)
        self._loss_tracker.update_state(loss, sample_weight=rows)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Keras's metrics, and those of the training step after the first one."""
        found = super().metrics
        return found if self._rule is None else [*found, self._rule.statistics]

    def _update_rule(self) -> UpdateRule:
        """The rule for this optimizer and these variables, with its state."""
        by_xla = self.jit_compile is True
        key = (weakref.ref(self.optimizer), by_xla, *(id(v) for v in self.trainable_variables))
        if self._rule is not None and self._rule_key == key:
            return self._rule
        # Between two phases of a training the state of the step is carried on.
        same = self._rule is not None and self._trained is not None
        earlier = self._rule if same and self._rule_key[0] == key[0] else None
        self._use_inner_parts()
        self.training_parts.check_optimizer(self.optimizer)
        with tf.init_scope(), self.distribute_strategy.scope():
            scales = isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer)
            if scales and not self.optimizer.built:
                # It has no scale before it is built; the first update would be taken as it is.
                self.optimizer.build(self.trained_variables)
            rule = self._new_rule(earlier)
        # Not through Keras's tracking: none of it is a layer of the network.
        for name, value in {"_rule": rule, "_rule_key": key, "_memory": rule.memory}.items():
            object.__setattr__(self, name, value)
        return rule

    def _new_rule(self, earlier: UpdateRule | None) -> UpdateRule:
        decay, factors = self.training_parts.weight_decay, []
        variables, layers = self.trained_variables, owners(self)
        trainable = {id(variable) for variable in self.trainable_variables}
        if decay is not None:
            # Checked on all weights: a rule may be for a layer that is frozen now.
            decay.check(self.weights, layers)
            factors = decay.factors(variables, layers)
        return UpdateRule(
            self.training_parts,
            self.optimizer,
            variables,
            weights=[w for w in self.weights if "float" in w.dtype],
            factors=factors,
            multipliers=[row.multiplier for row in self.rate_table()],
            output=output_variables(self),
            frozen=frozenset(id(v) for v in variables if id(v) not in trainable),
            earlier=earlier,
            by_xla=self.jit_compile is True,
        )

    def _use_inner_parts(self) -> None:
        """Use the parts of an inner model here; inside they would have no effect.

        Raises:
            ValueError: both models have such a part, or other variables are trained too.
        """
        trained = {id(variable) for variable in self.trainable_variables}
        for inner in self._flatten_layers(include_self=False):
            if not isinstance(inner, TrainingStep):
                continue
            same = trained == {id(variable) for variable in inner.trainable_variables}
            for name, part in inner.training_parts.active().items():
                own = self.training_parts.active().get(name, part)
                if not same or own != part:
                    raise ValueError(
                        f"The model {inner.name!r} inside {self.name!r} has `{name}`, which has no "
                        f"effect there. Give it to {self.name!r}, which is trained."
                    )
                self.training_parts = replace(self.training_parts, **{name: part})
