"""The charts of runs that are drawn outside of a page: loss, metrics, rates."""

from collections.abc import Callable, Mapping, Sequence

from ..errors import RequestError
from ..record.metrics import Curve
from ..record.several import ComparedRun, distinct
from . import several, training
from .chart import Chart
from .thin import thinned

EMPTY: Curve = ([], [])


def of_one(curves: Mapping[str, Curve], best: int | None, asked: Sequence[str]) -> list[Chart]:
    """A chart for each metric, and for each rate that changed.

    Args:
        curves: of the run.
        best: its best epoch.
        asked: the metrics to draw; none for all.

    Raises:
        RequestError: there is nothing to draw, or no such metric.
    """
    drawn = {name: thinned(*curve) for name, curve in curves.items()}

    def chart(name: str) -> Chart:
        if name in training.RATES:
            return training.rate(name.replace("_", " "), drawn[name])
        return training.metric(drawn, name, best)

    return _charts(drawn, asked, chart)


def of_several(runs: Sequence[ComparedRun], asked: Sequence[str]) -> list[Chart]:
    """The same of several runs in one chart each, with means and bands over repetitions.

    Raises:
        RequestError: there is nothing to draw, or no such metric.
    """
    names = distinct(runs)
    logged = {key: curve for run in runs for key, curve in run.curves.items()}
    return _charts(logged, asked, lambda name: several.metric(runs, names, name))


def _charts(
    curves: Mapping[str, Curve], asked: Sequence[str], chart: Callable[[str], Chart]
) -> list[Chart]:
    changing = [name for name in training.RATES if len({*curves.get(name, EMPTY)[1]}) > 1]
    known = {name.removeprefix("val_") for name in curves} - training.NOT_CURVES
    names = list(asked) or [*training.metric_names(curves), *changing]
    for name in names:
        if name not in known:
            has = ", ".join(sorted(known)) or "none"
            raise RequestError(f"plot: expected one of {has}. Received {name!r}.")
    if not names:
        raise RequestError("plot: no epoch was finished, so there is nothing to draw.")
    return [chart(name) for name in names]
