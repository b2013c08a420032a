"""Arguments that are small mappings of their own: rules, and bounds with settings."""

from typing import Annotated, Any

from pydantic import Field as Key
from pydantic import TypeAdapter

from .fields import Field, number
from .nodes import is_dict
from .strict import Count, Strict, details, invalid

PositiveFloat = Annotated[float, Key(gt=0)]


class DecayRule(Strict):
    """What of a network decays how fast."""

    factor: float = Key(ge=0)
    path: str | None = None
    layer: str | None = None
    rank: int | None = Key(None, ge=0, le=2**62)


class LayerRate(Strict):
    """The learning rate of the variables whose path an expression finds."""

    match: str
    multiplier: float = Key(ge=0)


class Adaptive(Strict):
    """Settings of adaptive clipping."""

    factor: PositiveFloat = 0.01
    epsilon: PositiveFloat = 1e-3
    output_layer: bool = False
    exclude: list[str] = Key([])


class Percentile(Strict):
    """Settings of clipping by a percentile of past norms."""

    percentile: float = Key(10.0, gt=0, lt=100)
    history: Count = 1000


class ZScore(Strict):
    """Settings of clipping by the deviation from past norms."""

    threshold: PositiveFloat = 2.5
    alpha: float = Key(0.97, gt=0, lt=1)
    warmup: int = Key(25, ge=2, le=2**62)


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

    def check(value: Any) -> Any:
        if plain is not None and not is_dict(value):
            return plain.check(value)
        try:
            return model.model_validate(value).model_dump(exclude_unset=True)
        except ValueError as error:
            raise invalid(details((), error)) from None

    schema = TypeAdapter(model).json_schema()
    for key in ("title", "description"):
        schema.pop(key, None)
    options = schema if plain is None else {"anyOf": [plain.schema, schema]}
    return Field(check, "expected a mapping.", options).annotation


# Kind and argument -> its type.
RECORDS: dict[tuple[str, str], Any] = {
    ("weight_decay", "rules"): list[record(DecayRule)],
    ("layer_rates", "rules"): list[record(LayerRate)],
    ("gradient_clipping", "adaptive"): record(Adaptive, number(gt=0)) | None,
    ("gradient_clipping", "percentile"): record(Percentile, number(gt=0, lt=100)) | None,
    ("gradient_clipping", "z_score"): record(ZScore, number(gt=0)) | None,
    ("callbacks", "prechelt"): record(Prechelt) | None,
}
