"""What the files of a sweep must hold before anything of them is drawn."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ..run.layout import TRIALS
from ..run.row import Row
from ..stored import Damaged, checked, fits, is_trial_id

DIRECTORY = re.compile(rf"{TRIALS}/[0-9]{{4,9}}(/seed-[0-9]{{1,9}})?")
# What the page shows of a trial.
SHOWN = (
    *("trial", "status", "score", "low", "high", "values"),
    *("epochs", "seconds", "reason", "directories", "curves"),
)
RANGES = ("Int", "Uniform", "LogUniform")


class Drawn(Protocol):
    """A parameter, as far as its values can be checked."""

    @property
    def name(self) -> str: ...
    @property
    def words(self) -> tuple[str, ...]: ...
    @property
    def log(self) -> bool: ...


@dataclass
class Identity:
    """What the manifest says that is searched."""

    objective: dict[str, Any]
    algorithm: dict[str, Any]
    space: list[list]


@dataclass
class Objective:
    """What decides."""

    metric: str
    direction: Literal["min", "max"]


@dataclass
class Algorithm:
    """What chooses."""

    name: str


@dataclass
class Round:
    """A round of a coarse-to-fine search."""

    number: int
    trials: list[str]
    kept: list[str]
    ranges: dict[str, list]


@dataclass
class Ensemble:
    """The best trials as one model."""

    validation: dict[str, float]


@dataclass
class Lead:
    """How far the best is ahead."""

    said: str


def check_identity(content: Mapping[str, Any]) -> None:
    """Refuse an identity that no sweep has.

    Raises:
        Damaged: it is one.
    """
    checked(content, Identity)
    checked(content["objective"], Objective, at="`objective`: ")
    checked(content["algorithm"], Algorithm, at="`algorithm`: ")
    for row in content["space"]:
        if len(row) != 3 or not isinstance(row[0], str) or not _is_domain(row[1]):
            raise Damaged(f"`space`: there is no parameter {row!r:.80}")


def _is_domain(domain: Any) -> bool:
    if not isinstance(domain, Mapping):
        return False
    kind = domain.get("type")
    if kind not in RANGES:
        values = domain.get("values")
        return kind == "Fixed" or (kind == "Choice" and isinstance(values, list) and bool(values))
    low: Any = domain.get("min")
    high: Any = domain.get("max")
    log = kind == "LogUniform" or domain.get("log")
    return fits(low, float) and fits(high, float) and low <= high and (not log or low > 0)


def check_rows(rows: Any, parameters: Sequence[Drawn]) -> None:
    """Refuse a table with a row that no trial has.

    Raises:
        Damaged: it is one.
    """
    if not isinstance(rows, list):
        raise Damaged(f"expected a list of trials, received {rows!r:.80}")
    for index, row in enumerate(rows):
        at = f"row {index + 1}: "
        checked(row, Row, names=SHOWN, at=at)
        if not is_trial_id(row["trial"]):
            raise Damaged(f"{at}the name of a trial is a number, received {row['trial']!r:.80}")
        if not all(DIRECTORY.fullmatch(name) for name in row["directories"]):
            raise Damaged(f"{at}`directories` cannot be {row['directories']!r:.80}")
        for drawn in parameters:
            if drawn.name in row["values"] and not _is_value(row["values"][drawn.name], drawn):
                raise Damaged(f"{at}{drawn.name} cannot be {row['values'][drawn.name]!r:.80}")


def check_result(
    content: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], parameters: Sequence[Drawn]
) -> None:
    """Refuse a result that does not go with the table.

    Raises:
        Damaged: it does not.
    """
    scores = {row["trial"]: row["score"] for row in rows}
    for name in content["order"]:
        if scores.get(name) is None:
            raise Damaged(f"`order`: trial {name!r:.80} has no score in the table")
    if content["ensemble"]:
        checked(content["ensemble"], Ensemble, at="`ensemble`: ")
    if content["lead"]:
        checked(content["lead"], Lead, at="`lead`: ")
    for found in content["rounds"]:
        checked(found, Round, at="`rounds`: ")
        for drawn in parameters:
            for value in found["ranges"].get(drawn.name, []):
                if not _is_value(value, drawn):
                    raise Damaged(f"`rounds`: {drawn.name} cannot be {value!r:.80}")


def _is_value(value: Any, drawn: Drawn) -> bool:
    """Whether a value can be drawn: any of a choice, a number of a range."""
    return bool(drawn.words) or (fits(value, float) and (not drawn.log or value > 0))
