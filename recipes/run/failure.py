"""Why a training broke: the root cause in a sentence, and the line of the recipe it came from."""

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import keras

from ..errors import legible
from ..spec import Recipe
from ..spec.network import layer_names
from ..spec.nodes import Path

if TYPE_CHECKING:
    from ..build.experiment import Experiment

# How TensorFlow names an operation in an error: `{{node model_1/dense_1/MatMul}}`.
NODE = re.compile(r"\{\{node ([^}]*)\}\}")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@contextmanager
def full_tracebacks() -> Iterator[None]:
    """Errors in this block come as they were raised, and not in the words that Keras puts around.

    Keras leaves its own frames out of a traceback, and with them the layer and the callback.
    """
    filtering = keras.config.is_traceback_filtering_enabled()
    keras.config.disable_traceback_filtering()
    try:
        yield
    finally:
        if filtering:
            keras.config.enable_traceback_filtering()


def reason(error: Exception, recipe: Recipe, built: "Experiment") -> str:
    """What broke a training, with the place in the recipe where that is known."""
    words = f"{type(error).__name__}: {root_cause(error)}"
    path = culprit(error, recipe, built)
    if path is None:
        return legible(f"training broke: {words}")
    return legible(f"training broke at {recipe.problem(path, words)}")


def root_cause(error: Exception) -> str:
    """The message of an error in one line, without the story that TensorFlow tells around it.

    >>> root_cause(KeyError("absent"))
    "'absent'"
    """
    lines = [COLOUR.sub("", line).strip() for line in str(error).splitlines()]
    if lines and lines[0].startswith("Graph execution error"):
        # Where each operation was made comes first, then what went wrong, then the operation.
        told = [
            line for line in lines if line and not line.startswith(("File ", "[[{{", "Detected"))
        ]
        lines = told[-1:]
    return " ".join(line for line in lines if line) or "it does not say why"


def culprit(error: BaseException, recipe: Recipe, built: "Experiment") -> Path | None:
    """The layer or callback of the recipe that an error came from, or None."""
    names = {name: path for path, name in layer_names(recipe.model.layers, recipe.model.output)}
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
    found = [known[id(owner)] for owner in _owners(error) if id(owner) in known]
    if found:
        return found[-1]
    name = _layer_of_node(str(error), built.model.name, names)
    return None if name is None else ("model", *names[name])


def _owners(error: BaseException) -> Iterator[Any]:
    """The objects whose methods an error went through, the outermost first."""
    chain = [error]
    while (
        inner := chain[-1].__cause__ or chain[-1].__context__
    ) is not None and inner not in chain:
        chain.append(inner)
    for link in chain:
        for frame, _ in traceback.walk_tb(link.__traceback__):
            yield _owner(frame)


def _owner(frame: FrameType) -> Any:
    return frame.f_locals.get("self")


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
