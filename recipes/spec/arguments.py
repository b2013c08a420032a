"""Checks a choice and each argument of it: by its annotation, its name, or its default."""

import ast
import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NotRequired, Required

from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from . import catalog, keras_version
from .catalog import Argument, Entry
from .choices import Choice, known_name, signature, words
from .fields import (
    Field,
    Mismatch,
    boolean,
    duration,
    either,
    failure,
    integer,
    list_of,
    listed,
    nothing,
    number,
    one_of,
    plain,
    refused,
    shown,
    text,
)
from .file_arguments import file_field
from .nodes import is_dict
from .records import RECORDS
from .strict import details, invalid, unknown_keys

POSITIVE = integer(gt=0)
SIZE = either(POSITIVE, list_of(POSITIVE, least=1))
PROBABILITY = number(ge=0, lt=1)

# Keras annotates nothing; its argument names mean the same in every class.
BY_NAME: dict[str, Field] = {
    **dict.fromkeys(
        ("units", "filters", "depth_multiplier", "num_heads", "key_dim", "value_dim", "groups"),
        POSITIVE,
    ),
    **dict.fromkeys(("input_dim", "output_dim", "n", "projection_dim"), POSITIVE),
    **dict.fromkeys(("rate", "momentum", "beta_1", "beta_2", "rho", "dropout"), PROBABILITY),
    "recurrent_dropout": PROBABILITY,
    "ema_momentum": number(ge=0, le=1),
    **dict.fromkeys(("kernel_size", "strides", "pool_size", "dilation_rate"), SIZE),
    "epsilon": number(gt=0),
    "stddev": number(ge=0),
    "label_smoothing": number(ge=0, lt=1),
    "patience": integer(ge=0),
    "seed": either(integer(ge=0), nothing()),
    "axis": either(integer(), list_of(integer(), least=1)),
    "target_shape": list_of(integer(), least=1),
    "data_format": one_of("channels_last", "channels_first", None),
    "name": text(),
    "dtype": text(),
    "trainable": boolean(),
}
# Set elsewhere in a recipe: an optimizer that did it too would do it twice, or otherwise.
IN_OPTIMIZERS: dict[str, Field] = {
    "learning_rate": refused("stands at the top of a recipe: `learning_rate: ...`."),
    "weight_decay": refused("stands at the top of a recipe: `weight_decay: {rate: ...}`."),
    "clipnorm": refused("stands at the top of a recipe: `gradient_clipping: {norm: ...}`."),
    "clipvalue": refused("stands at the top of a recipe: `gradient_clipping: {value: ...}`."),
    "global_clipnorm": refused(
        "stands at the top of a recipe: `gradient_clipping: {global_norm: ...}`."
    ),
    "gradient_accumulation_steps": refused(
        "stands at the top of a recipe: `gradient_accumulation: 4`. Keras's own evaluates "
        "learning-rate schedules once a batch, so that they run too fast."
    ),
    "use_ema": refused("stands at the top of a recipe: `weight_averaging: {decay: 0.999}`."),
}
# The training step sets these for each update where they follow a schedule.
SCHEDULED_IN_OPTIMIZERS = ("momentum", "beta_1")
# Bounds that our own classes have, beyond what their annotations say.
RATE, NOT_NEGATIVE, ABOVE_ZERO = number(ge=0), number(ge=0), number(gt=0)
OWN: dict[str, Field] = {
    **dict.fromkeys(("learning_rate", "initial_learning_rate", "end_learning_rate"), RATE),
    **dict.fromkeys(("start", "min_delta"), NOT_NEGATIVE),
    **dict.fromkeys(("value", "norm", "global_norm", "rate", "decay_rate", "power"), ABOVE_ZERO),
    **dict.fromkeys(("block_rms", "max_norm", "layer_decay", "rho", "eta"), ABOVE_ZERO),
    "history": integer(gt=0),
    "decay": number(gt=0, lt=1),
    **dict.fromkeys(("patience", "start_from_epoch"), integer(ge=0)),
    "alpha": number(ge=0, le=1),
}
# Durations that must not be zero.
POSITIVE_STEPS = frozenset(
    {"decay_steps", "first_decay_steps", "total_steps", "step_size", "step_size_up", "period"}
    | {"every", "steps_per_epoch"}
)
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

    def check(value: Any) -> Any:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return plain.check(value) if is_number else validated(kind, value)

    return Field(check, plain.expected, {"anyOf": [plain.schema, {"x-choice": kind}]})


