"""A finished run, taken up again: its recipe, its model, its data."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from ...messages import logger
from ..errors import RequestError, legible
from ..record import directory as files
from ..record.directory import RunDirectory, check_run_files, opened
from ..spec import Recipe
from ..spec.loader import read
from ..spec.nodes import Node
from ..spec.plugins import load_plugins
from .moved import Overrides, recipe_of
from .plugins import require_plugins
from .saved_model import open_model

if TYPE_CHECKING:
    from .predictions import Predictions

OnError = Literal["refuse", "skip"]
SPLITS = ("train", "validation", "test")
# Rows whose error is said on stderr.
MOST_SAID = 20


def model_of(run: RunDirectory) -> Any:
    """The network that a run saved, not compiled."""
    check_run_files(run.path)
    if not run.has(files.MODEL):
        status = run.read_json(files.RESULT).get("status")
        raise RequestError(
            f"{run.path}: holds no model yet; its status is {status}. "
            f"{run / files.CHECKPOINTS} may hold one of an epoch."
        )
    require_plugins(run)
    return open_model(run.verified(files.MODEL))


def evaluate(
    run: str | os.PathLike,
    on: Any = "test",
    overrides: Overrides = (),
    *,
    on_error: OnError = "refuse",
    plugins: Sequence[str] = (),
) -> dict[str, float]:
    """Metrics of a run's model, on a split that its recipe makes or on other rows with targets.

    Args:
        run: the run directory.
        on: `train`, `validation` or `test`; a `.csv` or `.npz` file; a pair `(rows, targets)`; or
            columns by name, the target among them.
        overrides: changes to the recipe, such as the path of data that was moved.
        on_error: `refuse` raises where a row cannot be used; `skip` leaves it out and says so on
            stderr.
        plugins: importable modules whose classes the recipe names.

    Raises:
        RequestError: no run there, no such split, the data is not what the run was trained on, or
            rows cannot be used.
    """
    where = opened(run)
    recipe = recipe_of(where, overrides, plugins=plugins)
    if isinstance(on, str) and on in SPLITS:
        splits = check_data(where, recipe)
        if getattr(splits, on) is None:
            raise RequestError(f"{where.path}: the recipe makes no {on} split.")
        return measured(recipe, splits, model_of(where), on)
    data = _own_rows(where, recipe, on, on_error)
    return measured(recipe, data, model_of(where), "rows")


def check_data(run: RunDirectory, recipe: Recipe, arrays: tuple[Any, Any] | None = None) -> Any:
    """The data of a run, as it was when the run was trained.

    Raises:
        RequestError: it is not.
    """
    from ..build.inputs import data_of

    data = data_of(recipe, arrays)
    trained_on = run.read_json(files.MANIFEST, "fingerprints")["fingerprints"]["data"]
    if data.fingerprint != trained_on:
        raise RequestError(
            f"{run.path}: the data has changed since this run. Its fingerprint was "
            f"{trained_on[:12]}, now it is {data.fingerprint[:12]}; splits would not be the same."
        )
    return data


@dataclass(frozen=True)
class _OwnRows:
    """Rows that are no split of the recipe, with what `measured` asks of data.

    Attributes:
        target_scaling: that of the training targets, which the loss is measured with.
    """

    task: Any
    classes: tuple[Any, ...]
    num_outputs: int
    rows: Any
    target_scaling: Any = None
    validation: Any = None
    test: Any = None

    @property
    def train(self) -> Any:
        """The rows, whose targets must be such as the loss compares."""
        return self.rows


def _own_rows(run: RunDirectory, recipe: Recipe, given: Any, on_error: OnError) -> _OwnRows:
    from ..data import Split
    from ..data.rows import Reading, rows_of
    from ..data.scale import Scaling

    described = run.read_json(files.DATA)
    own = recipe.data.targets == "dataset"
    found = rows_of(
        given, Reading(described, own, on_error, _arrays(read(run.verified(files.RECIPE))))
    )
    say(found.notes, found.errors)
    y = found.y
    if y is None:  # an autoencoder: the scaled rows themselves
        y = Scaling.from_json(described["scaling"]).apply(found.x).reshape(len(found.x), -1)
    outputs = 1 if y.ndim == 1 else y.shape[1]
    classes = tuple(described["classes"])
    learned = described.get("target_scaling")
    scaling = None if learned is None else Scaling.from_json(learned)
    return _OwnRows(described["task"], classes, outputs, Split(found.x, y), scaling)


def _arrays(recipe: Node) -> tuple[str, str]:
    """Names of the arrays of rows and targets in the recipe's `.npz` file, and in others."""
    arguments = _arguments(recipe, "data", "source", "npz")
    return str(arguments.get("x", "x")), str(arguments.get("y", "y"))


