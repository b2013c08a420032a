"""From the gradients of a step to an update of the variables, inside the compiled step."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from ..optimizers import updating
from . import replicas
from .clipping import NonFiniteGradientError
from .decay import WeightDecay
from .momentum import ScheduledMomentum
from .norms import Gradients, dense, scaled, squares
from .rate_feed import RateFeed
from .step_state import StepMemory, StepStatistics
from .training_parts import TrainingParts, WeightAveraging

# Updates between two measurements of ||w' - w|| / ||w||, each of which copies the weights.
RATIO_EVERY = 16


class UpdateRule:
    """Clips, decays, updates and reports, for one optimizer and its variables.

    The order of an update: mean of the accumulated gradients; transforms before clipping; norms and
    clipping; transforms after it; coupled decay; decoupled decay; the optimizer; the bound on the
    weights' norm; the average. The learning rates of single layers scale what decoupled decay and
    the optimizer did.

    Args:
        parts: the parts of the training step.
        optimizer: the optimizer, built or not.
        variables: the trainable variables.
        weights: the weights that are averaged.
        factors: rate of decay of each of `variables`, as a multiple.
        output: ids of the variables of the last layer.
        multipliers: learning rate of each of `variables` as a multiple, 0 for a frozen one; empty
            for 1 everywhere.
        frozen: ids of those of `variables` that do not train in this phase of the training; their
            gradients are None.
        earlier: the rule of the phase before, whose state is carried on.
        by_xla: whether XLA compiles the step.
        feed: gives the optimizer its learning rate; None where the step computes it.
    """

    def __init__(
        self,
        parts: TrainingParts,
        optimizer: keras.optimizers.Optimizer,
        variables: Sequence[keras.Variable],
        *,
        weights: Sequence[keras.Variable],
        factors: Sequence[float],
        output: frozenset[int],
        multipliers: Sequence[float] = (),
        frozen: frozenset[int] = frozenset(),
        earlier: UpdateRule | None = None,
        by_xla: bool = False,
        feed: RateFeed | None = None,
    ):
        self.clipping = parts.gradient_clipping
        self.decay = parts.weight_decay
        self.accumulation = parts.gradient_accumulation
        self.averaging = parts.weight_averaging
        self.transforms_before = [t for t in parts.gradient_transforms if not t.after_clipping]
        self.transforms_after = [t for t in parts.gradient_transforms if t.after_clipping]
        self.optimizer = optimizer
        self.by_xla = by_xla
        self.feed = feed
        self.variables = list(variables)
        self.weights = list(weights)
        self.output = output
        self.trained = [v for v in self.variables if id(v) not in frozen]
        multipliers = [
            1.0 if id(variable) in frozen else rate
            for variable, rate in zip(
                self.variables, multipliers or [1.0] * len(self.variables), strict=True
            )
        ]
        rates = zip(self.variables, multipliers, strict=True)
        self.multipliers = [(variable, rate) for variable, rate in rates if rate != 1.0]
        # A frozen variable neither decays nor is bounded, whatever the mode.
        decays = zip(factors, multipliers, self.variables, strict=False)
        self.factors = [
            0.0 if rate == 0 or id(variable) in frozen else factor
            for factor, rate, variable in decays
        ]
        schedule = parts.momentum
        self.momentum = None if schedule is None else ScheduledMomentum(schedule, optimizer)
        if self.clipping is not None and self.clipping.adaptive is not None:
            self.clipping.adaptive.check(self.variables, output)
        if earlier is not None:
            self.statistics, self.memory = earlier.statistics, earlier.memory
            self._forget_gradients(frozen)
        else:
            self.statistics = StepStatistics(self.clipping is not None, len(self.variables))
            self.memory = self._new_memory()

    def _new_memory(self) -> StepMemory:
        """The variables that the parts need."""
        memory = StepMemory()
        if self.clipping is not None:
            for name, history in self.clipping.histories().items():
                memory.add(name, history.initial_state())
            if self.clipping.nonfinite == "raise":
                memory.add("failed_update", -1, "int64")
                memory.add("failed_variables", [False] * len(self.variables), "bool")
        if self.accumulation > 1:
            memory.add("batches", 0, "int64")
            memory.add_like("accumulated", self.variables, zeros=True)
        if self.averaging is not None:
            memory.add("holds_average", False, "bool")
            memory.add_like("average", self.weights)
        return memory

    def _forget_gradients(self, frozen: frozenset[int]) -> None:
        """Drop the accumulated gradients of variables that are frozen now."""
        for index, variable in enumerate(self.variables):
            if self.accumulation > 1 and id(variable) in frozen:
                total = self.memory[f"accumulated_{index}"]
                total.assign(tf.zeros_like(total.value))

    def swap_weights(self, *, average: bool) -> None:
        """Put the averaged weights into the model, or the trained ones back; outside of a step."""
        if self.averaging is None or bool(self.memory["holds_average"].numpy()) == average:
            return
        others = self.memory.group("average", len(self.weights))
        for weight, other in zip(self.weights, others, strict=True):
            value = tf.identity(weight.value)
            weight.assign(other.value)
            other.assign(value)
        self.memory["holds_average"].assign(average)

    def raise_if_failed(self) -> None:
        """Raise if a gradient was not finite and the policy is `raise`; outside of a step."""
        if "failed_update" not in self.memory:
            return
        update = int(self.memory["failed_update"].numpy())
        if update >= 0:
            which = self.memory["failed_variables"].numpy()
            self.memory["failed_update"].assign(-1)
            paths = [v.path for v, bad in zip(self.variables, which, strict=True) if bad]
            raise NonFiniteGradientError(update, paths)

    def __call__(self, gradients: Gradients) -> None:
        """Process the gradients of one batch, as the tape computed them."""
        gradients = self.unscaled(gradients)
        if self.accumulation == 1:
            self._process(*gradients)
        else:
            self._accumulate(gradients)

    def unscaled(self, gradients: Gradients) -> list[tf.Tensor | None]:
        """Gradients of the loss itself over the whole batch: not scaled, summed over replicas."""
        gradients = replicas.summed([dense(gradient) for gradient in gradients])
        scale = self._loss_scale()
        return gradients if scale is None else scaled(gradients, 1.0 / scale)

    def _loss_scale(self) -> tf.Tensor | None:
        """What a `LossScaleOptimizer` multiplies the loss by; it unscales the gradients itself."""
        scale = getattr(self.optimizer, "dynamic_scale", None)
        return None if scale is None else scale.value

    def _updates(self) -> tf.Tensor:
        """How many updates the optimizer has made."""
        iterations: Any = self.optimizer.iterations  # Keras's type has None and other backends
        return iterations.value

    def _accumulate(self, gradients: Gradients) -> None:
        """Add the gradients up, and update by their mean when there are enough."""
        given = {index: g for index, g in enumerate(gradients) if g is not None}
        present = list(given)
        sums = [self.memory[f"accumulated_{index}"] for index in present]
        replicas.assign_add(sums, list(given.values()))
        replicas.assign_add([self.memory["batches"]], [tf.constant(1, tf.int64)])
        due = self.memory["batches"].value % self.accumulation == 0
        replicas.cond(due, partial(self._process_mean, present), replicas.no_op)

    def _process_mean(self, present: Sequence[int]) -> None:
        sums = [self.memory[f"accumulated_{index}"] for index in present]
        gradients: list[tf.Tensor | None] = [None] * len(self.variables)
        for index, total in zip(present, sums, strict=True):
            gradients[index] = total.value / tf.cast(self.accumulation, total.dtype)
        self._process(*gradients)
        replicas.assign(sums, [tf.zeros_like(total.value) for total in sums])

    def _process(self, *gradients: tf.Tensor | None) -> None:
        """Transform, clip and report the gradients, and update if they are usable."""
        number = self._updates()
        for transform in self.transforms_before:
            gradients = tuple(transform.apply(gradients, number, self.variables))
        sums = tf.stack(squares(gradients))
        norm = tf.sqrt(tf.reduce_sum(sums))
        gradients = self._clip(gradients, norm, tf.sqrt(sums))
        for transform in self.transforms_after:
            gradients = tuple(transform.apply(gradients, number, self.variables))
        finite = tf.math.is_finite(norm)
        usable = self._usable(finite, sums)
        if usable is None:
            self._step(finite, *gradients)
        else:
            replicas.cond(usable, self._step, replicas.no_op, finite, *gradients)

    def _clip(
        self, gradients: tuple[tf.Tensor | None, ...], norm: tf.Tensor, norms: tf.Tensor
    ) -> tuple[tf.Tensor | None, ...]:
        if self.clipping is None:
            self.statistics.update_state(norm, norms)
            return gradients
        states = {name: self.memory[name].value for name in self.clipping.histories()}
        clipped = self.clipping(gradients, self.variables, norm, states, self.output)
        self.statistics.update_state(norm, norms, clipped.norm, clipped.cut)
        histories = [self.memory[name] for name in clipped.states]
        replicas.assign(histories, list(clipped.states.values()))
        return tuple(clipped.gradients)

    def _usable(self, finite: tf.Tensor, sums: tf.Tensor) -> tf.Tensor | None:
        """Whether to update by this gradient; None for always.

        An optimizer that scales the loss expects infinities and skips those updates itself.
        """
        policy = "zero" if self.clipping is None else self.clipping.nonfinite
        if policy == "zero" or self._loss_scale() is not None:
            return None
        if policy == "skip":
            return finite
        at, which = self.memory["failed_update"], self.memory["failed_variables"]
        none_failed = at.value < 0
        first = none_failed & tf.logical_not(finite)
        number = tf.cast(self._updates(), tf.int64)
        bad = tf.logical_not(tf.math.is_finite(sums))
        values = [tf.where(first, number, at.value), tf.where(first, bad, which.value)]
        replicas.assign([at, which], values)
        return none_failed & finite

    def _step(self, finite: tf.Tensor, *gradients: tf.Tensor | None) -> None:
        """Update, and measure every `RATIO_EVERY`th update."""
        due = tf.math.floormod(self.statistics.updates(), float(RATIO_EVERY)) == 1.0
        # The update stands outside of the branches: in both it would be traced twice, and XLA
        # copies what a branch changes, which would be all weights.
        before = self._trained_values() if self.by_xla else self._trained_values_if(due)
        self._update_variables(finite, *gradients)
        after = self._trained_values() if self.by_xla else []
        replicas.cond(due, self._measure, replicas.no_op, *before, *after)

    def _trained_values(self) -> list[tf.Tensor]:
        return [tf.identity(variable.value) for variable in self.trained]

    def _trained_values_if(self, due: tf.Tensor) -> list[tf.Tensor]:
        """The values, where they are needed: elsewhere empty tensors, for which nothing is copied.

        XLA, whose tensors have one shape, gets the values.
        """
        types = [(variable.value.dtype, len(variable.shape)) for variable in self.trained]

        def none() -> list[tf.Tensor]:
            return [tf.zeros([0] * rank, dtype) for dtype, rank in types]

        return tf.cond(due, self._trained_values, none)

    def _measure(self, *values: tf.Tensor) -> None:
        """Report ||w' - w|| / ||w|| over all variables, from those before and after an update."""
        before, after = values[: len(self.trained)], values[len(self.trained) :]
        after = after or self._trained_values()
        moved = [new - old for old, new in zip(before, after, strict=True)]
        weights, change = (tf.add_n(squares(tensors)) for tensors in (before, moved))
        self.statistics.add_ratio(tf.sqrt(tf.math.divide_no_nan(change, weights)))

    def _update_variables(self, finite: tf.Tensor, *gradients: tf.Tensor | None) -> None:
        """Decay, let the optimizer update, bound and average the weights."""
        with nullcontext() if self.feed is None else self.feed.applied():
            self._update_at_rate(finite, *gradients)

    def _update_at_rate(self, finite: tf.Tensor, *gradients: tf.Tensor | None) -> None:
        # An optimizer with a loss scale skips some updates; then none of this happens.
        applied = finite if self._loss_scale() is not None else None
        coupled = self.decay is None or self.decay.mode != "independent"
        before = self._values_with_multiplier() if coupled else []
        gradients = self._decayed(gradients, applied)
        before = before or self._values_with_multiplier()
        self._apply(self._scaled_for_optimizer(gradients, applied))
        variables, rates = [v for v, _ in self.multipliers], [rate for _, rate in self.multipliers]
        replicas.each(_interpolate, variables, before, rates)
        decay = self.decay
        if decay is not None and decay.max_norm is not None:
            bounded = [v for v, factor in zip(self.variables, self.factors, strict=True) if factor]
            replicas.each(lambda w: w.assign(decay.within(w)), bounded)
        if self.averaging is not None:
            self._average(self.averaging, applied)

    def _values_with_multiplier(self) -> list[tf.Tensor]:
        """Values of the variables whose learning rate has a multiplier."""
        return [tf.identity(variable.value) for variable, _ in self.multipliers]

    def _apply(self, gradients: list[tf.Tensor | None]) -> None:
        """Let the optimizer update, with the momentum of this update."""
        # The optimizer knows the variables of all phases, and updates those of this one.
        trained = {id(variable) for variable in self.trained}
        pairs = zip(gradients, self.variables, strict=True)
        chosen = [gradient for gradient, variable in pairs if id(variable) in trained]
        momentum = nullcontext() if self.momentum is None else self.momentum.at(self._updates())
        with momentum, updating(self.optimizer):
            self.optimizer.apply(chosen, self.trained)

    def _decayed(
        self, gradients: tuple[tf.Tensor | None, ...], applied: tf.Tensor | None
    ) -> tuple[tf.Tensor | None, ...]:
        """Add a coupled decay to the gradients, or shrink the variables by a decoupled one."""
        decay = self.decay
        if decay is None or decay.rate is None or decay.mode == "l2_loss":
            return gradients
        rate = decay.rate_at(self._updates())
        if decay.mode in ("l2", "l1"):
            rows = zip(gradients, self.variables, self.factors, strict=True)
            return tuple(_add_decay(decay, g, v, rate * factor) for g, v, factor in rows)
        shrinkage = decay.shrinkage(rate, self.optimizer.learning_rate)
        if applied is not None:
            shrinkage = tf.where(applied, shrinkage, 0.0)
        chosen = [(v, f) for v, f in zip(self.variables, self.factors, strict=True) if f]
        amounts = [shrinkage if factor == 1.0 else shrinkage * factor for _, factor in chosen]
        replicas.each(_shrink, [variable for variable, _ in chosen], amounts)
        return gradients

    def _scaled_for_optimizer(
        self, gradients: Gradients, applied: tf.Tensor | None
    ) -> list[tf.Tensor | None]:
        """Gradients scaled as the optimizer expects, NaN where it must skip the update."""
        factor = 1.0 / replicas.count()  # the optimizer sums over replicas once more
        scale = self._loss_scale()
        if scale is not None and applied is not None:
            return scaled(gradients, factor * tf.where(applied, scale, float("nan")))
        return list(gradients) if factor == 1.0 else scaled(gradients, factor)

    def _average(self, averaging: WeightAveraging, applied: tf.Tensor | None) -> None:
        fraction = averaging.fraction(self._updates())
        if applied is not None:
            fraction = tf.where(applied, fraction, 0.0)
        averages = self.memory.group("average", len(self.weights))
        values = [tf.convert_to_tensor(weight.value) for weight in self.weights]
        replicas.each(_move_towards, averages, values, [fraction] * len(values))


def _add_decay(
    decay: WeightDecay,
    gradient: tf.Tensor | None,
    variable: keras.Variable,
    rate: tf.Tensor | float,
) -> tf.Tensor | None:
    """A gradient with what a coupled mode adds at this rate."""
    if gradient is None:
        return None
    if isinstance(rate, float) and rate == 0.0:
        # Keras accepts gradients of one graph only: inside a branch, of the branch.
        return tf.identity(gradient)
    addition = tf.cast(decay.addition(variable.value), gradient.dtype)
    return gradient + tf.cast(rate, gradient.dtype) * addition


def _shrink(variable: tf.Variable, fraction: tf.Tensor) -> None:
    variable.assign_sub(variable * tf.cast(fraction, variable.dtype))


def _interpolate(variable: tf.Variable, before: tf.Tensor, rate: float) -> None:
    if rate == 0:
        # The value itself: 0 times an update of NaN is NaN.
        variable.assign(before)
    else:
        variable.assign(before + tf.cast(rate, before.dtype) * (variable - before))


def _move_towards(average: tf.Variable, value: tf.Tensor, fraction: tf.Tensor) -> None:
    average.assign_add(tf.cast(fraction, average.dtype) * (value - average))
