"""A recipe's network, compiled: its optimizer with its schedule, its loss and its metrics."""

import keras
import tensorflow as tf

from ...callbacks.variables import schedule_variables
from ...models.loss_weights import Term
from ...models.shards import Sharing
from ...models.training_step import TrainingStep
from ...optimizers import inner_optimizer
from ...schedules import Curve
from ..data.order import batch_rows
from ..errors import RecipeError
from ..spec import Choice, Recipe
from . import task as tasks
from .execution import jit_compile, steps_per_execution
from .heads import (
    Ends,
    loss_weights,
    losses_of,
    metrics_of,
    terms_of,
)
from .objects import Builder
from .parts import Rate, check_parts, check_rate, scheduled
from .phases import phased_rate


def compile_model(
    model: TrainingStep,
    recipe: Recipe,
    task: tasks.Task | Ends,
    builder: Builder,
    rows: int,
    *,
    looped: bool = False,
    sharing: Sharing | None = None,
    single: bool = False,
) -> dict[str, Term]:
    """Compile with the recipe's optimizer and schedule, and the task's loss and metrics.

    Args:
        rows: of the training split.
        looped: whether they are held in memory, so that steps can be a loop of one program.
        sharing: the processes and devices that train together; None for one device.
        single: whether an execution is one step where the recipe says `auto`.

    Returns:
        For each output whose weight is a schedule or learned, how its loss enters the sum.
    """
    size = batch_rows(rows, recipe.data.batch_size)
    try:
        processes = 1 if sharing is None else sharing.processes
        steps = steps_per_execution(
            recipe.steps_per_execution,
            builder.steps_per_epoch,
            model,
            size,
            processes=processes,
            single=single,
        )
    except ValueError as error:
        problem = recipe.problem(("steps_per_execution",), str(error))
        raise RecipeError([problem]) from None
    made = optimizer(recipe, builder)
    terms = terms_of(recipe, builder, model, made) if isinstance(task, Ends) else {}
    model.compile(
        optimizer=made,
        loss=losses_of(recipe, task, builder, terms),
        loss_weights=loss_weights(recipe) if isinstance(task, Ends) else None,
        metrics=metrics_of(recipe, task, builder),
        steps_per_execution=steps,
        jit_compile=jit_compile(  # type: ignore[arg-type]
            recipe.jit_compile,
            model,
            looped=looped,
            steps_per_epoch=builder.steps_per_epoch,
            shared=sharing is not None,
        ),
    )
    check_parts(recipe, model)
    feed_schedule(model)
    return terms


def feed_schedule(model: TrainingStep) -> None:
    """Let a compiled model compute the rates of its schedule between executions, where it can.

    A schedule of a plugin may not take an array of steps, and stays in the compiled step.
    """
    rate = inner_optimizer(model.optimizer)._learning_rate
    if isinstance(rate, Curve) and not tf.distribute.has_strategy():
        model.feed_learning_rate(list(schedule_variables(rate)))


# Optimizers of Keras that decay weights by default.
DECAYS = frozenset({"adamw", "muon"})


def optimizer(recipe: Recipe, builder: Builder) -> keras.optimizers.Optimizer:
    """The recipe's optimizer with the recipe's learning rate or schedule in it."""
    choice = recipe.optimizer
    rate = phased_rate(recipe, _rate(recipe, builder), builder)
    if rate is not None:
        choice = choice.with_arguments(learning_rate=rate)
    if recipe.weight_decay is not None and choice.name in DECAYS:
        # The recipe's decay takes the place of the optimizer's own default.
        choice = choice.with_arguments(weight_decay=0.0)
    if scheduled(recipe):
        # The schedule sets it in each update; here it only says that there is momentum.
        choice = choice.with_arguments(**dict.fromkeys(scheduled(recipe), 0.9))
    made = builder.make("optimizers", choice, ("optimizer",))
    check_rate(recipe, made._learning_rate, builder)
    return made


def _rate(recipe: Recipe, builder: Builder) -> Rate | None:
    """The recipe's learning rate; None leaves it to the optimizer."""
    if isinstance(recipe.learning_rate, Choice):
        # It is made here, so that what is wrong with it is reported where it stands.
        return builder.value(recipe.learning_rate, ("learning_rate",))
    # Keras takes no whole number for a rate.
    return None if recipe.learning_rate is None else float(recipe.learning_rate)
