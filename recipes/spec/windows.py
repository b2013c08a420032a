"""The section `data.window`: windows over the rows of series."""

from typing import Literal

from pydantic import Field as Key

from .strict import Count, Strict


class WindowSection(Strict):
    """Windows over the rows of one or several series, to forecast the rows that follow."""

    inputs: Count = Key(description="rows that the network sees")
    horizon: Count = Key(description="rows after them whose targets it forecasts")
    time: str | None = Key(
        None,
        min_length=1,
        description="column of times that rows are sorted by, evenly spaced; by default rows are "
        "in order",
    )
    by: str | None = Key(None, min_length=1, description="column that tells several series apart")
    stride: Count = Key(1, description="rows from the beginning of a window to that of the next")
    season: Count | None = Key(
        None,
        description="rows of a season, for the seasonal-naive forecast; by default a day, else a "
        "week, of rows that are dated, a year of months, else 1",
    )
    known: list[str] = Key(
        [], description="columns whose values over the horizon are known when a forecast is made"
    )
    gaps: Literal["split", "bridge"] = Key(
        "split",
        description="what windows do where rows are farther apart than elsewhere: end there, or "
        "continue over the gap",
    )
