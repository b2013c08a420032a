"""What a page needs of the directory of a sweep."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import RequestError
from ...record.directory import RunDirectory
from ..run.folder import MEND as MEND_MANIFEST
from ..run.folder import identity_of
from ..run.result import MEND as MEND_RESULT
from ..run.result import read_result
from ..run.row import shortened
from ..spec.labels import index_of, labels, short
from ..spec.records import Objective
from ..stored import Damaged, damaged, read_json
from .checks import check_identity, check_result, check_rows

MANIFEST, RESULT, TABLE = "manifest.json", "result.json", "trials.json"
MEND = "Remove it and result.json, and the same `sweep` command writes both anew."


@dataclass(frozen=True)
class Parameter:
    """A parameter as it is drawn.

    Attributes:
        name: its whole name.
        label: the end of the name that tells it from the others.
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
    values: tuple[Any, ...] = ()

    def place(self, value: Any) -> float:
        """Where a value stands on an axis: itself, or the number of a choice."""
        if self.words:
            found = index_of(self.values, value)
            return -1.0 if found is None else float(found)
        return float(value)

    def word(self, value: Any) -> str:
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
    """A sweep as its files tell it."""

    def __init__(self, directory: Path):
        where = RunDirectory(directory)
        self.path = directory
        self.name = directory.resolve().name
        if not (where / MANIFEST).exists() or not (where / TABLE).exists():
            raise RequestError(f"{directory}: holds no sweep that has come to an end yet.")
        content = identity_of(where / MANIFEST)
        with _refusing(where / MANIFEST, MEND_MANIFEST):
            check_identity(content)
        self.result = read_result(where / RESULT).to_json()
        self.rows: list[dict[str, Any]] = read_json(where / TABLE, MEND)
        self.objective = Objective(
            content["objective"]["metric"], content["objective"]["direction"]
        )
        self.metric = self.objective.metric
        self.algorithm: str = content["algorithm"]["name"]
        self.parameters = parameters(content["space"])
        self.rounds: list[dict[str, Any]] = self.result["rounds"]
        with _refusing(where / TABLE, MEND):
            check_rows(self.rows, self.parameters)
        with _refusing(where / RESULT, MEND_RESULT):
            check_result(self.result, self.rows, self.parameters)
        order = {name: rank for rank, name in enumerate(self.result["order"])}
        self.ranked = sorted(
            (row for row in self.rows if row["trial"] in order), key=lambda row: order[row["trial"]]
        )

    def better(self, one: float, other: float) -> float:
        """The better of two values of the objective."""
        return (min if self.objective.direction == "min" else max)(one, other)

    def row(self, trial: str) -> dict[str, Any] | None:
        """The row of a trial."""
        return next((row for row in self.rows if row["trial"] == trial), None)


@contextmanager
def _refusing(path: Path, mend: str) -> Iterator[None]:
    """Name the file in which something is damaged."""
    try:
        yield
    except Damaged as error:
        raise damaged(path, str(error), mend) from None


def parameters(space: Sequence[Sequence[Any]]) -> list[Parameter]:
    """The parameters that take more than one value, one for each name."""
    domains: dict[str, list[Mapping[str, Any]]] = {}
    for name, domain, _ in space:
        if domain["type"] != "Fixed":
            domains.setdefault(name, []).append(domain)
    names = shortened(list(domains))
    return [_parameter(name, names[name], found) for name, found in domains.items()]


def _parameter(name: str, label: str, domains: Sequence[Mapping[str, Any]]) -> Parameter:
    values = [value for domain in domains for value in domain.get("values", ())]
    if values:
        different = [v for i, v in enumerate(values) if index_of(values, v) == i]
        return Parameter(name, label, words=tuple(labels(different)), values=tuple(different))
    log = all(domain["type"] == "LogUniform" or domain.get("log") for domain in domains)
    low = min(domain["min"] for domain in domains)
    high = max(domain["max"] for domain in domains)
    return Parameter(name, label, low, high, log)
