"""The algorithms a sweep can name, the arguments of each and their defaults."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field as Key
from pydantic import TypeAdapter

from ...spec.fields import Field, Mismatch, failure, integer, number, one_key
from ...spec.strict import Strict, details, invalid
from ...spec.wording import did_you_mean, listed, shown
from .records import Algorithm

POSITIVE = integer(ge=1)
FRACTION = "expected a fraction, as `25%` or 0.25: more than 0, less than 1."
PER_ROUND = "expected a whole number from 1, or a list with one for each round."


def _fraction(value: object) -> float:
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            value = float(value.strip()[:-1]) / 100
        except ValueError:
            raise Mismatch(FRACTION) from None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
        raise Mismatch(FRACTION)
    return float(value)


def _per_round(value: object) -> int | list[int]:
    if not isinstance(value, (list, tuple)):
        return POSITIVE.check(value)
    if not value:
        raise Mismatch(PER_ROUND)
    return [POSITIVE.check(item) for item in value]


Positive = Annotated[int, POSITIVE]
AtLeastTwo = Annotated[int, integer(ge=2)]
Fraction = Annotated[
    float,
    Field(
        _fraction,
        FRACTION,
        {
            "anyOf": [
                {"type": "string", "pattern": r"^[0-9]+(\.[0-9]*)?\s*%$"},
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            ]
        },
    ),
]
PerRound = Annotated[
    int | list[int],
    Field(
        _per_round,
        PER_ROUND,
        {"anyOf": [POSITIVE.schema, {"type": "array", "minItems": 1, "items": POSITIVE.schema}]},
    ),
]


class Arguments(Strict):
    """Arguments of an algorithm, and what the rest of a sweep has to know of it.

    Attributes:
        oracle: module and class of its oracle in `engine`, which alone imports keras-tuner.
        ends: whether it ends by itself, and so needs no budget.
        decides_trials: whether its arguments say how many trials it makes.
        judges_epochs: whether it judges a training while it runs, so that there must be one of it.
        continues: whether trials may continue others, so that there are more of them than settings.
        predetermined: whether its n-th setting depends on the seed and n alone, and each is trained
            to its end.
    """

    oracle: ClassVar[str]
    ends: ClassVar[bool] = False
    decides_trials: ClassVar[bool] = False
    judges_epochs: ClassVar[bool] = False
    continues: ClassVar[bool] = False
    predetermined: ClassVar[bool] = False

    @classmethod
    def number_of_trials(cls, arguments: Mapping[str, Any], budget: int | None) -> int | None:
        """How many trials there will be, if that is known in advance."""
        return None if cls.continues else budget


class Random(Arguments):
    """Every setting drawn at random, independently of the results of others."""

    oracle = "searches.RandomSearch"
    predetermined = True


class Grid(Arguments):
    """Every combination: each choice, each step of a range, `points` of a range without steps."""

    oracle = "searches.GridSearch"
    ends = True
    predetermined = True

    points: AtLeastTwo = Key(
        5, description="values of a range that has no steps, both ends among them"
    )


class Bayesian(Arguments):
    """A Gaussian process fitted to the results, which predicts where the best setting may be."""

    oracle = "bayesian.BayesianSearch"

    initial_points: Positive | None = Key(
        None, description="settings drawn at random first; by default three for each parameter"
    )
    alpha: Annotated[float, number(gt=0)] = Key(
        1e-4, description="variance of the noise of the objective"
    )
    beta: Annotated[float, number(ge=0)] = Key(
        2.6, description="weight of the uncertainty, in standard deviations"
    )


class Hyperband(Arguments):
    """Brackets of many short trainings, of which the best are continued."""

    oracle = "searches.HyperbandSearch"
    decides_trials = True
    continues = True

    max_epochs: Positive | None = Key(
        None, description="epochs of the longest trainings; by default the recipe's"
    )
    factor: AtLeastTwo = Key(
        3, description="one in `factor` continues, for `factor` times the epochs"
    )
    iterations: Positive = Key(1, description="how often all brackets are run")


class CoarseToFine(Arguments):
    """Rounds of random settings, each in narrower ranges around the best of the round before."""

    oracle = "coarse_to_fine.CoarseToFineSearch"
    decides_trials = True

    rounds: AtLeastTwo = Key(3, description="how many rounds")
    trials: PerRound = Key(
        20, description="settings a round, or a list with a number for each round"
    )
    epochs: PerRound | None = Key(
        None,
        description="epochs of a training, or a list with a number for each round; by default "
        "the recipe's",
    )
    keep: Fraction = Key(
        0.25, description="fraction of a round that the next ranges are drawn around"
    )
    shrink: Annotated[float, number(gt=0, le=1)] = Key(
        0.5, description="a range becomes no narrower than this fraction of the range before"
    )

    @classmethod
    def number_of_trials(cls, arguments: Mapping[str, Any], budget: int | None) -> int | None:
        each = arguments["trials"]
        return sum(each) if isinstance(each, (list, tuple)) else each * arguments["rounds"]


class Asha(Arguments):
    """Random settings; at each rung only the best fraction of those that reached it continues."""

    oracle = "searches.AshaSearch"
    judges_epochs = True
    continues = True

    reduction_factor: AtLeastTwo = Key(
        3, description="one in `reduction_factor` continues, to a rung that is that much further"
    )
    min_epochs: Positive = Key(1, description="epochs at the first rung")
    max_epochs: Positive | None = Key(
        None, description="epochs of a complete training; by default the recipe's"
    )


class Median(Arguments):
    """Random settings; one that is worse than the median of the others is stopped."""

    oracle = "searches.MedianStoppingSearch"
    judges_epochs = True

    warmup: Positive = Key(3, description="epochs in which nothing is stopped")
    min_trials: Positive = Key(
        5, description="trials that must have reached an epoch before any is stopped there"
    )


ALGORITHMS: dict[str, type[Arguments]] = {
    "random": Random,
    "grid": Grid,
    "bayesian": Bayesian,
    "hyperband": Hyperband,
    "coarse_to_fine": CoarseToFine,
    "asha": Asha,
    "median": Median,
}


def read_algorithm(value: object) -> Algorithm:
    """The algorithm that a sweep's file names, with defaults filled in.

    Raises:
        ValueError: a pydantic error for every mistake in it.
    """
    given = {value: {}} if isinstance(value, str) else value
    if not isinstance(given, dict) or len(given) != 1:
        expected = f"expected {listed(ALGORITHMS)}: a name, or `name: {{arguments}}`."
        raise failure("choice", f"{expected} Received {shown(given)}.")
    name, arguments = next(iter(given.items()))
    if name not in ALGORITHMS:
        hint = did_you_mean(name, ALGORITHMS) or f" There are {listed(ALGORITHMS)}."
        unknown = failure("name", f"there is no algorithm `{shown(name)[1:-1]}`.{hint}")
        raise invalid(details(() if isinstance(value, str) else (name,), unknown))
    try:
        made = ALGORITHMS[name].model_validate({} if arguments is None else arguments)
    except ValueError as error:
        raise invalid(details((name,), error)) from None
    return Algorithm(name, made.model_dump())


def algorithm_schema() -> dict[str, object]:
    """JSON Schema of what `read_algorithm` takes."""
    properties: dict[str, object] = {}
    for name, model in ALGORITHMS.items():
        schema = TypeAdapter(model).json_schema()
        schema.pop("title", None)
        properties[name] = {"anyOf": [schema, {"type": "null"}]}
    return {"anyOf": [{"enum": list(ALGORITHMS)}, one_key(properties)]}
