"""What must hold between the keys of a recipe: one function each, named for what it demands."""

from collections.abc import Callable

from ..errors import Problem
from .backbone_checks import backbones_take_pictures, cached_features_stay_the_same
from .batches import rows_an_update
from .choices import Choice, Residual
from .folds import folds_fit
from .graph import (
    graphs_stand_alone,
    inputs_are_known,
    parts_make_a_graph,
    words_enter_alone,
)
from .graph_shapes import parts_fit_one_another
from .heads import outputs_have_targets, outputs_stand_alone
from .monitor_checks import monitors_are_logged
from .network import Found, layers_can_stand_in_a_list, lists_of_layers
from .network_shapes import layers_follow_one_another
from .nodes import Node
from .phase_checks import (
    frozen_layers_exist,
    phases_add_up,
    phases_unfreeze_what_is_frozen,
    rates_are_used,
)
from .pictures import mixed_targets_fit_loss, pictures_can_be_augmented
from .rate_checks import one_owner_of_the_rate, warm_up_ends_within_the_run
from .schema import Recipe
from .sections import DEFAULT_PART
from .tables import csv_arguments_are_sound, tables_have_targets
from .target_checks import balance_fits_task, classes_fit_task, threshold_fits_task
from .tasks import CLASS_LOSSES, REGRESSION_SOURCES, metrics_fit_task
from .tokens import tokens_have_a_network
from .window_checks import (
    columns_of_windows_are_apart,
    windows_forecast_numbers,
    windows_stand_over_a_table,
)

Check = Callable[[Recipe], Found]


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
