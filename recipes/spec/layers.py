"""A layer of a list, or a residual block of layers, as a key of a recipe."""

from typing import Annotated, Literal

from pydantic import Field as Key
from pydantic import TypeAdapter

from .arguments import validated
from .choices import Choice, Residual
from .fields import Field, failure
from .nodes import is_dict, is_list
from .strict import Strict, details, invalid


def _layer(value: object) -> Choice | Residual:
    """A layer choice, or a residual block."""
    if isinstance(value, Residual):
        return value
    if not is_dict(value) or set(value) != {"residual"}:
        return validated("layers", value)
    given, inner = value["residual"], ("residual",)
    try:
        if is_dict(given):
            block = _ResidualSection.model_validate(given)
            return Residual(tuple(block.layers), block.shortcut, (*inner, "layers"))
        if is_list(given) and given:
            return Residual(tuple(_LAYERS.validate_python(list(given))))
        raise failure("value", "expected a list of at least one layer.", received=given)
    except ValueError as error:
        raise invalid(details(inner, error)) from None


Layer = Annotated[
    Choice | Residual, Field(_layer, "expected a layer.", {"x-choice": "layer_items"})
]
_LAYERS = TypeAdapter(list[Layer])


class _ResidualSection(Strict):
    layers: list[Layer] = Key(min_length=1)
    shortcut: Literal["identity", "projection"] = "identity"
