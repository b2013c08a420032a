"""Features of a frozen backbone: computed once for each row, and kept for other runs."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf

from ... import disk
from ...messages import logger
from ..data import Data, Split, cache
from ..data.digested import Digesting, intact
from ..data.evaluation import batches_of
from ..data.order import Rows
from ..errors import RecipeError
from ..spec import Recipe
from ..spec.dump import to_plain
from .backbone import Backbone, backbone, weights_digest
from .preprocessing import Preprocessing
from .tensors import input_tensor

PLACE = ("model", "cache_features")
# Keys of `data` that say how rows are trained on, and not which they are.
OF_TRAINING = frozenset({"batch_size", "drop_remainder", "balance", "threshold", "target_scale"})
# What a layer that draws random numbers calls their share or size; with 0 it changes nothing.
AMOUNTS = ("rate", "stddev", "dropout", "recurrent_dropout")


@dataclass(frozen=True)
class Features:
    """The frozen network in front of the layers that train.

    Attributes:
        model: from raw rows to features; the saved model begins with it.
    """

    model: keras.Model

    def head(
        self, blocks: np.ndarray, *, scaled: bool = True
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """The input of a network for features like these, which its first layer takes."""
        inputs = input_tensor(blocks.shape[1:], "rows")
        return inputs, inputs

    def beside(self, inputs: object) -> None:
        """None: no other column is joined to features."""
        return


def cached_features(
    recipe: Recipe, data: Data, prepared: Preprocessing | None
) -> tuple[Data, Features] | None:
    """The data with the backbone's features in place of rows; None where that is not asked for.

    Raises:
        RecipeError: the backbone cannot be made, or is not the same in training, with its line.
    """
    if not recipe.model.cache_features:
        return None
    if isinstance(data.train.x, Mapping):
        message = "the rows have other columns beside their picture, which need the whole network."
        raise RecipeError([recipe.problem(PLACE, message)])
    front = backbone(recipe, data.input_shape if prepared is None else prepared.first_shape)
    assert front is not None
    _refuse_random(recipe, front)
    rows = data.train.x
    dtype = "int32" if rows.dtype == np.int32 else None  # the numbers of tokens
    inputs = input_tensor(rows.shape[1:], "rows", dtype)
    extractor = keras.Model(inputs, front(inputs), name="features")
    identity = {
        "data": data.fingerprint,
        "source": _what_makes_rows(recipe),
        "weights": weights_digest(front.model),
        "network": json.loads(extractor.to_json()),
        "versions": [keras.__version__, tf.__version__],
    }

    def features(name: str, split: Split | None) -> Split | None:
        return None if split is None else Split(_of(extractor, split.x, name, identity), split.y)

    changed = replace(
        data,
        train=features("train", data.train) or data.train,
        validation=features("validation", data.validation),
        test=features("test", data.test),
        unlabelled=None,
    )
    if prepared is None:
        return changed, Features(extractor)
    raw = prepared.model.input
    return changed, Features(keras.Model(raw, extractor(prepared.model(raw))))


def _what_makes_rows(recipe: Recipe) -> dict[str, object]:
    """The keys of `data` that rows depend on, so that trials of a sweep over others share them."""
    found: dict[str, object] = json.loads(json.dumps(to_plain(recipe.data), default=str))
    return {key: value for key, value in found.items() if key not in OF_TRAINING}


def _refuse_random(recipe: Recipe, front: Backbone) -> None:
    choice = recipe.model.backbone
    if choice is None or choice.inference:
        return
    for layer in front.model._flatten_layers(include_self=False):
        if _is_random(layer):
            message = (
                f"the backbone has `{layer.name}`, which changes its features in each step of "
                f"training. Let it compute as in inference, `{choice.name}: {{inference: true}}`, "
                "or leave `cache_features` out."
            )
            raise RecipeError([recipe.problem(PLACE, message)])


def _is_random(layer: keras.layers.Layer) -> bool:
    """Whether a layer draws random numbers in training, where it is frozen too."""
    amounts = [getattr(layer, name) for name in AMOUNTS if hasattr(layer, name)]
    return bool(layer._seed_generators) and (not amounts or any(amounts))


def _of(
    extractor: keras.Model, rows: Rows, name: str, identity: Mapping[str, object]
) -> np.ndarray:
    """The features of rows, from the cache if they are in it."""
    # Rows of pictures in files are those of the data's fingerprint and section.
    content = cache.digest_of(rows) if isinstance(rows, np.ndarray) else [name, len(rows)]
    place = cache.entry("features", {**identity, "rows": content})
    path = None if place is None else place / cache.file_name("features", "npy")
    if path is not None and place is not None and intact(path):
        with suppress(OSError, ValueError):
            found: np.ndarray = np.load(path, allow_pickle=False)
            if len(found) == len(rows):
                cache.used(place)
                return found
    # NumPy's files have no bfloat16; the layers behind round to it again.
    found = extractor.predict(batches_of(rows), verbose=0)  # type: ignore[arg-type]
    made = np.asarray(found).astype("float32", copy=False)
    if path is not None and place is not None and cache.has_room(made.nbytes):
        with suppress(OSError):
            disk.write_cached(path, lambda file: _write(file, made))
            cache.used(place)
            cache.trim()
    logger.info(f"cache_features: {len(made)} rows of {name} as features of {made.shape[1:]}.")
    return made


def _write(file: disk.Cached, array: np.ndarray) -> None:
    sink = Digesting(file)
    np.lib.format.write_array(sink, np.ascontiguousarray(array), allow_pickle=False)
    sink.finish()
