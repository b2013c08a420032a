"""Predictions of an exported file for the rows of another file, or for rows as a file has them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..data import pixels
from ..data.array_feature import FittedArray, arrays_of
from ..data.cell_types import floats, words
from ..data.cells import numbers_of
from ..data.dates import different_dates
from ..data.fitted import Fitted, FittedDate, FittedNumeric
from ..data.frame import Frame
from ..data.image_feature import FittedImage
from ..data.reading import OnError, Reading, array_names
from ..data.rows import rows_of
from ..errors import RequestError
from ..run.forecast_rows import Forecast, asked_starts, forecast_of, given_series, options_of
from ..run.predictions import Predictions, predictions
from ..spec.loader import parse
from .encode import input_name
from .interface import Port
from .kinds import LIGHT
from .proof import ProofPart

if TYPE_CHECKING:
    from .predictor import Predictor

# Rows by index (count,) -> their cells (count, ...).
Gather = Callable[[np.ndarray], np.ndarray]
# Numbers that are predicted for at a time, and rows.
MOST_NUMBERS, MOST_ROWS = 1 << 24, 1024


def answered(
    predictor: "Predictor",
    rows: object,
    *,
    on_error: OnError = "refuse",
    all_windows: bool = False,
    keep: Sequence[str] = (),
) -> Predictions:
    """Predictions for raw rows; see `Predictor.read`.

    Raises:
        RequestError: the file cannot be used so, or the rows cannot.
    """
    described, path = predictor.described, predictor.path
    if not described:
        raise RequestError(
            f"{path}: was exported without a recipe, which says how files are read. In Python: "
            "`keras_recipes.load_predictor(path)(rows)`."
        )
    if all_windows and described.get("window") is None:
        raise RequestError(f"{path}: the file has no windows; leave `all_windows` out.")
    reading = Reading(
        described,
        on_error=on_error,
        arrays=array_names(parse(predictor.proof[ProofPart.RECIPE], str(path))),
        undecodable=_decoder(predictor).undecodable,
        keep=tuple(keep),
    )
    found = rows_of(rows, reading)
    if described.get("window") is not None:
        made = _forecast(predictor, reading, found.x, every=all_windows)
        return replace(made, notes=found.notes)
    outputs = _computed(predictor, _gathers(predictor, reading, found.x), len(found.x))
    single = next(iter(outputs.values()))
    made = predictions(
        outputs if described.get("heads") else single, described, usable=found.usable
    )
    notes = (*found.notes, *made.notes)
    return replace(made, errors=found.errors, notes=notes, files=found.files, kept=found.kept)


class _Decoder(NamedTuple):
    """What decodes pictures.

    Attributes:
        undecodable: row -> why its picture cannot be decoded.
        gathered: pixels of rows by index.
    """

    undecodable: Callable[[FittedImage, Frame], Mapping[int, str]]
    gathered: Callable[[FittedImage, Frame], Gather]


def _decoder(predictor: "Predictor") -> _Decoder:
    """Pillow, or TensorFlow where the file needs it anyway."""
    if predictor.interface.format in LIGHT:
        return _Decoder(pixels.undecodable, pixels.gathered)
    from ..build import images

    return _Decoder(images.undecodable, images.gathered)


def _forecast(predictor: "Predictor", reading: Reading, rows: Frame, *, every: bool) -> Forecast:
    """Forecasts for the rows that follow those of each series; see `run.forecast.forecast`."""
    options, series = options_of(reading.described), given_series(rows, reading.described)
    starts = asked_starts(series, options, reading.target, every=every)
    columns = _gathers(predictor, reading, series.frame)
    ports = {port.name: port for port in predictor.interface.columns}
    windows = {name: _windows(each, starts, ports[name]) for name, each in columns.items()}
    (found,) = _computed(predictor, windows, len(starts)).values()
    return forecast_of(found, reading.described, series, starts)


def _windows(rows: Gather, starts: np.ndarray, port: Port) -> Gather:
    """The windows of a column by index, as long as a port takes them."""
    within = np.arange(port.shape[0] or 0)
    return lambda chosen: rows(starts[chosen][:, None] + within)


def _computed(
    predictor: "Predictor", columns: Mapping[str, Gather], count: int
) -> dict[str, np.ndarray]:
    """Outputs for all rows, some at a time."""
    numbers = sum(int(np.prod([s or 1 for s in p.shape])) for p in predictor.interface.columns)
    step = min(max(MOST_NUMBERS // max(numbers, 1), 1), MOST_ROWS)
    parts = []
    for first in range(0, count, step):
        chosen = np.arange(first, min(first + step, count))
        parts.append(predictor.from_columns({name: c(chosen) for name, c in columns.items()}))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _gathers(
    predictor: "Predictor", reading: Reading, rows: Frame | np.ndarray
) -> dict[str, Gather]:
    """Rows by index, by the names of the predictor's columns."""
    if not isinstance(rows, Frame):
        (port,) = predictor.interface.columns
        return {port.name: rows.astype(port.dtype, copy=False).__getitem__}
    by_name = {input_name(feature.name): feature for feature in reading.features}
    names = [port.name for port in predictor.interface.columns]
    return {name: _gather(predictor, by_name[name], rows) for name in names}


def _gather(predictor: "Predictor", feature: Fitted, rows: Frame) -> Gather:
    if isinstance(feature, FittedImage):
        return _decoder(predictor).gathered(feature, rows)
    if isinstance(feature, FittedArray):
        return arrays_of(rows, feature.name).astype("float32").__getitem__
    if isinstance(feature, FittedNumeric):
        return floats(numbers_of(rows, feature.name)).__getitem__
    if isinstance(feature, FittedDate):
        different_dates(rows, feature.name)
    return words(rows[feature.name]).__getitem__
