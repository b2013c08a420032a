"""What a page needs of the directory of a sweep, checked before anything of it is drawn."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from ...errors import RequestError
from ...record.contents import JSONObject
from ...record.directory import RunDirectory
from ..run.folder import MANIFEST, RESULT, TABLE_JSON, TRIALS, identity_of
from ..run.folder import MEND as MEND_MANIFEST
from ..run.result import MEND as MEND_RESULT
from ..run.result import TrialRow, read_result, shortened
from ..spec.labels import index_of, labels, same, short
from ..spec.records import Objective
from ..spec.trial import stated
from ..stored import Damaged, checked, damaged, fits, is_trial_id, read_json

MEND_TABLE = "Remove it and result.json, and the same `sweep` command writes both again."
DIRECTORY = re.compile(rf"{TRIALS}/[0-9]{{4,9}}(/seed-[0-9]{{1,9}})?")
# What the page shows of a trial.
SHOWN = (
    *("trial", "status", "score", "low", "high", "values"),
    *("epochs", "seconds", "reason", "directories", "curves"),
)
RANGES = ("Int", "Uniform", "LogUniform")


class ShownTrial(TypedDict):
    """The fields of a trial's `TrialRow` that the page shows."""

    trial: str
    status: str
    score: Any  # a number, or None where the trial has none
    low: float | None
    high: float | None
    values: dict[str, Any]
    epochs: int
    seconds: float
    reason: str
    directories: list[str]
    curves: list[list[float]]


class ShownRound(TypedDict):
    """A round of a coarse-to-fine search, with the values or the ends of the range of each key."""

    number: int
    trials: list[str]
    kept: list[str]
    ranges: dict[str, list]


@dataclass(frozen=True)
class ParameterAxis:
    """A parameter as it is drawn.

    Attributes:
        name: its full name.
        label: the end of the name that distinguishes it from the others.
        low: lowest value; None of a choice.
        high: highest value.
        log: whether it is measured by orders of magnitude.
        words: short words for the values of a choice, in order.
        values: the values of a choice.
    """

    name: str
    label: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    words: tuple[str, ...] = ()
    values: tuple[object, ...] = ()

    def place(self, value: Any) -> float:
        """Where a value stands on an axis: itself, or the number of a choice."""
        if self.words:
            found = index_of(self.values, value)
            return -1.0 if found is None else float(found)
        return float(value)

    def takes(self, value: Any) -> bool:
        """Whether a value can be drawn: any of a choice, a number of a range."""
        return bool(self.words) or (fits(value, float) and (not self.log or value > 0))

    def word(self, value: object) -> str:
        """The short word for a value."""
        found = index_of(self.values, value)
        return short(value) if found is None else self.words[found]

    def height(self, value: Any) -> float | None:
        """Where a value stands between the lowest, 0, and the highest, 1."""
        if value is None:
            return None
        if self.words:
            return self.place(value) / max(1, len(self.words) - 1)
        low, high, found = float(self.low or 0.0), float(self.high or 0.0), float(value)
        if self.log:
            low, high, found = math.log(low), math.log(high), math.log(found)
        return 0.5 if high == low else (found - low) / (high - low)


class SweepFiles:
    """A sweep as its files describe it.

    Raises:
        RequestError: the directory holds no sweep that has ended, or one of its files is damaged.
    """

    def __init__(self, directory: Path):
        where = RunDirectory(directory)
        self.path = directory
        self.name = directory.resolve().name
        if not (where / MANIFEST).exists() or not (where / TABLE_JSON).exists():
            raise RequestError(f"{directory}: holds no sweep that has come to an end yet.")
        content = identity_of(where / MANIFEST)
        with _refusing(where / MANIFEST, MEND_MANIFEST):
            check_identity(content)
        self.result = read_result(where / RESULT).to_json()
        self.rows: list[ShownTrial] = read_json(where / TABLE_JSON, MEND_TABLE)
        self.objective = Objective(
            content["objective"]["metric"], content["objective"]["direction"]
        )
        self.metric = self.objective.metric
        self.algorithm: str = content["algorithm"]["name"]
        self.parameters = parameters(content["space"])
        self.rounds: list[ShownRound] = self.result["rounds"]
        with _refusing(where / TABLE_JSON, MEND_TABLE):
            check_rows(self.rows, self.parameters)
        with _refusing(where / RESULT, MEND_RESULT):
            check_result(self.result, self.rows, self.parameters)
        for row in self.rows:
            row["values"] = as_in_space(row["values"], self.parameters)
        order = {name: rank for rank, name in enumerate(self.result["order"])}
        self.ranked = sorted(
            (row for row in self.rows if row["trial"] in order), key=lambda row: order[row["trial"]]
        )

    def better(self, one: float, other: float) -> float:
        """The better of two values of the objective."""
        return (min if self.objective.direction == "min" else max)(one, other)

    def row(self, trial: str) -> ShownTrial | None:
        """The row of a trial."""
        return next((row for row in self.rows if row["trial"] == trial), None)


