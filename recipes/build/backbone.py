"""The backbone of a recipe: a network in front of its layers, with what it takes for pixels."""

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras.src.backend.config import keras_home
from keras.src.utils import file_utils

from ...models import pixels
from ...models.inference import compute_inference
from ..errors import RecipeError, RequestError
from ..record import directory as files
from ..record.directory import RunDirectory, check_run_files
from ..spec import Recipe
from ..spec.backbones import APPLICATIONS, IMAGENET, BackboneChoice, Pixels, file_of
from ..spec.tokens import token_columns
from .hub import hub_network
from .hub_text import Behind, Front
from .objects import first_paragraph
from .precision import computing_in
from .saved_model import load_model, load_weights
from .tensors import input_tensor

NAME = "backbone"
PREPROCESSING: dict[Pixels, Front] = {
    Pixels.SIGNED: pixels.signed,
    Pixels.CAFFE: pixels.caffe,
    Pixels.TORCH: pixels.torch,
    Pixels.RAW: lambda tensor: tensor,
}


class MissingWeights(Exception):
    """Weights that are not in Keras's cache and cannot be fetched.

    Attributes:
        path: where they belong.
        origin: where they come from.
    """

    def __init__(self, message: str, path: Path, origin: str):
        super().__init__(message)
        self.path = path
        self.origin = origin


@dataclass(frozen=True)
class Backbone:
    """A network, and what brings rows to its input.

    Attributes:
        model: called `backbone`, all of it trainable.
        front: from raw rows to its input; raises a `ValueError` where it cannot take them.
        behind: makes one tensor of the network's output and the raw rows; None where the output is
            one tensor already.
    """

    model: keras.Model
    front: Front
    behind: Behind | None = None

    def __call__(self, tensor: keras.KerasTensor) -> keras.KerasTensor:
        """The network's output for raw rows, as a Keras tensor."""
        with computing_in("float32"):  # as the scaling of rows without a backbone
            start = self.front(tensor)
        found = self.model(start)
        return found if self.behind is None else self.behind(found, tensor)


def backbone(recipe: Recipe, row_shape: tuple[int | None, ...]) -> Backbone | None:
    """The backbone of a recipe, with its weights; None where it has none.

    Args:
        row_shape: shape of a raw row.

    Raises:
        RecipeError: it cannot be made, or its weights are missing or do not fit, with its line.
    """
    choice = recipe.model.backbone
    if choice is None:
        return None
    place = ("model", "backbone", choice.name)
    named = file_of(choice)
    try:
        if choice.name == "saved":
            made = _saved(choice)
        elif choice.name == "hub":
            hub = hub_network(choice, NAME, next(iter(token_columns(recipe)), None))
            made = Backbone(hub.model, hub.front, hub.behind)
        else:
            made = _application(choice, row_shape)
        if choice.inference:
            compute_inference(made.model)
        made.front(input_tensor(row_shape))  # so that an error names the line of the recipe
        return made
    except MissingWeights as error:
        message = (
            f"the weights are not in the cache of Keras and cannot be fetched ({error}). Put "
            f"{error.origin} at {error.path}, or give `weights: null` or the path of a file."
        )
        raise RecipeError([recipe.problem((*place, "weights"), message)]) from None
    except (RequestError, OSError, ValueError, KeyError, TypeError) as error:
        where = place if named is None else (*place, named[0])
        raise RecipeError([recipe.problem(where, first_paragraph(str(error)))]) from None


