"""Predictions of an exported file for the rows of another file."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..data.array_feature import FittedArray, arrays_of
from ..data.cells import numbers_of
from ..data.dates import parsed_dates
from ..data.fitted import Fitted, FittedDate, FittedNumeric
from ..data.frame import Frame, floats, words
from ..data.image_feature import FittedImage
from ..data.reading import OnError, Reading
from ..data.rows import rows_of
from ..errors import RequestError
from ..run.predictions import Predictions, predictions
from .predictor import Predictor, load_predictor
from .proof import Part


def predict(
    path: str | os.PathLike[str],
    rows: Any,
    *,
    on_error: OnError = "refuse",
    keep: Sequence[str] = (),
) -> Predictions:
    """Predictions for raw rows; arguments of `keras_recipes.predict`.

    Raises:
        RequestError: the file cannot be used, or the rows cannot.
    """
    predictor = load_predictor(path)
    described = predictor.proof[Part.DATA]
    if not described:
        raise RequestError(
            f"{path}: was exported without a recipe, which says how files are read. In Python: "
            "`keras_recipes.load_predictor(path)(rows)`."
        )
    if described.get("window") is not None:
        raise RequestError(
            f"{path}: forecasts from windows, which are not read from files. In Python, give "
            f"arrays of {[list(port.shape) for port in predictor.interface.columns]} to "
            "`keras_recipes.load_predictor(path)`; or predict with the run."
        )
    reading = Reading(described, on_error=on_error, keep=tuple(keep))
    found = rows_of(rows, reading)
    columns = columns_of(reading.features, found.x, predictor)
    outputs = predictor.from_columns(columns)
    single: Any = next(iter(outputs.values()))
    made = predictions(
        outputs if described.get("heads") else single, described, usable=found.usable
    )
    notes = (*found.notes, *made.notes)
    return replace(made, errors=found.errors, notes=notes, files=found.files, kept=found.kept)


def columns_of(
    features: Sequence[Fitted], rows: Frame | np.ndarray, predictor: Predictor
) -> Mapping[str, np.ndarray]:
    """Rows as arrays by the names of the predictor's columns."""
    if not isinstance(rows, Frame):
        (port,) = predictor.interface.columns
        return {port.name: rows.astype(port.dtype, copy=False)}
    names = [port.name for port in predictor.interface.columns]
    # Keras takes no `/` in the name of an input.
    by_name = {feature.name.replace("/", "|"): feature for feature in features}
    return {name: _cells(by_name[name], rows) for name in names}


def _cells(feature: Fitted, rows: Frame) -> np.ndarray:
    if isinstance(feature, FittedImage):
        raise RequestError(
            f"{rows.where}: column `{feature.name:.60}` holds pictures, which TensorFlow decodes. "
            "Give their pixels to `keras_recipes.load_predictor(path)`; or predict with the run."
        )
    if isinstance(feature, FittedArray):
        return arrays_of(rows, feature.name).astype("float32")
    if isinstance(feature, FittedNumeric):
        return floats(numbers_of(rows, feature.name))
    if isinstance(feature, FittedDate):
        parsed_dates(rows[feature.name], rows, feature.name)
    return words(rows[feature.name])
