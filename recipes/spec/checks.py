"""What must hold between the keys of a recipe: one function each, named for what it demands."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..errors import Problem
from .backbone_checks import backbones_take_pictures, cached_features_stay_the_same
from .batches import rows_an_update
from .choices import Choice, Residual
from .durations import Duration
from .fields import closest, listed
from .folds import folds_fit
from .graph import (
    graphs_stand_alone,
    inputs_are_known,
    parts_make_a_graph,
    words_enter_alone,
)
from .graph_shapes import parts_fit_one_another
from .heads import heads_of, outputs_have_targets, outputs_stand_alone
from .network import (
    Found,
    layers_can_stand_in_a_list,
    layers_follow_one_another,
    lists_of_layers,
)
from .nodes import Node, Path, is_list
from .phase_checks import (
    frozen_layers_exist,
    phases_add_up,
    phases_unfreeze_what_is_frozen,
    rates_are_used,
)
from .pictures import mixed_targets_fit_loss, pictures_can_be_augmented
from .schema import Recipe
from .sections import DEFAULT_PART
from .source_files import csv_arguments_are_sound, tables_have_targets
from .target_checks import balance_fits_task, classes_fit_task, threshold_fits_task
from .tasks import CLASS_LOSSES, REGRESSION_SOURCES, known_task, metrics_fit_task
from .tokens import tokens_have_a_network
from .window_checks import (
    columns_of_windows_are_apart,
    windows_forecast_numbers,
    windows_stand_over_a_table,
)

Check = Callable[[Recipe], Found]

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


def problems(recipe: Recipe, tree: Node, broken: frozenset[str]) -> list[Problem]:
    """Every problem between sections, leaving out those that touch a broken section."""
    return [
        tree.problem(path, message)
        for check, needs in CHECKS
        if not broken & needs
        for path, message in check(recipe)
    ]


def loss_fits_source(recipe: Recipe) -> Found:
    """A loss for classes needs classes."""
    if recipe.loss is None or recipe.loss.name not in CLASS_LOSSES:
        return
    source = recipe.data.source.name
    if source in REGRESSION_SOURCES and recipe.data.targets == "dataset":
        yield (
            ("loss",),
            f"`{recipe.loss.name}` compares classes, and `{source}` has numbers to predict. "
            "Use `mean_squared_error`, or leave `loss` out.",
        )


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


def one_owner_of_the_rate(recipe: Recipe) -> Found:
    """A callback that cuts the rate needs one that it can cut."""
    rate: Any = recipe.learning_rate
    schedule = rate.name if isinstance(rate, Choice) else None
    of_phases = [p.learning_rate for p in recipe.phases if p.learning_rate is not None]
    if of_phases or any(phase.optimizer == "fresh" for phase in recipe.phases):
        rate, schedule = [rate, *of_phases], "phases"
    for index, callback in enumerate(recipe.callbacks):
        if callback.name == "reduce_lr_on_plateau" and schedule is not None:
            yield (
                ("callbacks", index),
                f"`reduce_lr_on_plateau` cannot cut a rate that the schedule `{schedule}` decides. "
                "Use `reduce_on_plateau`, and `learning_rate: {plateau: {schedule: ...}}`.",
            )
        needs_plateau = callback.name == "reduce_on_plateau" or (
            callback.name == "divergence_guard" and schedule is not None
        )
        if needs_plateau and not _holds(rate, "plateau"):
            yield (
                ("callbacks", index),
                f"`{callback.name}` cuts the factor of a `plateau`, which the learning rate does "
                "not hold. Write `learning_rate: {plateau: {schedule: ...}}`.",
            )


def one_interval_of_checkpoints(recipe: Recipe) -> Found:
    """A periodic checkpoint counts epochs, steps or minutes."""
    units = ("epochs", "steps", "minutes")
    for index, callback in enumerate(recipe.callbacks):
        if callback.name == "periodic_checkpoint":
            given = [unit for unit in units if callback.arguments.get(unit) is not None]
            if len(given) != 1:
                yield (
                    ("callbacks", index),
                    "expected one of `epochs`, `steps` and `minutes`, as in "
                    "`periodic_checkpoint: {epochs: 10}`. "
                    f"Received {' and '.join(f'`{unit}`' for unit in given) or 'none'}.",
                )


def _holds(value: object, name: str) -> bool:
    """Whether a choice, or one inside it, has a name."""
    if isinstance(value, Choice):
        return value.name == name or any(_holds(item, name) for item in value.arguments.values())
    return is_list(value) and any(_holds(item, name) for item in value)


def batch_fits_limit(recipe: Recipe) -> Found:
    """A batch cannot be larger than all the rows."""
    size, limit = rows_an_update(recipe.data.batch_size), recipe.data.limit
    if isinstance(size, int) and limit is not None and size > limit:
        yield (
            ("data", "batch_size"),
            f"a batch of {size} rows is larger than the limit of {limit}. Received {size}.",
        )


def splits_leave_rows(recipe: Recipe) -> Found:
    """Validation and test together must leave rows to train on."""
    validation = None if recipe.data.folds is not None else recipe.data.validation
    if validation == "auto" and recipe.data.source.name != "image_folder":
        validation = DEFAULT_PART
    parts = [validation, recipe.data.test]
    fractions = [part for part in parts if isinstance(part, float)]
    if sum(fractions) >= 1:
        yield (
            ("data", "test"),
            f"`validation` and `test` take {sum(fractions):.0%} of the rows; none are left to "
            "train on.",
        )
    counts = sum(part for part in parts if isinstance(part, int))
    if recipe.data.limit is not None and counts >= recipe.data.limit:
        yield (
            ("data", "test"),
            f"`validation` and `test` take {counts} rows and `limit` keeps {recipe.data.limit}; "
            "none are left to train on.",
        )


def arrays_have_no_own_files(recipe: Recipe) -> Found:
    """`arrays` come from Python, so they cannot be a split's own source."""
    for part in ("validation", "test"):
        choice = getattr(recipe.data, part)
        if isinstance(choice, Choice) and choice.name == "arrays":
            yield ("data", part), "`arrays` can only be the source as a whole."


