"""A recipe back to YAML, resolved: bases merged in, defaults of every section written out."""

from typing import Any

import yaml
from pydantic import BaseModel

from . import catalog
from .backbones import BackboneChoice
from .choices import Choice, Residual
from .durations import Duration
from .nodes import is_dict, is_list
from .scalars import resolve
from .strict import Strict


def dump(recipe: BaseModel) -> str:
    """The YAML text of a recipe; loading it gives an equal recipe."""
    return yaml.dump(
        to_plain(recipe), Dumper=Writer, sort_keys=False, allow_unicode=True, width=100
    )


def to_plain(value: object) -> Any:
    """A recipe, or a part of one, as plain data."""
    if isinstance(value, Strict) and value.inherits:
        given = {name: getattr(value, name) for name in type(value).model_fields}
        return {name: _section(name, item) for name, item in given.items() if item is not None}
    if isinstance(value, BaseModel):
        names = list(type(value).model_fields)
        if getattr(value, "phases", None):
            names.remove("epochs")  # the sum of the phases', which an override may change
        return {name: _section(name, getattr(value, name)) for name in names}
    if isinstance(value, (Choice, BackboneChoice)):
        if not value.arguments:
            return value.name
        return {value.name: {key: to_plain(item) for key, item in value.arguments.items()}}
    if isinstance(value, Residual):
        layers = [to_plain(layer) for layer in value.layers]
        if value.inner == ("residual",):
            return {"residual": layers}
        return {"residual": {"layers": layers, "shortcut": value.shortcut}}
    if isinstance(value, Duration):
        return value.to_yaml()
    if is_dict(value):
        return {key: to_plain(item) for key, item in value.items()}
    if is_list(value):
        return [to_plain(item) for item in value]
    return value


def defaults(recipe: BaseModel) -> list[str]:
    """The keys of a recipe, down to those of its sections, that have their default values."""
    found: list[str] = []
    for name, field in type(recipe).model_fields.items():
        value = getattr(recipe, name)
        if not field.is_required() and value == field.get_default(call_default_factory=True):
            found.append(name)
        elif isinstance(value, BaseModel):
            found += [f"{name}.{key}" for key in defaults(value)]
    return found


def _section(name: str, value: object) -> Any:
    """Sections whose keys are arguments have no name of their own to write."""
    if name in catalog.sections() and isinstance(value, Choice):
        return {key: to_plain(item) for key, item in value.arguments.items()}
    return to_plain(value)


class Writer(yaml.SafeDumper):
    """Writes scalars so that YAML 1.2 reads them back as they were."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(writer: Writer, value: str) -> yaml.Node:
    plain = resolve(value) if value else None
    style = "'" if plain != value else None
    return yaml.ScalarNode("tag:yaml.org,2002:str", value, style=style)


Writer.add_representer(str, _text)