def _arguments(recipe: Node, *keys: str) -> dict[str, Any]:
    """The arguments of a choice in a resolved recipe; none where it has none.

    They are read from the text: a recipe that names classes of a plugin can be checked only where
    the plugin is, and a prediction needs no more of it than this.

    Args:
        keys: that lead to the choice, or to its name; the name is left open where it is not given.
    """
    node: Node | None = recipe
    for key in keys:
        node = None if node is None else node.child(key)
    plain = None if node is None else node.plain()
    if isinstance(plain, dict) and keys[-1] == "loss":
        plain = next(iter(plain.values()), None)
    return plain if isinstance(plain, dict) else {}


def say(notes: Sequence[str], errors: Mapping[int, str]) -> None:
    """What is worth knowing about rows, on stderr."""
    lines = [*notes, *list(errors.values())[:MOST_SAID]]
    if len(errors) > MOST_SAID:
        lines.append(f"and {len(errors) - MOST_SAID} more rows that are skipped.")
    for line in lines:
        logger.warning(legible(line))


def measured(recipe: Recipe, data: Any, model: Any, split: str) -> dict[str, float]:
    """Loss and metrics of a network on a split; empty where there is no such split."""
    chosen = getattr(data, split)
    if chosen is None:
        return {}
    from ..build import task as tasks
    from ..build.experiment import evaluation
    from ..build.metrics import metrics
    from ..build.objects import Builder

    task = tasks.task_of(recipe, data)
    if isinstance(data, _OwnRows):
        task = replace(task, scaling=data.target_scaling)
    builder = Builder(recipe, steps_per_epoch=1)
    model.compile(loss=tasks.loss(recipe, task, builder), metrics=metrics(recipe, task, builder))
    values = model.evaluate(evaluation(chosen, task), verbose=0, return_dict=True)
    return {name: float(value) for name, value in values.items()}


def members(
    run: str | os.PathLike, on: Any = "test", overrides: Overrides = (), **more: Any
) -> list[dict[str, float]]:
    """Metrics of each member of an ensemble, in order; none where the run is no ensemble.

    The arguments are those of `evaluate`.
    """
    where = opened(run)
    count = len(where.read_json(files.RESULT).get("members") or [])
    folders = [where / files.MEMBERS / str(index + 1) for index in range(count)]
    return [evaluate(folder, on, overrides, **more) for folder in folders]


def predict(
    run: str | os.PathLike,
    rows: Any,
    *,
    on_error: OnError = "refuse",
    plugins: Sequence[str] = (),
) -> "Predictions":
    """Predictions for raw rows.

    Args:
        run: the run directory.
        rows: a `.csv`, `.npz` or `.npy` file, an array of rows, or columns by name, such as a
            mapping or a data frame. Columns of a table are found by name, in any order.
        on_error: `refuse` raises where a row cannot be used; `skip` predicts the others, and the
            predictions have an error there.
        plugins: importable modules whose classes the model has.

    Returns:
        The predictions, in the order of the rows.

    Raises:
        RequestError: no run there, or rows cannot be used.
    """
    where = opened(run)
    described = where.read_json(files.DATA, "classes", "columns", "input_shape", "scaling")
    from ..data.rows import Reading, rows_of

    load_plugins(plugins)
    written = read(where.verified(files.RECIPE))
    found = rows_of(rows, Reading(described, on_error=on_error, arrays=_arrays(written)))
    from ..data.order import batches_of
    from .predictions import predictions

    # Keras rounds an array to 32 bits before a model that takes 64 sees it; a dataset it does not.
    outputs = model_of(where).predict(batches_of(found.x), verbose=0)
    made = predictions(outputs, described, usable=found.usable)
    return replace(made, errors=found.errors, notes=found.notes)
