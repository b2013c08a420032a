"""Train a recipe: one network, the members of an ensemble, or the folds of a cross-validation."""

from collections.abc import Sequence

import keras

from ...messages import logger
from ..devices.team import Team
from ..garbage import only_new_garbage
from ..record.result import Result
from ..spec import Recipe
from .describe import describe
from .ensemble import Ensemble
from .folds import CrossValidation
from .prepare import PreparedRun
from .previous_run import has_parts
from .several import Several
from .train import train, train_prepared


def train_recipe(
    recipe: Recipe,
    prepared: PreparedRun,
    *,
    progress: bool = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    team: Team | None = None,
) -> Result:
    """Train a prepared recipe: one network, or all of its ensemble or folds.

    The members of an ensemble are runs below `members/`, folds are runs below `folds/`. If one
    fails or is interrupted, so does the run; a resumed run keeps the parts that are completed.

    Args:
        progress: show a progress bar.
        callbacks: more callbacks of a run of one network, after all others.
        team: the devices and processes that train together; None for one device.
    """
    if progress and prepared.data is not None:
        for line in prepared.data.lines:
            logger.info(line)
    if not has_parts(recipe):
        return train_prepared(recipe, prepared, progress=progress, last=callbacks, team=team)
    previous, data = prepared.previous, prepared.data
    if data is None:
        assert previous.result is not None
        return previous.result
    describe(prepared.directory, recipe, data, previous)
    several = _several(recipe, prepared)
    recipes = several.recipes()
    with several.recorded_failure(), only_new_garbage():
        for index, part in enumerate(recipes, start=1):
            if progress:
                logger.info(f"{several.word} {index} of {len(recipes)}")
            path = several.place(index).path
            # Names of layers begin anew, as in the process that resumes with this part.
            keras.backend.clear_session()
            trained = train(
                part,
                out=path,
                arrays=prepared.arrays,
                resume=prepared.resume and path.exists(),
                allow_change=prepared.allow_change,
                progress=progress,
                team=team,
            )
            if not several.add(index, trained):
                return several.result
        keras.backend.clear_session()
        several.finish(data)
    return several.result


def _several(recipe: Recipe, prepared: PreparedRun) -> Several:
    if recipe.ensemble is not None:
        return Ensemble(recipe, prepared.directory)
    return CrossValidation(recipe, prepared.directory, prepared.arrays)
