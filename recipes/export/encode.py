"""Raw columns as the numbers that a network takes, in NumPy alone.

It computes what the Keras layers of `build/column_layers.py` compute, from what `data.json` says
was learned of each column, for files that hold no strings.
"""

import re
import string
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..errors import DataError
from .described import CategoryColumn, DateColumn, Feature, NumericColumn, TextColumn, Window

# Blocks of numbers, as `build/feature_blocks.py` calls them.
MATRIX, CATEGORIES = "matrix", "categories"
PERIODS = {"month": 12.0, "weekday": 7.0, "hour": 24.0}
PUNCTUATION = re.compile(r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']""")
SPACE = re.compile(r"[ \t\n\v\f\r]+")
LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d))?")


def cannot(features: Sequence[Feature]) -> str | None:
    """Why NumPy cannot encode these columns; None where it can."""
    hashed = [f["name"] for f in features if f.get("output") == "hashing"]
    if hashed:
        return f"column `{hashed[0]}` is hashed, which only TensorFlow does"
    return None


def encoded(
    features: Sequence[Feature],
    columns: Mapping[str, np.ndarray],
    window: Window | None = None,
) -> dict[str, np.ndarray]:
    """The blocks of rows, or of windows.

    Args:
        features: what was learned of each column.
        columns: `input_name` -> cells (rows,), or of windows (windows, rows of each); numbers, NaN
            where one is missing, or words, empty where one is; pixels (rows, height, width,
            channels).
        window: of a network of windows, what `data.json` says of them.
    """
    blocks: dict[str, list[np.ndarray]] = {}
    later: list[np.ndarray] = []
    inputs = None if window is None else int(window["inputs"])
    for index, feature in enumerate(features):
        cells = columns[input_name(feature["name"])]
        numbers = _numbers(feature, cells)
        if inputs is not None and cells.shape[1] > inputs:
            later.append(numbers[:, cells.shape[1] - inputs :])
            numbers = numbers[:, :inputs]
        blocks.setdefault(block_of(index, feature), []).append(numbers)
    if later:
        blocks[MATRIX] = [*blocks[MATRIX], *later]
    return {
        name: parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
        for name, parts in blocks.items()
    }


def input_name(column: str) -> str:
    """What the model calls a column: Keras takes no `/` in the name of an input."""
    return column.replace("/", "|")


def block_of(index: int, feature: Feature) -> str:
    """The block that a column becomes a part of."""
    match feature["kind"]:
        case "text":
            return f"text_{index}"
        case "image":
            return f"image_{index}"
        case "array" if len(feature["shape"]) > 1:
            return f"array_{index}"
    return CATEGORIES if feature.get("output") == "embedding" else MATRIX


def _numbers(feature: Feature, cells: np.ndarray) -> np.ndarray:
    """Numbers of cells of any shape, with one more axis; pixels as they are."""
    match feature["kind"]:
        case "image":
            return cells.astype("float32")
        case "array":
            factors = 1.0 / np.array(feature["divisor"])
            shifts = -np.array(feature["offset"]) * factors
            return cells.astype("float32") * factors.astype("float32") + shifts.astype("float32")
        case "numeric":
            return _numeric(feature, cells)
        case "category":
            return _by_word(cells, _category(feature))
        case "date":
            return _by_word(cells, _date(feature))
        case "text":
            return _by_word(cells, _text(feature))
    raise DataError(f"column `{feature['name']:.60}`: is of a kind that is not known.")


def _by_word(cells: np.ndarray, numbers: Callable[[str], np.ndarray]) -> np.ndarray:
    """The numbers of words; of each different word once."""
    words, places = np.unique(cells.astype(str), return_inverse=True)
    found = np.stack([numbers(str(word)) for word in words])
    return found[places.reshape(cells.shape)]


def _numeric(feature: NumericColumn, cells: np.ndarray) -> np.ndarray:
    kind = "float64" if feature["double"] else "float32"
    given = cells.astype(kind)
    missing = np.isnan(given)
    found = np.where(missing, np.asarray(feature["fill"], kind), given)
    if feature["log"]:
        found = np.sign(found) * np.log1p(np.abs(found))
    if feature["boundaries"]:
        bins = np.searchsorted(np.asarray(feature["boundaries"], "float32"), found, side="right")
        parts = [np.eye(len(feature["boundaries"]) + 1, dtype="float32")[bins]]
    else:
        if (feature["offset"], feature["divisor"]) != (0.0, 1.0):
            factor = 1.0 / feature["divisor"]
            found = found * np.asarray(factor, kind) + np.asarray(-feature["offset"] * factor, kind)
        parts = [found.astype("float32")[..., None]]
    if feature["indicator"]:
        parts.append(missing.astype("float32")[..., None])
    return np.concatenate(parts, axis=-1)


def _category(feature: CategoryColumn) -> Callable[[str], np.ndarray]:
    """Words to places in the vocabulary; 0 is for those that are not in it."""
    known = {word: index for index, word in enumerate(feature["vocabulary"], start=1)}
    if feature["output"] == "embedding":
        return lambda word: np.array([known.get(word, 0)], "int32")
    rows = np.eye(len(known) + 1, dtype="float32")[:, 0 if feature["unseen"] else 1 :]
    return lambda word: rows[known.get(word, 0)]


def _text(feature: TextColumn) -> Callable[[str], np.ndarray]:
    """Texts to the numbers of their words: 0 is none, 1 one that is not known."""
    known = {word: index for index, word in enumerate(feature["vocabulary"], start=2)}
    length = int(feature["length"])

    def numbers(text: str) -> np.ndarray:
        plain = PUNCTUATION.sub("", text.translate(LOWER))
        words = [word for word in SPACE.split(plain) if word][:length]
        found = np.zeros(length, "int32")
        found[: len(words)] = [known.get(word, 1) for word in words]
        return found

    return numbers


def _date(feature: DateColumn) -> Callable[[str], np.ndarray]:
    """Dates to their parts; zeros for a missing one."""
    parts = feature["parts"]

    def numbers(text: str) -> np.ndarray:
        if not text:
            return np.zeros(sum(1 if part == "year" else 2 for part in parts), "float32")
        date = DATE.match(text)
        if date is None:
            raise DataError(
                f"column `{feature['name']:.60}`: expected a date such as 2013-01-31. Received "
                f"{text!r:.60}."
            )
        year, month, day, hour = (float(word or 0) for word in date.groups())
        values = {"month": month - 1, "weekday": _weekday(year, month, day), "hour": hour}
        found: list[float] = []
        for part in parts:
            if part == "year":
                found.append((year - feature["first_year"]) / feature["years"])
                continue
            angle = values[part] * 2 * np.pi / PERIODS[part]
            found += [float(np.cos(angle)), float(np.sin(angle))]
        return np.array(found, "float32")

    return numbers


def _weekday(year: float, month: float, day: float) -> float:
    """Days since the last Monday, by Zeller's congruence."""
    if month < 3:
        month, year = month + 12, year - 1
    days = day + 13 * (month + 1) // 5 + year + year // 4 - year // 100 + year // 400
    return (days + 5) % 7
