"""The names a recipe may use and the arguments of each, known without importing Keras.

`keras_api.json` is generated from each supported version of Keras and from the tables of this
package by `python -m keras_recipes.recipes.build.catalog`; a test holds the file and the classes
together. `keras_version` says what of it the installed Keras lacks. `hub_layers` adds those of
KerasHub.
"""

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from .catalog_rows import ArgumentRow, ArgumentRows, CatalogFile, EntryRow
from .hub_layers import HUB_LAYERS
from .nodes import is_list

# Arguments that every layer of Keras takes.
EVERY_LAYER: ArgumentRows = {
    "name": {},
    "dtype": {},
    "trainable": {"default": True},
}


@dataclass(frozen=True)
class Argument:
    """One argument of a constructor.

    Attributes:
        required: whether it has no default.
        default: its default, where that is plain data.
        type: its annotation as text, where it has one.
        keras: the versions of Keras that have it, where not all that have the class do.
    """

    required: bool = False
    default: Any = None
    type: str | None = None
    keras: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A class that a recipe can name.

    Attributes:
        keras: the versions of Keras that have it, where not all do.
        plugin: the plugin that brought it, as the user named it; None of a name of this package.
    """

    kind: str
    name: str
    class_path: str
    arguments: Mapping[str, Argument] = field(default_factory=dict[str, Argument])
    keras: tuple[str, ...] = ()
    plugin: str | None = None

    @property
    def of_hub(self) -> bool:
        """Whether it is a class of KerasHub, which is an extra."""
        return self.class_path.startswith("keras_hub.")


@cache
def _file() -> CatalogFile:
    text = resources.files(str(__package__)).joinpath("keras_api.json").read_text(encoding="utf-8")
    return json.loads(text)


def minors() -> tuple[str, ...]:
    """The versions of Keras, such as "3.15", that the table was generated from, oldest first."""
    return tuple(_file()["keras"])


@cache
def tables() -> dict[str, dict[str, Entry]]:
    """Kind -> name -> entry, of all that is known without plugins, in any version of Keras."""
    kinds = _file()["kinds"]
    hub: dict[str, EntryRow] = {
        name: {**row, "arguments": {**row.get("arguments", {}), **EVERY_LAYER}}
        for name, row in HUB_LAYERS.items()
    }
    return {
        kind: {
            name: entry_of(kind, name, row)
            for name, row in (rows | hub if kind == "layers" else rows).items()
        }
        for kind, rows in kinds.items()
    }


def entry_of(kind: str, name: str, row: EntryRow) -> Entry:
    """The entry of a row of the generated table."""
    arguments = {
        key: Argument(
            value.get("required", False),
            value.get("default"),
            value.get("type"),
            tuple(value.get("keras", ())),
        )
        for key, value in row.get("arguments", {}).items()
    }
    return Entry(kind, name, row["class"], arguments, tuple(row.get("keras", ())))


def entry(kind: str, name: str) -> Entry:
    """The entry of a name that is known to be one."""
    return tables()[kind][name]


def names(kind: str) -> list[str]:
    """All names of a kind, sorted."""
    return sorted(tables()[kind])


@cache
def sections() -> tuple[str, ...]:
    """Sections of a recipe whose keys are the arguments of one class: kinds with that one name.

    They are the parts of a training step, and `regularization` inside of `pretraining`.
    """
    return tuple(kind for kind, entries in tables().items() if list(entries) == [kind])


def describe(target: Callable[..., object]) -> ArgumentRows:
    """The arguments of a class or function, in its order, as rows of the table."""
    rows: ArgumentRows = {}
    for name, parameter in inspect.signature(target).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        row: ArgumentRow = {}
        if parameter.default is parameter.empty:
            row["required"] = True
        elif is_list(parameter.default):
            row["default"] = list(parameter.default)
        elif isinstance(parameter.default, (bool, int, float, str)):
            row["default"] = parameter.default
        if parameter.annotation is not parameter.empty:
            row["type"] = annotation_text(parameter.annotation)
        rows[name] = row
    return rows


def annotation_text(annotation: object) -> str:
    """An annotation as it reads in the source, without module names."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    for prefix in ("collections.abc.", "typing.", "keras_recipes.schedules.arguments."):
        text = text.replace(prefix, "")
    return text
