"""Sections of a recipe: every unknown key an error, every error told in our own words."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError
from pydantic import model_validator as validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from .fields import did_you_mean, failure, listed, shown

Loc = tuple[str | int, ...]
# What pydantic itself finds wrong, in the words of this package.
WORDS = {
    "missing": "is missing.",
    "dict_type": "expected a mapping.",
    "model_type": "expected a mapping.",
    "list_type": "expected a list.",
    "string_type": "expected text.",
}


class Strict(BaseModel):
    """A section: frozen, strict about types, with no key beyond its own."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    @validator(mode="wrap")
    @classmethod
    def _only_known_keys(cls, value: Any, handler: ModelWrapValidatorHandler) -> Any:
        if isinstance(value, cls):
            return value
        if not isinstance(value, dict):
            keys = listed(list(cls.model_fields)[:4])
            raise failure("mapping", f"expected a mapping with {keys}. Received {shown(value)}.")
        wrong = unknown_keys(value, cls.model_fields, (), what="key")
        try:
            made = handler({key: item for key, item in value.items() if key in cls.model_fields})
        except ValidationError as error:
            raise invalid([*wrong, *details((), error)]) from None
        if wrong:
            raise invalid(wrong)
        return made


def unknown_keys(
    given: Mapping[str, Any], known: Iterable[str], place: Loc, *, what: str
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
        message = f"there is no {what} `{shown(key)[1:-1]}` here.{hint}"
        errors.extend(details((*place, key), failure("unknown_key", message)))
    return errors


def details(place: Loc, error: Exception) -> list[InitErrorDetails]:
    """The errors inside `error`, with `place` put before where they stand."""
    if not isinstance(error, ValidationError):
        kept = error if isinstance(error, PydanticCustomError) else failure("value", str(error))
        return [InitErrorDetails(type=kept, loc=place, input=None)]
    return [
        InitErrorDetails(
            type=failure(row["type"], message(row)), loc=(*place, *row["loc"]), input=None
        )
        for row in error.errors(include_url=False)
    ]


def message(row: Mapping[str, Any]) -> str:
    """What to tell a person of one pydantic error."""
    own = row.get("ctx", {}).get("message")
    if own is not None:
        return own
    if row["type"] == "missing":
        return WORDS["missing"]
    return f"{WORDS.get(row['type'], row['msg'] + '.')} Received {shown(row['input'])}."


def invalid(errors: list[InitErrorDetails]) -> ValidationError:
    """One pydantic error of many."""
    return ValidationError.from_exception_data("recipe", errors)
