"""Values that callbacks monitor, and those that a training logs."""

from collections.abc import Iterator

from . import catalog
from .choices import Choice
from .heads import heads_of
from .network import Found
from .nodes import is_list
from .schema import Recipe
from .tasks import known_task
from .wording import closest, listed

# Logged in each epoch beside the loss and the metrics.
ALWAYS_LOGGED = ("loss", "learning_rate", "gradient_norm")


def monitors_are_logged(recipe: Recipe) -> Found:
    """A value that a callback monitors must be one that training logs."""
    for index, callback in enumerate(recipe.callbacks):
        if catalog.entry("callbacks", callback.name).plugin is not None:
            continue  # it may monitor what it logs itself
        place = ("callbacks", index, callback.name, "monitor")
        for monitor in monitored(callback):
            yield from ((place, text) for text in _not_logged(recipe, monitor))


def monitored(callback: Choice) -> list[str]:
    """The values that a callback monitors, by its argument `monitor` or the default of it."""
    argument = catalog.entry("callbacks", callback.name).arguments.get("monitor")
    if argument is None:
        return []
    monitor = callback.arguments.get("monitor", argument.default)
    monitors = monitor if is_list(monitor) else [monitor]
    return [word for word in monitors if isinstance(word, str)]


def _not_logged(recipe: Recipe, monitor: str) -> Iterator[str]:
    base = monitor.removeprefix("val_")
    validated = recipe.data.validation is not None or recipe.data.folds is not None
    if monitor.startswith("val_") and not validated:
        yield (
            f"`{monitor}` needs validation rows, and `data.validation` is null. Monitor "
            f"`{base}`, or set `data.validation`."
        )
        return
    known = logged(recipe)
    if base not in known:
        close = closest(base, known) or known
        prefix = "val_" if monitor.startswith("val_") else ""
        yield (
            f"`{monitor}` is not logged by this recipe. Did you mean "
            f"{listed([prefix + name for name in close])}?"
        )


def logged(recipe: Recipe) -> list[str]:
    """Names that training logs, without `val_`."""
    heads = {name: _metrics(head) for name, head in heads_of(recipe).items()}
    own = [f"{name}_{metric}" for name, found in heads.items() for metric in ("loss", *found)]
    return [*ALWAYS_LOGGED, *(own if heads else _metrics(recipe))]


def _metrics(recipe: Recipe) -> list[str]:
    """Names of the metrics of a recipe with one output."""
    if recipe.metrics is None:
        task = known_task(recipe)
        defaults = {
            "classification": ["accuracy"],
            "multilabel": ["accuracy", "auc"],
            "regression": ["rmse", "mae"],
            "ordinal": ["accuracy", "rank_mae"],
            "count": ["rmse", "mae"],
            None: ["accuracy", "auc", "rmse", "mae"],
        }
        return defaults[task]
    return [str(metric.arguments.get("name", metric.name)) for metric in recipe.metrics]
