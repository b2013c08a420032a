"""The `config.json` of a saved model: which classes it may name, and with what."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..spec.fields import shown

# Public modules of Keras whose classes and functions make up models.
PUBLIC = frozenset(
    {
        "builtins",
        "keras",
        *(
            f"keras.{name}"
            for name in (
                "activations", "constraints", "dtype_policies", "initializers", "layers", "losses",
                "metrics", "models", "ops", "optimizers", "optimizers.schedules", "quantizers",
                "random", "regularizers",
            )
        ),
    }
)  # fmt: skip
# Classes without a public name: those of operations, and of the functional model.
INTERNAL = tuple(
    f"keras.src.{name}."
    for name in (
        "activations", "dtype_policies", "layers", "losses", "metrics", "models", "ops",
        "optimizers", "quantizers", "random",
    )
)  # fmt: skip
# Layers that hold a program, or lead to one.
CODE = frozenset(
    {"Lambda", "TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper", "FeatureSpace"}
)
# Keras's own forms of plain values.
VALUES = frozenset(
    {"__tensor__", "__numpy__", "__keras_tensor__", "__bytes__", "__ellipsis__", "__slice__"}
)
# Arguments that are a list, or the path of a file to read one from.
FILES = frozenset({"vocabulary"})


def check_config(config: Any) -> None:
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


def _mappings(config: Any) -> Iterator[Mapping[str, Any]]:
    """Every mapping at any depth, without recursion: a file may nest as deep as it likes."""
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
    if not (_is_registered(registered or name) or _is_of_keras(module)):
        place = name if module is None else f"{module}.{name}"
        raise ValueError(
            f"names {shown(place)}, which is no part of a Keras model or of this package. Classes "
            "of your own come in with `--plugin`."
        )


def _is_registered(name: str) -> bool:
    """Whether this package, or what the user has imported, has registered a class of this name."""
    import keras

    return keras.saving.get_registered_object(name) is not None


def _is_of_keras(module: str | None) -> bool:
    return module in PUBLIC or (module or "").startswith(INTERNAL)
