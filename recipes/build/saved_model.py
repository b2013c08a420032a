"""The one place where a saved model, or weights, are loaded: always in Keras's safe mode.

The archive and the arrays of a file are checked by `record.model_file`, its config here: it may
name only classes of Keras, of this package, and those that the user has imported.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras

# Registers the classes of this package that a saved model may have.
from ... import models, pretraining, schedules  # noqa: F401
from ..errors import RequestError
from ..record.model_file import (
    CONFIG,
    ModelFileError,
    check_model,
    check_weights,
    first_line,
    readable,
)
from ..spec.wording import shown
from .capacity import unallocated_weights
from .hub_library import MODULES, import_for

# Public modules of Keras whose classes and functions make up models.
PUBLIC = {
    "builtins", "keras", "keras.activations", "keras.constraints", "keras.dtype_policies",
    "keras.initializers", "keras.layers", "keras.losses", "keras.metrics", "keras.models",
    "keras.ops", "keras.optimizers", "keras.optimizers.schedules", "keras.quantizers",
    "keras.random", "keras.regularizers",
}  # fmt: skip
# Classes without a public name: those of operations, and of the functional model.
INTERNAL = (
    "keras.src.activations.", "keras.src.dtype_policies.", "keras.src.layers.",
    "keras.src.losses.", "keras.src.metrics.", "keras.src.models.", "keras.src.ops.",
    "keras.src.optimizers.", "keras.src.quantizers.", "keras.src.random.",
)  # fmt: skip
# Layers that contain code, or load it.
CODE = {"Lambda", "TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper", "FeatureSpace"}
# Keras's forms of plain values.
VALUES = {"__tensor__", "__numpy__", "__keras_tensor__", "__bytes__", "__ellipsis__", "__slice__"}
# Arguments that are a list, or the path of a file to read one from.
FILES = {"vocabulary", "merges", "proto"}
# Keras makes small states, such as those of random generators, that no file accounts for.
SPARE_NUMBERS = 1 << 16


def load_model(path: str | os.PathLike, *, compiled: bool = False) -> keras.Model:
    """The model of a `.keras` file, which may come from a stranger.

    It runs no code, reads no other file, and takes no more memory for weights than the file has
    weights. Classes are those of Keras, of this package, and those that the user has imported.

    Args:
        compiled: with its optimizer and the optimizer's state.

    Raises:
        ModelFileError: there is no such file, it is not only a model, or it has layers of KerasHub,
            which is not installed.
    """
    file = Path(path)
    if file.suffix != ".keras":
        raise ModelFileError(f"{file}: expected a `.keras` file.")
    content, numbers = check_model(file)
    try:
        import_for(content)
    except RequestError as error:
        raise ModelFileError(f"{file}: {error}") from None
    with readable(file):
        try:
            config = json.loads(content)
            check_config(config)
        except ValueError as error:
            raise ModelFileError(f"{file}: {CONFIG}: {error}") from None
        _check_weight_count(file, config, numbers + SPARE_NUMBERS)
        model = keras.models.load_model(file, compile=compiled, safe_mode=True)
    if not isinstance(model, keras.Model):
        raise ModelFileError(f"{file}: holds a {type(model).__name__}; expected a model.")
    return model


def _check_weight_count(file: Path, config: dict[str, object], most: int) -> None:
    """Refuse a model with more weights than `most`, before they take memory."""
    # Without its optimizer, whose variables are no more than a few for each weight.
    config["compile_config"] = None
    with unallocated_weights(discard=True):
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
    if isinstance(model, keras.Model) and model.count_params() > most:
        raise ModelFileError(
            f"{file}: its layers have more weights than the file holds; the file is damaged or "
            "hostile."
        )


def load_weights(model: keras.Model, path: str | os.PathLike) -> None:
    """Give a built model the weights of a `.weights.h5` file, which may come from a stranger.

    Raises:
        ModelFileError: there is no such file, it is not only arrays, or they do not fit.
    """
    file = Path(path)
    check_weights(file)
    with readable(file):
        try:
            model.load_weights(file)
        except ValueError as error:
            raise ModelFileError(f"{file}: does not fit: {first_line(error)}") from None


def check_config(config: object) -> None:
    """Refuse a config that names anything but parts of models.

    Raises:
        ValueError: with what it names.
    """
    if not isinstance(config, Mapping) or "class_name" not in config:
        raise ValueError("names no class of a model.")
    for value in _mappings(config):
        for key in FILES & set(value):
            if isinstance(value[key], str):
                raise ValueError(f"reads `{key}` from the file {shown(value[key])}.")
        if "class_name" in value:
            _check_class(value)


def _mappings(config: object) -> Iterator[Mapping[str, Any]]:
    """Every mapping at any depth, without recursion: a file may be nested to any depth."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _check_class(value: Mapping[str, Any]) -> None:
    name, module = value["class_name"], value.get("module")
    registered = value.get("registered_name")
    for word in (name, module, registered):
        if word is not None and not isinstance(word, str):
            raise ValueError(f"has {shown(word)} where the name of a class belongs.")
    if name is None:
        raise ValueError("has a class without a name.")
    if name in VALUES:
        return
    if name in CODE or (registered or "").rpartition(">")[2] in CODE:
        raise ValueError(f"has a `{name}`, which runs code. Build the network of layers instead.")
    ours = keras.saving.get_registered_object(registered or name) is not None
    if not (ours or module in PUBLIC or (module or "").startswith((*INTERNAL, *MODULES))):
        place = name if module is None else f"{module}.{name}"
        raise ValueError(
            f"names {shown(place)}, which is not a part of a Keras model or of this package. Name "
            "the module of your own classes with `--plugin`."
        )
