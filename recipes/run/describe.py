"""Write what a run is made of: its manifest, its resolved recipe, and its data."""

from collections.abc import Mapping
from dataclasses import asdict

import keras
import tensorflow as tf

from ...messages import logger
from ...models.loss_weights import Term
from ...models.shards import Sharing
from ..build.experiment import Experiment
from ..build.heads import ends_of
from ..build.task import Task
from ..data import Data
from ..record import directory as files
from ..record.contents import JSONObject
from ..record.directory import RunDirectory
from ..record.manifest import manifest
from ..spec import Recipe, dump
from ..spec.dump import defaults
from ..spec.plugins import plugins_of
from .assess import asked_threshold
from .drawing import boxes_in
from .initialize import weights_fingerprint
from .prepare import BATCH_ROWS, PRECISION
from .pretrain import layer_keys
from .previous_run import PreviousRun
from .stored_recipe import FILES, plugin_comment, relative_files, resumption

# Where a manifest says how devices and workers shared the batches, if they did.
SHARING = "sharing"


def describe(
    directory: RunDirectory,
    recipe: Recipe,
    data: Data,
    previous: PreviousRun,
    built: Experiment | None = None,
    batch_rows: int | None = None,
    sharing: Sharing | None = None,
) -> None:
    """Write `manifest.json`, `recipe.yaml` and `data.json`, before the first step.

    Args:
        built: what is trained; None for a run of several networks, each of which has its own.
        batch_rows: rows that are computed at once, where that was decided by measuring.
        sharing: the processes and devices that train it; None for one device.
    """
    fingerprints: dict[str, object] = {"recipe": recipe.fingerprint(), "data": data.fingerprint}
    if built is not None and built.pretraining is not None:
        fingerprints["pretraining"] = layer_keys(built.pretraining)
    if recipe.initialize is not None:
        fingerprints["weights"] = weights_fingerprint(recipe)
    details = {FILES: relative_files(recipe, directory.path), "plugins": plugins_of(recipe)}
    details["defaults"] = defaults(recipe)
    if sharing is not None:
        details[SHARING] = {
            "workers": sharing.processes,
            "devices": max(1, len(sharing.devices)),
            "shards": sharing.shards,
            "exact": sharing.exact,
        }
    now = keras_manifest(seed=recipe.seed, fingerprints=fingerprints)
    if built is not None:
        now["settings"][PRECISION] = built.precision.name
        if batch_rows is not None:
            now["settings"][BATCH_ROWS] = batch_rows
    if previous.manifest:
        now = _resumed_manifest(previous, now)
    directory.reopen()
    # The manifest first: it marks the directory as a run's, in which `resume` may remove files.
    directory.write_json(files.MANIFEST, {**now, **details})
    directory.write_text(files.RECIPE, plugin_comment(recipe) + dump(recipe))
    if built is not None:
        boxes = boxes_in(recipe, data, built.model)
        directory.write_json(files.NETWORK, {"boxes": [asdict(box) for box in boxes]})
    directory.write_json(files.DATA, {**data.to_json(), **learned(recipe, data)})


def learned(recipe: Recipe, data: Data) -> JSONObject:
    """What `data.json` says of the outputs, besides their targets."""
    ends = ends_of(recipe, data)
    if isinstance(ends, Task):
        return {
            "output_function": ends.output_function,
            "target_scaling": ends.scaling and ends.scaling.to_json(),
            "focal_alpha": ends.alpha,
            "threshold": asked_threshold(recipe, ends),
        }
    heads = {head.name: head.to_json() for head in data.heads}
    return {"heads": {n: {**heads[n], **learned(end.recipe, end.data)} for n, end in ends.all}}


def keep_terms(directory: RunDirectory, terms: Mapping[str, Term]) -> None:
    """Write the weights that losses of several outputs have reached, to evaluate with later."""
    if terms:
        described = directory.read_json(files.DATA)
        for name, term in terms.items():
            described["heads"][name]["term"] = term.values()
        directory.write_json(files.DATA, described)


def keras_manifest(*, seed: int, fingerprints: Mapping[str, object]) -> JSONObject:
    """The manifest of a training on this process's Keras and TensorFlow."""
    return manifest(
        seed=seed,
        fingerprints=fingerprints,
        devices=[device.name for device in tf.config.list_logical_devices()],
        settings={
            "floatx": keras.config.floatx(),
            "dtype_policy": keras.config.dtype_policy().name,
            "image_data_format": keras.config.image_data_format(),
        },
    )


def _resumed_manifest(previous: PreviousRun, now: JSONObject) -> JSONObject:
    """The manifest of a run that is resumed: the previous one, with what is different now."""
    resumed = resumption(now["fingerprints"], previous.changes)
    resumed["other"] = {
        name: {"before": previous.manifest.get(name), "after": now[name]}
        for name in ("versions", "machine", "settings", "environment")
        if previous.manifest.get(name) != now[name]
    }
    if resumed["other"]:
        logger.warning(
            f"resume: {', '.join(resumed['other'])} changed since the run was started (see "
            "manifest.json), so that the result may not be the same bit for bit."
        )
    before = previous.manifest.get("resumed", [])
    return {**previous.manifest, "resumed": [*before, resumed]}