@contextmanager
def _refusing(path: Path, mend: str) -> Iterator[None]:
    """Name the file in which something is damaged."""
    try:
        yield
    except Damaged as error:
        raise damaged(path, str(error), mend) from None


def parameters(space: Sequence[Sequence[Any]]) -> list[ParameterAxis]:
    """The parameters that take more than one value, one for each name."""
    domains: dict[str, list[JSONObject]] = {}
    for name, domain, _ in space:
        if domain["type"] != "Fixed":
            domains.setdefault(name, []).append(domain)
    names = shortened(list(domains))
    return [_parameter(name, names[name], found) for name, found in domains.items()]


def _parameter(name: str, label: str, domains: Sequence[JSONObject]) -> ParameterAxis:
    values = [value for domain in domains for value in domain.get("values", ())]
    if values:
        different = [v for i, v in enumerate(values) if index_of(values, v) == i]
        return ParameterAxis(name, label, words=tuple(labels(different)), values=tuple(different))
    log = all(domain["type"] == "LogUniform" or domain.get("log") for domain in domains)
    low = min(domain["min"] for domain in domains)
    high = max(domain["max"] for domain in domains)
    return ParameterAxis(name, label, low, high, log)


def as_in_space(values: Mapping[str, Any], parameters: Sequence[ParameterAxis]) -> dict[str, Any]:
    """The values of a trial, with a choice as the space has it where others were put into it."""
    found = dict(values)
    for name, options in ((p.name, p.values) for p in parameters if p.name in values):
        for option in options:
            if same(stated({**values, name: option}, name), values[name]):
                found[name] = option
                break
    return found


# What the files must hold. Each check raises `Damaged` where they do not.


@dataclass
class _Identity:
    objective: dict[str, object]
    algorithm: dict[str, object]
    space: list[list]


@dataclass
class _Algorithm:
    name: str


@dataclass
class _Round:
    number: int
    trials: list[str]
    kept: list[str]
    ranges: dict[str, list]


@dataclass
class _Ensemble:
    validation: dict[str, float]


@dataclass
class _Lead:
    said: str


def check_identity(content: JSONObject) -> None:
    """Refuse an identity that no sweep has."""
    checked(content, _Identity)
    checked(content["objective"], Objective, at="`objective`: ")
    checked(content["algorithm"], _Algorithm, at="`algorithm`: ")
    for row in content["space"]:
        if len(row) != 3 or not isinstance(row[0], str) or not _is_domain(row[1]):
            raise Damaged(f"`space`: there is no parameter {row!r:.80}")


def _is_domain(domain: object) -> bool:
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


def check_rows(rows: Any, parameters: Sequence[ParameterAxis]) -> None:
    """Refuse a table with a row that no trial has."""
    if not isinstance(rows, list):
        raise Damaged(f"expected a list of trials, received {rows!r:.80}")
    for index, row in enumerate(rows):
        at = f"row {index + 1}: "
        checked(row, TrialRow, names=SHOWN, at=at)
        if not is_trial_id(row["trial"]):
            raise Damaged(f"{at}the name of a trial is a number, received {row['trial']!r:.80}")
        if not all(DIRECTORY.fullmatch(name) for name in row["directories"]):
            raise Damaged(f"{at}`directories` cannot be {row['directories']!r:.80}")
        for drawn in parameters:
            if drawn.name in row["values"] and not drawn.takes(row["values"][drawn.name]):
                raise Damaged(f"{at}{drawn.name} cannot be {row['values'][drawn.name]!r:.80}")


def check_result(
    content: JSONObject, rows: Sequence[ShownTrial], parameters: Sequence[ParameterAxis]
) -> None:
    """Refuse a result that does not belong to the table."""
    scores = {row["trial"]: row["score"] for row in rows}
    for name in content["order"]:
        if scores.get(name) is None:
            raise Damaged(f"`order`: trial {name!r:.80} has no score in the table")
    for name, kind in (("ensemble", _Ensemble), ("lead", _Lead)):
        if content[name]:
            checked(content[name], kind, at=f"`{name}`: ")
    for found in content["rounds"]:
        checked(found, _Round, at="`rounds`: ")
        for drawn in parameters:
            for value in found["ranges"].get(drawn.name, []):
                if not drawn.takes(value):
                    raise Damaged(f"`rounds`: {drawn.name} cannot be {value!r:.80}")
