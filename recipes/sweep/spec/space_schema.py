"""JSON Schema of the space."""

from typing import Any

NUMBER = {"type": "number"}
WHOLE = {"type": "integer"}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": properties,
    }


VALUES = {"type": "array", "minItems": 1}
POSITIVE = {"type": "number", "exclusiveMinimum": 0}
DEPTH = _object(["min", "max"], min={**WHOLE, "minimum": 0}, max={**WHOLE, "minimum": 1})
DOMAINS: dict[str, dict[str, Any]] = {
    "uniform": _object(["min", "max"], min=NUMBER, max=NUMBER, step=NUMBER),
    "log_uniform": _object(["min", "max"], min=POSITIVE, max=POSITIVE),
    "int": _object(["min", "max"], min=WHOLE, max=WHOLE, step=WHOLE, log={"type": "boolean"}),
    "choice": {"anyOf": [VALUES, _object(["values"], values=VALUES, ordered={"type": "boolean"})]},
    "fixed": {},
    "stack": _object(
        ["depth", "layers"],
        depth=DEPTH,
        layers=VALUES,
        before={"type": "array"},
        after={"type": "array"},
    ),
}
WORDS: dict[str, str] = {
    "uniform": "a number of a range, every one as likely",
    "log_uniform": "a number of a range, every order of magnitude as likely",
    "int": "a whole number of a range, both ends among them",
    "choice": "one of some values, which may be whole parts of a recipe",
    "fixed": "one value, for use with `when`",
    "stack": "the same layers over each other, so many times",
}


ENTRY = {"$ref": "#/$defs/space.entry"}


def space_schema() -> dict[str, Any]:
    """Keys of a recipe, nested or dotted; what stands below each is `entry_schema`."""
    return {"type": "object", "minProperties": 1, "additionalProperties": ENTRY}


def entry_schema() -> dict[str, Any]:
    """A domain, a list of domains under conditions, or a mapping of further keys."""
    when = {
        "type": "object",
        "minProperties": 1,
        "description": "other key of the space: value, or values, with which this one is active",
    }
    kinds = [
        {
            "type": "object",
            "required": [name],
            "additionalProperties": False,
            "properties": {name: {**schema, "description": WORDS[name]}, "when": when},
        }
        for name, schema in DOMAINS.items()
    ]
    alternatives = {"type": "array", "minItems": 1, "items": {"anyOf": kinds}}
    nested = {
        "type": "object",
        "propertyNames": {"not": {"enum": [*DOMAINS, "when"]}},
        "additionalProperties": ENTRY,
    }
    return {"anyOf": [*kinds, alternatives, nested]}
