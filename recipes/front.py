"""The Python front door: load a recipe, train it, or use it on a model of one's own."""

import os
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import spec
from .errors import RequestError, TrainingFailed
from .record import result as record
from .record.directory import open_run

if TYPE_CHECKING:
    import keras

    from .run.predictions import Predictions
    from .run.reload import OnError
    from .sweep.run.result import SweepResult

Source = str | os.PathLike | Mapping[str, Any]
Overrides = Sequence[str] | Mapping[str, Any]


class Result(record.Result):
    """The outcome of a training, with its model."""

    @cached_property
    def model(self) -> "keras.Model":
        """The trained network, not compiled; it takes raw rows. Loaded at the first use."""
        return _reload(self.directory).model_of(open_run(self.directory))

    def predict(self, rows: Any, *, on_error: "OnError" = "refuse") -> "Predictions":
        """Predictions for raw rows; see `keras_recipes.predict`."""
        return predict(self.directory, rows, on_error=on_error)


class Recipe(spec.Recipe):
    """A recipe that can be trained.

    >>> import keras_recipes
    >>> recipe = keras_recipes.load("digits_mlp", {"epochs": 3})
    >>> recipe.epochs
    3
    >>> recipe
    Recipe(name='digits_mlp', data='digits', layers=4, optimizer='sgd', epochs=3)
    """

    def __repr__(self) -> str:
        return (
            f"Recipe(name={self.name!r}, data={self.data.source.name!r}, "
            f"layers={len(self.model.layers)}, optimizer={self.optimizer.name!r}, "
            f"epochs={self.epochs})"
        )

    __str__ = __repr__

    def train(
        self,
        x: Any = None,
        y: Any = None,
        *,
        out: str | os.PathLike | None = None,
        progress: bool = True,
        raises: bool = True,
        resume: bool = False,
        allow_change: Sequence[str] = (),
    ) -> Result:
        """Train the recipe and write a run directory.

        Args:
            x: rows, for a recipe whose `data.source` is `arrays`.
            y: their targets.
            out: the run directory, new or empty; default `runs/NAME-DATE-TIME`.
            progress: show a progress bar.
            raises: raise where training failed, rather than return a result that says so.
            resume: continue the run in `out`, if there is one, from its last checkpoint.
            allow_change: keys of the recipe that may differ from those of that run.

        Returns:
            The result: status, reason, metrics, and the directory where everything is.

        Raises:
            RequestError: the request is wrong; nothing was written.
            TrainingFailed: training broke or diverged; the result in the run directory says why.
        """
        from .run.prepare import prepare_run

        arrays = None if x is None else (x, y)
        with prepare_run(
            self, out=out, arrays=arrays, resume=resume, allow_change=allow_change
        ) as prepared:
            found = prepared.previous.result
            if found is None:
                _import_tensorflow()
                from .run.ensemble import train_recipe

                found = train_recipe(self, prepared, progress=progress)
        result = Result(**vars(found))
        _report(result)
        if raises and result.status == "failed":
            raise TrainingFailed(f"{result.reason.rstrip('.')}. See {result.directory}.")
        return result

    def fit(
        self,
        model: "keras.Model",
        x: Any,
        y: Any,
        *,
        validation_data: tuple[Any, Any] | None = None,
        progress: bool = True,
    ) -> "keras.callbacks.History":
        """Train a model of your own the way this recipe trains.

        The recipe's optimizer, schedule, clipping, decay, loss, metrics, batch size, epochs and
        callbacks are used; its data and layers are not. The weights of `model` are trained in
        place; the compiled model around it is `history.model`.

        Targets mean what they mean to `model.fit`: class 3 is the unit with index 3, no class is
        renumbered, no number is scaled, and a head may be wider than the classes that occur. Where
        the recipe names no loss, the model's last layer decides:

        - softmax: sparse categorical cross-entropy for class numbers `(rows,)` from 0 to units - 1,
          categorical cross-entropy for `(rows, units)` that sum to 1 in each row, as one-hot rows;
        - sigmoid: binary cross-entropy, for a column from 0 to 1 for each unit;
        - anything else: mean squared error, for a column of numbers for each unit.

        Args:
            model: a built Keras model with one output of shape `(None, units)`.
            x: training rows, first axis counts them.
            y: their targets.
            validation_data: `(x, y)` to validate on after each epoch.
            progress: show a progress bar.

        Returns:
            The history of the fit.

        Raises:
            RequestError: the recipe does not fit the model or the arrays, or a target is none that
                the loss can compare with the output.
        """
        _import_tensorflow()
        from .run.fit import fit as fit_model

        return fit_model(self, model, x, y, validation_data=validation_data, progress=progress)