def _application(choice: BackboneChoice, row_shape: tuple[int | None, ...]) -> Backbone:
    """A network of `keras.applications` without its last layers."""
    application = APPLICATIONS[choice.name]
    given = dict(choice.arguments)
    weights, size = given.pop("weights", IMAGENET), given.pop("size", None)
    given.pop("inference", None)

    def front(tensor: keras.KerasTensor) -> keras.KerasTensor:
        tensor = pixels.in_colour(tensor)
        if size is not None:
            tensor = keras.layers.Resizing(*size, name="size")(tensor)
        return PREPROCESSING[application.pixels](tensor)

    shape = front(input_tensor(row_shape)).shape[1:]
    least = application.least
    if any(side is not None and side < least for side in shape[:2]):
        raise ValueError(
            f"takes pictures of {least} x {least} and more, and these have {shape[0]} x {shape[1]}."
            f" Give it a `size` to resize them to, such as [{least}, {least}]."
        )
    with _weights_of_the_cache(), warnings.catch_warnings():
        # Weights that were trained on pictures of one size fit every size.
        warnings.filterwarnings("ignore", message="`input_shape` is undefined or non-square")
        model = getattr(keras.applications, application.cls)(
            include_top=False,
            weights=IMAGENET if weights == IMAGENET else None,
            input_shape=tuple(shape),
            name=NAME,
            **given,
        )
    if weights not in (None, IMAGENET):
        load_weights(model, weights)
    return Backbone(model, front)


@contextmanager
def _weights_of_the_cache() -> Iterator[None]:
    """Say where weights belong that cannot be fetched; Keras would raise the error of a socket."""
    fetch = file_utils.get_file

    def fetched(fname: object = None, origin: object = None, **options: Any) -> Any:
        home = Path(str(options.get("cache_dir") or keras_home())).expanduser()
        path = home / options.get("cache_subdir", "datasets") / str(fname)
        try:
            return fetch(fname, origin, **options)
        except Exception as error:
            # Of a socket, of a server's answer, or of a file with another hash.
            raise MissingWeights(first_paragraph(str(error)), path, str(origin)) from None

    file_utils.get_file = fetched
    try:
        yield
    finally:
        file_utils.get_file = fetch


def _saved(choice: BackboneChoice) -> Backbone:
    """A model of the user's, up to one of its layers."""
    path = model_file(Path(choice.arguments["path"]))
    model: Any = load_model(path)
    last = model.layers[-1] if model.layers else None
    if isinstance(last, keras.Model) and last.name == "network":
        # The network behind the preprocessing of a table: the data of this recipe are pixels.
        model = last
    if not isinstance(model, keras.models.Model) or not getattr(model, "inputs", None):
        raise ValueError("is no model with a graph of layers, which it could be cut from.")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError("has several inputs or outputs, and a backbone has one of each.")
    until = choice.arguments.get("until")
    names = [layer.name for layer in model.layers]
    if until is not None and until not in names:
        raise ValueError(f"has no layer `{until}`. There are {', '.join(names)}.")
    end = model.get_layer(until).output if until else _before_output(model)
    made = keras.Model(model.inputs[0], end, name=NAME)
    made.trainable = True
    shape = tuple(model.inputs[0].shape[1:])

    def front(tensor: keras.KerasTensor) -> keras.KerasTensor:
        found = tuple(tensor.shape[1:])
        if len(found) != len(shape) or any(
            a != b for a, b in zip(found, shape, strict=True) if None not in (a, b)
        ):
            raise ValueError(f"takes rows of shape {shape}, and those of the data have {found}.")
        return tensor

    return Backbone(made, front)


def model_file(path: Path) -> Path:
    """A `.keras` file, or that of a run directory, checked."""
    if not path.is_dir():
        return path
    check_run_files(path)
    return RunDirectory(path).verified(files.MODEL)


def _before_output(model: keras.Model) -> keras.KerasTensor:
    """The input of the last layer with weights: the network without its output layer."""
    tensor = model.outputs[0]
    while True:
        operation, node, _ = tensor._keras_history
        parents = operation._inbound_nodes[node].input_tensors
        if len(parents) != 1:
            raise ValueError("has no single output layer to leave out. Say `until` which layer.")
        tensor = parents[0]
        if operation.weights:
            return tensor


def weights_digest(model: keras.Model) -> str:
    """SHA-256 of all weights of a model, with their shapes."""
    found = hashlib.sha256()
    for weight in model.weights:
        value = np.asarray(weight)
        found.update(f"{value.dtype}{value.shape}".encode())
        found.update(value.tobytes())
    return found.hexdigest()
