"""Training steps as a loop of one program, over rows that are held in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from .keras_types import Logs

if TYPE_CHECKING:
    from .training_step import TrainingStep


class StepRows(NamedTuple):
    """The rows of the steps of an execution, as numbers; an element of a dataset.

    Attributes:
        full: rows of each step whose batch is whole, int32 (steps, batch).
        rest: rows of the short last batch of an epoch, int32 (rows,); none elsewhere.
    """

    full: tf.Tensor
    rest: tf.Tensor


@dataclass(frozen=True)
class HeldRows:
    """Rows in memory that a training step takes by number.

    Attributes:
        gather: numbers of rows (batch,) to the batch that `train_step` takes.
        spec: shapes and types of a batch.
    """

    gather: Callable[[tf.Tensor], object]
    spec: object


def row_loop(model: TrainingStep, held: HeldRows) -> Callable[[Iterator[StepRows]], Logs]:
    """A function that runs an execution: it takes an iterator of `StepRows`.

    All steps with a whole batch are one program, of XLA where that compiles the model: then nothing
    returns to TensorFlow between them, and the gathering of rows, their cast and the first layer
    become one loop. How many steps it runs is an argument, so that an execution of fewer steps is
    no other program and computes the same bits. The short last batch has another shape and is a
    step of its own, which XLA does not compile: it would take longer to compile than to run.

    Args:
        model: a compiled model with the training step.
        held: the rows.
    """

    by_xla = model.jit_compile is True
    # For batches of any size, so that it is traced once.
    one_step = tf.function(model.train_step, [held.spec], autograph=False)

    def full_steps(rows: tf.Tensor, steps: tf.Tensor) -> Logs:
        # XLA compiles for one size of batch.
        train = model.train_step if by_xla else one_step

        def body(step: tf.Tensor) -> list[tf.Tensor]:
            train(held.gather(rows[step]))
            return [step + 1]

        tf.while_loop(lambda step: step < steps, body, [tf.constant(0)], parallel_iterations=1)
        return model.get_metrics_result()

    program = tf.function(full_steps, jit_compile=by_xla, autograph=False)

    def execution(iterator: Iterator[StepRows]) -> Logs:
        full, rest = next(iterator)
        logs: Logs = {}
        steps = full.shape[0]
        if steps:
            missing = model.steps_per_execution - steps
            logs = program(tf.pad(full, [[0, missing], [0, 0]]), tf.constant(steps))
        return one_step(held.gather(rest)) if rest.shape[0] else logs

    return execution


def batch_spec(data: object, held: HeldRows | None) -> object:
    """What describes a batch to Keras: the data itself, or the batch that its rows are."""
    return held.spec if held is not None and isinstance(data, StepRows) else data


def takes_rows(iterator: object) -> bool:
    """Whether an iterator yields `StepRows`."""
    return isinstance(getattr(iterator, "element_spec", None), StepRows)
