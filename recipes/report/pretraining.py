"""The page's part about a pretrained deep belief network: curves, filters, fantasies, activity."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ..record.contents import PretrainedLayer, PretrainingRecord
from . import markup
from .chart import Chart, LegendEntry, Trace, charts, colour, line
from .markup import number, text
from .raster import image
from .training import extremes

# Title of each chart, and the values that it shows.
CURVES = (
    ("reconstruction error", ("reconstruction_error", "val_reconstruction_error")),
    ("free energy", ("free_energy", "val_free_energy")),
    ("free-energy gap: held out minus training", ("free_energy_gap",)),
    ("log pseudo-likelihood, nats", ("pseudo_likelihood",)),
    ("mean hidden activity", ("hidden_activity", "val_hidden_activity")),
)
WIDTH = 440
Layers = Sequence[PretrainedLayer]


def section(pretraining: PretrainingRecord, arrays: Mapping[str, np.ndarray]) -> str:
    """The page's part about the pretraining of one run.

    Args:
        pretraining: `pretraining.json`.
        arrays: of `pretraining/pictures.npz`; empty if there is no such file.
    """
    layers = pretraining["layers"]
    drawn = [curve(layers, title, names) for title, names in CURVES if any_of(layers, names)]
    drawn += activity(layers, arrays)
    sources = "".join(f"<li>{text(row)}</li>" for row in pretraining["handed"])
    return (
        f'{table(layers)}{charts(drawn)}<div class="pictures">{"".join(images(arrays))}</div>'
        f"<details><summary>which variable came from where</summary><ul>{sources}</ul></details>"
    )


def table(layers: Layers) -> str:
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


def any_of(layers: Layers, names: tuple[str, ...]) -> bool:
    """Whether an RBM logged one of the values."""
    return any(layer["history"].get(name) for layer in layers for name in names)


def curve(layers: Layers, title: str, names: tuple[str, ...]) -> Chart:
    """One value of every RBM by epoch; the solid line is that of the validation rows."""
    traces: list[Trace] = []
    entries: list[LegendEntry] = []
    shown = {}
    for index, layer in enumerate(layers):
        own = []
        for place, name in enumerate(reversed(names)):
            values = layer["history"].get(name) or []
            if values:
                epochs = list(range(1, len(values) + 1))
                rows = "held out" if name.startswith("val_") else "training"
                words = layer["name"] if len(names) == 1 else f"{layer['name']}, {rows}"
                shown[words] = (epochs, values)
                own.append(len(traces))
                traces.append(line(epochs, values, words, colour(index), dashed=place > 0))
        entries.append(LegendEntry(layer["name"], colour(index), tuple(own)))
    layout = {"xaxis": {"title": {"text": "epoch"}}}
    return Chart(title, traces, layout, entries, extremes(shown))


def images(arrays: Mapping[str, np.ndarray]) -> list[str]:
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


def grid(rows: np.ndarray, columns: int, side: int, title: str, *, signed: bool = False) -> str:
    """Images side by side; signed ones in two colours around zero, each on its own scale."""
    lines = -(-len(rows) // columns)
    shape = lines * (side + 1) + 1, columns * (side + 1) + 1
    canvas = np.full((*shape, 3), 128, "uint8")
    for index, row in enumerate(rows):
        top, left = 1 + index // columns * (side + 1), 1 + index % columns * (side + 1)
        place = np.s_[top : top + side, left : left + side]
        canvas[place] = (_signed(row) if signed else _grey(row)).reshape(side, side, 3)
    words = f"<figcaption>{text(title)}</figcaption>"
    return f"<figure>{words}{image(canvas, title, WIDTH)}</figure>"


def _grey(row: np.ndarray) -> np.ndarray:
    """Pixels (values, 3): 0 is white, 1 black."""
    level = 255 * (1 - np.clip(np.nan_to_num(row.astype("float64")), 0, 1))
    return np.repeat(level[:, None], 3, axis=1).astype("uint8")


def _signed(row: np.ndarray) -> np.ndarray:
    """Pixels (values, 3): 0 is white, negative values blue and positive ones red."""
    found = np.nan_to_num(row.astype("float64"))
    share = (found / (np.abs(found).max() or 1.0))[:, None]
    red, blue = np.array([178.0, 24.0, 43.0]), np.array([33.0, 102.0, 172.0])
    end = np.where(share > 0, red, blue)
    return (255 + (end - 255) * np.abs(share)).astype("uint8")


def activity(layers: Layers, arrays: Mapping[str, np.ndarray]) -> list[Chart]:
    """Histogram of the activity of the hidden units of every RBM."""
    traces: list[Trace] = []
    entries: list[LegendEntry] = []
    for index, layer in enumerate(layers):
        if f"activity_{index}" not in arrays:
            continue
        counts, (low, high) = arrays[f"activity_{index}"], arrays[f"range_{index}"]
        edges = np.linspace(low, high, len(counts) + 1)
        middles, shares = (edges[1:] + edges[:-1]) / 2, counts / counts.sum()
        drawn = [share or None for share in shares.tolist()]
        stroke = {"color": colour(index), "shape": "hvh"}
        trace = line(middles.tolist(), drawn, layer["name"], colour(index))
        entries.append(LegendEntry(layer["name"], colour(index), (len(traces),)))
        traces.append({**trace, "line": stroke})
    layout = {"xaxis": {"title": {"text": "E[h | row]"}}, "yaxis": {"type": "log"}}
    title = "hidden activity: fraction of units and rows"
    return [Chart(title, traces, layout, entries)] if traces else []