def section(kind: str) -> Field:
    """A section whose keys are the arguments of one class, or null."""

    def check(value: Any) -> Choice | None:
        if value is None or isinstance(value, Choice):
            return value
        return Choice(kind, kind, arguments_of(kind, kind, value, None))

    schema = {"anyOf": [{"type": "null"}, {"x-arguments": kind}]}
    return Field(check, "expected a mapping.", schema)


def validated(kind: str, value: Any) -> Choice:
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
            f"expected one of the {words(kind)}: a name, or `name: {{arguments}}`.{count} "
            f"Received {shown(value)}.",
        )
    written, given = next(iter(value.items()))
    try:
        name = known_name(kind, written)
    except ValueError as error:
        raise invalid([*details((written,), error)]) from None
    if given is None:
        given = {}
    return Choice(kind, name, arguments_of(kind, name, given, written))


def arguments_of(kind: str, name: str, given: Any, written: str | None) -> dict[str, Any]:
    """The checked arguments; errors stand below `written`, the name as the recipe has it."""
    place = () if written is None else (written,)
    if not is_dict(given):
        message = f"expected a mapping of arguments: {signature(kind, name)}."
        error = failure("arguments", f"{message} Received {shown(given)}.")
        raise invalid(details(place, error))
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


def fits_default(field: Field, argument: Argument) -> bool:
    """Whether a rule by name agrees with the class's own default."""
    if argument.required or argument.default is None:
        return True
    try:
        field.check(argument.default)
    except ValueError:
        return False
    return True


def by_default(argument: Argument) -> Any:
    """The type that a default of plain data shows."""
    default = argument.default
    if isinstance(default, bool):
        return boolean().annotation
    if isinstance(default, (int, float)):
        # Where Keras has a number it may also take a list of them, as in `padding`.
        return either(number(), nothing(), list_of(plain())).annotation
    if isinstance(default, str):
        return text().annotation
    return plain().annotation


def layer_name() -> Field:
    """A name that TensorFlow takes for a scope, and Keras for a part of a variable's path."""
    expected = "expected a name of ASCII letters, digits, `_`, `-` and `.`."
    pattern = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*")

    def check(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise Mismatch(expected)
        return value

    return Field(check, expected, {"type": "string", "pattern": f"^{pattern.pattern}$"})


SIMPLE: dict[str, Callable[[], Field]] = {
    "float": number,
    "int": integer,
    "bool": boolean,
    "str": text,
    "None": nothing,
    "Any": plain,
    "Steps": duration,
}


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


def plain_field(annotation: str) -> Field:
    """An annotation without choices, as a kind of value."""
    parts = split_union(annotation)
    if len(parts) > 1:
        return either(*(plain_field(part) for part in parts))
    outer, _, inner = annotation.partition("[")
    if outer in ("Sequence", "list", "tuple") and inner:
        return list_of(plain_field(inner[:-1].removesuffix(", ...")))
    if outer == "Literal":
        return one_of(*ast.literal_eval(f"({inner[:-1]},)"))
    return SIMPLE[annotation]() if annotation in SIMPLE else plain()


def split_union(annotation: str) -> list[str]:
    """The members of `A | B[C | D]`, at the outermost level."""
    parts: list[str] = []
    depth = start = 0
    for index, char in enumerate(annotation):
        depth += (char in "[(") - (char in "])")
        if char == "|" and depth == 0:
            parts.append(annotation[start:index].strip())
            start = index + 1
    return [*parts, annotation[start:].strip()]
