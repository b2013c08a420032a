"""The JSON Schema of a sweep's file, made from the models that check it."""

from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from ...spec.json_schema import DIALECT
from ...spec.schema import Recipe
from .algorithms import algorithm_schema
from .file import SweepFile
from .space import KEPT
from .space_schema import ENTRY, entry_schema, space_schema


class _Generator(GenerateJsonSchema):
    """Defaults that are objects of ours are left out rather than warned about."""

    ignored_warning_kinds = {"non-serializable-default"}  # noqa: RUF012


def json_schema() -> dict[str, Any]:
    """Every section of a sweep's file, the space with the keys of a recipe.

    An editor with a YAML language server completes and checks a sweep that begins with
    `# yaml-language-server: $schema=sweep.schema.json`.
    """
    schema = TypeAdapter(SweepFile).json_schema(schema_generator=_Generator)
    # The name is the file's where it is left out.
    schema["required"] = [key for key in schema["required"] if key != "name"]
    schema["$defs"]["space.entry"] = entry_schema()
    keys = {key: ENTRY for key in Recipe.model_fields if (key,) not in KEPT}
    parts = {
        "algorithm": {**algorithm_schema(), "default": "random"},
        "space": {**space_schema(), "properties": keys},
    }
    for name, part in parts.items():
        schema["properties"][name].pop("x-part")
        schema["properties"][name].update(part)
    schema["properties"]["objective"]["default"] = {"minimize": "val_loss"}
    return {"$schema": DIALECT, **schema, "title": "keras-recipes sweep"}
