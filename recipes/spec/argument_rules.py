"""What an argument takes that is no choice: by its annotation, its name, or its default."""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field as Key
from pydantic import GetJsonSchemaHandler, TypeAdapter
from pydantic_core import core_schema

from .catalog import Argument
from .fields import (
    Field,
    boolean,
    duration,
    either,
    integer,
    list_of,
    nothing,
    number,
    one_of,
    plain,
    refused,
    text,
    where,
)
from .nodes import is_dict
from .strict import Count, Strict, details, invalid
from .tfrecord_features import FeatureSection

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
    **dict.fromkeys(("intermediate_dim", "embedding_dim", "vocabulary_size"), POSITIVE),
    **dict.fromkeys(("rate", "momentum", "beta_1", "beta_2", "rho", "dropout"), PROBABILITY),
    "recurrent_dropout": PROBABILITY,
    "ema_momentum": number(ge=0, le=1),
    **dict.fromkeys(("kernel_size", "strides", "pool_size", "dilation_rate"), SIZE),
    **dict.fromkeys(("epsilon", "layer_norm_epsilon"), number(gt=0)),
    **dict.fromkeys(("max_wavelength", "scaling_factor"), number(gt=0)),
    "stddev": number(ge=0),
    "label_smoothing": number(ge=0, lt=1),
    "patience": integer(ge=0),
    "seed": either(integer(ge=0), nothing()),
    "axis": either(integer(), list_of(integer(), least=1)),
    "target_shape": list_of(integer(), least=1),
    "dims": list_of(integer(), least=1),
    "data_format": one_of("channels_last", "channels_first", None),
    "name": text(),
    "dtype": text(),
    "trainable": boolean(),
}
# Set elsewhere in a recipe: an optimizer that did it too would do it twice, or differently.
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
    **dict.fromkeys(("block_rms", "max_norm", "layer_decay", "rho", "eta", "epsilon"), ABOVE_ZERO),
    **dict.fromkeys(("history", "sequence_length"), integer(gt=0)),
    "decay": number(gt=0, lt=1),
    **dict.fromkeys(("patience", "start_from_epoch"), integer(ge=0)),
    **dict.fromkeys(("alpha", "weight"), number(ge=0, le=1)),
}
# Durations that must not be zero.
POSITIVE_STEPS = frozenset(
    {"decay_steps", "first_decay_steps", "total_steps", "step_size", "step_size_up", "period"}
    | {"every", "steps_per_epoch"}
)


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
    pattern = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*")
    return where(
        lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None,
        "expected a name of ASCII letters, digits, `_`, `-` and `.`.",
        {"type": "string", "pattern": f"^{pattern.pattern}$"},
    )


SIMPLE: dict[str, Callable[[], Field]] = {
    "float": number,
    "int": integer,
    "bool": boolean,
    "str": text,
    "None": nothing,
    "Any": plain,
    "Steps": duration,
}


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


# Arguments that are small mappings: rules, and bounds with settings.

PositiveFloat = Annotated[float, Key(gt=0)]


class DecayRule(Strict):
    """Which variables decay, and how fast."""

    factor: float = Key(ge=0)
    path: str | None = None
    layer: str | None = None
    rank: int | None = Key(None, ge=0, le=2**62)


class LayerRate(Strict):
    """The learning rate of the variables whose path matches an expression."""

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


@dataclass(frozen=True, eq=False)
class Record(Field):
    """A mapping like a model; its JSON Schema is made where one is asked for, since it takes time.

    Attributes:
        model: the keys and their types.
        plain: a number that stands for the whole mapping, where there is one.
    """

    model: type[Strict]
    plain: Field | None

    def __get_pydantic_json_schema__(
        self, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        schema = TypeAdapter(self.model).json_schema()
        for key in ("title", "description"):
            schema.pop(key, None)
        return schema if self.plain is None else {"anyOf": [self.plain.schema, schema]}


def record(model: type[Strict], plain: Field | None = None) -> Any:
    """The type, for pydantic, of a mapping like `model`, kept as it was given.

    Args:
        plain: a number that stands for the whole mapping, where there is one.
    """

    def check(value: object) -> object:
        if plain is not None and not is_dict(value):
            return plain.check(value)
        try:
            return model.model_validate(value).model_dump(exclude_unset=True)
        except ValueError as error:
            raise invalid(details((), error)) from None

    return Record(check, "expected a mapping.", {}, model, plain).annotation


# Kind and argument -> its type.
RECORDS: dict[tuple[str, str], Any] = {
    ("weight_decay", "rules"): list[record(DecayRule)],
    ("layer_rates", "rules"): list[record(LayerRate)],
    ("gradient_clipping", "adaptive"): record(Adaptive, number(gt=0)) | None,
    ("gradient_clipping", "percentile"): record(Percentile, number(gt=0, lt=100)) | None,
    ("gradient_clipping", "z_score"): record(ZScore, number(gt=0)) | None,
    ("callbacks", "prechelt"): record(Prechelt) | None,
    ("sources", "features"): Annotated[dict[str, record(FeatureSection)], Key(min_length=1)],
}
