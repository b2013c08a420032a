"""Progress in a notebook: one output that is renewed, with a bar and the curve of the loss."""

import html
import importlib
import math
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

# Seconds between two redraws, each of which replaces the one before.
REDRAW = 0.5
WIDTH, HEIGHT = 480, 120
# More points than pixels would not be visible.
MOST_POINTS = 480
# Logged value -> colour and dashes, legible on light and dark pages (Okabe & Ito 2008).
CURVES = {"loss": ("#0072b2", "5 3"), "val_loss": ("#d55e00", "")}


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook, whose output is a page."""
    # Without IPython in memory there is no kernel; a terminal's IPython has none either.
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


class NotebookProgress:
    """One output of a notebook, renewed at most twice a second.

    Args:
        label: what is trained.
        epochs: how many there will be.
    """

    def __init__(self, label: str, epochs: int):
        self.label = label
        self.epochs = epochs
        self._curves: dict[str, list[float]] = {name: [] for name in CURVES}
        self._shown = 0.0
        self._newest: tuple[int, str] | None = None
        self._handle: Any = None

    def update(self, epoch: int, line: str, logs: Mapping[str, float]) -> None:
        """Add an epoch, from 1, and show it unless another one has just been shown."""
        for name, values in self._curves.items():
            values.append(float(logs.get(name, math.nan)))
        self._newest = epoch, line
        if time.monotonic() - self._shown >= REDRAW:
            self.flush()

    def flush(self) -> None:
        """Show the newest epoch."""
        if self._newest is None:
            return
        epoch, line = self._newest
        self._newest, self._shown = None, time.monotonic()
        content = {"text/html": self.page(epoch, line), "text/plain": line}
        if self._handle is None:
            display = importlib.import_module("IPython.display")
            self._handle = display.display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)

    def page(self, epoch: int, line: str) -> str:
        """The output as HTML."""
        label = html.escape(self.label)
        bar = f'<progress value="{epoch}" max="{self.epochs}" aria-label="{label}"></progress>'
        drawn = picture(self._curves)
        return f"<div>{bar} <code>{html.escape(line)}</code>{f'<br>{drawn}' if drawn else ''}</div>"


def picture(curves: Mapping[str, Sequence[float]]) -> str:
    """The curves as SVG, on a logarithmic axis where they span decades; nothing of one epoch."""
    finite = [value for curve in curves.values() for value in curve if math.isfinite(value)]
    most = max(map(len, curves.values()), default=0)
    if most < 2 or not finite:
        return ""
    low, high = min(finite), max(finite)
    logarithmic = low > 0 and high > 100 * low
    lines = [
        _line(curve, *CURVES[name], (low, high), logarithmic)
        for name, curve in curves.items()
        if any(map(math.isfinite, curve))
    ]
    words = ", ".join(
        f'<tspan fill="{CURVES[name][0]}">{name}</tspan>'
        for name, curve in curves.items()
        if any(map(math.isfinite, curve))
    )
    scale = ", logarithmic" if logarithmic else ""
    text = 'font-size="11" font-family="sans-serif" fill="currentColor"'
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT + 20}" role="img" aria-label="curve of the loss">'
        f'<g transform="translate(0 16)">{"".join(lines)}</g>'
        f'<text x="0" y="11" {text}>{words}, {low:.4g} to {high:.4g}{scale}</text></svg>'
    )


def _line(
    curve: Sequence[float], colour: str, dashes: str, span: tuple[float, float], logarithmic: bool
) -> str:
    low, high = map(math.log, span) if logarithmic else span
    every = -(-len(curve) // MOST_POINTS)
    places = [*range(0, len(curve) - 1, every), len(curve) - 1]
    found = []
    for place in places:
        if math.isfinite(curve[place]):
            value = math.log(curve[place]) if logarithmic else curve[place]
            x = WIDTH * place / max(len(curve) - 1, 1)
            y = HEIGHT * (1 - (value - low) / ((high - low) or 1.0))
            found.append(f"{x:.1f},{y:.1f}")
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    points = " ".join(found)
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'
