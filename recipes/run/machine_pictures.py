"""What a report shows of a trained deep belief network, as small arrays in the run directory."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...pretraining import DBN

# How much is kept: a page is for looking at, the machines' weights are in the directory too.
FILTERS, EXAMPLES, CHAINS, ROWS, BINS = 100, 12, 12, 1000, 40
# Gibbs sweeps after which the chains are looked at.
SWEEPS = (1, 10, 100, 1000)


def pictures(dbn: DBN, rows: np.ndarray, held_out: np.ndarray | None) -> dict[str, np.ndarray]:
    """Arrays by name.

    - `filters`: weights of the first machine's first hidden units, a row each.
    - `originals`, `reconstructions`: rows held out, and what comes back from the top.
    - `fantasies`: means of the visible units along Gibbs chains, sweeps by chains by units.
    - `activity_N`: counts of machine N's hidden means over equal bins of their range, and
      `range_N`: that range.
    """
    shown = rows if held_out is None else held_out
    examples = shown[:EXAMPLES]
    found = {
        "filters": np.asarray(dbn.rbms[0].kernel).T[:FILTERS],
        "originals": examples,
        "reconstructions": dbn.reconstruct(examples),
        "fantasies": fantasies(dbn, CHAINS, SWEEPS),
    }
    states: Any = shown[:ROWS]
    for index, machine in enumerate(dbn.rbms):
        states = machine.transform(states)
        low, high = (0.0, 1.0) if machine.hidden.activation == "sigmoid" else _ends(states)
        counts, _ = np.histogram(states, bins=BINS, range=(low, high))
        found[f"activity_{index}"] = counts
        found[f"range_{index}"] = np.array([low, high])
    return found


def fantasies(dbn: DBN, chains: int, sweeps: Sequence[int]) -> np.ndarray:
    """Means of the lowest visible units after so many Gibbs sweeps of the topmost machine."""
    *below, top = dbn.rbms
    frames, states, done = [], None, 0
    for number, sweep in enumerate(sweeps):
        states = top.sample(chains, sweeps=sweep - done, start=states, seed=number)
        done, frame = sweep, states
        for machine in reversed(below):
            frame = machine.inverse_transform(frame)
        frames.append(frame)
    return np.stack(frames)


def _ends(states: np.ndarray) -> tuple[float, float]:
    low, high = float(states.min()), float(states.max())
    return low, high if high > low else low + 1.0
