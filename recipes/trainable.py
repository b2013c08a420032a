"""A recipe that can be trained, and the result of a training with its model."""

import os
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from . import spec
from .errors import RequestError, TrainingFailed
from .inputs import Arrays
from .lazy import finished_runs, import_tensorflow, started
from .record import result as record
from .record.directory import open_run
from .spec.tracking import added_trackers

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure
    from plotly.graph_objects import Figure as Interactive

    from .data.reading import OnError
    from .devices.request import DeviceRequest
    from .run.predictions import Predictions
    from .run.tracking import Tracking


class Result(record.Result):
    """The outcome of a training, with its model."""

    @cached_property
    def model(self) -> "keras.Model":
        """The trained network, not compiled; it takes raw rows. Loaded at the first use."""
        return finished_runs(self.directory).model_of(open_run(self.directory))

    def predict(
        self, rows: object, *, on_error: "OnError" = "refuse", all_windows: bool = False
    ) -> "Predictions":
        """Predictions for raw rows; see `keras_recipes.predict`."""
        return finished_runs(self.directory).predict(
            self.directory, rows, on_error=on_error, all_windows=all_windows
        )

    def plot(self, *metrics: str, static: bool = False) -> "Interactive | Figure":
        """Loss, metrics and rates by epoch; see `keras_recipes.Run.plot`."""
        from .plots import plot_run

        return plot_run(Path(self.directory), metrics, static=static)

    def _repr_html_(self) -> str:
        from .report.fragments import result_part

        return result_part(self)


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

    def _repr_html_(self) -> str:
        from .report.fragments import recipe_part

        return recipe_part(self.name, spec.dump(self), spec.defaults(self))

    def train(
        self,
        x: object = None,
        y: object = None,
        *,
        out: str | os.PathLike | None = None,
        progress: bool = True,
        raises: bool = True,
        resume: bool = False,
        allow_change: Sequence[str] = (),
        track: Sequence[str] = (),
        devices: int | str | None = None,
        exact_shards: int | None = None,
        worker_timeout: float | None = None,
    ) -> Result:
        """Train the recipe and write a run directory.

        Where the environment has a `TF_CONFIG` of several workers, or is that of a Slurm step with
        several tasks, this process is one of them, and the first one alone writes.

        Args:
            x: rows, for a recipe whose `data.source` is `arrays`: an array whose first axis counts
                them; or, where `data.target` names columns, a data frame (pandas, polars, Arrow) or
                a mapping of names to columns.
            y: the targets of an array; a table has its own.
            out: the run directory, new or empty; default `runs/NAME-DATE-TIME`.
            progress: show a progress bar.
            raises: raise where training failed, rather than return a result that says so.
            resume: continue the run in `out`, if there is one, from its last checkpoint.
            allow_change: keys of the recipe that may differ from those of that run.
            track: experiment trackers, `mlflow` or `wandb`, beside those of the recipe; they may
                differ from those of that run, which keeps its id in each.
            devices: devices of this machine that share each batch, a number or `all`: its GPUs, or
                parts of its CPU. TensorFlow must not have computed anything yet.
            exact_shards: shards of a batch whose gradients are summed in one order, so that any
                number of devices and workers that divides theirs gives the same bits.
            worker_timeout: seconds of silence after which a worker counts as lost; default 60.

        Returns:
            The result: status, reason, metrics, and the directory where everything is.

        Raises:
            RequestError: the request is wrong; nothing was written.
            TrainingFailed: training broke or diverged; the result in the run directory says why.
        """
        from .devices.request import asked
        from .run.join import check_request, led
        from .run.prepare import prepare_run

        added = added_trackers(track)
        arrays, tracking = None if x is None else (x, y), None
        request = asked(os.environ, devices, exact_shards, worker_timeout)
        check_request(self, request)
        if request.follows:
            return follow(self, request, arrays)
        with (
            prepare_run(
                self, out=out, arrays=arrays, resume=resume, allow_change=allow_change
            ) as prepared,
            led(self, prepared, request) as peers,
        ):
            found = prepared.previous.result
            sharing = None
            if found is None or added:
                sharing = started(request if found is None else None, peers)
                from .run.tracking import Tracking

                tracking = Tracking(self, prepared.directory, added)
            if found is None:
                from .devices.team import Team
                from .run.recipe import train_recipe

                found = train_recipe(
                    self,
                    prepared,
                    progress=progress,
                    callbacks=() if tracking is None else tracking.callbacks(),
                    team=Team(sharing, peers),
                )
        return reported(found, raises, tracking)

    def fit(
        self,
        model: "keras.Model",
        x: object,
        y: object = None,
        *,
        sample_weight: object = None,
        class_weight: Mapping[int, float] | None = None,
        validation_data: object = None,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
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

        Rows in memory are trained on in an order that is a function of the recipe's seed and the
        epoch. A dataset keeps its own batches and its own order, so `data.batch_size` and the seed
        change nothing of them; of its targets the first batch is checked, and no part of it is
        kept for validation. A schedule that is counted in epochs or percent needs the number of
        batches: a `tf.data.Dataset` of known cardinality, a `PyDataset` and a Grain `MapDataset`
        tell it, for others there is `steps_per_epoch`.

        Args:
            model: a built Keras model with one output of shape `(None, units)`.
            x: training rows, whose first axis counts them: an array; for several inputs a list of
                arrays, or a mapping or data frame (pandas, polars, Arrow) of their names to
                columns, in which NaN or null is a missing number and the empty word a missing
                word. The columns of a frame are together the rows of a model with a single input.
                Or a dataset of batches `(x, y)` or `(x, y, sample_weight)`: `tf.data.Dataset`,
                `keras.utils.PyDataset`, a Grain `MapDataset`, `IterDataset` or `DataLoader`, a
                generator.
            y: the targets of rows in memory.
            sample_weight: the weight of each row in the loss `(rows,)`, for rows in memory.
            class_weight: class number -> weight of its rows in the loss; 1 for those left out. Not
                for Grain and generators, as in Keras.
            validation_data: what to validate on after each epoch: `(x, y)`,
                `(x, y, sample_weight)` or a dataset, of any of these kinds. By default the part of
                rows in memory that the recipe's `data.validation` asks for.
            steps_per_epoch: batches of a dataset that make an epoch.
            validation_steps: batches of a `validation_data` dataset to validate on.
            progress: show a progress bar.

        Returns:
            The history of the fit.

        Raises:
            RequestError: the recipe does not fit the model or the data, or a target is none that
                the loss can compare with the output.
            TrainingFailed: a dataset ended in the middle of an epoch.
        """
        import_tensorflow()
        from .run.fit import FitOptions
        from .run.fit import fit as fit_model

        options = FitOptions(
            y, sample_weight, class_weight, validation_data, steps_per_epoch, validation_steps
        )
        return fit_model(self, model, x, options, progress=progress)


def follow(recipe: Recipe, request: "DeviceRequest", arrays: Arrays | None) -> Result:
    """Train as a worker that is not the chief, and write nothing."""
    from .build.inputs import data_of
    from .run.join import joined

    data = data_of(recipe, arrays)
    with joined(recipe, data, request) as peers:
        message = peers.received("directory")
        directory = Path(message["directory"])
        if message["done"]:
            return Result("completed", str(directory))
        sharing = started(request, peers)
        from .devices.team import Team
        from .run.follow import follow as train_with

        found = train_with(recipe, data, directory, peers, Team(sharing, peers))
        return Result(**{**vars(found), "directory": str(directory)})


def reported(found: object, raises: bool, tracking: "Tracking | None" = None) -> Result:
    """The result of a training that has ended, with its report written and sent to its trackers.

    Raises:
        TrainingFailed: it failed, and `raises`.
    """
    result = Result(**vars(found))
    try:
        _report(result)
    finally:
        if tracking is not None:
            tracking.finish(result)
    if raises and result.status == "failed":
        raise TrainingFailed(f"{result.reason.rstrip('.')}. See {result.directory}.")
    return result


def _report(result: Result) -> None:
    """Write the pages of a run and of its parts, unless it was finished and reported before.

    Raises:
        TrainingFailed: the run is completed, but its report cannot be written.
    """
    from ..disk import waiting
    from .record import directory as files
    from .report import write_report

    run = Path(result.directory)
    if result.status == "failed" and not run.is_dir():
        return  # its disk is gone, as the result says
    report, ended = run / files.REPORT, (run / files.RESULT).stat().st_mtime_ns
    if report.exists() and report.stat().st_mtime_ns >= ended:
        return
    parts = [part.path for part in files.parts_of(open_run(run))]
    patience = waiting.PATIENCE if result.status == "completed" else 0.0
    try:
        for part in parts:
            write_report([part], patience=patience)
        write_report([run, *parts], patience=patience)
    except RequestError as error:
        if result.status == "completed":
            raise TrainingFailed(
                f"the training is completed and its model is saved, but not its report: {error} "
                f"`keras-recipes report {run}` writes it."
            ) from None
        print(error, file=sys.stderr)
