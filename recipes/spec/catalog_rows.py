"""The rows of `keras_api.json`: what it says of a class that a recipe can name."""

from typing import NotRequired

from typing_extensions import TypedDict


class ArgumentRow(TypedDict, total=False):
    """What the table says of an argument; a key that says nothing is left out."""

    required: bool
    default: object
    type: str
    keras: list[str]


ArgumentRows = dict[str, ArgumentRow]
# `class` is a keyword of Python, so that no class statement can have such a field.
EntryRow = TypedDict(
    "EntryRow",
    {"class": str, "arguments": NotRequired[ArgumentRows], "keras": NotRequired[list[str]]},
)


class CatalogFile(TypedDict):
    """The whole file: the versions of Keras that it knows, and kind -> name -> row."""

    keras: list[str]
    kinds: dict[str, dict[str, EntryRow]]
