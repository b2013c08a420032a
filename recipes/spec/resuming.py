"""The sections that say how a run is stored while it goes on, and where it starts from."""

import re
from typing import Annotated, Any

from pydantic import Field as Key

from .durations import Duration
from .fields import Field, Mismatch
from .file_arguments import local_file
from .strict import Count, Strict

TIME = re.compile(r"[0-9]+(\.[0-9]+)? ?(minutes?|seconds?)")


def _interval() -> Field:
    """How often a checkpoint is written."""
    expected = (
        "expected how often: `auto`, `1 epochs`, `500 steps`, `5 minutes`, `30 seconds`, "
        "or a number of minutes."
    )

    def check(value: Any) -> Any:
        if value == "auto":
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if not 0 < value < 1e6:
                raise Mismatch(expected)
            return value
        if isinstance(value, str) and TIME.fullmatch(value.strip()) and _amount(value) > 0:
            return value.strip()
        return _updates(value)

    def _updates(value: Any) -> str:
        try:
            found = Duration.parse(value if isinstance(value, str) else None)
        except ValueError:
            raise Mismatch(expected) from None
        if found.unit == "%" or found.amount < 1 or found.amount != int(found.amount):
            raise Mismatch(expected)
        # As text: a bare number is one of minutes here.
        return f"{int(found.amount)} {found.unit}"

    words = r"^\s*([0-9]+(\.[0-9]+)? ?(minutes?|seconds?)|[0-9]+\s*(steps?|epochs?))\s*$"
    number = {"type": "number", "exclusiveMinimum": 0}
    schema = {"anyOf": [{"const": "auto"}, number, {"type": "string", "pattern": words}]}
    return Field(check, expected, schema)


def _amount(value: str) -> float:
    return float(re.split(r"[ ms]", value.strip())[0])


class CheckpointsSection(Strict):
    """How often the whole state of the run is stored, to resume it from."""

    every: Annotated[str | float, _interval()] = Key(
        "auto", description="epochs, optimizer updates or time between two; `auto` is 1 % of it"
    )
    keep: Count = Key(3, description="how many of the last ones stay")


class InitializeSection(Strict):
    """Weights to start from: a warm start, which is another training and no resumption."""

    weights: Annotated[str, local_file()] = Key(
        description="a `.keras` or `.weights.h5` file, or a run directory"
    )
    reset_step: bool = Key(
        True,
        description="begin with step 0 and a fresh optimizer; else with those of the file",
    )