# Schedules that begin with a warm-up, and the argument that is its length.
WARMUPS = {"warmup": "steps", "warmup_stable_decay": "warmup_steps", "noam": "warmup_steps"}


class Warmup(NamedTuple):
    """A rise of the learning rate from the beginning of a schedule.

    Attributes:
        place: where its length stands in the recipe.
        steps: its length.
        before: durations that pass before it begins, in sequences of schedules.
    """

    place: Path
    steps: Duration
    before: tuple[Duration, ...]


def warmups(value: Any, place: Path, before: tuple[Duration, ...] = ()) -> Iterator[Warmup]:
    """Every warm-up in a schedule and in those inside of it.

    Args:
        value: a schedule, or any argument of one.
        place: where it stands in the recipe.
        before: durations that pass before it begins.
    """
    if is_list(value):
        for index, item in enumerate(value):
            yield from warmups(item, (*place, index), before)
    if not isinstance(value, Choice):
        return
    inner = (*place, value.name)
    steps = value.arguments.get(WARMUPS.get(value.name, ""))
    if isinstance(steps, Duration):
        yield Warmup((*inner, WARMUPS[value.name]), steps, before)
    for name, argument in value.arguments.items():
        if (value.name, name) == ("sequential", "schedules"):
            starts = [(), *((*before, start) for start in value.arguments["boundaries"])]
            for index, (item, start) in enumerate(zip(argument, starts, strict=False)):
                yield from warmups(item, (*inner, name, index), start or before)
        else:
            yield from warmups(argument, (*inner, name), before)


def warm_up_ends_within_the_run(recipe: Recipe) -> Found:
    """A warm-up that lasts as long as the run never reaches its rate."""
    for warmup in warmups(recipe.learning_rate, ("learning_rate",)):
        if _whole_run(warmup.steps, recipe.epochs):
            yield (
                warmup.place,
                f"the warm-up takes the whole run of {recipe.epochs} epochs. "
                f"Received {warmup.steps}.",
            )
    for index, phase in enumerate(recipe.phases):
        for warmup in warmups(phase.learning_rate, ("phases", index, "learning_rate")):
            if _whole_run(warmup.steps, phase.epochs):
                yield (
                    warmup.place,
                    f"the warm-up takes the whole phase of {phase.epochs} epochs. "
                    f"Received {warmup.steps}.",
                )


