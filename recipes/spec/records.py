"""Arguments that are small mappings of their own: rules, and bounds with settings."""

from typing import Annotated, Any

from pydantic import Field as Key
from pydantic import PlainValidator, TypeAdapter, WithJsonSchema

from .fields import Field, boolean, integer, list_of, number, text
from .strict import Strict, details, invalid

POSITIVE, SHARE = number(gt=0), number(gt=0, lt=1)


class DecayRule(Strict):
    """What of a network decays how fast."""

    factor: number(ge=0).annotation = Key(...)  # type: ignore[valid-type]
    path: text().annotation | None = None  # type: ignore[valid-type]
    layer: text().annotation | None = None  # type: ignore[valid-type]
    rank: integer(ge=0).annotation | None = None  # type: ignore[valid-type]


class LayerRate(Strict):
    """The learning rate of the variables whose path an expression finds."""

    match: text().annotation = Key(...)  # type: ignore[valid-type]
    multiplier: number(ge=0).annotation = Key(...)  # type: ignore[valid-type]


class Adaptive(Strict):
    """Settings of adaptive clipping."""

    factor: POSITIVE.annotation = 0.01  # type: ignore[valid-type]
    epsilon: POSITIVE.annotation = 1e-3  # type: ignore[valid-type]
    output_layer: boolean().annotation = False  # type: ignore[valid-type]
    exclude: list_of(text()).annotation = ()  # type: ignore[valid-type]


class Percentile(Strict):
    """Settings of clipping by a percentile of past norms."""

    percentile: number(gt=0, lt=100).annotation = 10.0  # type: ignore[valid-type]
    history: integer(gt=0).annotation = 1000  # type: ignore[valid-type]


class ZScore(Strict):
    """Settings of clipping by the deviation from past norms."""

    threshold: POSITIVE.annotation = 2.5  # type: ignore[valid-type]
    alpha: SHARE.annotation = 0.97  # type: ignore[valid-type]
    warmup: integer(ge=2).annotation = 25  # type: ignore[valid-type]


class Prechelt(Strict):
    """Prechelt's criteria for early stopping."""

    gl: float | None = Key(None, gt=0)
    pq: float | None = Key(None, gt=0)
    up: int | None = Key(None, ge=1)
    strip: int = Key(5, ge=1)
    training_monitor: str = "loss"


def record(model: type[Strict], plain: Field | None = None) -> Any:
    """The type, for pydantic, of a mapping like `model`, kept as it was given.

    Args:
        plain: a number that stands for the whole mapping, where there is one.
    """

    def validate(value: Any) -> Any:
        if plain is not None and not isinstance(value, dict):
            return plain._validate(value)
        try:
            return model.model_validate(value).model_dump(exclude_unset=True)
        except ValueError as error:
            raise invalid(details((), error)) from None

    schema = TypeAdapter(model).json_schema()
    for key in ("title", "description"):
        schema.pop(key, None)
    options = schema if plain is None else {"anyOf": [plain.schema, schema]}
    return Annotated[Any, PlainValidator(validate), WithJsonSchema(options)]


# Kind and argument -> its type.
RECORDS: dict[tuple[str, str], Any] = {
    ("weight_decay", "rules"): list[record(DecayRule)],
    ("layer_rates", "rules"): list[record(LayerRate)],
    ("gradient_clipping", "adaptive"): record(Adaptive, POSITIVE) | None,
    ("gradient_clipping", "percentile"): record(Percentile, number(gt=0, lt=100)) | None,
    ("gradient_clipping", "z_score"): record(ZScore, POSITIVE) | None,
    ("callbacks", "prechelt"): record(Prechelt) | None,
}
