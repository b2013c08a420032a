"""The errors of a forecast at each step of its horizon, beside those of the seasonal-naive."""

from collections.abc import Mapping, Sequence

from . import markup
from .markup import number, text

SPLITS = ("validation", "test")


def section(horizon: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """The page's part about the forecasts of one run; empty where it made none.

    Args:
        horizon: split -> name -> error at each step, as in `result.json`.
    """
    parts = [table(split, horizon[split]) for split in SPLITS if horizon.get(split)]
    return f"<h3>Errors at each step of the horizon</h3>{''.join(parts)}" if parts else ""


def table(split: str, errors: Mapping[str, Sequence[float]]) -> str:
    """A row for each step."""
    names = [name.replace("seasonal_naive_", "seasonal-naive ") for name in errors]
    rows = [
        f'<th scope="row">{step}</th>{"".join(map(number, row))}'
        for step, row in enumerate(zip(*errors.values(), strict=False), start=1)
    ]
    return f"<p>{text(split)}</p>{markup.table(('step', *names), rows)}"
