"""A chart of a page: traces of plotly.js as plain data, with a legend, and its numbers as text."""

import html
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import printable
from .markup import text

# A trace and a layout of plotly.js, as the keys and values that it takes.
Trace = dict[str, Any]
Layout = Mapping[str, Any]
# Positions along an axis: numbers, None for a gap, or the names of categories.
Values = Sequence[float | None] | Sequence[str]
# Colours stand in page.css, once for light and once for dark pages.
COLOURS = 8


@dataclass(frozen=True)
class LegendEntry:
    """A line of a legend.

    Attributes:
        label: as plain text.
        colour: as `colour` gives it.
        traces: the traces that it shows and hides.
        dashed: how their line is drawn.
    """

    label: str
    colour: str
    traces: tuple[int, ...]
    dashed: bool = False


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes:
        title: as plain text.
        traces: of plotly.js; what they show of a run is written with `shown`.
        layout: of plotly.js.
        legend: empty where the title says it all.
        numbers: HTML of a table with what the chart shows.
        note: a sentence below it, as plain text.
        wide: whether it takes the whole width of a page.
    """

    title: str
    traces: Sequence[Trace]
    layout: Layout = field(default_factory=dict)
    legend: Sequence[LegendEntry] = ()
    numbers: str = ""
    note: str = ""
    wide: bool = False

    def __str__(self) -> str:
        """The chart as HTML."""
        buttons = "".join(map(_button, self.legend))
        legend = f'<div class="legend">{buttons}</div>' if buttons else ""
        note = f'<p class="note">{text(self.note)}</p>' if self.note else ""
        table = f"<details><summary>numbers</summary>{self.numbers}</details>"
        content = embedded({"data": list(self.traces), "layout": dict(self.layout)})
        return (
            f'<figure class="chart{" wide" if self.wide else ""}">'
            f"<figcaption>{text(self.title)}</figcaption>{legend}"
            f'<div class="plot" role="img" aria-label="{text(f"chart: {self.title}")}"></div>'
            f'<script type="application/json">{content}</script>'
            f"{note}{table if self.numbers else ''}</figure>"
        )


def _button(entry: LegendEntry) -> str:
    dash = ' stroke-dasharray="5 3"' if entry.dashed else ""
    line = f'<path d="M0 5H24" stroke="var(--{entry.colour[1:]})" stroke-width="3"{dash}/>'
    traces = " ".join(map(str, entry.traces))
    return (
        f'<button type="button" aria-pressed="true" data-traces="{traces}">'
        f'<svg viewBox="0 0 24 10" aria-hidden="true">{line}</svg>{text(entry.label)}</button>'
    )


def charts(found: Sequence[Chart]) -> str:
    """Charts beside and below one another."""
    return f'<div class="charts">{"".join(map(str, found))}</div>' if found else ""


def colour(index: int) -> str:
    """The colour of the first, second, ... line of a chart."""
    return f"@c{index % COLOURS}"


def shown(words: object) -> str:
    """A text as plotly.js shows it to the letter: it takes some elements of HTML for markup.

    >>> shown("<b>x")
    '&lt;b&gt;x'
    """
    return html.escape(printable(str(words)), quote=False)


def embedded(value: object) -> str:
    """JSON to stand inside a script element: no text of it ends that element.

    A number that is not finite becomes null, a gap.

    >>> embedded(["</script>", float("nan")])
    '["\\\\u003c/script\\\\u003e",null]'
    """
    try:
        content = json.dumps(value, separators=(",", ":"), allow_nan=False)
    except ValueError:
        content = json.dumps(_finite(value), separators=(",", ":"), allow_nan=False)
    for letter in "<>&":
        content = content.replace(letter, f"\\u{ord(letter):04x}")
    return content


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def line(
    x: Values,
    y: Values,
    name: str,
    of: str,
    *,
    dashed: bool = False,
    **more: object,
) -> Trace:
    """A line; a point alone is drawn as one.

    Args:
        name: as plain text.
        of: its colour.
        more: further keys of the trace.
    """
    mode = "lines" if len(x) > 2 else "lines+markers"
    stroke = {"color": of, "width": 2, **({"dash": "dash"} if dashed else {})}
    return {
        "type": "scatter", "mode": mode, "x": list(x), "y": list(y), "name": shown(name),
        "line": stroke, "marker": {"color": of}, **more,
    }  # fmt: skip


def points(
    x: Values,
    y: Values,
    name: str,
    of: str | Sequence[str | float],
    *,
    size: float | Sequence[float] = 6,
    **more: object,
) -> Trace:
    """Points; arguments as of `line`."""
    return {
        "type": "scatter", "mode": "markers", "x": list(x), "y": list(y), "name": shown(name),
        "marker": {"color": of, "size": size, "opacity": 0.75}, **more,
    }  # fmt: skip


def spans_decades(values: Sequence[float]) -> bool:
    """Whether positive values are read better by their order of magnitude."""
    return bool(values) and min(values) > 0 and max(values) > 100 * min(values)
