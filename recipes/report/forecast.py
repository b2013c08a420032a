"""Forecasts beside the truth and the seasonal-naive, and their errors at each step."""

from collections.abc import Mapping, Sequence

from ..record.contents import ForecastWindow, JSONObject
from . import markup
from .chart import Chart, LegendEntry, charts, colour, line
from .markup import number, text

SPLITS = ("validation", "test")


def section(
    horizon: Mapping[str, Mapping[str, Sequence[float]]],
    evidence: JSONObject | None = None,
) -> str:
    """The page's part about the forecasts of one run; empty where it made none.

    Args:
        horizon: split -> name -> error at each step, as in `result.json`.
        evidence: `evidence.json`; empty of an older run.
    """
    found = [split for split in SPLITS if horizon.get(split)]
    if not found:
        return ""
    windows = (evidence or {}).get(found[-1], {}).get("windows", [])
    drawn = [window(each, found[-1]) for each in windows]
    drawn += by_step(horizon[found[-1]], found[-1])
    parts = [table(split, horizon[split]) for split in found]
    return f"{charts(drawn)}<h3>Errors at each step of the horizon</h3>{''.join(parts)}"


LINES = (("actual", "@ink"), ("forecast", colour(1)), ("naive", colour(0)))


def window(found: ForecastWindow, split: str) -> Chart:
    """The last values before a forecast, the true ones after it, and those forecast."""
    seen = found["before"]
    traces = [line(list(range(1 - len(seen), 1)), seen, "before", "@soft")]
    entries = [LegendEntry("before", "@soft", (0,))]
    for index, (name, of) in enumerate(LINES, start=1):
        steps = list(range(1, len(found[name]) + 1))
        words = "seasonal-naive" if name == "naive" else name
        traces.append(line(steps, found[name], words, of, dashed=name == "naive"))
        entries.append(LegendEntry(words, of, (index,), dashed=name == "naive"))
    layout = {"xaxis": {"title": {"text": "step of the horizon"}}, "hovermode": "x unified"}
    return Chart(f"forecast from row {found['row']}, {split} rows", traces, layout, entries)


def by_step(errors: Mapping[str, Sequence[float]], split: str) -> list[Chart]:
    """The mean absolute error at each step, beside that of the seasonal-naive."""
    names = [name for name in errors if name.endswith("mae")]
    traces, entries = [], []
    for index, name in enumerate(names):
        words = _title(name)
        traces.append(
            line(list(range(1, len(errors[name]) + 1)), errors[name], words, colour(index))
        )
        entries.append(LegendEntry(words, colour(index), (index,)))
    layout = {"xaxis": {"title": {"text": "step of the horizon"}}, "yaxis": {"rangemode": "tozero"}}
    return [Chart(f"error at each step, {split} rows", traces, layout, entries)] if traces else []


def _title(name: str) -> str:
    return name.replace("seasonal_naive_", "seasonal-naive ")


def table(split: str, errors: Mapping[str, Sequence[float]]) -> str:
    """A row for each step."""
    rows = [
        f'<th scope="row">{step}</th>{"".join(map(number, row))}'
        for step, row in enumerate(zip(*errors.values(), strict=False), start=1)
    ]
    content = markup.table(("step", *map(_title, errors)), rows)
    return f"<details><summary>{text(split)}</summary>{content}</details>"