def _whole_run(duration: Duration, epochs: int) -> bool:
    if duration.unit == "%":
        return duration.amount >= 100
    return duration.unit == "epochs" and duration.amount >= epochs


def clipping_has_a_bound(recipe: Recipe) -> Found:
    """Clipping without a bound would do nothing."""
    clipping = recipe.gradient_clipping
    if clipping is None:
        return
    bounds = {name for name, bound in clipping.arguments.items() if bound is not None}
    if bounds <= {"nonfinite"}:
        yield (
            ("gradient_clipping",),
            "needs a bound, such as `value`, `norm` or `global_norm`: `{global_norm: 1.0}`.",
        )


def decay_has_a_rate(recipe: Recipe) -> Found:
    """A decay without a rate and without a bound on the weights would do nothing."""
    decay = recipe.weight_decay
    if decay is not None and decay.arguments.get("rate") is decay.arguments.get("max_norm") is None:
        yield ("weight_decay",), "needs a `rate` or a `max_norm`: `{rate: 1.0e-4}`."


def blocks_have_layers(recipe: Recipe) -> Found:
    """A network needs a layer, unless the output layer alone is meant, which is an empty list."""
    for path, layers in lists_of_layers(recipe.model):
        for index, layer in enumerate(layers):
            if isinstance(layer, Residual) and not layer.layers:
                yield ("model", *path, index), "a residual block needs at least one layer."


CHECKS: list[tuple[Check, frozenset[str]]] = [
    (loss_fits_source, frozenset({"loss", "data"})),
    (metrics_fit_task, frozenset({"loss", "metrics", "data"})),
    (classes_fit_task, frozenset({"loss", "data"})),
    (balance_fits_task, frozenset({"loss", "data"})),
    (threshold_fits_task, frozenset({"data"})),
    (monitors_are_logged, frozenset({"callbacks", "metrics"})),
    (one_owner_of_the_rate, frozenset({"callbacks", "learning_rate"})),
    (one_interval_of_checkpoints, frozenset({"callbacks"})),
    (batch_fits_limit, frozenset({"data"})),
    (csv_arguments_are_sound, frozenset({"data"})),
    (tables_have_targets, frozenset({"data"})),
    (windows_stand_over_a_table, frozenset({"data"})),
    (windows_forecast_numbers, frozenset({"data", "loss", "pretraining"})),
    (columns_of_windows_are_apart, frozenset({"data"})),
    (splits_leave_rows, frozenset({"data"})),
    (folds_fit, frozenset({"data", "ensemble"})),
    (arrays_have_no_own_files, frozenset({"data"})),
    (warm_up_ends_within_the_run, frozenset({"learning_rate", "epochs", "phases"})),
    (phases_add_up, frozenset({"phases", "epochs"})),
    (phases_unfreeze_what_is_frozen, frozenset({"phases"})),
    (rates_are_used, frozenset({"phases", "learning_rate"})),
    (frozen_layers_exist, frozenset({"phases", "model", "data"})),
    (clipping_has_a_bound, frozenset({"gradient_clipping"})),
    (decay_has_a_rate, frozenset({"weight_decay"})),
    (parts_make_a_graph, frozenset({"model"})),
    (inputs_are_known, frozenset({"model", "data"})),
    (words_enter_alone, frozenset({"model", "data"})),
    (outputs_have_targets, frozenset({"model", "data"})),
    (outputs_stand_alone, frozenset({"model", "data", "loss", "metrics"})),
    (graphs_stand_alone, frozenset({"model", "data", "pretraining"})),
    (blocks_have_layers, frozenset({"model"})),
    (layers_can_stand_in_a_list, frozenset({"model"})),
    (layers_follow_one_another, frozenset({"model", "data"})),
    (backbones_take_pictures, frozenset({"model", "data", "pretraining"})),
    (tokens_have_a_network, frozenset({"model", "data"})),
    (cached_features_stay_the_same, frozenset({"model", "data", "phases"})),
    (parts_fit_one_another, frozenset({"model", "data"})),
    (pictures_can_be_augmented, frozenset({"model", "data"})),
    (mixed_targets_fit_loss, frozenset({"loss", "data"})),
]
