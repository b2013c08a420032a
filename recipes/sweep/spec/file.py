"""The sections of a sweep's file, what each key means, and their JSON Schema."""

import re
from typing import Annotated

from pydantic import Field as Key
from pydantic import TypeAdapter

from ...spec.fields import Field, Mismatch, failure, integer, plain_name, text
from ...spec.json_schema import DIALECT, Generator
from ...spec.schema import Recipe
from ...spec.strict import MOST_SEED, Strict
from ...spec.wording import listed, shown
from .algorithms import Positive, algorithm_schema, read_algorithm
from .records import Algorithm, Objective
from .space import DOMAINS, KEPT

TIME = re.compile(r"([0-9]+(?:\.[0-9]*)?)\s*(s|seconds?|min|minutes?|h|hours?)")
EXPECTED_TIME = "expected a time with its unit, as `90 s`, `10 min` or `2 h`."
EXPECTED_OBJECTIVE = "expected `minimize: METRIC` or `maximize: METRIC`."
EXPECTED_SPACE = (
    "expected keys of the recipe with the values each may take, as "
    "`learning_rate: {log_uniform: {min: 1e-4, max: 1e-1}}`."
)
SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
DIRECTIONS = {"minimize": "min", "maximize": "max"}


def _seconds(value: object) -> float:
    found = TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or float(found[1]) <= 0:
        raise Mismatch(EXPECTED_TIME)
    return float(found[1]) * SECONDS[found[2][0]]


def _objective(value: object) -> Objective:
    if not isinstance(value, dict) or len(value) != 1:
        raise Mismatch(EXPECTED_OBJECTIVE)
    word, metric = next(iter(value.items()))
    if word not in DIRECTIONS:
        raise failure("objective", f"expected {listed(DIRECTIONS)}. Received {shown(word)}.")
    if not isinstance(metric, str) or not metric:
        raise failure("objective", f"expected the name of a metric. Received {shown(metric)}.")
    return Objective(metric, "min" if word == "minimize" else "max")


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Mismatch("expected a mapping.")
    return value


def _space(value: object) -> dict[str, object]:
    if not isinstance(value, dict) or not value:
        raise Mismatch(EXPECTED_SPACE)
    return value


OBJECTIVE_SCHEMA = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {word: {"type": "string"} for word in DIRECTIONS},
}
NotNegative = Annotated[int, integer(ge=0)]
Text = Annotated[str, text()]
Time = Annotated[
    float, Field(_seconds, EXPECTED_TIME, {"type": "string", "pattern": f"^{TIME.pattern}$"})
]


class Budget(Strict):
    """When no new trial begins any more; the first bound that is reached counts."""

    trials: Positive | None = Key(None, description="settings tried")
    epochs: Positive | None = Key(None, description="epochs that all trials together train")
    time: Time | None = Key(
        None, description="wall-clock time, as `10 min`; trials that run are finished"
    )


class SweepFile(Strict):
    """A search over the keys of a recipe."""

    name: Annotated[str, plain_name()] = Key(
        description="what the sweep's directory is called; by default the file's name"
    )
    description: Text = Key("", description="a sentence for people")
    recipe: Text = Key(
        description="path of a recipe, from this file, or the name of one that ships"
    )
    overrides: Annotated[
        dict[str, object], Field(_mapping, "expected a mapping.", {"type": "object"})
    ] = Key({}, description="changes to the recipe for every trial")
    objective: Annotated[Objective, Field(_objective, EXPECTED_OBJECTIVE, OBJECTIVE_SCHEMA)] = Key(
        Objective("val_loss", "min"), description="what decides: a metric of the validation rows"
    )
    # `json_schema` describes the algorithms and the space.
    algorithm: Annotated[Algorithm, Field(read_algorithm, "expected an algorithm.", {})] = Key(
        Algorithm("random"), description="what chooses the next trial"
    )
    budget: Budget = Key(Budget.model_validate({}), description="when no new trial begins any more")
    space: Annotated[dict[str, object], Field(_space, EXPECTED_SPACE, {})] = Key(
        description="keys of the recipe and the values each may take"
    )
    constraints: list[Text] = Key(
        [], description="conditions between the values, as `data.batch_size <= 128`"
    )
    repeats: Positive = Key(
        1, description="trainings of each setting with a seed each; their mean decides"
    )
    retries: NotNegative = Key(0, description="how often a failed trial is tried again")
    max_consecutive_failures: Positive = Key(
        3, description="failed trials in a row that end the search"
    )
    jobs: Positive = Key(1, description="trials at once")
    seed: Annotated[int, integer(ge=0, le=MOST_SEED)] = Key(
        0, description="decides which settings are tried"
    )
    evaluate_test: bool = Key(False, description="evaluate the winner, once, on the test rows")
    ensemble: NotNegative = Key(0, description="make one model of this number of the best trials")


ENTRY = {"$ref": "#/$defs/space.entry"}


def json_schema() -> dict[str, object]:
    """Every section of a sweep's file, the space with the keys of a recipe.

    An editor with a YAML language server completes and checks a sweep that begins with
    `# yaml-language-server: $schema=sweep.schema.json`.
    """
    schema = TypeAdapter(SweepFile).json_schema(schema_generator=Generator)
    # The name is the file's where it is left out.
    schema["required"] = [key for key in schema["required"] if key != "name"]
    schema["$defs"]["space.entry"] = _entry_schema()
    sections = schema["properties"]
    sections["algorithm"].update({**algorithm_schema(), "default": "random"})
    sections["objective"]["default"] = {"minimize": "val_loss"}
    sections["space"].update(
        type="object",
        minProperties=1,
        additionalProperties=ENTRY,
        properties={key: ENTRY for key in Recipe.model_fields if (key,) not in KEPT},
    )
    return {"$schema": DIALECT, **schema, "title": "keras-recipes sweep"}


def _entry_schema() -> dict[str, object]:
    """A domain, a list of domains under conditions, or a mapping of further keys."""
    when = {
        "type": "object",
        "minProperties": 1,
        "description": "another key of the space: value, or values, with which this one is active",
    }
    kinds = [
        {
            "type": "object",
            "required": [word],
            "additionalProperties": False,
            "properties": {word: {**kind.schema(), "description": kind.meaning}, "when": when},
        }
        for word, kind in DOMAINS.items()
    ]
    nested = {
        "type": "object",
        "propertyNames": {"not": {"enum": [*DOMAINS, "when"]}},
        "additionalProperties": ENTRY,
    }
    alternatives = {"type": "array", "minItems": 1, "items": {"anyOf": kinds}}
    return {"anyOf": [*kinds, alternatives, nested]}
