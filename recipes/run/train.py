"""Train a prepared recipe, and write its run directory."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypedDict, Unpack

import keras

from ...callbacks.run_state import RunState
from ...messages import logger
from ..build.experiment import experiment
from ..data.order import batch_rows
from ..data.sharded import shared_line
from ..devices.chief import ChiefPeers
from ..devices.team import Team
from ..inputs import Arrays
from ..record.result import Result
from ..spec import Recipe
from .batch_parts import fitting
from .describe import SHARING, describe
from .prepare import PreparedRun, prepare_run
from .programs import Programs
from .stop import StopRequest
from .training_run import TrainingRun


class TrainOptions(TypedDict, total=False):
    """The optional arguments of `train_prepared`."""

    progress: bool
    callbacks: Sequence[keras.callbacks.Callback]
    evaluate_test: bool
    stop: StopRequest | None
    visit: Callable[[RunState], None] | None
    programs: Programs | None
    last: Sequence[keras.callbacks.Callback]
    team: Team | None


def train(
    recipe: Recipe,
    *,
    out: str | os.PathLike | None = None,
    arrays: Arrays | None = None,
    resume: bool = False,
    allow_change: Sequence[str] = (),
    **options: Unpack[TrainOptions],
) -> Result:
    """Prepare a run and train it.

    The arguments are those of `prepare_run`, and `options` those of `train_prepared`.

    Raises:
        RequestError: the recipe, its data or the directory cannot be used; nothing is left behind.
    """
    with prepare_run(
        recipe, out=out, arrays=arrays, resume=resume, allow_change=allow_change
    ) as prepared:
        return train_prepared(recipe, prepared, **options)


def train_prepared(
    recipe: Recipe,
    prepared: PreparedRun,
    *,
    progress: bool = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    evaluate_test: bool = True,
    stop: StopRequest | None = None,
    visit: Callable[[RunState], None] | None = None,
    programs: Programs | None = None,
    last: Sequence[keras.callbacks.Callback] = (),
    team: Team | None = None,
) -> Result:
    """Fit, evaluate once on the test split, and write the run directory.

    Args:
        progress: show a progress bar.
        callbacks: more callbacks, after the recipe's own.
        evaluate_test: evaluate on the test split at the end; a search does not.
        stop: lets the caller's callbacks pause the training.
        visit: called between executions, where it may store the state elsewhere.
        programs: compiled models of earlier trainings; the model of this one is added to them.
        last: callbacks after all others, including those that write the run's files.
        team: the devices and processes that train together; None for one device.

    Returns:
        The result: `completed`, `interrupted`, or `failed` if training raised an error or diverged.

    Raises:
        RequestError: the recipe or its checkpoints cannot be used.
    """
    directory, previous, data = prepared.directory, prepared.previous, prepared.data
    if data is None:
        assert previous.result is not None
        return previous.result
    team = Team() if team is None else team
    shared = team.sharing is not None
    parts = fitting(recipe, data, rows=prepared.batch_rows, shared=shared)
    asked, recipe = recipe, parts.recipe
    built = experiment(
        recipe,
        data,
        directory.path,
        decided=prepared.precision,
        sharing=team.sharing,
        # A checkpoint of a step that was shared may be in the middle of a longer execution.
        single_steps=SHARING in previous.manifest,
    )
    built = replace(built, callbacks=(*built.callbacks, *callbacks))
    if programs is not None:
        built = programs.take(recipe, built)
    run = TrainingRun(recipe, built, directory, progress, evaluate_test, stop, team=team)
    run.callbacks += last
    run.state.visit = visit
    run.raw = data
    run.restore(changed=bool(previous.changes))
    if isinstance(team.peers, ChiefPeers):
        team.peers.send_all(checkpoint=run.checkpoint, changed=bool(previous.changes))
    describe(directory, asked, data, previous, built, parts.rows, team.sharing)
    if progress:
        logger.info(built.summary)
        if team.sharing is not None:
            size = batch_rows(len(data.train.y), recipe.data.batch_size)
            logger.info(shared_line(size, team.sharing))
        if built.precision.reason:
            logger.info(str(built.precision))
        if parts.count > 1:
            logger.info(str(parts))
    result = run.execute()
    if programs is not None and result.status == "completed":
        programs.keep(recipe, built)
    return result
