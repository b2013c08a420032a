"""Sections of a recipe: every unknown key an error, every error in plain words."""

from collections.abc import Iterable, Mapping, Sequence
from types import NoneType, UnionType
from typing import (
    Annotated,
    ClassVar,
    Literal,
    LiteralString,
    Self,
    Union,
    cast,
    get_args,
    get_origin,
)

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError
from pydantic import Field as Key
from pydantic import model_validator as validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from .fields import BOUNDS, failure
from .nodes import is_dict
from .wording import did_you_mean, listed, shown

Loc = tuple[str | int, ...]
# Larger numbers leave 64 bits somewhere; messages do not name this bound.
MOST = 2**62
# Keras takes no larger seed.
MOST_SEED = 2**32 - 1
Count = Annotated[int, Key(gt=0, le=MOST)]
Seed = Annotated[int, Key(ge=0, le=MOST_SEED)]
SCALARS: dict[object, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
}
# What pydantic itself finds wrong, in the words of this package.
WORDS = {
    "missing": "is missing.",
    "dict_type": "expected a mapping.",
    "model_type": "expected a mapping.",
    "list_type": "expected a list.",
    "string_type": "expected text.",
}


class Strict(BaseModel):
    """A section: frozen, strict about types, with no key but those it declares."""

    # The validator of a section is built when the section is first used.
    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, defer_build=True
    )
    # Whether null means "as the section above", so that `dump` leaves it out.
    inherits: ClassVar[bool] = False

    @validator(mode="wrap")
    @classmethod
    def _only_known_keys(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(value, cls):
            return value
        if not is_dict(value):
            keys = listed(list(cls.model_fields)[:4])
            raise failure("mapping", f"expected a mapping with {keys}.", received=value)
        wrong = unknown_keys(value, cls.model_fields, (), what="key")
        try:
            made = handler({key: item for key, item in value.items() if key in cls.model_fields})
        except ValidationError as error:
            raise invalid([*wrong, *details((), error, cls.model_fields)]) from None
        if wrong:
            raise invalid(wrong)
        return made


def unknown_keys(
    given: Mapping[str, object], known: Iterable[str], place: Loc, *, what: str
) -> list[InitErrorDetails]:
    """An error for each key that does not belong, with the closest that do."""
    names = list(known)
    errors: list[InitErrorDetails] = []
    for key in given:
        if key in names:
            continue
        hint = did_you_mean(key, names)
        if not hint:
            hint = f" There are {listed(names)}." if names else " It takes none."
        wrong = f"there is no {what} `{shown(key)[1:-1]}` here."
        errors.extend(details((*place, key), failure("unknown_key", wrong, hint=hint)))
    return errors


def details(
    place: Loc, error: Exception, fields: Mapping[str, FieldInfo] | None = None
) -> list[InitErrorDetails]:
    """The errors inside `error`, with `place` put before where they stand.

    Args:
        fields: the keys of the section that was checked.
    """
    if not isinstance(error, ValidationError):
        kept = error if isinstance(error, PydanticCustomError) else failure("value", str(error))
        return [InitErrorDetails(type=kept, loc=place, input=None)]
    return [
        InitErrorDetails(type=in_words(row, fields or {}), loc=(*place, *row["loc"]), input=None)
        for row in error.errors(include_url=False)
    ]


def in_words(
    row: ErrorDetails, fields: Mapping[str, FieldInfo] | None = None
) -> PydanticCustomError:
    """A pydantic error in our words: what the key's type takes, and what was received."""
    kind, context = cast(LiteralString, row["type"]), row.get("ctx", {})
    if "wrong" in context:
        return PydanticCustomError(kind, "{wrong}", context)
    if kind == "missing":
        return failure(kind, WORDS[kind])
    field = (fields or {}).get(str(row["loc"][0])) if len(row["loc"]) == 1 else None
    words = expected(field.annotation, field.metadata) if field else None
    hint = ""
    if words is None:
        words = WORDS.get(kind, f"{row['msg']}.")
    elif kind == "literal_error" and field:
        hint = did_you_mean(row["input"], get_args(field.annotation))
    return failure(kind, words, received=row["input"], hint=hint)


def expected(annotation: object, metadata: Sequence[object] = ()) -> str | None:
    """What a scalar type takes, in words; None of any other type.

    >>> expected(Annotated[int, Key(gt=0)] | None), expected(Literal["a", "b"])
    ('expected a whole number > 0.', 'expected `a` or `b`.')
    """
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner = [row.metadata if isinstance(row, FieldInfo) else [row] for row in parts[1:]]
        return expected(parts[0], [*metadata, *(item for row in inner for item in row)])
    if origin in (Union, UnionType):
        others = [part for part in parts if part is not NoneType]
        return expected(others[0], metadata) if len(others) == 1 else None
    if origin is Literal:
        return f"expected {listed(parts)}."
    if annotation not in SCALARS:
        return None
    bounds = [
        f"{row.sign} {bound}"
        for item in metadata
        for name, row in BOUNDS.items()
        if (bound := getattr(item, name, None)) is not None and bound < MOST
    ]
    return f"expected {SCALARS[annotation]}{' ' if bounds else ''}{' and '.join(bounds)}."


def invalid(errors: list[InitErrorDetails]) -> ValidationError:
    """One pydantic error of many."""
    return ValidationError.from_exception_data("recipe", errors)
