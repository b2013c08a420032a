"""How a model trains: its parts, what of it is trained, and the rule of its updates."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from ..optimizers import inner_optimizer
from .decay import VariableDecay
from .layer_rates import RateRow
from .layer_structure import depths, output_variables, owners
from .rate_feed import RateFeed
from .step_state import StepMemory
from .training_parts import TrainingParts
from .update_rule import UpdateRule

# A mix-in comes before `keras.Model`; for a type checker it has what a model has.
if TYPE_CHECKING:
    _Model = keras.Model
else:
    _Model = object


class StepSetup(_Model):
    """The parts of a training step, their state, and tables of what they do to each variable."""

    training_parts: TrainingParts = TrainingParts()
    _rule: UpdateRule | None = None
    _rule_key: tuple = ()
    _memory: StepMemory | None = None
    _feed: RateFeed | None = None
    # Variables that some phase of the training trains, and the depth of each; None for one phase.
    _trained: tuple[keras.Variable, ...] | None = None
    _depths: Mapping[int, int] | None = None

    def set_training(self, **parts: Any) -> None:
        """Set how this model trains, before it is compiled.

        Args:
            parts: the arguments of `TrainingParts`; None means the default.

        Raises:
            ValueError: a part has another type.
        """
        self.training_parts = TrainingParts.of(parts)

    def feed_learning_rate(self, variables: Sequence[keras.Variable] = ()) -> None:
        """Let the train function compute the rates of the optimizer's schedule between executions.

        Call it after `compile`, without a distribution strategy. The train function alone keeps the
        rates up to date: do not call `train_step` otherwise.

        Args:
            variables: those of the schedule.
        """
        # Not through Keras's tracking: nothing of it is saved.
        object.__setattr__(self, "_feed", RateFeed(self.optimizer, variables))
        self.restart_step()

    @property
    def rate_feed(self) -> RateFeed | None:
        """What `feed_learning_rate` made, as long as the model has that optimizer."""
        inner = inner_optimizer(self.optimizer)
        return self._feed if self._feed is not None and self._feed.optimizer is inner else None

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

    def decay_table(self) -> list[VariableDecay]:
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

    @property
    def computed_updates(self) -> int:
        """Updates of this epoch, with those whose gradient was not finite."""
        return 0 if self._rule is None else int(self._rule.statistics.updates())

    def restart_step(self) -> None:
        """Reset the state of the step: averages of the weights start from the present weights."""
        object.__setattr__(self, "_rule", None)
        self.train_function = None

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
            feed=self.rate_feed,
        )

    def _use_inner_parts(self) -> None:
        """Use the parts of an inner model here; inside they would have no effect.

        Raises:
            ValueError: both models have such a part, or other variables are trained too.
        """
        trained = {id(variable) for variable in self.trainable_variables}
        for inner in self._flatten_layers(include_self=False):
            if not isinstance(inner, StepSetup):
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
