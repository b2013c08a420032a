"""Operations of an update that work with and without the replicas of a distribution strategy.

On several replicas every gradient is summed first, so that norms, bounds and histories are those of
the whole batch and the same on each replica.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from .norms import Gradients


def count() -> int:
    """How many replicas compute the gradient together."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def summed(gradients: Gradients) -> list[tf.Tensor | None]:
    """The sum of the replicas' gradients, on each of them."""
    if count() == 1:
        return list(gradients)
    context = tf.distribute.get_replica_context()
    present = [gradient for gradient in gradients if gradient is not None]
    reduced = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, present))
    return [gradient if gradient is None else next(reduced) for gradient in gradients]


def each(
    function: Callable[..., None], variables: Sequence[keras.Variable], *values: Sequence[object]
) -> None:
    """Run `function(variable, *values)` for each variable; the values are equal on all replicas."""
    targets = [variable.value for variable in variables]
    if not tf.distribute.has_strategy():
        for row in zip(targets, *values, strict=True):
            function(*row)
        return

    def across(
        strategy: tf.distribute.Strategy, targets: Sequence[tf.Variable], *values: Sequence[object]
    ) -> None:
        for target, *row in zip(targets, *values, strict=True):
            strategy.extended.update(target, function, args=tuple(row), group=False)

    context = tf.distribute.get_replica_context()
    if context is None:
        across(tf.distribute.get_strategy(), targets, *values)
    else:
        context.merge_call(across, args=(targets, *values))


def assign(variables: Sequence[keras.Variable], values: Sequence[tf.Tensor]) -> None:
    """Give each variable its value, equal on all replicas."""
    each(lambda variable, value: variable.assign(value), variables, values)


def assign_add(variables: Sequence[keras.Variable], values: Sequence[tf.Tensor]) -> None:
    """Add a value to each variable, equal on all replicas."""
    each(lambda v, value: v.assign_add(tf.cast(value, v.dtype)), variables, values)


def cond(
    condition: tf.Tensor,
    true_branch: Callable[..., None],
    false_branch: Callable[..., None],
    *values: object,
) -> None:
    """Run one of two branches on `values` in the compiled step: both change variables only.

    The condition is equal on all replicas. A branch that updates variables must be run by all
    replicas together, outside of the code of one replica.
    """
    if not tf.distribute.has_strategy():
        tf.cond(
            condition, _without_result(true_branch, values), _without_result(false_branch, values)
        )
        return

    def across(strategy: tf.distribute.Strategy, condition: tf.Tensor, *values: object) -> None:
        def on_each(branch: Callable[..., None]) -> None:
            strategy.extended.call_for_each_replica(branch, args=values)

        first = strategy.experimental_local_results(condition)[0]
        branches = [_without_result(on_each, (branch,)) for branch in (true_branch, false_branch)]
        tf.cond(first, *branches)

    tf.distribute.get_replica_context().merge_call(across, args=(condition, *values))


def no_op(*values: object) -> None:
    """The branch that does nothing."""


def _without_result(function: Callable[..., None], values: Sequence[object]) -> Callable[[], None]:
    def branch() -> None:
        function(*values)

    return branch
