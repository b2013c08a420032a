"""Windows over series, divided by time into splits."""

import numpy as np

from ..errors import DataError
from ..spec.sections import DEFAULT_PART
from . import split as parts
from .frame import counted, plain
from .series import Series, WindowOptions
from .split import Splits

# Times are compared in steps; a cut lies between two of them.
BETWEEN = 0.5


def starts_of(series: Series, options: WindowOptions, target: np.ndarray) -> np.ndarray:
    """First row of each window that lies in one stretch and has all its targets, in row order.

    Raises:
        DataError: there is none.
    """
    rows = np.arange(max(len(series.frame) - options.length + 1, 0))
    whole = series.first[rows] == series.first[rows + options.length - 1]
    at_stride = (rows - series.first[rows]) % options.stride == 0
    found = rows[whole & at_stride]
    if not len(found):
        raise DataError(f"{series.frame.where}: {_too_long(series, options)}")
    missing = np.concatenate([[0], np.cumsum(np.isnan(target).any(axis=1))])
    known = missing[found + options.length] == missing[found + options.inputs]
    if not known.any():
        raise DataError(f"{series.frame.where}: each window misses a target over its horizon.")
    return found[known]


def _too_long(series: Series, options: WindowOptions) -> str:
    rows = f"a window has {options.inputs} + {options.horizon} rows (`inputs` + `horizon`), and "
    if not series.gaps:
        return f"{rows}the longest series has {series.longest}. Use a shorter window, or more rows."
    return (
        f"{rows}the longest stretch without a gap has {series.longest}: rows are most often "
        f"{series.spacing} apart, and {counted(series.gaps, 'pair')} that follow one another are "
        "not. Use a shorter window, fill the gaps, or write `gaps: bridge` if rows follow one "
        "another all the same, as working days do."
    )


def spans(total: int, splits: Splits) -> dict[str, tuple[int, int]]:
    """Part -> its first time step and the first one after it, for each part that is asked for.

    >>> spans(100, Splits(validation=0.2, test=10))
    {'train': (0, 70), 'validation': (70, 90), 'test': (90, 100)}
    """
    sizes = {}
    for what, asked in (("validation", splits.validation), ("test", splits.test)):
        part = DEFAULT_PART if isinstance(asked, str) else asked
        if isinstance(part, tuple):
            raise DataError(f"{what}: windows are cut by time from one table; give a fraction.")
        sizes[what] = parts.size_of(part, total, what)
    ends = total - sizes["validation"] - sizes["test"], total - sizes["test"]
    found = {"train": (0, ends[0]), "validation": ends, "test": (ends[1], total)}
    return {what: span for what, span in found.items() if sizes.get(what) != 0}


def divided(
    series: Series, options: WindowOptions, starts: np.ndarray, splits: Splits
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The windows of each split that is asked for, and notes about them.

    Raises:
        DataError: a split has no window.
    """
    steps = series.steps()
    total = round(float(steps.max())) + 1
    begin, end = steps[starts + options.inputs], steps[starts + options.length - 1]
    found, notes = {}, [""]
    for what, (low, high) in spans(total, splits).items():
        found[what] = starts[(begin > low - BETWEEN) & (end < high - BETWEEN)]
        if not len(found[what]):
            raise DataError(f"{series.frame.where}: {_no_window(what, options, high - low, total)}")
        if what != "train":
            notes.append(f"targets of {what} begin at {_at(series, options, low)}")
    rest = len(starts) - sum(map(len, found.values()))
    counts = ", ".join(f"{len(windows)} {what}" for what, windows in found.items())
    notes[0] = f"windows of {options.inputs} + {options.horizon} rows: {counts}"
    notes[0] += f"; {rest} left out, whose targets lie on both sides of a cut" * (rest > 0)
    return found, notes


def _no_window(what: str, options: WindowOptions, steps: int, total: int) -> str:
    if what == "train":
        return (
            f"no training window: the {max(steps, 0)} of {total} time steps that are left to learn "
            f"from hold no {options.inputs} + {options.horizon} rows without a gap. Use smaller "
            "parts to validate and test on, or a shorter window."
        )
    return (
        f"no {what} window: its {steps} of {total} time steps hold no {options.horizon} rows of a "
        "horizon without a gap. Use a larger part, or a shorter horizon."
    )


def _at(series: Series, options: WindowOptions, step: int) -> str:
    """The time of a step, as the first row from there on has it."""
    later = np.flatnonzero(series.steps() > step - BETWEEN)
    row = int(later[np.argmin(series.times[later])])
    if options.time is None:
        return f"row {int(series.times[row])} (from 0)" + " of each series" * bool(options.by)
    column = series.frame[options.time]
    return f"{plain(options.time)} {plain(str(column[row]))}"


def covered(starts: np.ndarray, length: int, rows: int) -> np.ndarray:
    """Whether each of the rows lies in a window (rows,)."""
    edges = np.zeros(rows + 1, int)
    np.add.at(edges, starts, 1)
    np.add.at(edges, starts + length, -1)
    return np.cumsum(edges)[:-1] > 0
