"""The curves of a run as a figure; plotly and matplotlib are imported for it alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .record import directory as files
from .record.directory import open_run, read_result
from .record.metrics import curves, read_metrics
from .record.several import read_run
from .report import curve_charts

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from plotly.graph_objects import Figure as Interactive

    from .report.chart import Chart


def plot_run(path: Path, metrics: Sequence[str], *, static: bool) -> "Interactive | Figure":
    """The figure of `Run.plot`."""
    run = open_run(path)
    parts = files.parts_of(run)
    if parts:
        found = curve_charts.of_several([read_run(part.path) for part in parts], metrics)
    else:
        best = read_result(run).best_epoch
        found = curve_charts.of_one(curves(read_metrics(run.path)), best, metrics)
    return drawn(found, static=static)


def drawn(charts: "Sequence[Chart]", *, static: bool) -> "Interactive | Figure":
    """A figure of plotly; of matplotlib where that is asked for, or plotly is not there."""
    if not static:
        try:
            from .report.interactive import figure
        except ImportError:
            pass
        else:
            return figure(charts)
    from .report.static import picture

    return picture(charts)
