"""The JSON Schema of the language, made from the models that check it."""

from collections.abc import Callable, Collection
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from . import catalog, keras_version
from .arguments import adapter
from .augmentations import AUGMENTATIONS
from .choices import ALIASES
from .fields import JSONSchema
from .network import NOT_IN_A_LIST
from .nodes import is_dict, is_list
from .parts import MERGES
from .schema import Recipe

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> JSONSchema:
    """The whole language: every section, and every class with its arguments.

    An editor with a YAML language server completes and checks a recipe that begins with
    `# yaml-language-server: $schema=recipe.schema.json`.
    """
    schema = _plain(Recipe)
    definitions = schema.pop("$defs", {})
    for kind in catalog.tables():
        definitions[f"{kind}.choice"] = _choice(kind)
        for name in keras_version.names(kind):
            definitions[f"{kind}.{name}"] = _arguments(kind, name)
    definitions["layer_items.choice"] = {"anyOf": [_choice("layers", NOT_IN_A_LIST), _residual()]}
    definitions["merges.choice"] = _choice("layers", set(catalog.names("layers")) - MERGES)
    others = set(catalog.names("layers")) - set(AUGMENTATIONS)
    definitions["augmentations.choice"] = _choice("layers", others)
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "path or name of a recipe that this one changes",
    }
    # With `extends`, or by its file's name, a recipe may leave these out.
    schema.pop("required", None)
    result = {"$schema": DIALECT, **schema, "title": "keras-recipes", "$defs": definitions}
    return _replace(result, _reference)


def _plain(model: type[BaseModel]) -> JSONSchema:
    return TypeAdapter(model).json_schema(schema_generator=Generator)


class Generator(GenerateJsonSchema):
    """Defaults that are objects of ours are left out rather than warned about."""

    ignored_warning_kinds = {"non-serializable-default"}  # noqa: RUF012


def _choice(kind: str, left_out: Collection[str] = ()) -> JSONSchema:
    """A name that needs no argument, or a mapping of one name."""
    names = {**{name: name for name in keras_version.names(kind)}, **ALIASES.get(kind, {})}
    names = {written: name for written, name in names.items() if name not in left_out}
    bare = [
        written
        for written, name in names.items()
        if not any(a.required for a in catalog.entry(kind, name).arguments.values())
    ]
    mapping = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {
            written: {"anyOf": [{"$ref": f"#/$defs/{kind}.{name}"}, {"type": "null"}]}
            for written, name in names.items()
        },
    }
    return {"anyOf": [{"enum": sorted(bare)}, mapping]}


def _arguments(kind: str, name: str) -> JSONSchema:
    schema = adapter(kind, name).json_schema(schema_generator=Generator)
    schema.pop("title", None)
    schema["additionalProperties"] = False
    schema["description"] = catalog.entry(kind, name).class_path
    for key, argument in catalog.entry(kind, name).arguments.items():
        if keras_version.lacks(argument.keras):
            del schema["properties"][key]
        elif argument.default is not None:
            schema["properties"][key]["default"] = argument.default
    return schema


def _residual() -> JSONSchema:
    layers = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/layer_items.choice"}}
    block = {
        "type": "object",
        "required": ["layers"],
        "additionalProperties": False,
        "properties": {"layers": layers, "shortcut": {"enum": ["identity", "projection"]}},
    }
    return {
        "type": "object",
        "required": ["residual"],
        "additionalProperties": False,
        "properties": {"residual": {"anyOf": [layers, block]}},
        "description": "layers whose output is added to their input",
    }


def _reference(schema: JSONSchema) -> JSONSchema:
    """A stand-in of a choice as a reference to its definition."""
    if "x-choice" in schema:
        return {"$ref": f"#/$defs/{schema['x-choice']}.choice"}
    if "x-arguments" in schema:
        return {"$ref": f"#/$defs/{schema['x-arguments']}.{schema['x-arguments']}"}
    return schema


def _replace(value: object, change: Callable[[JSONSchema], JSONSchema]) -> Any:
    if is_dict(value):
        return change({key: _replace(item, change) for key, item in value.items()})
    if is_list(value):
        return [_replace(item, change) for item in value]
    return value
