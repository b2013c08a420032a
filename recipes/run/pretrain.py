"""Train a recipe's deep belief network, and give its weights to the model."""

import hashlib
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ...callbacks import ProgressBar
from ...callbacks.variables import Variable, set_values
from ...messages import logger
from ...pretraining import (
    RBM,
    LogPartition,
    Trajectory,
    TrajectoryTempering,
    bracket_log_partition,
    exact_log_partition,
    log_partition,
    log_probability,
)
from ..build.pretraining import TEST, TRAINING, VALIDATION, Pretraining, rbm_rows
from ..data import Data
from ..record import directory as files
from ..record.contents import PretrainedLayer
from ..record.directory import RunDirectory
from ..spec import Recipe
from ..spec.pretraining import LogProbabilitySection
from .rbm_cache import CachedRBM, RBMStore, key_of, shared
from .rbm_pictures import pictures

# Rows of the training split that log-probability and base rates are estimated from.
ROWS = 10_000
# An RBM in training is saved at the end of an epoch, but not more often than this.
SAVE_SECONDS = 10.0


class PretrainingInterrupted(Exception):
    """A pretraining was asked to end; the last epoch that was saved is on disk."""


class SaveRBM(keras.callbacks.Callback):
    """Keeps the state of an RBM in training, so that a killed run continues in the same epoch.

    Rows and random numbers of an epoch follow from seed, epoch and update, so the variables of the
    RBM and of the optimizer are all there is to keep.

    Args:
        store: where it is kept.
        key: under what name.
        earlier: the state that an earlier process stored there.
        seconds: the least time between two saves.
        asked: returns whether to end the training now.
    """

    def __init__(
        self,
        store: RBMStore,
        key: str,
        earlier: CachedRBM | None,
        seconds: float,
        asked: Callable[[], bool],
    ):
        super().__init__()
        self.store, self.key, self.seconds, self.asked = store, key, seconds, asked
        self.history: dict[str, list[float]] = {} if earlier is None else earlier.history
        self.spent = 0.0 if earlier is None else earlier.seconds
        self.epoch = len(next(iter(self.history.values()), []))
        self._saved = self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        self.epoch = epoch + 1
        now = time.perf_counter()
        if now - self._saved >= self.seconds or self.asked():
            assert self.model is not None
            self.store.keep(self.key, self.kept(variables(self.model)))
            self._saved = now

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        # An epoch that is interrupted is trained again from its start.
        if self.asked():
            raise PretrainingInterrupted

    def kept(self, weights: Sequence[Variable]) -> CachedRBM:
        """Values of variables, with the history and the time until now."""
        spent = self.spent + time.perf_counter() - self._began
        return CachedRBM([np.asarray(part) for part in weights], self.history, round(spent, 3))


class Pretrainer:
    """One pretraining, layer by layer; layers that are in a store are not trained again.

    Args:
        work: the network and its rows.
        directory: of the run; its own store keeps every layer for the report.
        progress: show a progress bar.
        asked: returns whether to end the pretraining now.
        save_seconds: the least time between two saves of an RBM in training.
    """

    def __init__(
        self,
        work: Pretraining,
        directory: RunDirectory,
        *,
        progress: bool = True,
        asked: Callable[[], bool] = bool,
        save_seconds: float = SAVE_SECONDS,
    ):
        self.work, self.directory, self.progress, self.asked = work, directory, progress, asked
        self.save_seconds = save_seconds
        self.store = RBMStore(directory / files.PRETRAINED)
        self.keys = layer_keys(work)
        self.report: list[PretrainedLayer] = []

    def run(self, model: keras.Model) -> bool:
        """Train the layers that are not stored, initialize the model, write `pretraining.json`.

        Returns:
            False if it was asked to end; the state is stored then.
        """
        rows, held_out = self.work.rows, self.work.validation
        for index in range(len(self.work.dbn.rbms)):
            if index:
                rbm = self.work.dbn.rbms[index - 1]
                rows = self.work.dbn.layer_output(index - 1, rows)
                held_out = None if held_out is None else rbm.transform(held_out)
            if not self.layer(index, rows, held_out):
                return False
        self.work.dbn.built = True
        handed = [str(row) for row in self.work.initialize(model)]
        arrays: dict[str, Any] = pictures(self.work.dbn, self.work.rows, self.work.validation)
        self.directory.write(files.PICTURES, lambda path: np.savez(path, **arrays))
        self.directory.write_json(files.PRETRAINING, {"layers": self.report, "handed": handed})
        return True

    def layer(self, index: int, rows: np.ndarray, held_out: np.ndarray | None) -> bool:
        """One layer, trained or read from a store; False if it was asked to end."""
        key, rbm = self.keys[index], self.work.dbn.rbms[index]
        others = shared() if self.work.cache else None
        known = self.store.find(key) or (None if others is None else others.find(key))
        known = known if known is not None and fits(known.weights, rbm.weights) else None
        if known is not None:
            set_values(rbm.weights, known.weights)
        trained = known or self.train(index, rows, held_out)
        if trained is None:
            return False
        self.store.keep(key, trained)
        if others is not None and known is None:
            others.keep(key, trained)
        if known is not None and self.progress:
            logger.info(f"{rbm.name}  as trained before, in {trained.seconds:.0f} s")
        self.report.append(
            {
                "name": rbm.name,
                "units": rbm.units,
                "key": key,
                "cached": known is not None,
                "seconds": trained.seconds,
                "history": trained.history,
            }
        )
        return True

    def train(self, index: int, rows: np.ndarray, held_out: np.ndarray | None) -> CachedRBM | None:
        """Train one RBM from the state that an earlier process stored; None if interrupted."""
        dbn, partial = self.work.dbn, f"{self.keys[index]}-partial"
        rbm = dbn.rbms[index]
        dbn.compile_layer(index)
        earlier = self.store.find(partial)
        if earlier is not None and fits(earlier.weights, variables(rbm)):
            set_values(variables(rbm), earlier.weights)
        else:
            earlier = None
        save = SaveRBM(self.store, partial, earlier, self.save_seconds, self.asked)
        callbacks = [*([ProgressBar(label=rbm.name)] if self.progress else []), save]
        try:
            dbn.fit_layer(index, rows, held_out, callbacks, verbose=0, initial_epoch=save.epoch)
        except PretrainingInterrupted:
            return None
        self.store.drop(partial)
        return save.kept(rbm.weights)


