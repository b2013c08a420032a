"""What the pages of techniques share: numbers as a table in the page, and pictures."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

FOLDER = Path(__file__).resolve().parent
PICTURES = FOLDER.parent / "pictures" / "techniques"
BEGIN, END = "<!-- numbers: {} -->", "<!-- end -->"
# Okabe and Ito's colours, which people with colour blindness tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
# Columns, and the rows of a table.
Table = tuple[Sequence[str], Sequence[Sequence[str]]]


def spread(values: Sequence[float], scale: float = 1.0, digits: int = 1) -> str:
    """Mean and standard deviation (n - 1) of the values over seeds.

    >>> spread([0.5, 0.7], 100)
    '60.0 ± 14.1'
    """
    array = np.asarray(values, dtype="float64") * scale
    if not np.all(np.isfinite(array)):
        return f"not finite in {int(np.sum(~np.isfinite(array)))} of {len(array)}"
    return f"{array.mean():.{digits}f} ± {array.std(ddof=1):.{digits}f}"


def percent(values: Sequence[float]) -> str:
    """Mean and standard deviation of fractions, in percent."""
    return spread(values, 100.0)


def markdown(table: Table) -> str:
    """A table of Markdown."""
    columns, rows = table
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_page(name: str, tables: Mapping[str, Table]) -> None:
    """Put the tables between the markers of a page; the prose around them stays."""
    path = FOLDER / f"{name}.md"
    text = path.read_text(encoding="utf-8")
    for key, table in tables.items():
        before, marker, after = text.partition(BEGIN.format(key))
        assert marker, f"{path} has no marker {BEGIN.format(key)}"
        rest = after[after.index(END) :]
        text = f"{before}{marker}\n\n{markdown(table)}\n\n{rest}"
        print(markdown(table))
    path.write_text(text, encoding="utf-8")


def figure(width: float, height: float) -> Figure:
    """An empty figure, in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def save(picture: Figure, name: str) -> None:
    """Write a picture, the same bytes for the same drawing."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    drawn = io.BytesIO()
    picture.savefig(drawn, dpi=90)
    # A palette of few colours takes a third of the bytes; this method keeps rare ones.
    small = Image.open(drawn).convert("RGB").quantize(96, Image.Quantize.MAXCOVERAGE)
    small.save(path, optimize=True)
    print(path)


def draw_curves(
    axes: Axes, curves: Sequence[np.ndarray], label: str, colour: str, x: np.ndarray | None = None
) -> None:
    """The mean of the seeds' curves as a line, and from the lowest to the highest as a band."""
    stacked = np.stack([np.asarray(curve, dtype="float64") for curve in curves])
    places = np.arange(1, stacked.shape[1] + 1) if x is None else x
    axes.plot(places, stacked.mean(axis=0), color=colour, label=label, linewidth=1.6)
    lowest, highest = stacked.min(axis=0), stacked.max(axis=0)
    axes.fill_between(places, lowest, highest, color=colour, alpha=0.15, linewidth=0)


def finish(axes: Axes, title: str, x: str, y: str, *, legend: bool = True) -> None:
    """Title and labels of a panel, with a quiet grid."""
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.25)
    if legend:
        axes.legend(fontsize=8)
