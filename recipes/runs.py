"""Runs that are on disk, from Python: one, the list of a folder, several compared.

Nothing here imports TensorFlow before a model is asked for. A notebook shows each of them itself.
"""

import fnmatch
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, overload

from .errors import RequestError
from .plots import drawn, plot_run
from .record.directory import open_run, read_result
from .record.listing import RunRow, State, runs_below
from .record.several import read_run
from .report import fragments
from .report.curve_charts import of_several
from .report.listing import SORTS, Sort, in_order, listing
from .report.tables import as_text, compared
from .run.stored_recipe import recipe_of
from .trainable import Recipe, Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from plotly.graph_objects import Figure as Interactive


class Run:
    """A run directory.

    Args:
        path: the directory.

    Attributes:
        path: the directory.

    Raises:
        RequestError: there is no run.
    """

    def __init__(self, path: str | os.PathLike):
        self.path: Path = open_run(Path(path)).path

    @property
    def name(self) -> str:
        """The name of its directory."""
        return self.path.resolve().name

    @property
    def result(self) -> Result:
        """Its result as the directory has it now, with its model."""
        return Result(**vars(read_result(open_run(self.path))))

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that it was trained with, resolved."""
        return recipe_of(open_run(self.path), into=Recipe, quiet=True)

    @property
    def history(self) -> dict[str, list[float | None]]:
        """Logged values by name: one per epoch, None where an epoch did not log that name."""
        return self.result.history

    def plot(self, *metrics: str, static: bool = False) -> "Interactive | Figure":
        """Loss, metrics and rates by epoch, of a run that trains too.

        Of an ensemble or a cross-validation the curves are those of its networks.

        Args:
            metrics: what to draw, such as `"loss"`, without `val_`; default everything.
            static: a picture rather than an interactive figure.

        Returns:
            A figure of plotly, with hover, zoom and a legend that hides and shows; a figure of
            matplotlib where `static` asks for one or plotly cannot be imported. A notebook shows
            both, `show` or `savefig` others.

        Raises:
            RequestError: no epoch was finished, or there is no such metric.
        """
        return plot_run(self.path, metrics, static=static)

    def __repr__(self) -> str:
        return repr(self.result).replace("Result(", "Run(", 1)

    def _repr_html_(self) -> str:
        return fragments.result_part(self.result)


class Runs(Sequence[RunRow]):
    """The runs below a folder, as a table.

    Args:
        folder: whose runs they are.
        rows: one for each.
        metric: what is shown; default the first of each run.
    """

    def __init__(self, folder: Path, rows: Sequence[RunRow], metric: str | None = None):
        self.folder = folder
        self.rows = tuple(rows)
        self.metric = metric

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[RunRow]:
        return iter(self.rows)

    @overload
    def __getitem__(self, index: int) -> RunRow: ...
    @overload
    def __getitem__(self, index: slice) -> "Runs": ...
    def __getitem__(self, index: int | slice) -> "RunRow | Runs":
        if isinstance(index, slice):
            return Runs(self.folder, self.rows[index], self.metric)
        return self.rows[index]

    def __repr__(self) -> str:
        return as_text(listing(self.rows, self.metric)) if self.rows else "no runs"

    def _repr_html_(self) -> str:
        return fragments.tables_part([listing(self.rows, self.metric)])


def runs(
    folder: str | os.PathLike = "runs",
    *,
    sort: Sort = "name",
    reverse: bool = False,
    status: str | None = None,
    match: str | None = None,
    metric: str | None = None,
) -> Runs:
    """The runs below a folder; nothing is verified.

    Args:
        folder: the folder, or a run.
        sort: `name`, `status`, `epochs`, `metric` or `age`.
        reverse: the other way round.
        status: only those, such as `completed`.
        match: only names like it, as in `digits*`.
        metric: to show and to sort by; default the first of each run.

    Raises:
        RequestError: there is no such folder, or no such status or order.
    """
    where = Path(folder)
    if not where.is_dir():
        raise RequestError(f"{where}: there is no such folder.")
    if sort not in SORTS:
        raise RequestError(f"sort: expected one of {', '.join(SORTS)}. Received {sort!r}.")
    if status is not None and status not in tuple(State):
        raise RequestError(f"status: expected one of {', '.join(State)}. Received {status!r}.")
    found = [
        row
        for row in runs_below(where)
        if (status is None or row.status == status)
        and (match is None or fnmatch.fnmatch(row.name, match))
    ]
    return Runs(where, in_order(found, sort, metric, reverse=reverse), metric)


class Comparison:
    """Runs side by side: results, keys of their recipes that differ, differences row by row.

    Args:
        paths: of two runs or more.
    """

    def __init__(self, paths: Sequence[Path]):
        self.runs = [read_run(path) for path in paths]
        self.tables = compared(self.runs)

    def plot(self, *metrics: str, static: bool = False) -> "Interactive | Figure":
        """The curves of all runs, with mean and band over seeds; see `Run.plot`."""
        return drawn(of_several(self.runs, metrics), static=static)

    def __repr__(self) -> str:
        return "\n\n".join(map(as_text, self.tables))

    def _repr_html_(self) -> str:
        return fragments.tables_part(self.tables)


def compare(*paths: str | os.PathLike | Result | Run) -> Comparison:
    """Put runs side by side.

    Args:
        paths: two or more, each a run directory, a `Run` or a `Result`. Runs whose recipes differ
            in their seeds alone are repetitions of one.

    Raises:
        RequestError: fewer than two, or none of them can be read.
    """
    if len(paths) < 2:
        raise RequestError("compare: name two runs or more.")
    found = Comparison([_path(each) for each in paths])
    if all(run.problem is not None for run in found.runs):
        raise RequestError("\n".join(str(run.problem) for run in found.runs))
    return found


def _path(run: str | os.PathLike | Result | Run) -> Path:
    if isinstance(run, Result):
        return Path(run.directory)
    return run.path if isinstance(run, Run) else Path(run)
