"""A choice: `name`, or `name: {arguments}` with exactly the arguments of a constructor."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Annotated, Any, NotRequired, Required

from pydantic import ConfigDict, PlainValidator, TypeAdapter, ValidationError, WithJsonSchema
from typing_extensions import TypedDict

from . import catalog, keras_version
from .fields import Field, closest, failure, listed, number, shown
from .strict import details, invalid, unknown_keys

# Names of Keras that a recipe cannot have, and why.
RUNS_CODE = "runs code that stands outside of the recipe"
REFUSED = {
    "lambda": RUNS_CODE,
    "lambda_callback": RUNS_CODE,
    "learning_rate_scheduler": "takes a Python function; name a schedule in `learning_rate`",
    "remote_monitor": "sends data to another machine",
    "tfsm_layer": RUNS_CODE,
    "jax_layer": RUNS_CODE,
    "flax_layer": RUNS_CODE,
    "torch_module_wrapper": RUNS_CODE,
    "backup_and_restore": "does not restore a run exactly",
    "swap_ema_weights": "needs an average of the optimizer's own. Write `weight_averaging: {decay: "
    "0.999}`, which is evaluated and saved by itself",
    "input_layer": "is not needed: the input's shape follows from the data",
}
# What people also call a class.
ALIASES = {
    "initializers": {
        "xavier_uniform": "glorot_uniform",
        "xavier_normal": "glorot_normal",
        "normal": "random_normal",
        "uniform": "random_uniform",
    },
    "losses": {"mse": "mean_squared_error", "mae": "mean_absolute_error"},
    "metrics": {
        "mse": "mean_squared_error",
        "mae": "mean_absolute_error",
        "rmse": "root_mean_squared_error",
    },
}
ALIASES["losses"]["rmse"] = "root_mean_squared_error"


@dataclass(frozen=True)
class Choice:
    """A name from one of the tables with the arguments that a recipe gives it.

    Attributes:
        kind: the table, such as `layers`.
        name: the name in it.
        arguments: constructor arguments; nested choices and durations among them.
    """

    kind: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def with_arguments(self, **arguments: Any) -> "Choice":
        """The same choice with more arguments."""
        return replace(self, arguments={**self.arguments, **arguments})


@dataclass(frozen=True)
class Residual:
    """Layers whose output is added to their input.

    Attributes:
        layers: the layers inside.
        shortcut: `identity`, or `projection` where the shapes differ.
        inner: keys between the block and its list of layers, as the recipe wrote them.
    """

    layers: tuple[Any, ...]
    shortcut: str = "identity"
    inner: tuple[str, ...] = ("residual",)


@cache
def choice(kind: str, *, numbers: bool = False) -> Any:
    """The type, for pydantic, of a choice of one kind.

    Args:
        numbers: a plain number is accepted too, as for a learning rate.
    """

    if numbers:
        return number_or_choice(kind, number(ge=0))

    def validate(value: Any) -> Any:
        return validated(kind, value)

    # `json_schema` replaces the stand-in by the kind's definition.
    return Annotated[Any, PlainValidator(validate), WithJsonSchema({"x-choice": kind})]


def number_or_choice(kind: str, plain: Field) -> Any:
    """The type, for pydantic, of a number of some kind or a choice: a rate or a schedule of it."""

    def validate(value: Any) -> Any:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return plain._validate(value)
        return validated(kind, value)

    schema = {"anyOf": [plain.schema, {"x-choice": kind}]}
    return Annotated[Any, PlainValidator(validate), WithJsonSchema(schema)]


def validated(kind: str, value: Any) -> Choice:
    """A choice from a recipe's value, or a pydantic error for every mistake in it."""
    if isinstance(value, Choice) and value.kind == kind:
        return value
    if isinstance(value, str):
        name = known_name(kind, value)
        required_arguments(kind, name)
        return Choice(kind, name)
    if not isinstance(value, dict) or len(value) != 1:
        count = f" It has {len(value)} keys." if isinstance(value, dict) else ""
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
    if not isinstance(given, dict):
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
    try:
        result = adapter(kind, name).validate_python(known)
    except ValidationError as error:
        wrong.extend(details(place, error))
    if wrong:
        raise invalid(wrong)
    return result


@cache
def adapter(kind: str, name: str) -> TypeAdapter:
    """Validates the arguments of one entry; made when a recipe first names it."""
    from .arguments import field_of

    entry = catalog.entry(kind, name)
    fields = {
        key: (Required if argument.required else NotRequired)[field_of(entry, key, argument)]
        for key, argument in entry.arguments.items()
    }
    arguments = TypedDict("Arguments", fields)  # type: ignore[operator]
    arguments.__pydantic_config__ = ConfigDict(strict=True)  # type: ignore[attr-defined]
    return TypeAdapter(arguments)


def known_name(kind: str, written: Any) -> str:
    """The name in the table that a recipe's word stands for."""
    if not isinstance(written, str):
        raise failure("name", f"expected a name. Received {shown(written)}.")
    name = ALIASES.get(kind, {}).get(written, written)
    if name in catalog.tables()[kind]:
        missing = keras_version.missing_name(kind, name)
        if missing:
            raise failure("keras_version", missing)
        return name
    if name in REFUSED:
        raise failure("refused", f"`{name}` is refused: it {REFUSED[name]}.")
    if "." in name or ":" in name:
        raise failure(
            "refused",
            f"`{shown(name)[1:-1]}` is an import path, which a recipe cannot name. Use a name of "
            "the tables, or bring your own class in with `--plugin`.",
        )
    raise failure("name", unknown_name(kind, name))


def unknown_name(kind: str, name: str) -> str:
    """What to say of a name that is in no table."""
    known = [*catalog.names(kind), *ALIASES.get(kind, {})]
    close = closest(name, known)
    message = f"there is no `{shown(name)[1:-1]}` among the {words(kind)}."
    if close:
        return f"{message} Did you mean {listed(close)}?"
    if len(known) <= 24:
        return f"{message} There are {listed(known)}."
    return f"{message} docs/recipe.md lists them."


def required_arguments(kind: str, name: str) -> None:
    """A bare name is complete only where the class needs no argument."""
    arguments = catalog.entry(kind, name).arguments
    missing = [key for key, argument in arguments.items() if argument.required]
    if missing:
        raise failure(
            "missing",
            f"`{name}` needs {listed(missing)}: write `{name}: {{{missing[0]}: ...}}`.",
        )


def signature(kind: str, name: str) -> str:
    """An entry as a recipe would write it."""
    arguments: Iterable[str] = catalog.entry(kind, name).arguments
    return f"`{name}: {{{', '.join(f'{key}: ...' for key in list(arguments)[:3])}}}`"


def words(kind: str) -> str:
    """A kind as people call it."""
    return kind.replace("_", " ")
