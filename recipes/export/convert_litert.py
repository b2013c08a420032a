"""A model as a LiteRT file."""

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ..errors import RequestError
from .convert_saved_model import write as write_saved_model
from .kinds import WeightPrecision
from .runtime import SERVE
from .served import Served

# Layers that LiteRT knows only as the steps that they take.
RECURRENT = (keras.layers.GRU, keras.layers.LSTM, keras.layers.SimpleRNN)

# Where in the converter's program something is, and what it says of a shape that is left open.
PLACE = re.compile(r'loc\(.*["\]]\)+: ')
STATIC = "requires element_shape to be static"


def write(
    served: Served,
    path: Path,
    precision: WeightPrecision,
    calibration: Mapping[str, np.ndarray],
) -> None:
    """Write a LiteRT file.

    Args:
        calibration: rows of the training split, by port, for int8.

    Raises:
        RequestError: an operation of the model is none of LiteRT's.
    """
    served = replace(served, model=unrolled(served.model))
    with tempfile.TemporaryDirectory() as folder:
        write_saved_model(served, Path(folder, "model"))
        converter = tf.lite.TFLiteConverter.from_saved_model(
            f"{folder}/model", signature_keys=[SERVE]
        )
        if precision is not WeightPrecision.FLOAT32:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision is WeightPrecision.FLOAT16:
            converter.target_spec.supported_types = [tf.float16]
        if precision is WeightPrecision.INT8:
            converter.representative_dataset = lambda: _samples(calibration)
        try:
            content = converter.convert()
        except Exception as error:
            why = _reason(error)
            if served.batch is None and STATIC in why:
                why += ". With a fixed number of rows it is: `--batch 1`"
            raise RequestError(f"LiteRT cannot hold this model: {why}.") from None
    path.write_bytes(content)


def _samples(calibration: Mapping[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
    rows = len(next(iter(calibration.values())))
    for row in range(rows):
        yield {name: array[row : row + 1] for name, array in calibration.items()}


def unrolled(model: keras.Model) -> keras.Model:
    """The model with recurrent layers as a fixed number of steps, and the same weights."""
    if not any(isinstance(layer, RECURRENT) for layer in model._flatten_layers()):
        return model

    def made(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, RECURRENT):
            config["unroll"] = True
        if isinstance(layer, keras.layers.Bidirectional):
            for key in ("layer", "backward_layer"):
                config[key]["config"]["unroll"] = True
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=made, recursive=True)
    copy.set_weights(model.get_weights())
    return copy


def _reason(error: BaseException) -> str:
    """The line of a converter's many that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = [line.partition("error: ")[2] for line in lines if "error: " in line]
    found = (named or lines or [type(error).__name__])[0]
    return PLACE.sub("", found)[:300].rstrip(".")
