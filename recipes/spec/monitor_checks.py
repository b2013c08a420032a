"""Values that callbacks monitor, and those that a training logs."""

from collections.abc import Iterator

from .choices import Choice
from .fields import closest, listed
from .heads import heads_of
from .network import Found
from .nodes import is_list
from .schema import Recipe
from .tasks import known_task

# Callbacks that monitor a value, and the one they monitor by default.
MONITORED = {
    "early_stopping": "val_loss",
    "best_checkpoint": "val_loss",
    "reduce_lr_on_plateau": "val_loss",
    "reduce_on_plateau": "val_loss",
    "top_checkpoints": "val_loss",
    "divergence_guard": "loss",
    "fit_diagnosis": "loss",
    "model_checkpoint": "val_loss",
}
# Logged in each epoch beside the loss and the metrics.
ALWAYS_LOGGED = ("loss", "learning_rate", "gradient_norm")


def monitors_are_logged(recipe: Recipe) -> Found:
    """A value that a callback monitors must be one that training logs."""
    for index, callback in enumerate(recipe.callbacks):
        if callback.name not in MONITORED:
            continue
        place = ("callbacks", index, callback.name, "monitor")
        for monitor in _monitored(callback):
            yield from ((place, text) for text in _not_logged(recipe, monitor))


def _monitored(callback: Choice) -> list[str]:
    monitor = callback.arguments.get("monitor", MONITORED[callback.name])
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
