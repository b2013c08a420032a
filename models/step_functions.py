"""The functions that Keras compiles for a model with a training step, and their wrappers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from .keras_types import Config
from .row_loop import HeldRows, batch_spec, row_loop, takes_rows
from .shards import ShardedBatch, Sharing
from .step_setup import StepSetup

# A compiled function of Keras's: from an iterator over batches to what the last step returned.
StepFunction = Callable[[Any], Any]


class StepFunctions(StepSetup):
    """Compiled functions that take held rows or shards, and swap averaged weights in and out."""

    _held: HeldRows | None = None
    _sharing: Sharing | None = None

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

    def make_train_function(self, force: bool = False) -> object:
        """The compiled function, with the state of the step made before it is traced."""
        if self.train_function is not None and not force:
            return self.train_function
        super().make_train_function(force)
        if self.built:
            self._update_rule()
        compiled: Any = self.train_function
        self.train_function = self._with_variables(
            self._with_trained_weights(self._with_fed_rates(self._with_row_loop(compiled)))
        )

    def make_test_function(self, force: bool = False) -> object:
        """The compiled function, on the averaged weights if there are any."""
        if self.test_function is not None and not force:
            return self.test_function
        super().make_test_function(force)
        compiled: Any = self.test_function
        self.test_function = self._with_averaged_weights(compiled)

    def make_predict_function(self, force: bool = False) -> object:
        """The compiled function, on the averaged weights if there are any."""
        if self.predict_function is not None and not force:
            return self.predict_function
        super().make_predict_function(force)
        self.predict_function = self._with_averaged_weights(self.predict_function)

    def _with_variables(self, function: StepFunction) -> StepFunction:
        """A function that makes the variables of optimizer and metrics before it is traced.

        TensorFlow traces a function that makes variables twice. Keras makes them beforehand where
        there is a distribution strategy.
        """
        if self.run_eagerly or self._distribute_strategy is not None:
            return function
        made = False

        def on_made_variables(iterator: object) -> object:
            nonlocal made
            if not made:
                made = True
                self._make_variables(getattr(iterator, "element_spec", None))
            return function(iterator)

        return on_made_variables

    def _with_row_loop(self, function: StepFunction) -> StepFunction:
        """A function that takes batches, or the rows of steps where rows are held."""
        if self._held is None:
            return function
        loop = row_loop(self, self._held)
        return lambda iterator: (loop if takes_rows(iterator) else function)(iterator)

    def _with_fed_rates(self, function: StepFunction) -> StepFunction:
        """A function that computes the rates of its updates before it runs."""
        feed = self.rate_feed
        if feed is None:
            return function
        feed.reserve(int(self.steps_per_execution))

        def with_rates(iterator: object) -> object:
            feed.fill()
            return function(iterator)

        return with_rates

    def _with_trained_weights(self, function: StepFunction) -> StepFunction:
        """A function that trains the weights, not their average, and raises on NaN if asked to."""
        clipping = self.training_parts.gradient_clipping
        raises = clipping is not None and clipping.nonfinite == "raise"
        if self.training_parts.weight_averaging is None and not raises:
            return function

        def on_trained_weights(iterator: object) -> object:
            if self._rule is not None:
                self._rule.swap_weights(average=False)
            result = function(iterator)
            self._update_rule().raise_if_failed()
            return result

        return on_trained_weights

    def _with_averaged_weights(self, function: StepFunction) -> StepFunction:
        if self.training_parts.weight_averaging is None:
            return function

        def on_averaged_weights(data: object) -> object:
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

    def compile_from_config(self, config: Config) -> None:
        """As in `keras.Model`; makes the state of the step too, so that Keras can load it."""
        super().compile_from_config(config)
        if self.compiled and self.optimizer is not None and self.built:
            self._update_rule()

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: object = None) -> None:
        """As in Keras, from the batch of one replica of a strategy.

        Keras takes the mean of the replicas' batches, which fails where they are not of one size.
        """
        if self._distribute_strategy is not None and iterator is not None:
            for _, _, batches in iterator:
                data_batch = tf.nest.map_structure(self._of_first_replica, next(batches))
                iterator = None
                break
        super()._maybe_symbolic_build(iterator, data_batch)

    def _symbolic_build(self, iterator: Any = None, data_batch: object = None) -> None:
        """As in Keras, from the batch of which a dataset may give the rows alone."""
        if isinstance(data_batch, ShardedBatch):
            data_batch = data_batch.batch
        super()._symbolic_build(iterator, batch_spec(data_batch, self._held))

    def _of_first_replica(self, value: object) -> object:
        return self.distribute_strategy.experimental_local_results(value)[0]
