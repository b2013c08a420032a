"""What a report shows of a trained deep belief network, as small arrays in the run directory."""

from collections.abc import Sequence

import numpy as np

from ...pretraining import DBN

# How much a page shows; the complete weights of the RBMs are in the run directory.
FILTERS, EXAMPLES, CHAINS, ROWS, BINS = 100, 12, 12, 1000, 40
# Gibbs sweeps after which the chains are shown.
SWEEPS = (1, 10, 100, 1000)


def pictures(dbn: DBN, rows: np.ndarray, held_out: np.ndarray | None) -> dict[str, np.ndarray]:
    """Arrays by name.

    - `filters`: weights of the first hidden units of the first RBM, a row each.
    - `originals`, `reconstructions`: validation rows, and their reconstructions from the top.
    - `fantasies`: means of the visible units along Gibbs chains, sweeps by chains by units.
    - `activity_N`: counts of the hidden means of RBM N over equal bins of their range, and
      `range_N`: that range.
    """
    shown = rows if held_out is None else held_out
    examples = shown[:EXAMPLES]
    arrays = {
        "filters": np.asarray(dbn.rbms[0].kernel).T[:FILTERS],
        "originals": examples,
        "reconstructions": dbn.reconstruct(examples),
        "fantasies": fantasies(dbn, CHAINS, SWEEPS),
    }
    states = shown[:ROWS]
    for index, rbm in enumerate(dbn.rbms):
        states = rbm.transform(states)
        low, high = (0.0, 1.0) if rbm.hidden.activation == "sigmoid" else _ends(states)
        counts, _ = np.histogram(states, bins=BINS, range=(low, high))
        arrays[f"activity_{index}"] = counts
        arrays[f"range_{index}"] = np.array([low, high])
    return arrays


def fantasies(dbn: DBN, chains: int, sweeps: Sequence[int]) -> np.ndarray:
    """Means of the lowest visible units after given numbers of Gibbs sweeps of the topmost RBM."""
    *below, top = dbn.rbms
    frames, states, done = [], None, 0
    for number, sweep in enumerate(sweeps):
        states = top.sample(chains, sweeps=sweep - done, start=states, seed=number)
        done, frame = sweep, states
        for rbm in reversed(below):
            frame = rbm.inverse_transform(frame)
        frames.append(frame)
    return np.stack(frames)


def _ends(states: np.ndarray) -> tuple[float, float]:
    low, high = float(states.min()), float(states.max())
    return low, high if high > low else low + 1.0
