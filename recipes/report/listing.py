"""A table of the runs below a folder, in an order."""

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from ..record.listing import RunRow
from ..record.result import duration
from .tables import Table

Sort = Literal["name", "status", "epochs", "metric", "age"]
SORTS: tuple[Sort, ...] = get_args(Sort)
HEAD = ("run", "status", "epochs", "metric", "value", "time", "age")


def in_order(
    rows: Iterable[RunRow], sort: Sort, metric: str | None = None, *, reverse: bool = False
) -> list[RunRow]:
    """In the order that was asked for; those without a value last."""
    found = list(rows)
    if sort != "metric":
        return sorted(found, key=lambda row: getattr(row, sort), reverse=reverse)
    known = [row for row in found if metric_of(row, metric)[1] is not None]
    known.sort(key=lambda row: metric_of(row, metric)[1] or 0.0, reverse=reverse)
    return known + [row for row in found if row not in known]


def metric_of(row: RunRow, asked: str | None) -> tuple[str, float | None]:
    """Name and value of the metric that is shown: what was asked for, or the first but loss."""
    if asked is not None:
        return f"{row.split} {asked}", row.metrics.get(asked)
    name = next((name for name in row.metrics if name != "loss"), "loss")
    return f"{row.split} {name}", row.metrics.get(name)


def listing(found: Sequence[RunRow], metric: str | None = None) -> Table:
    """A row for each run."""
    rows = []
    for row in found:
        name, value = metric_of(row, metric)
        shown = name if value is not None else ""
        times = [duration(row.seconds), duration(row.age)]
        rows.append([row.name, str(row.status), row.epochs, shown, value, *times])
    return Table("", HEAD, rows)
