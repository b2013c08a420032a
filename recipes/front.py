"""The Python functions of the package: load, train, evaluate, predict, export and others."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import spec
from .errors import RequestError, TrainingFailed
from .export.source import read_source
from .inputs import Arrays, Overrides, Source
from .lazy import finished_runs, import_tensorflow
from .spec.tracking import added_trackers
from .trainable import Recipe, Result, reported

if TYPE_CHECKING:
    from .data.reading import OnError
    from .export.export import Exported
    from .export.subject import Samples
    from .run.predictions import Predictions
    from .sweep.run.result import SweepResult


def load(source: Source, overrides: Overrides = (), *, plugins: Sequence[str] = ()) -> Recipe:
    """Read and check a recipe, without importing TensorFlow.

    Args:
        source: path of a YAML file or of an exported model, name of a recipe that ships, or the
            recipe as a mapping.
        overrides: `["key.path=value", ...]` or `{"key.path": value}`, applied before the check.
        plugins: modules, or paths of Python files, whose classes the recipe may name.

    Returns:
        The recipe, frozen.

    Raises:
        RecipeError: with every mistake in it, each with its place.
    """
    return spec.load(read_source(source), overrides, plugins=plugins, into=Recipe)


def train(
    recipe: Source | Recipe,
    overrides: Overrides = (),
    *,
    out: str | os.PathLike | None = None,
    progress: bool = True,
    track: Sequence[str] = (),
    devices: int | str | None = None,
    exact_shards: int | None = None,
) -> Result:
    """Load a recipe, unless it is loaded, and train it; see `Recipe.train`."""
    if not isinstance(recipe, Recipe):
        recipe = load(recipe, overrides)
    elif overrides:
        raise TypeError(
            "overrides apply while a recipe is loaded; give them to `load`, or give "
            "`train` the path or name of the recipe."
        )
    return recipe.train(
        out=out, progress=progress, track=track, devices=devices, exact_shards=exact_shards
    )


def resume(
    run: str | os.PathLike,
    overrides: Overrides = (),
    *,
    x: object = None,
    y: object = None,
    plugins: Sequence[str] = (),
    allow_change: Sequence[str] = (),
    track: Sequence[str] = (),
    progress: bool = True,
    raises: bool = True,
    devices: int | str | None = None,
    exact_shards: int | None = None,
    worker_timeout: float | None = None,
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
        track: experiment trackers beside those that the run has.
        progress: show a progress bar.
        raises: raise where training failed, rather than return a result that says so.
        devices: as in `Recipe.train`, whatever number there was before.
        exact_shards: as in `Recipe.train`.
        worker_timeout: as in `Recipe.train`.

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
        track=track,
        devices=devices,
        exact_shards=exact_shards,
        worker_timeout=worker_timeout,
    )


def branch(
    run: str | os.PathLike,
    at: int | str,
    overrides: Overrides = (),
    *,
    out: str | os.PathLike | None = None,
    x: object = None,
    y: object = None,
    plugins: Sequence[str] = (),
    progress: bool = True,
    raises: bool = True,
) -> Result:
    """Start a new run from the state that another one had at a step, with changes to its recipe.

    The new run begins with the newest state of the other one that is not after the step, and is
    trained with its recipe up to the step. It is what a run of the changed recipe would be, bit for
    bit, wherever that computes the same up to there, as with another cooldown of a schedule.

    Args:
        run: directory of the other run, which stays as it is.
        at: `"60%"`, `"3 epochs"`, or a number of optimizer updates; training leaves the other run
            where the execution ends that this update is in.
        overrides: changes to its recipe, from there on.
        out: the new run directory; default `runs/NAME-DATE-TIME`.
        x: rows, for a recipe whose `data.source` is `arrays`.
        y: their targets.
        plugins: modules, or paths of Python files, whose classes the recipe names.
        progress: show a progress bar.
        raises: raise where training failed, rather than return a result that says so.

    Raises:
        RequestError: no run there, it ended before the step, or `out` is not empty.
        TrainingFailed: training broke or diverged; the result in the run directory says why.
    """
    from .spec.durations import Duration

    try:
        place = Duration.parse(at)
    except ValueError as error:
        raise RequestError(f"at: {error}. Received: {at!r}") from None
    import_tensorflow()
    from .run.branch import branch as start

    arrays = None if x is None else (x, y)
    result = start(
        run, place, overrides, out=out, arrays=arrays, plugins=plugins, progress=progress
    )
    return reported(result, raises)


def evaluate(
    run: str | os.PathLike,
    on: object = "test",
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
    return finished_runs(run).evaluate(run, on, overrides, on_error=on_error, plugins=plugins)


def export(
    model: Any,
    path: str | os.PathLike,
    *,
    samples: "Samples | None" = None,
    format: str | None = None,
    precision: str = "float32",
    batch: int | None = None,
    bound: float | None = None,
    allow_difference: bool = False,
    vectors: int = 4,
    overrides: Overrides = (),
    plugins: Sequence[str] = (),
    x: object = None,
    y: object = None,
) -> "Exported":
    """Write a model as a file for another program, checked against Keras.

    The file carries what `verify` needs: digests, some rows and their predictions, and of a run its
    recipe, versions, metrics and what was learned of its columns. Needs the extra `export`.

    Args:
        model: a run directory, or a Keras model.
        path: of the file, which must not exist: `.onnx`, `.tflite`, `.keras`, `.weights.h5`, or a
            folder for a SavedModel.
        samples: for a Keras model: rows in the form that it takes, to compare on, of which int8
            measures its ranges on the first 200. A run has its own held-out rows.
        format: `onnx`, `litert`, `saved_model`, `keras` or `weights`; default by the name.
        precision: of the weights, `float32`, `float16` or `int8`, for `onnx` and `litert`.
        batch: rows that the file takes at a time; default any number.
        bound: the largest difference from Keras that is allowed, relative to the largest output or
            to 1; default 1e-4 for float32, 1e-2 for float16, 0.5 for int8.
        allow_difference: write the file whatever the difference is.
        vectors: rows that the file carries with their predictions.
        overrides: changes to the recipe of a run, such as the path of data that was moved.
        plugins: modules, or paths of Python files, whose classes the recipe names.
        x: rows of a run whose `data.source` is `arrays`.
        y: their targets.

    Returns:
        The file's path, what it takes and gives, and how it compares.

    Raises:
        RequestError: the format cannot hold the model, or the file differs by more than is allowed;
            nothing was written.
    """
    from .export.kinds import WeightPrecision, asked_format

    kind = asked_format(path, format)
    if precision not in tuple(WeightPrecision):
        raise RequestError(
            f"precision: expected {', '.join(WeightPrecision)}. Received: {precision!r}"
        )
    run = isinstance(model, (str, os.PathLike))
    if run == (samples is not None):
        what = "a run has rows of its own" if run else "give some rows to compare on"
        raise RequestError(f"export: `samples` is for a Keras model; {what}.")
    import_tensorflow()
    from .export.export import export as write
    from .export.options import ExportOptions
    from .export.subject import of_model, of_run

    options = ExportOptions(WeightPrecision(precision), batch, bound, allow_difference, vectors)
    if run:
        arrays = None if x is None else (x, y)
        subject = of_run(model, overrides, plugins=plugins, arrays=arrays)
    else:
        assert samples is not None
        subject = of_model(model, samples)
    return write(subject, path, kind, options)


def predict(
    run: str | os.PathLike,
    rows: object,
    *,
    on_error: "OnError" = "refuse",
    plugins: Sequence[str] = (),
    all_windows: bool = False,
    keep: Sequence[str] = (),
) -> "Predictions":
    """Predictions of a run's model for raw rows.

    Args:
        run: the run directory, or a file that `export` wrote.
        rows: a table (`.csv`, `.tsv`, `.jsonl`, `.parquet`), an `.npz` or `.npy` file, a picture
            or a folder of them, an array of rows, or columns by name, such as a
            mapping or a data frame. Columns of a table are found by name, in any order.
        on_error: `refuse` raises where a row cannot be used; `skip` predicts the others.
        plugins: importable modules whose classes the model has.
        all_windows: of a run with windows over series, forecast from every window of the rows; by
            default from the last one of each series, for the rows that follow.
        keep: columns of a table of rows that stand beside the predictions in `columns()`.

    Returns:
        The predictions in the order of the rows: `values` (classes by name, or numbers), `outputs`
        (the network's outputs, an array with a column for each class), and `errors` of rows that
        were skipped.

    Raises:
        RequestError: no run there, or rows cannot be used.
    """
    from .export.kinds import is_exported

    if is_exported(run):
        from .export.predictor import load_predictor

        exported = load_predictor(run)
        return exported.read(rows, on_error=on_error, all_windows=all_windows, keep=keep)
    finished = finished_runs(run)
    return finished.predict(
        run, rows, on_error=on_error, plugins=plugins, all_windows=all_windows, keep=keep
    )


def sweep(
    source: Source,
    overrides: Overrides = (),
    *,
    plugins: Sequence[str] = (),
    out: str | os.PathLike | None = None,
    jobs: int | None = None,
    chief: str | None = None,
    tls_cert: str | None = None,
    tls_key: str | None = None,
    lease: float | None = None,
    arrays: Arrays | None = None,
    progress: bool = True,
    raises: bool = True,
    track: Sequence[str] = (),
) -> "SweepResult":
    """Search over the keys of a recipe; the same call again continues what was interrupted.

    Args:
        source: path of a sweep, name of one that ships, or the sweep as a mapping.
        overrides: changes to keys of the sweep.
        plugins: modules, or paths of Python files, whose classes the recipe may name.
        out: directory of the sweep; default `sweeps/NAME`.
        jobs: trials at once on this machine, each in a separate process; default the sweep's
            number. One trains in this process. 0, with `chief`, leaves the work to other machines.
        chief: `HOST:PORT` to answer the workers of other machines at.
        tls_cert, tls_key: PEM files of a certificate and its private key, with which that address
            speaks TLS.
        lease: seconds of silence after which a worker counts as dead and its trial goes to
            another; default 30.
        arrays: `(x, y)`, for a recipe whose `data.source` is `arrays`.
        progress: show the trials as they come.
        raises: raise where the search failed, rather than return a result that says so.
        track: experiment trackers, `mlflow` or `wandb`, beside those of the recipe: a run for the
            sweep, and one below it for each training.

    Returns:
        The result: status, best trial, and the directory where everything is.

    Raises:
        RequestError: the sweep is wrong, or its directory holds another one; nothing was trained.
        TrainingFailed: no trial could be completed, too many failed in a row, or the disk stayed
            full.
    """
    from .sweep.spec import load_sweep

    loaded = load_sweep(source, overrides, plugins=plugins)
    added = added_trackers(track)
    from .sweep.run.sweep import run_sweep

    result = run_sweep(
        loaded,
        out=out,
        jobs=jobs,
        chief=chief,
        tls_cert=tls_cert,
        tls_key=tls_key,
        lease=lease,
        arrays=arrays,
        progress=progress,
        track=added,
        report=_report_sweep,
    )
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
