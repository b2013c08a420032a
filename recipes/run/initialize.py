"""A warm start: initialize a training with the weights of another one."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from ...callbacks.learning_rate import constant_rate
from ...callbacks.run_state import (
    CheckpointStore,
    DamagedCheckpoint,
    check_state,
    restorable,
)
from ...callbacks.variables import optimizer_variables
from ...models.lora import PREFIX, adapters, load_adapters
from ...models.loss_weights import without_weights
from ..build.saved_model import load_weights
from ..errors import RecipeError, RequestError
from ..record import directory as files
from ..record.directory import RunDirectory, check_run_files
from ..record.model_file import check_regular, first_line
from ..spec import Recipe
from .saved_model import open_model
from .stored_recipe import require_plugins

PLACE = ("initialize", "weights")


def initialize(model: keras.Model, recipe: Recipe) -> None:
    """Give a compiled model the weights that its recipe names.

    With `reset_step: true` only weights are loaded: the schedule starts at step 0, the optimizer
    without moments. With `false` step and moments are loaded too, from a checkpoint of a run
    directory or a `.keras` file of a compiled model. The learning rate is that of the recipe; where
    the run began with the same number, as callbacks have reduced it.

    Raises:
        RecipeError: the file cannot be read, does not fit, or has no step, with the line of it.
    """
    asked = recipe.initialize
    assert asked is not None
    path = Path(asked.weights)
    try:
        if asked.reset_step:
            _load_weights(model, _network_file(path))
        else:
            _load_training(model, path)
    except RecipeError:
        raise
    except (RequestError, OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError([recipe.problem(PLACE, first_line(error))]) from None
    if hasattr(model, "restart_step"):
        model.restart_step()


def weights_fingerprint(recipe: Recipe) -> str:
    """SHA-256 of the file that the weights come from."""
    assert recipe.initialize is not None
    try:
        path = _network_file(Path(recipe.initialize.weights))
        check_regular(path)
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, RequestError) as error:
        raise RecipeError([recipe.problem(PLACE, first_line(error))]) from None


def _network_file(path: Path) -> Path:
    """The file of weights that a recipe names, or that of a run directory it names."""
    if not os.path.isdir(path):
        return path
    check_run_files(path)
    return RunDirectory(path).verified(files.MODEL)


def _load_weights(model: keras.Model, path: Path) -> None:
    # The layers alone: a file may hold an optimizer, and the step with it.
    several = isinstance(model.output, dict)
    layers = keras.Model(
        model.input, without_weights(model.output) if several else model.outputs[0]
    )
    if path.name.endswith(".weights.h5"):
        # Keras sets adapters to 0 as it loads the weights that they are added to.
        kept = adapters(model)
        load_weights(layers, path)
        load_adapters(model, kept)
        return
    variables = [weight for weight in layers.weights if not weight.name.startswith(PREFIX)]
    _assign(variables, _loaded(path, compiled=False).weights, "weights")


def _load_training(model: keras.Model, path: Path) -> None:
    if os.path.isdir(path):
        check_run_files(path)
        _load_checkpoint(model, path)
        return
    loaded = _loaded(path, compiled=True)
    if getattr(loaded, "optimizer", None) is None:
        raise ValueError(f"{path} has no optimizer, so there is no step to continue from.")
    _assign(model.weights, loaded.weights, "weights")
    known = optimizer_variables(loaded, rate=False)
    _assign(optimizer_variables(model, rate=False), known, "variables of the optimizer")


def _load_checkpoint(model: keras.Model, run: Path) -> None:
    checkpoint = CheckpointStore(run / files.STATE).search().newest
    if checkpoint is None:
        raise ValueError(f"{run} has no checkpoint, so there is no step to continue from.")
    try:
        check_state(checkpoint)
    except DamagedCheckpoint as error:
        raise ValueError(str(error)) from None
    rate = constant_rate(model)
    for variable, value in restorable(model, (), checkpoint, rate, ("model", "optimizer")):
        variable.assign(value)


def _loaded(path: Path, *, compiled: bool) -> keras.Model:
    require_plugins(RunDirectory(path.parent))
    if path.suffix != ".keras":
        raise ValueError(
            f"expected a run directory, a `.keras` or a `.weights.h5` file. Received {path}."
        )
    return open_model(path, compiled=compiled)


def _assign(
    variables: Sequence[keras.Variable], values: Sequence[keras.Variable | np.ndarray], what: str
) -> None:
    shapes = [[tuple(v.shape) for v in group] for group in (variables, values)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"the {what} do not fit: the recipe has {len(shapes[0])} of shapes "
            f"{_listed(shapes[0])}, the file {len(shapes[1])} of {_listed(shapes[1])}."
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _listed(shapes: Sequence[tuple[int, ...]], most: int = 6) -> str:
    words = ", ".join(str(shape) for shape in shapes[:most])
    return words if len(shapes) <= most else f"{words}, ..."
