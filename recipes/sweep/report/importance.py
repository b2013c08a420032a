"""How much each parameter of a sweep matters, by itself."""

import numpy as np

from .files import ParameterAxis, SweepFiles

# Groups of trials by a range's values, and the fewest trials that say anything.
BINS, FEWEST = 4, 8


def importance(sweep: SweepFiles) -> list[tuple[str, float]]:
    """Label of each parameter, and the share of the spread of scores that it explains alone.

    It is epsilon squared (Kelley 1935), the variance of the ranks of scores between groups of
    trials of like values, less what chance gives: (SSB - (k - 1) MSW) / SST. Largest first; empty
    of a sweep with fewer than eight trials.
    """
    rows = sweep.ranked
    if len(rows) < FEWEST:
        return []
    found = []
    for chosen in sweep.parameters:
        own = [(rank, row["values"][chosen.name]) for rank, row in enumerate(rows)
               if chosen.name in row["values"]]  # fmt: skip
        if len(own) >= FEWEST:
            ranks = np.array([rank for rank, _ in own], "float64")
            groups = _groups(chosen, np.array([chosen.place(value) for _, value in own]))
            found.append((chosen.label, explained(ranks, groups)))
    return sorted(found, key=lambda each: -each[1])


def _groups(chosen: ParameterAxis, places: np.ndarray) -> np.ndarray:
    """The number of the group of each trial: of a range quarters of the trials by value."""
    values = np.unique(places)
    if chosen.words or len(values) <= BINS:
        return np.searchsorted(values, places)
    inner = np.quantile(places, np.linspace(0, 1, BINS + 1)[1:-1])
    return np.searchsorted(inner, places)


def explained(values: np.ndarray, groups: np.ndarray) -> float:
    """Epsilon squared of values (rows,) in groups (rows,), at least 0.

    >>> round(explained(np.array([0.0, 1.0, 10.0, 11.0]), np.array([0, 0, 1, 1])), 3)
    0.985
    """
    names = np.unique(groups)
    total = np.square(values - values.mean()).sum()
    inside = sum(np.square(own - own.mean()).sum() for own in (values[groups == n] for n in names))
    free = len(values) - len(names)
    if not total or free < 1 or len(names) < 2:
        return 0.0
    return float(max(0.0, (total - inside - (len(names) - 1) * inside / free) / total))
