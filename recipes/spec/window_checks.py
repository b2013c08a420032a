"""What must hold between `data.window` and the other keys of a recipe."""

from collections.abc import Iterator

from .nodes import Path
from .schema import Recipe
from .shape_rules import Shape
from .tables import TABLES
from .tasks import CLASS_LOSSES

Found = Iterator[tuple[Path, str]]
PLACE = ("data", "window")


def rows_of_windows(recipe: Recipe, rows: Shape | None) -> Shape | None:
    """The shape of what the network sees: rows of a table become windows of rows.

    Args:
        rows: shape of one row of the source, as far as it is known.
    """
    window = recipe.data.window
    return rows if window is None or rows is None else (window.inputs, *rows)


def windows_stand_over_a_table(recipe: Recipe) -> Found:
    """Windows need a table in the order of time, and numbers to forecast."""
    section = recipe.data
    if section.window is None:
        return
    if section.source.name not in TABLES:
        yield PLACE, f"`{section.source.name}` is no table with columns; leave `window` out."
    if section.split_by is not None:
        yield ("data", "split_by"), "windows are split by time already; leave `split_by` out."
    for part in ("validation", "test"):
        if not isinstance(getattr(section, part), (int, float, str, type(None))):
            yield (
                ("data", part),
                "windows are cut by time from one table; expected a fraction such as `15%`, a "
                "number of time steps, or null.",
            )
    others = {
        "num_labeled": (section.num_labeled is not None, "is not for windows; leave it out."),
        "targets": (section.targets != "dataset", "windows have the rows after them as targets."),
        "task": (
            section.task not in ("auto", "regression"),
            "windows forecast numbers; leave `task` out.",
        ),
    }
    for key, (given, problem) in others.items():
        if given:
            yield ("data", key), problem
    if section.limit is not None and section.limit < section.window.inputs + section.window.horizon:
        yield (
            ("data", "limit"),
            f"a window has {section.window.inputs} + {section.window.horizon} rows, more than the "
            f"limit. Received {section.limit}.",
        )


def windows_forecast_numbers(recipe: Recipe) -> Found:
    """A forecast is compared as numbers, and an RBM takes rows and no windows."""
    if recipe.data.window is None:
        return
    if recipe.loss is not None and recipe.loss.name in CLASS_LOSSES:
        yield (
            ("loss",),
            f"`{recipe.loss.name}` compares classes, and windows forecast numbers. Use "
            "`mean_squared_error`, or leave `loss` out.",
        )
    if recipe.pretraining is not None:
        yield ("pretraining",), "an RBM takes rows and no windows; leave `pretraining` out."


def columns_of_windows_are_apart(recipe: Recipe) -> Found:
    """A column is the time, the name of the series, or predicted, and no two of these."""
    section, window = recipe.data, recipe.data.window
    if window is None:
        return
    target = section.target or ()
    for key, name in (("time", window.time), ("by", window.by)):
        if name in target:
            yield (*PLACE, key), f"`{name}` is the target, and cannot be the `{key}` too."
    if window.by is not None and window.by == window.time:
        yield (*PLACE, "by"), f"`{window.by}` is the `time`, and cannot be the `by` too."
    for index, name in enumerate(window.known):
        place = (*PLACE, "known", index)
        if name in target:
            yield place, f"`{name}` is the target, which is not known ahead."
        elif _left_out(recipe, name):
            yield place, f"`{name}` is left out by `features`; name it there, or leave it out here."
    if window.known and window.horizon > window.inputs:
        yield (
            (*PLACE, "known"),
            f"columns that are known ahead enter beside the inputs, row by row, and need as many "
            f"`inputs` as the horizon has rows. Received {window.inputs} inputs, horizon "
            f"{window.horizon}.",
        )


def _left_out(recipe: Recipe, name: str) -> bool:
    asked = recipe.data.features
    return asked is not None and asked.get(name, asked.get("*", "drop")) == "drop"
