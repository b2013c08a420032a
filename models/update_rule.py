"""From the gradients of a step to an update of the variables, inside the compiled step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from . import replicas
from .momentum import ScheduledMomentum
from .nonfinite import NonFiniteGradientError
from .norms import Gradients, dense, squares, times
from .step_state import StepMemory, StepStatistics

# One update in so many is measured against the weights: the old ones must be copied for that.
RATIO_EVERY = 16


class UpdateRule:
    """Clips, decays, updates and reports, for one optimizer and its variables.

    The order of an update: mean of the accumulated gradients; transforms before clipping; norms and
    clipping; transforms after it; coupled decay; decoupled decay; the optimizer; the bound on the
    weights' norm; the average. The learning rates of single layers scale what decoupled decay and
    the optimizer did.

    Args:
        parts: the parts of the training step, checked.
        optimizer: the optimizer, built or not.
        variables: those that are trained.
        weights: those that are averaged.
        factors: rate of decay of each of `variables`, as a multiple.
        output: ids of the variables of the last layer.
        multipliers: learning rate of each of `variables` as a multiple, 0 for one that stays as it
            is; empty for 1 everywhere.
    """

    def __init__(
        self,
        parts: Mapping[str, Any],
        optimizer: Any,
        variables: Sequence[keras.Variable],
        *,
        weights: Sequence[keras.Variable],
        factors: Sequence[float],
        output: frozenset[int],
        multipliers: Sequence[float] = (),
    ):
        self.clipping = parts["gradient_clipping"]
        self.decay = parts["weight_decay"]
        self.accumulation = parts["gradient_accumulation"]
        self.averaging = parts["weight_averaging"]
        self.before = [t for t in parts["gradient_transforms"] if not t.after_clipping]
        self.after = [t for t in parts["gradient_transforms"] if t.after_clipping]
        self.optimizer = optimizer
        self.variables = list(variables)
        self.weights = list(weights)
        self.output = output
        multipliers = multipliers or [1.0] * len(self.variables)
        found = zip(self.variables, multipliers, strict=True)
        self.slowed = [(variable, factor) for variable, factor in found if factor != 1.0]
        # A frozen variable neither decays nor is bounded, whatever the mode.
        frozen = [multiplier == 0 for multiplier in multipliers]
        self.factors = [
            0.0 if still else factor for factor, still in zip(factors, frozen, strict=False)
        ]
        schedule = parts["momentum"]
        self.momentum = None if schedule is None else ScheduledMomentum(schedule, optimizer)
        if self.clipping is not None and self.clipping.adaptive is not None:
            self.clipping.adaptive.check(self.variables, output)
        self.statistics = StepStatistics(self.clipping is not None, len(self.variables))
        self.memory = self._new_memory()

    def _new_memory(self) -> StepMemory:
        """The variables that the parts need, all of which are saved."""
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

    def hold_average(self, average: bool) -> None:
        """Put the averaged weights into the model, or the trained ones back; outside of a step."""
        if self.averaging is None or bool(self.memory["holds_average"].numpy()) == average:
            return
        others = self.memory.group("average", len(self.weights))
        for weight, other in zip(self.weights, others, strict=True):
            held = tf.identity(weight.value)
            weight.assign(other.value)
            other.assign(held)
        self.memory["holds_average"].assign(average)

    def raise_if_failed(self) -> None:
        """Raise where a gradient was no number and the policy is to raise; outside of a step."""
        if "failed_update" not in self.memory:
            return
        update = int(self.memory["failed_update"].numpy())
        if update >= 0:
            which = self.memory["failed_variables"].numpy()
            self.memory["failed_update"].assign(-1)
            paths = [v.path for v, bad in zip(self.variables, which, strict=True) if bad]
            raise NonFiniteGradientError(update, paths)

    def __call__(self, gradients: Gradients) -> None:
        """Take the gradients of one batch, as the tape gave them."""
        gradients = self.true(gradients)
        if self.accumulation == 1:
            self._learn(*gradients)
        else:
            self._accumulate(gradients)

    def true(self, gradients: Gradients) -> list[tf.Tensor | None]:
        """Gradients of the loss itself over the whole batch: not scaled, summed over replicas."""
        gradients = replicas.summed([dense(gradient) for gradient in gradients])
        scale = self._loss_scale()
        return gradients if scale is None else times(gradients, 1.0 / scale)

    def _loss_scale(self) -> tf.Tensor | None:
        """What a `LossScaleOptimizer` multiplies the loss by; it unscales the gradients itself."""
        scale = getattr(self.optimizer, "dynamic_scale", None)
        return None if scale is None else scale.value

    def _accumulate(self, gradients: Gradients) -> None:
        """Add the gradients up, and learn from their mean when there are enough."""
        given = {index: g for index, g in enumerate(gradients) if g is not None}
        present = list(given)
        sums = [self.memory[f"accumulated_{index}"] for index in present]
        replicas.each(_add, sums, list(given.values()))
        replicas.each(_add, [self.memory["batches"]], [tf.constant(1, tf.int64)])
        due = self.memory["batches"].value % self.accumulation == 0
        replicas.either(due, partial(self._learn_from_sums, present), replicas.nothing)

    def _learn_from_sums(self, present: Sequence[int]) -> None:
        sums = [self.memory[f"accumulated_{index}"] for index in present]
        gradients: list[tf.Tensor | None] = [None] * len(self.variables)
        for index, total in zip(present, sums, strict=True):
            gradients[index] = total.value / tf.cast(self.accumulation, total.dtype)
        self._learn(*gradients)
        replicas.each(_clear, sums)

    def _learn(self, *gradients: tf.Tensor | None) -> None:
        """One update."""
        number = self.optimizer.iterations.value
        for transform in self.before:
            gradients = tuple(transform(gradients, number))
        sums = tf.stack(squares(gradients))
        norm = tf.sqrt(tf.reduce_sum(sums))
        gradients = self._clip(gradients, norm, tf.sqrt(sums))
        for transform in self.after:
            gradients = tuple(transform(gradients, number))
        finite = tf.math.is_finite(norm)
        wanted = self._wanted(finite, sums)
        if wanted is None:
            self._update(finite, *gradients)
        else:
            replicas.either(wanted, self._update, replicas.nothing, finite, *gradients)

    def _clip(
        self, gradients: tuple[tf.Tensor | None, ...], norm: tf.Tensor, norms: tf.Tensor
    ) -> tuple[tf.Tensor | None, ...]:
        """Clip and report."""
        if self.clipping is None:
            self.statistics.update_state(norm, norms)
            return gradients
        states = {name: self.memory[name].value for name in self.clipping.histories()}
        clipped = self.clipping(gradients, self.variables, norm, states, self.output)
        self.statistics.update_state(norm, norms, clipped.norm, clipped.cut)
        kept = [self.memory[name] for name in clipped.states]
        replicas.each(_assign, kept, list(clipped.states.values()))
        return tuple(clipped.gradients)

    def _wanted(self, finite: tf.Tensor, sums: tf.Tensor) -> tf.Tensor | None:
        """Whether there is an update at all; None where there always is.

        An optimizer that scales the loss meets infinities as a matter of course and leaves those
        updates out itself.
        """
        policy = "zero" if self.clipping is None else self.clipping.nonfinite
        if policy == "zero" or self._loss_scale() is not None:
            return None
        if policy == "skip":
            return finite
        at, which = self.memory["failed_update"], self.memory["failed_variables"]
        sound = at.value < 0
        first = sound & tf.logical_not(finite)
        number = tf.cast(self.optimizer.iterations.value, tf.int64)
        replicas.each(_assign, [at], [tf.where(first, number, at.value)])
        bad = tf.logical_not(tf.math.is_finite(sums))
        replicas.each(_assign, [which], [tf.where(first, bad, which.value)])
        return sound & finite

    def _update(self, finite: tf.Tensor, *gradients: tf.Tensor | None) -> None:
        """Write one update, and measure one in so many."""
        due = tf.math.floormod(self.statistics.updates(), float(RATIO_EVERY)) == 1.0
        replicas.either(due, self._write_and_measure, self._write, finite, *gradients)

    def _write_and_measure(self, finite: tf.Tensor, *gradients: tf.Tensor | None) -> None:
        """Write, and report ||w' - w|| / ||w|| over all variables."""
        before = [tf.identity(variable.value) for variable in self.variables]
        self._write(finite, *gradients)
        moved = [variable.value - old for variable, old in zip(self.variables, before, strict=True)]
        size, way = (tf.add_n(squares(tensors)) for tensors in (before, moved))
        self.statistics.add_ratio(tf.sqrt(tf.math.divide_no_nan(way, size)))

    def _write(self, finite: tf.Tensor, *gradients: tf.Tensor | None) -> None:
        """Decay, let the optimizer update, and do what follows an update."""
        # None of it happens in an update that the optimizer leaves out.
        certain = finite if self._loss_scale() is not None else None
        coupled = self.decay is None or self.decay.mode != "independent"
        before = self._slowed_values() if coupled else []
        gradients = self._decayed(gradients, certain)
        before = before or self._slowed_values()
        self._apply(self._as_the_optimizer_takes(gradients, certain))
        replicas.each(
            _part_way, [v for v, _ in self.slowed], before, [factor for _, factor in self.slowed]
        )
        if self.decay is not None and self.decay.max_norm is not None:
            bounded = [v for v, factor in zip(self.variables, self.factors, strict=True) if factor]
            replicas.each(lambda w: w.assign(self.decay.within(w)), bounded)
        if self.averaging is not None:
            self._average(certain)

    def _slowed_values(self) -> list[tf.Tensor]:
        """The variables that learn at a rate of their own, before an update."""
        return [tf.identity(variable.value) for variable, _ in self.slowed]

    def _apply(self, gradients: list[tf.Tensor | None]) -> None:
        """Let the optimizer update, with the momentum of this update."""
        if self.momentum is None:
            self.optimizer.apply(gradients, self.variables)
            return
        with self.momentum.at(self.optimizer.iterations.value):
            self.optimizer.apply(gradients, self.variables)

    def _decayed(
        self, gradients: tuple[tf.Tensor | None, ...], certain: tf.Tensor | None
    ) -> tuple[tf.Tensor | None, ...]:
        """Gradients with what a coupled mode adds; variables after what a decoupled one takes."""
        decay = self.decay
        if decay is None or decay.rate is None or decay.mode == "l2_loss":
            return gradients
        rate = decay.rate_at(self.optimizer.iterations.value)
        if decay.mode in ("l2", "l1"):
            rows = zip(gradients, self.variables, self.factors, strict=True)
            return tuple(self._with_decay(g, v, rate * factor) for g, v, factor in rows)
        taken = decay.taken(rate, self.optimizer.learning_rate)
        if certain is not None:
            taken = tf.where(certain, taken, 0.0)
        chosen = [(v, f) for v, f in zip(self.variables, self.factors, strict=True) if f]
        amounts = [taken if factor == 1.0 else taken * factor for _, factor in chosen]
        replicas.each(_shrink, [variable for variable, _ in chosen], amounts)
        return gradients

    def _with_decay(
        self, gradient: tf.Tensor | None, variable: keras.Variable, rate: Any
    ) -> tf.Tensor | None:
        """A gradient and what a coupled mode adds to it at this rate."""
        if gradient is None:
            return None
        if isinstance(rate, float) and rate == 0.0:
            # Keras takes gradients of one graph only: inside a branch, that of the branch.
            return tf.identity(gradient)
        addition = tf.cast(self.decay.addition(variable.value), gradient.dtype)
        return gradient + tf.cast(rate, gradient.dtype) * addition

    def _as_the_optimizer_takes(
        self, gradients: Gradients, certain: tf.Tensor | None
    ) -> list[tf.Tensor | None]:
        """Gradients scaled as the optimizer expects, with a NaN where it must leave them out."""
        factor = 1.0 / replicas.count()  # the optimizer sums over replicas once more
        scale = self._loss_scale()
        if scale is not None and certain is not None:
            return times(gradients, factor * tf.where(certain, scale, float("nan")))
        return list(gradients) if factor == 1.0 else times(gradients, tf.constant(factor))

    def _average(self, certain: tf.Tensor | None) -> None:
        """Move the averages towards the weights."""
        share = self.averaging.share(self.optimizer.iterations.value)
        if certain is not None:
            share = tf.where(certain, share, 0.0)
        averages = self.memory.group("average", len(self.weights))
        values = [tf.convert_to_tensor(weight.value) for weight in self.weights]
        replicas.each(_towards, averages, values, [share] * len(values))


def _add(variable: Any, value: tf.Tensor) -> None:
    variable.assign_add(tf.cast(value, variable.dtype))


def _assign(variable: Any, value: tf.Tensor) -> None:
    variable.assign(value)


def _clear(variable: Any) -> None:
    variable.assign(tf.zeros_like(variable))


def _shrink(variable: Any, taken: tf.Tensor) -> None:
    variable.assign_sub(variable * tf.cast(taken, variable.dtype))


def _part_way(variable: Any, before: tf.Tensor, factor: float) -> None:
    if factor == 0:
        # The value itself: 0 times an update that is no number is no number.
        variable.assign(before)
    else:
        variable.assign(before + tf.cast(factor, before.dtype) * (variable - before))


def _towards(average: Any, value: tf.Tensor, share: tf.Tensor) -> None:
    average.assign_add(tf.cast(share, average.dtype) * (value - average))