def _import_tensorflow() -> None:
    """Import TensorFlow before modules that need it: without its start-up output."""
    from .run.backend import use_tensorflow

    use_tensorflow()


def _reload(run: str | os.PathLike) -> Any:
    """The module that evaluates and predicts, imported when there is a run to do so with."""
    open_run(run)
    _import_tensorflow()
    from .run import reload

    return reload


def _report(result: Result) -> None:
    """Write the pages of a run and of its members, unless it was finished and reported before.

    Raises:
        TrainingFailed: the run is completed, but its report cannot be written.
    """
    from ..disk import PATIENCE
    from .record import directory as files
    from .report import write_report

    run = Path(result.directory)
    report, ended = run / files.REPORT, (run / files.RESULT).stat().st_mtime_ns
    if report.exists() and report.stat().st_mtime_ns >= ended:
        return
    # The paths in a result may come from a stranger; members are always below `members/`.
    members = [run / files.MEMBERS / str(index + 1) for index in range(len(result.members))]
    patience = PATIENCE if result.status == "completed" else 0.0
    try:
        for member in members:
            write_report([member], patience=patience)
        write_report([run, *members], patience=patience)
    except RequestError as error:
        if result.status == "completed":
            raise TrainingFailed(
                f"the training is completed and its model is saved, but not its report: {error} "
                f"`keras-recipes report {run}` writes it."
            ) from None
        print(error, file=sys.stderr)


def load(source: Source, overrides: Overrides = (), *, plugins: Sequence[str] = ()) -> Recipe:
    """Read and check a recipe, without importing TensorFlow.

    Args:
        source: path of a YAML file, name of a recipe that ships, or the recipe as a mapping.
        overrides: `["key.path=value", ...]` or `{"key.path": value}`, applied before the check.
        plugins: modules, or paths of Python files, whose classes the recipe may name.

    Returns:
        The recipe, frozen.

    Raises:
        RecipeError: with every mistake in it, each with its place.
    """
    return spec.load(source, overrides, plugins=plugins, into=Recipe)


def train(
    recipe: Source | Recipe,
    overrides: Overrides = (),
    *,
    out: str | os.PathLike | None = None,
    progress: bool = True,
) -> Result:
    """Load a recipe, unless it is loaded, and train it; see `Recipe.train`."""
    if isinstance(recipe, Recipe):
        if overrides:
            raise TypeError(
                "overrides apply while a recipe is loaded; give them to `load`, or give "
                "`train` the path or name of the recipe."
            )
        return recipe.train(out=out, progress=progress)
    return load(recipe, overrides).train(out=out, progress=progress)


def resume(
    run: str | os.PathLike,
    overrides: Overrides = (),
    *,
    x: Any = None,
    y: Any = None,
    plugins: Sequence[str] = (),
    allow_change: Sequence[str] = (),
    progress: bool = True,
    raises: bool = True,
) -> Result:
    """Continue a run that was killed or interrupted, from its last checkpoint.

    On the same machine with the same versions it ends as if it had never been interrupted. A run
    that is completed is left as it is.

    Args:
        run: the run directory.
        overrides: changes to its recipe; each must be in `allow_change`.
        x: rows, for a recipe whose `data.source` is `arrays`.
        y: their targets.
        plugins: modules, or paths of Python files, whose classes the recipe names.
        allow_change: keys of the recipe that may change.
        progress: show a progress bar.
        raises: raise where training failed, rather than return a result that says so.

    Raises:
        RequestError: no run there, another process works on it, its recipe was changed, or none of
            its checkpoints is sound.
        TrainingFailed: training broke or diverged; the result in the run directory says why.
    """
    from .record import directory as files
    from .record.directory import RunDirectory
    from .run.stored_recipe import recipe_of

    path = Path(run)
    if not os.path.isfile(path / files.RECIPE):
        raise RequestError(f"{run}: there is no run to resume; it has no {files.RECIPE}.")
    recipe = recipe_of(RunDirectory(path), overrides, plugins=plugins, into=Recipe)
    return recipe.train(
        x,
        y,
        out=path,
        progress=progress,
        raises=raises,
        resume=True,
        allow_change=allow_change,
    )