def pretrain_without_run(work: Pretraining | None, model: keras.Model) -> None:
    """Initialize a model from its recipe's RBMs, without a run directory."""
    if work is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        Pretrainer(work, RunDirectory(Path(folder)), progress=False).run(model)


def layer_keys(work: Pretraining) -> list[str]:
    """The name of each layer in a store: it follows from the rows and all settings up to it."""
    rows = hashlib.sha256(np.ascontiguousarray(work.rows).data).hexdigest()
    settings = [layer.get_config() for layer in work.dbn.stack]
    return [
        key_of(rows, {"layers": settings[: index + 1], "shape": list(work.rows.shape)})
        for index in range(len(settings))
    ]


def variables(rbm: keras.Model) -> list[Variable]:
    """All that training changes: the variables of the RBM, then the optimizer's."""
    return [*rbm.weights, *rbm.optimizer.variables]


def fits(values: Sequence[np.ndarray], variables: Sequence[Variable]) -> bool:
    """Whether values have the shapes of variables."""
    return [tuple(value.shape) for value in values] == [tuple(part.shape) for part in variables]


def log_probabilities(recipe: Recipe, data: Data, work: Pretraining | None) -> dict[str, float]:
    """The log-probability of rows under a recipe's first RBM, in nats a row, for each split.

    Also log Z and the ends of its error bar, three standard errors, or of its bracket, the
    estimates from both sides. Exact if a layer has at most 20 binary units. Empty if the recipe
    asks for none.
    """
    section = recipe.pretraining and recipe.pretraining.dbn.log_probability
    if section is None or work is None:
        return {}
    rbm = work.dbn.rbms[0]
    splits = evaluated_rows(recipe, data)
    partition = estimated(rbm, splits["training"], section, recipe.seed)
    means = {}
    for split, rows in splits.items():
        mean = log_probability(rbm, rows, partition)
        means[split] = mean.value
        if section.bracket:
            means |= {f"{split}_low": mean.low, f"{split}_high": mean.high}
    ends = {"log_z": partition.value, "log_z_low": partition.low, "log_z_high": partition.high}
    return {name: round(value, 4) for name, value in {**means, **ends}.items()}


def evaluated_rows(recipe: Recipe, data: Data) -> dict[str, np.ndarray]:
    """The rows of each split whose log-probability is asked for; of training, the first."""
    assert isinstance(data.rows, np.ndarray)
    rows = {"training": rbm_rows(recipe, data, data.rows[:ROWS], TRAINING)}
    if data.validation is not None:
        rows["validation"] = rbm_rows(recipe, data, data.validation.x, VALIDATION)
    if data.test is not None:
        rows["test"] = rbm_rows(recipe, data, data.test.x, TEST)
    return rows


def estimated(
    rbm: RBM, rows: np.ndarray, section: LogProbabilitySection, seed: int
) -> LogPartition:
    """log Z: exact, from both sides, or by annealed importance sampling.

    From both sides it follows along the training where the RBM's estimator stored that, else by
    annealing up, and down from the ends of Gibbs chains that began at training rows.
    """
    try:
        return exact_log_partition(rbm)
    except ValueError:
        pass
    runs, temperatures, half = section.runs, section.temperatures, section.sweeps // 2
    if not section.bracket:
        return log_partition(rbm, rows, runs=runs, temperatures=temperatures, seed=seed)
    if isinstance(rbm.estimator, TrajectoryTempering):
        sweeps = {"sweeps": max(half, 2), "burn_in": half}
        return Trajectory(rbm).log_partition(runs, **sweeps, seed=seed).partition
    start = np.resize(rows, (runs, rows.shape[1]))
    samples = rbm.sample(start=start, sweeps=section.sweeps, seed=seed)
    bounds = bracket_log_partition(rbm, samples, rows, temperatures=temperatures, seed=seed)
    return bounds.partition
