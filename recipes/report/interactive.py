"""Charts as one figure of the package plotly, outside of a page; its import takes a second."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from .chart import Chart, shown
from .static import ACROSS, HEIGHT, fixed_colour, marks

# The page of the notebook behind it may be light or dark.
CLEAR, GRID = "rgba(0,0,0,0)", "rgba(128,128,128,0.25)"


def figure(charts: Sequence[Chart]) -> go.Figure:
    """The charts beside and below one another, with one legend."""
    across = min(ACROSS, len(charts))
    rows = -(-len(charts) // across)
    titles = [shown(chart.title) for chart in charts]
    made = make_subplots(rows=rows, cols=across, subplot_titles=titles)
    in_legend: set[str] = set()
    for index, chart in enumerate(charts):
        place: dict[str, Any] = {"row": index // across + 1, "col": index % across + 1}
        for trace in chart.traces:
            name = str(trace.get("name", ""))
            grouped = {"legendgroup": name, "showlegend": bool(name) and name not in in_legend}
            in_legend.add(name)
            made.add_trace(_painted({**trace, **grouped}), **place)
        made.update_xaxes(_painted(chart.layout.get("xaxis", {})), **place)
        made.update_yaxes(_painted(chart.layout.get("yaxis", {})), **place)
        for epoch, words in marks(chart):
            made.add_vline(
                x=epoch, line=_painted({"color": "@soft", "dash": "dot", "width": 1}),
                annotation_text=words, annotation_font_size=10, **place,
            )  # fmt: skip
    made.update_xaxes(gridcolor=GRID, zeroline=False)
    made.update_yaxes(gridcolor=GRID, zeroline=False, exponentformat="power")
    made.update_layout(
        height=HEIGHT * rows + 60, showlegend=len(in_legend) > 1, hovermode="closest",
        paper_bgcolor=CLEAR, plot_bgcolor=CLEAR, font_color=fixed_colour("@soft"),
        margin={"l": 50, "r": 12, "t": 40, "b": 40},
    )  # fmt: skip
    return made


def _painted(value: object) -> object:
    """With the colours that a page has for `@c0` and others."""
    if isinstance(value, str) and value[:1] == "@":
        return fixed_colour(value)
    if isinstance(value, Mapping):
        return {key: _painted(item) for key, item in value.items()}
    return value
