"""Checks a choice and each argument of it."""

from functools import cache, partial
from typing import Any, NotRequired, Required

from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from . import catalog, keras_version
from .argument_rules import (
    BY_NAME,
    IN_OPTIMIZERS,
    OWN,
    POSITIVE_STEPS,
    PROBABILITY,
    RECORDS,
    SCHEDULED_IN_OPTIMIZERS,
    by_default,
    fits_default,
    layer_name,
    plain_field,
    split_union,
)
from .catalog import Argument, Entry
from .choices import Choice, known_name, signature, words
from .fields import Field, duration, failure, is_number, number
from .file_arguments import file_field
from .nodes import is_dict
from .strict import details, invalid, unknown_keys
from .wording import listed

NESTED = {
    "_initializer": "initializers",
    "_regularizer": "regularizers",
    "_constraint": "constraints",
}


@cache
def choice(kind: str, *, numbers: bool = False) -> Field:
    """A name of one kind, or `name: {arguments}` with exactly the constructor's arguments.

    Args:
        numbers: a plain number is accepted too, as for a learning rate.
    """
    if numbers:
        return number_or_choice(kind, number(ge=0))
    # `json_schema` replaces the stand-in by the kind's definition.
    return Field(
        partial(validated, kind), f"expected one of the {words(kind)}.", {"x-choice": kind}
    )


def number_or_choice(kind: str, plain: Field) -> Field:
    """A number of some kind or a choice: a rate or a schedule of it."""

    def check(value: object) -> object:
        return plain.check(value) if is_number(value) else validated(kind, value)

    return Field(check, plain.expected, {"anyOf": [plain.schema, {"x-choice": kind}]})


def section(kind: str) -> Field:
    """A section whose keys are the arguments of one class, or null."""

    def check(value: object) -> Choice | None:
        if value is None or isinstance(value, Choice):
            return value
        return Choice(kind, kind, arguments_of(kind, kind, value, None))

    schema = {"anyOf": [{"type": "null"}, {"x-arguments": kind}]}
    return Field(check, "expected a mapping.", schema)


def validated(kind: str, value: object) -> Choice:
    """A choice from a recipe's value, or a pydantic error for every mistake in it."""
    if isinstance(value, Choice) and value.kind == kind:
        return value
    if isinstance(value, str):
        name = known_name(kind, value)
        required_arguments(kind, name)
        return Choice(kind, name)
    if not is_dict(value) or len(value) != 1:
        count = f" It has {len(value)} keys." if is_dict(value) else ""
        raise failure(
            "choice",
            f"expected one of the {words(kind)}: a name, or `name: {{arguments}}`.{count}",
            received=value,
        )
    written, given = next(iter(value.items()))
    try:
        name = known_name(kind, written)
    except ValueError as error:
        raise invalid([*details((written,), error)]) from None
    return Choice(kind, name, arguments_of(kind, name, {} if given is None else given, written))


def arguments_of(kind: str, name: str, given: object, written: str | None) -> dict[str, Any]:
    """The checked arguments; errors stand below `written`, the name as the recipe has it."""
    place = () if written is None else (written,)
    if not is_dict(given):
        wrong = f"expected a mapping of arguments: {signature(kind, name)}."
        raise invalid(details(place, failure("arguments", wrong, received=given)))
    entry = catalog.entry(kind, name)
    wrong = unknown_keys(given, entry.arguments, place, what="argument")
    known = {key: value for key, value in given.items() if key in entry.arguments}
    for key in known:
        missing = keras_version.missing_argument(kind, name, key)
        if missing:
            wrong.extend(details((*place, key), failure("keras_version", missing)))
    result: dict[str, Any] = {}
    try:
        result = adapter(kind, name).validate_python(known)
    except ValidationError as error:
        wrong.extend(details(place, error))
    if wrong:
        raise invalid(wrong)
    return result


@cache
def adapter(kind: str, name: str) -> TypeAdapter[Any]:
    """Validates the arguments of one entry; made when a recipe first names it."""
    entry = catalog.entry(kind, name)
    fields = {
        key: (Required if argument.required else NotRequired)[field_of(entry, key, argument)]
        for key, argument in entry.arguments.items()
    }
    arguments = TypedDict("Arguments", fields)  # type: ignore[operator]
    arguments.__pydantic_config__ = ConfigDict(strict=True)  # type: ignore[attr-defined]
    return TypeAdapter(arguments)


def required_arguments(kind: str, name: str) -> None:
    """A bare name is complete only where the class needs no argument."""
    arguments = catalog.entry(kind, name).arguments
    missing = [key for key, argument in arguments.items() if argument.required]
    if missing:
        raise failure(
            "arguments",
            f"`{name}` needs {listed(missing)}: write `{name}: {{{missing[0]}: ...}}`.",
        )


def field_of(entry: Entry, name: str, argument: Argument) -> Any:
    """The type, for pydantic, of one argument of an entry."""
    file = file_field(entry, name, argument)
    if file is not None:
        return file.annotation
    if (entry.kind, name) == ("layers", "name"):
        return layer_name().annotation
    if (entry.kind, name) in RECORDS:
        return RECORDS[entry.kind, name]
    if argument.type is not None:
        steps = "Steps" in split_union(argument.type)
        positive = duration(positive=True) if name in POSITIVE_STEPS else None
        return by_annotation(argument.type, positive if steps else OWN.get(name))
    if entry.kind == "optimizers" and name in IN_OPTIMIZERS:
        return IN_OPTIMIZERS[name].annotation
    if entry.kind == "optimizers" and name in SCHEDULED_IN_OPTIMIZERS:
        return number_or_choice("schedules", PROBABILITY).annotation
    nested = nested_choice(name)
    if nested is not None:
        return nested if argument.required else nested | None
    if name in BY_NAME and fits_default(BY_NAME[name], argument):
        return BY_NAME[name].annotation
    return by_default(argument)


def nested_choice(name: str) -> Any:
    """The choice that an argument of this name is, or None."""
    if name == "activation" or name.endswith("_activation"):
        return choice("activations").annotation
    for ending, kind in NESTED.items():
        if name.endswith(ending) or name == ending[1:]:
            return choice(kind).annotation
    if name in ("layer", "cell", "backward_layer"):
        return choice("layers").annotation
    if name == "cells":
        return list[choice("layers").annotation]
    return None


def by_annotation(annotation: str, bounded: Field | None = None) -> Any:
    """The type that an annotation of one of our own classes stands for.

    Args:
        bounded: the kind of number or duration it is, where that is known more closely.
    """
    parts = split_union(annotation)
    # A recipe cannot write a `Fraction`; the build computes some.
    if bounded is not None and {*parts} <= {"float", "int", "Steps", "Fraction", "None"}:
        return bounded.annotation | None if "None" in parts else bounded.annotation
    if "Schedule" in parts:
        schedule = choice("schedules", numbers=True).annotation
        return schedule | None if "None" in parts else schedule
    if annotation in ("Sequence[Schedule]", "list[Schedule]"):
        return list[choice("schedules", numbers=True).annotation]
    return plain_field(annotation).annotation