def evaluate(
    run: str | os.PathLike,
    on: Any = "test",
    overrides: Overrides = (),
    *,
    on_error: "OnError" = "refuse",
    plugins: Sequence[str] = (),
) -> dict[str, float]:
    """Metrics of a run's model, on a split that its recipe makes or on other rows with targets.

    Args:
        run: the run directory.
        on: `train`, `validation` or `test`; a `.csv` or `.npz` file; a pair `(rows, targets)`; or
            columns by name, the target among them, such as a mapping or a data frame.
        overrides: changes to the recipe, such as the path of data that was moved.
        on_error: `refuse` raises where a row cannot be used; `skip` leaves it out and says so on
            stderr.
        plugins: importable modules whose classes the recipe names.

    Returns:
        The loss and each metric by name.

    Raises:
        RequestError: no run there, no such split, the data is not what the run was trained on, or
            rows cannot be used.
    """
    return _reload(run).evaluate(run, on, overrides, on_error=on_error, plugins=plugins)


def predict(
    run: str | os.PathLike,
    rows: Any,
    *,
    on_error: "OnError" = "refuse",
    plugins: Sequence[str] = (),
) -> "Predictions":
    """Predictions of a run's model for raw rows.

    Args:
        run: the run directory.
        rows: a `.csv`, `.npz` or `.npy` file, an array of rows, or columns by name, such as a
            mapping or a data frame. Columns of a table are found by name, in any order.
        on_error: `refuse` raises where a row cannot be used; `skip` predicts the others.
        plugins: importable modules whose classes the model has.

    Returns:
        The predictions in the order of the rows: `values` (classes by name, or numbers), `outputs`
        (the network's outputs, an array with a column for each class), and `errors` of rows that
        were skipped.

    Raises:
        RequestError: no run there, or rows cannot be used.
    """
    return _reload(run).predict(run, rows, on_error=on_error, plugins=plugins)


def sweep(
    source: Source,
    overrides: Overrides = (),
    *,
    plugins: Sequence[str] = (),
    out: str | os.PathLike | None = None,
    jobs: int | None = None,
    chief: str | None = None,
    lease: float | None = None,
    arrays: tuple[Any, Any] | None = None,
    progress: bool = True,
    raises: bool = True,
) -> "SweepResult":
    """Search over the keys of a recipe; the same call again continues what was interrupted.

    Args:
        source: path of a sweep, name of one that ships, or the sweep as a mapping.
        overrides: changes to keys of the sweep.
        plugins: modules, or paths of Python files, whose classes the recipe may name.
        out: directory of the sweep; default `sweeps/NAME`.
        jobs: trials at once on this machine, each in a process of its own; default the sweep's own
            number. One trains in this process. 0, with `chief`, leaves the work to other machines.
        chief: `HOST:PORT` to answer the workers of other machines at.
        lease: seconds of silence after which a worker counts as dead and its trial goes to
            another; default 30.
        arrays: `(x, y)`, for a recipe whose `data.source` is `arrays`.
        progress: show the trials as they come.
        raises: raise where the search failed, rather than return a result that says so.

    Returns:
        The result: status, best trial, and the directory where everything is.

    Raises:
        RequestError: the sweep is wrong, or its directory holds another one; nothing was trained.
        TrainingFailed: no trial could be completed, too many failed in a row, or the disk stayed
            full.
    """
    from .sweep.spec import load_sweep

    loaded = load_sweep(source, overrides, plugins=plugins)
    from .sweep.run.sweep import run_sweep

    result = run_sweep(
        loaded,
        out=out,
        jobs=jobs,
        chief=chief,
        lease=lease,
        arrays=arrays,
        progress=progress,
    )
    _report_sweep(Path(result.directory))
    if raises and result.status == "failed":
        raise TrainingFailed(f"{result.reason} See {result.directory}.")
    return result


def _report_sweep(directory: Path) -> None:
    """Write the report of a sweep, when there is space for it.

    Raises:
        TrainingFailed: it cannot be written.
    """
    from ..disk import when_there_is_space
    from .sweep.report import write_sweep_report
    from .sweep.run.space import sentence

    try:
        when_there_is_space(lambda: write_sweep_report(directory))
    except OSError as error:
        raise TrainingFailed(sentence(directory, error)) from error
