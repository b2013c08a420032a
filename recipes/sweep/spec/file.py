"""The sections of a sweep's file and what each key means; the space is read elsewhere."""

import re
from typing import Annotated, Any

from pydantic import Field as Key
from pydantic import PlainValidator, WithJsonSchema

from ...spec.fields import (
    Field,
    Mismatch,
    boolean,
    failure,
    integer,
    listed,
    plain_name,
    shown,
    text,
)
from ...spec.strict import MOST_SEED, Strict
from .algorithms import algorithm
from .records import Objective

TIME = re.compile(r"([0-9]+(?:\.[0-9]*)?)\s*(s|seconds?|min|minutes?|h|hours?)")
SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
DIRECTIONS = {"minimize": "min", "maximize": "max"}


def _time() -> Field:
    """A stretch of wall-clock time, in seconds."""
    expected = "expected a time with its unit, as `90 s`, `10 min` or `2 h`."

    def check(value: Any) -> float:
        found = TIME.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None or float(found[1]) <= 0:
            raise Mismatch(expected)
        return float(found[1]) * SECONDS[found[2][0]]

    return Field(check, expected, {"type": "string", "pattern": f"^{TIME.pattern}$"})


def _objective(value: Any) -> Objective:
    if not isinstance(value, dict) or len(value) != 1:
        raise failure(
            "objective", f"expected `minimize: METRIC` or `maximize: METRIC`. Received "
            f"{shown(value)}."
        )  # fmt: skip
    direction, metric = next(iter(value.items()))
    if direction not in DIRECTIONS:
        raise failure("objective", f"expected {listed(DIRECTIONS)}. Received {shown(direction)}.")
    if not isinstance(metric, str) or not metric:
        raise failure("objective", f"expected the name of a metric. Received {shown(metric)}.")
    return Objective(metric, "min" if direction == "minimize" else "max")


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise failure("mapping", f"expected a mapping. Received {shown(value)}.")
    return value


def _space(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        raise failure(
            "space",
            "expected keys of the recipe with the values each may take, as "
            f"`learning_rate: {{log_uniform: {{min: 1e-4, max: 1e-1}}}}`. Received {shown(value)}.",
        )
    return value


# `json_schema` puts the schemas of the parts in.
ObjectiveField = Annotated[
    Any,
    PlainValidator(_objective),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
            "properties": {word: {"type": "string"} for word in DIRECTIONS},
        }
    ),
]
AlgorithmField = Annotated[Any, PlainValidator(algorithm), WithJsonSchema({"x-part": "algorithm"})]
Overrides = Annotated[Any, PlainValidator(_mapping), WithJsonSchema({"type": "object"})]
Space = Annotated[Any, PlainValidator(_space), WithJsonSchema({"x-part": "space"})]


class Budget(Strict):
    """When no new trial begins any more; the first bound that is reached counts."""

    trials: integer(ge=1).annotation | None = Key(None, description="settings tried")  # type: ignore[valid-type]
    epochs: integer(ge=1).annotation | None = Key(  # type: ignore[valid-type]
        None, description="epochs that all trials together train"
    )
    time: _time().annotation | None = Key(  # type: ignore[valid-type]
        None, description="wall-clock time, as `10 min`; trials that run are finished"
    )


class SweepFile(Strict):
    """A search over the keys of a recipe."""

    name: plain_name().annotation = Key(  # type: ignore[valid-type]
        description="what the sweep's directory is called; by default the file's name"
    )
    description: text().annotation = Key("", description="a sentence for people")  # type: ignore[valid-type]
    recipe: text().annotation = Key(  # type: ignore[valid-type]
        description="path of a recipe, from this file, or the name of one that ships"
    )
    overrides: Overrides = Key({}, description="changes to the recipe for every trial")
    objective: ObjectiveField = Key(
        Objective("val_loss", "min"), description="what decides: a metric of the validation rows"
    )
    algorithm: AlgorithmField = Key(("random", {}), description="what chooses the next trial")
    budget: Budget = Key(Budget.model_validate({}), description="when no new trial begins any more")
    space: Space = Key(description="keys of the recipe and the values each may take")
    constraints: list[text().annotation] = Key(  # type: ignore[valid-type]
        [], description="conditions between the values, as `data.batch_size <= 128`"
    )
    repeats: integer(ge=1).annotation = Key(  # type: ignore[valid-type]
        1, description="trainings of each setting with a seed each; their mean decides"
    )
    retries: integer(ge=0).annotation = Key(  # type: ignore[valid-type]
        0, description="how often a failed trial is tried again"
    )
    max_consecutive_failures: integer(ge=1).annotation = Key(  # type: ignore[valid-type]
        3, description="failed trials in a row that end the search"
    )
    jobs: integer(ge=1).annotation = Key(1, description="trials at once")  # type: ignore[valid-type]
    seed: integer(ge=0, le=MOST_SEED).annotation = Key(  # type: ignore[valid-type]
        0, description="decides which settings are tried"
    )
    evaluate_test: boolean().annotation = Key(  # type: ignore[valid-type]
        False, description="evaluate the winner, once, on the test rows"
    )
    ensemble: integer(ge=0).annotation = Key(  # type: ignore[valid-type]
        0, description="make one model of so many of the best trials"
    )
