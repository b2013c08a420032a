"""Pictures of a pretrained deep belief network: curves, filters, fantasies, activity."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from . import markup
from .curves import COLOURS, label, svg
from .markup import number, text

# Title of each figure, and the values that it shows.
CURVES = (
    ("reconstruction error", ("reconstruction_error", "val_reconstruction_error")),
    ("free energy", ("free_energy", "val_free_energy")),
    ("free-energy gap: held out minus training", ("free_energy_gap",)),
    ("log pseudo-likelihood, nats", ("pseudo_likelihood",)),
    ("mean hidden activity", ("hidden_activity", "val_hidden_activity")),
)


def section(pretraining: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    """The page's part about the pretraining of one run.

    Args:
        pretraining: `pretraining.json`.
        arrays: of `pretraining/pictures.npz`; empty if there is no such file.
    """
    layers = pretraining["layers"]
    drawn = [svg(curve(layers, title, names)) for title, names in CURVES if any_of(layers, names)]
    drawn += [svg(picture) for picture in images(arrays)]
    drawn += [svg(picture) for picture in activity(layers, arrays)]
    sources = "".join(f"<li>{text(row)}</li>" for row in pretraining["handed"])
    return (
        f'<h3>Pretraining</h3>{table(layers)}<div class="curves">{"".join(drawn)}</div>'
        f"<details><summary>which variable came from where</summary><ul>{sources}</ul></details>"
    )


def table(layers: list[dict[str, Any]]) -> str:
    """A row for each RBM."""
    rows = []
    for layer in layers:
        epochs = max((len(values) for values in layer["history"].values()), default=0)
        trained = "before, taken from the cache" if layer["cached"] else "in this run"
        rows.append(
            f"<td>{text(layer['name'])}</td>{number(layer['units'])}{number(epochs)}"
            f"{number(float(layer['seconds']))}<td>{trained}</td>"
        )
    return markup.table(("RBM", "hidden units", "epochs", "seconds", "trained"), rows)


def any_of(layers: list[dict[str, Any]], names: tuple[str, ...]) -> bool:
    """Whether an RBM logged one of the values."""
    return any(layer["history"].get(name) for layer in layers for name in names)


def curve(layers: list[dict[str, Any]], title: str, names: tuple[str, ...]) -> Figure:
    """One value of every RBM by epoch; the solid line is that of the validation rows."""
    picture = Figure(figsize=(5.2, 3.2), layout="constrained")
    axes = picture.subplots()
    for index, layer in enumerate(layers):
        for place, name in enumerate(reversed(names)):
            values = layer["history"].get(name) or []
            axes.plot(
                range(1, len(values) + 1),
                values,
                "-" if place == 0 else "--",
                color=COLOURS[index % len(COLOURS)],
                label=label(layer["name"]) if place == 0 else None,
            )
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    return picture


def images(arrays: Mapping[str, np.ndarray]) -> list[Figure]:
    """Filters, reconstructions and fantasies, where the visible units make a square image."""
    side = math.isqrt(arrays["filters"].shape[1]) if "filters" in arrays else 0
    if side == 0 or side * side != arrays["filters"].shape[1]:
        return []
    originals, again = arrays["originals"], arrays["reconstructions"]
    frames = arrays["fantasies"]
    return [
        grid(arrays["filters"], 10, side, "filters of the first RBM", signed=True),
        grid(
            np.concatenate([originals, again]),
            len(originals),
            side,
            "rows held out (above), and reconstructed from the top (below)",
        ),
        grid(
            frames.reshape(-1, side * side),
            frames.shape[1],
            side,
            "fantasies: Gibbs chains after 1, 10, 100, 1000 sweeps (downwards)",
        ),
    ]


def grid(rows: np.ndarray, columns: int, side: int, title: str, *, signed: bool = False) -> Figure:
    """Images side by side; signed ones in two colours around zero, each on its own scale."""
    lines = -(-len(rows) // columns)
    canvas = np.full((lines * (side + 1) + 1, columns * (side + 1) + 1), np.nan)
    for index, row in enumerate(rows):
        top, left = 1 + index // columns * (side + 1), 1 + index % columns * (side + 1)
        scale = np.abs(row).max() or 1.0
        canvas[top : top + side, left : left + side] = row.reshape(side, side) / (
            scale if signed else 1.0
        )
    height = max(1.2, 5.2 * canvas.shape[0] / canvas.shape[1])
    picture = Figure(figsize=(5.2, height + 0.4), layout="constrained")
    axes = picture.subplots()
    low = -1 if signed else 0
    axes.imshow(canvas, cmap="RdBu_r" if signed else "gray_r", vmin=low, vmax=1)
    axes.set_title(title, fontsize="small")
    axes.set_axis_off()
    return picture


def activity(layers: list[dict[str, Any]], arrays: Mapping[str, np.ndarray]) -> list[Figure]:
    """Histogram of the activity of the hidden units of every RBM."""
    found = [index for index in range(len(layers)) if f"activity_{index}" in arrays]
    if not found:
        return []
    picture = Figure(figsize=(5.2, 3.2), layout="constrained")
    axes = picture.subplots()
    for index in found:
        counts, (low, high) = arrays[f"activity_{index}"], arrays[f"range_{index}"]
        edges = np.linspace(low, high, len(counts) + 1)
        axes.stairs(
            counts / counts.sum(),
            edges,
            color=COLOURS[index % len(COLOURS)],
            label=label(layers[index]["name"]),
        )
    axes.set_title("hidden activity: fraction of units and rows")
    axes.set_xlabel("E[h | row]")
    axes.set_yscale("log")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    return [picture]


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a run; none if the file is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError):
        return {}
