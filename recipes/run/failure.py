"""Why a training failed: the root cause in a sentence, and the line of the recipe it came from."""

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from ... import disk
from ..build.experiment import Experiment
from ..data.order import batch_rows
from ..errors import legible
from ..record import directory as files
from ..record.directory import RunDirectory
from ..record.result import StopReason
from ..spec import Recipe
from ..spec.network import layer_names
from ..spec.nodes import Path

# How TensorFlow names an operation in an error: `{{node model_1/dense_1/MatMul}}`.
NODE = re.compile(r"\{\{node ([^}]*)\}\}")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@contextmanager
def full_tracebacks() -> Iterator[None]:
    """Turn off Keras's traceback filtering, which hides the layer and the callback that failed."""
    filtering = keras.config.is_traceback_filtering_enabled()
    keras.config.disable_traceback_filtering()
    try:
        yield
    finally:
        if filtering:
            keras.config.enable_traceback_filtering()


def failure_of(error: BaseException) -> StopReason:
    """Why a training failed that was ended by an error."""
    if is_out_of_memory(error):
        return StopReason.OUT_OF_MEMORY
    return StopReason.DISK_FULL if disk.is_full(error) else StopReason.ERROR


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a training asked for more memory than the device, or the computer, has."""
    return isinstance(error, (MemoryError, tf.errors.ResourceExhaustedError))


def recorded(error: Exception, recipe: Recipe, built: Experiment, directory: RunDirectory) -> str:
    """Why a training failed, with the place in the recipe; the traceback goes to a file."""
    if isinstance(error, disk.FolderGone):
        again = f"When it is there again, `keras-recipes resume {directory.path}` continues"
        return f"{disk.explained(error)} {again}"
    if isinstance(error, OSError) and disk.is_full(error):
        # The write has already waited for space.
        directory.patience = 0.0
        return disk.explained(error).rstrip(".")
    path = culprit(error, recipe, built)
    cause = f"{type(error).__name__}: {root_cause(error)}"
    if is_out_of_memory(error):
        size = batch_rows(len(built.data.train), recipe.data.batch_size)
        reason = str(recipe.problem(("data", "batch_size"), smaller_batch(recipe, size)))
    elif path is not None:
        reason = legible(f"error at {recipe.problem(path, cause)}")
    elif isinstance(error, OSError) and error.errno is not None:
        reason = disk.explained(error).rstrip(".")
    else:
        reason = legible(cause)
    try:
        directory.write_text(files.TRACEBACK, traceback.format_exc())
    except OSError as failed:
        return f"{reason} (traceback: could not be written, {disk.cause(failed)})"
    return f"{reason} (traceback: {directory / files.TRACEBACK})"


def smaller_batch(recipe: Recipe, rows: int) -> str:
    """What to do where a batch does not fit into memory."""
    if rows < 2:
        return "out of memory, with batches of one row: the network needs a larger device"
    every = 2 * recipe.gradient_accumulation
    return (
        f"out of memory: a batch of {rows} rows does not fit. Try {rows // 2}; with "
        f"`gradient_accumulation: {every}` an update still has as many rows"
    )


def root_cause(error: Exception) -> str:
    """The message of an error in one line, without the context that TensorFlow adds.

    >>> root_cause(KeyError("absent"))
    "'absent'"
    """
    lines = [COLOUR.sub("", line).strip() for line in str(error).splitlines()]
    if lines and lines[0].startswith("Graph execution error"):
        # Where each operation was made comes first, then what went wrong, then the operation.
        skipped = ("File ", "[[{{", "Detected")
        lines = [line for line in lines if line and not line.startswith(skipped)][-1:]
    return " ".join(line for line in lines if line) or "no message"


def culprit(error: BaseException, recipe: Recipe, built: Experiment) -> Path | None:
    """The layer or callback of the recipe that an error came from, or None."""
    names = {name: path for path, name in layer_names(recipe.model)}
    layers = {
        id(layer): ("model", *names[layer.name])
        for layer in built.model.layers
        if layer.name in names
    }
    # The recipe's own callbacks come first.
    callbacks = {
        id(callback): ("callbacks", index)
        for index, callback in enumerate(built.callbacks[: len(recipe.callbacks)])
    }
    known = {**layers, **callbacks}
    places = [known[id(owner)] for owner in _owners(error) if id(owner) in known]
    if places:
        return places[-1]
    name = _layer_of_node(str(error), built.model.name, names)
    return None if name is None else ("model", *names[name])


def _owners(error: BaseException) -> Iterator[object]:
    """The objects whose methods an error went through, the outermost first."""
    chain = [error]
    while (
        inner := chain[-1].__cause__ or chain[-1].__context__
    ) is not None and inner not in chain:
        chain.append(inner)
    for link in chain:
        for frame, _ in traceback.walk_tb(link.__traceback__):
            yield frame.f_locals.get("self")


def _layer_of_node(text: str, model: str, names: dict[str, Path]) -> str | None:
    """The layer in the name of an operation; Keras numbers the calls of model and layer alike."""
    for node in NODE.findall(text):
        first, *scopes = node.split("/")
        if not first.startswith(model):
            continue
        call = first.removeprefix(model)
        for scope in scopes:
            if scope.removesuffix(call) in names:
                return scope.removesuffix(call)
    return None
