"""The algorithms a sweep can name, the arguments of each and their defaults."""

from typing import Any

from pydantic import Field as Key
from pydantic import TypeAdapter

from ...spec.fields import Field, Mismatch, did_you_mean, failure, integer, listed, number, shown
from ...spec.strict import Strict, details, invalid

POSITIVE = integer(ge=1)
EPOCHS = POSITIVE.annotation | None


def _share() -> Field:
    """A part below the whole, as `25%` or 0.25."""
    expected = "expected a part, as `25%` or 0.25: more than nothing, less than all."

    def check(value: Any) -> float:
        if isinstance(value, str) and value.strip().endswith("%"):
            try:
                value = float(value.strip()[:-1]) / 100
            except ValueError:
                raise Mismatch(expected) from None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
            raise Mismatch(expected)
        return float(value)

    percent = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]*)?\s*%$"}
    numeric = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
    return Field(check, expected, {"anyOf": [percent, numeric]})


def _per_round() -> Field:
    """A whole number, or one for each round."""
    expected = "expected a whole number from 1, or a list with one for each round."

    def check(value: Any) -> Any:
        if isinstance(value, (list, tuple)) and value:
            return [POSITIVE.check(item) for item in value]
        if isinstance(value, (list, tuple)):
            raise Mismatch(expected)
        return POSITIVE.check(value)

    items = {"type": "array", "minItems": 1, "items": POSITIVE.schema}
    return Field(check, expected, {"anyOf": [POSITIVE.schema, items]})


class Random(Strict):
    """Every setting drawn at random, whatever came of the others."""


class Grid(Strict):
    """Every combination: each choice, each step of a range, `points` of a range without steps."""

    points: integer(ge=2).annotation = Key(  # type: ignore[valid-type]
        5, description="values of a range that has no steps, both ends among them"
    )


class Bayesian(Strict):
    """A Gaussian process fitted to what came of the settings, asked where the best may be."""

    initial_points: POSITIVE.annotation | None = Key(  # type: ignore[valid-type]
        None, description="settings drawn at random first; by default three for each parameter"
    )
    alpha: number(gt=0).annotation = Key(  # type: ignore[valid-type]
        1e-4, description="variance of the noise of the objective"
    )
    beta: number(ge=0).annotation = Key(  # type: ignore[valid-type]
        2.6, description="how much the unknown is worth, in standard deviations"
    )


class Hyperband(Strict):
    """Brackets of many short trainings, of which the best are gone on with."""

    max_epochs: EPOCHS = Key(  # type: ignore[valid-type]
        None, description="epochs of the longest trainings; by default the recipe's"
    )
    factor: integer(ge=2).annotation = Key(  # type: ignore[valid-type]
        3, description="one of so many goes on, for so many times the epochs"
    )
    iterations: POSITIVE.annotation = Key(1, description="how often all brackets are run")  # type: ignore[valid-type]


class CoarseToFine(Strict):
    """Rounds of random settings, each in narrower ranges around the best of the round before."""

    rounds: integer(ge=2).annotation = Key(3, description="how many rounds")  # type: ignore[valid-type]
    trials: _per_round().annotation = Key(  # type: ignore[valid-type]
        20, description="settings a round, or a list with a number for each round"
    )
    epochs: _per_round().annotation | None = Key(  # type: ignore[valid-type]
        None,
        description="epochs of a training, or a list with a number for each round; by default "
        "the recipe's",
    )
    keep: _share().annotation = Key(  # type: ignore[valid-type]
        0.25, description="part of a round that the next ranges are drawn around"
    )
    shrink: number(gt=0, le=1).annotation = Key(  # type: ignore[valid-type]
        0.5, description="a range becomes no narrower than this part of the range before"
    )


class Asha(Strict):
    """Random settings; at each rung only the best share of those that came so far goes on."""

    reduction_factor: integer(ge=2).annotation = Key(  # type: ignore[valid-type]
        3, description="one of so many goes on, and the next rung is so many times as far"
    )
    min_epochs: POSITIVE.annotation = Key(1, description="epochs at the first rung")  # type: ignore[valid-type]
    max_epochs: EPOCHS = Key(  # type: ignore[valid-type]
        None, description="epochs of a whole training; by default the recipe's"
    )


class Median(Strict):
    """Random settings; one that is worse than the median of the others is stopped."""

    warmup: POSITIVE.annotation = Key(3, description="epochs in which nothing is stopped")  # type: ignore[valid-type]
    min_trials: POSITIVE.annotation = Key(  # type: ignore[valid-type]
        5, description="trials that must have come so far before any is stopped"
    )


ALGORITHMS: dict[str, type[Strict]] = {
    "random": Random,
    "grid": Grid,
    "bayesian": Bayesian,
    "hyperband": Hyperband,
    "coarse_to_fine": CoarseToFine,
    "asha": Asha,
    "median": Median,
}
# These know by themselves how many trials they make.
COUNT_THEMSELVES = frozenset({"hyperband", "coarse_to_fine"})
# These judge a training in its midst, so that there must be one of it.
JUDGE_EPOCHS = frozenset({"asha", "median"})


def algorithm(value: Any) -> tuple[str, dict[str, Any]]:
    """Name and arguments, defaults filled in, of what a sweep's file says.

    Raises:
        ValueError: a pydantic error for every mistake in it.
    """
    place = () if isinstance(value, str) else None
    if isinstance(value, str):
        value = {value: {}}
    if not isinstance(value, dict) or len(value) != 1:
        raise failure(
            "choice",
            f"expected {listed(ALGORITHMS)}: a name, or `name: {{arguments}}`. "
            f"Received {shown(value)}.",
        )
    name, given = next(iter(value.items()))
    if name not in ALGORITHMS:
        hint = did_you_mean(name, ALGORITHMS) or f" There are {listed(ALGORITHMS)}."
        unknown = failure("name", f"there is no algorithm `{shown(name)[1:-1]}`.{hint}")
        raise invalid(details((name,) if place is None else place, unknown))
    try:
        arguments = ALGORITHMS[name].model_validate({} if given is None else given)
    except ValueError as error:
        raise invalid(details((name,), error)) from None
    return name, arguments.model_dump()


def algorithm_schema() -> dict[str, Any]:
    """JSON Schema of `algorithm`."""
    properties = {}
    for name, model in ALGORITHMS.items():
        schema = TypeAdapter(model).json_schema()
        schema.pop("title", None)
        properties[name] = {"anyOf": [schema, {"type": "null"}]}
    mapping = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": properties,
    }
    return {"anyOf": [{"enum": list(ALGORITHMS)}, mapping]}
