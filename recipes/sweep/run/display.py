"""A sweep on the terminal: a table that is renewed, or a line for each trial in a log."""

import sys
import time
from collections.abc import Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table as Grid
from rich.text import Text

from ....disk import suppress_full
from ..spec.algorithms import ALGORITHMS
from ..spec.records import Sweep
from .result import TrialRow, shortened
from .tables import cell, names_of
from .winner import ranked

# Rows of the table on a terminal: what runs, and the best.
MOST_ROWS = 12
WIDTH = 24


class SweepDisplay:
    """Shows a sweep while it runs.

    Args:
        sweep: the sweep.
        quiet: show nothing.
    """

    def __init__(self, sweep: Sweep, *, quiet: bool = False):
        self.sweep = sweep
        # In a notebook rich would make an output of every line, and a table needs ipywidgets.
        self._console = Console(
            file=sys.stderr, highlight=False, soft_wrap=True, quiet=quiet, force_jupyter=False
        )
        self._names = shortened(names_of(sweep))
        self._live: Live | None = None
        self._shown: set[tuple[str, str]] = set()
        self._started = time.monotonic()
        self._ended_before: int | None = None

    @property
    def live(self) -> bool:
        """Whether a table is shown and renewed."""
        return self._live is not None

    def __enter__(self) -> "SweepDisplay":
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, rows: Sequence[TrialRow]) -> None:
        """Show the state of the trials; a log on a full disk does not stop the sweep."""
        with suppress_full():
            self._update(rows)

    def _update(self, rows: Sequence[TrialRow]) -> None:
        ended = [row for row in rows if row.status != "running"]
        if self._ended_before is None:
            self._ended_before = len(ended)
            self._shown.update((row.trial, row.status) for row in ended)
        best = ranked(rows, self.sweep.objective)
        for row in ended:
            if (row.trial, row.status) not in self._shown:
                self._shown.add((row.trial, row.status))
                self._console.print(self.line(row, best, len(ended)), markup=False)
        if self._live is not None:
            self._live.update(self.picture(rows, best))

    def line(self, row: TrialRow, best: Sequence[TrialRow], ended: int) -> str:
        """One trial in one line."""
        values = ", ".join(f"{self._names[k]}={short(v)}" for k, v in row.values.items())
        metric = self.sweep.objective.metric
        if row.status == "failed":
            return f"trial {row.trial}: failed, {row.reason}; {values}"
        leader = f"  (best {best[0].score:.4g}: trial {best[0].trial})" if best else ""
        left = self.left_text(ended)
        return f"trial {row.trial}: {metric} {row.score:.4g}; {values}{leader}{left}"

    def picture(self, rows: Sequence[TrialRow], best: Sequence[TrialRow]) -> Group:
        """The table: trials that run, then the best that have ended."""
        names = names_of(self.sweep)
        titles = ("trial", "status", self.sweep.objective.metric, "epochs")
        grid = Grid(*titles, *self._names.values(), box=None)
        running = [row for row in rows if row.status == "running"]
        for row in [*running, *best][:MOST_ROWS]:
            score = _latest(row) if row.status == "running" else row.score
            grid.add_row(
                row.trial,
                row.status,
                "" if score is None else f"{score:.4g}",
                str(row.epochs),
                *(short(row.values[name]) if name in row.values else "" for name in names),
            )
        failed = sum(row.status == "failed" for row in rows)
        ended = sum(row.status != "running" for row in rows)
        expected = trials_of(self.sweep)
        total = "" if expected is None else f"/{expected}"
        leader = f", best {best[0].score:.4g} (trial {best[0].trial})" if best else ""
        head = f"{self.sweep.name}: {ended}{total} trials, {failed} failed{leader}"
        return Group(Text(head + self.left_text(ended)), grid)

    def left_text(self, ended: int) -> str:
        """The time left, as the end of a line."""
        seconds = self.left(ended)
        return "" if seconds is None else f", about {_clock(seconds)} left"

    def left(self, ended: int) -> float | None:
        """Seconds left at the pace so far; None where that is not known."""
        done = ended - (self._ended_before or 0)
        expected = trials_of(self.sweep)
        if expected is None or done < 1:
            return None
        return (time.monotonic() - self._started) / done * max(0, expected - ended)


def trials_of(sweep: Sweep) -> int | None:
    """How many trials there will be, if that is known in advance."""
    chosen = sweep.algorithm
    return ALGORITHMS[chosen.name].number_of_trials(chosen.arguments, sweep.trials)


def short(value: object) -> str:
    """A value in a few characters."""
    text = f"{value:.4g}" if isinstance(value, float) else cell(value)
    return text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."


def _latest(row: TrialRow) -> float | None:
    return next((curve[-1] for curve in reversed(row.curves) if curve), None)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
