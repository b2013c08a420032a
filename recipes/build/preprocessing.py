"""What was learned of a table's columns, as Keras layers from raw columns to numbers.

A network is trained on numbers that were made once, by the first half of this; the saved model has
both halves, and takes raw columns.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import pyarrow as pa
import tensorflow as tf

from ...models.feature_layers import DateParts, FillMissing, IsMissing, SignedLog
from ...models.sequence_layers import masked_mean
from ..data.arrow import compute as pc
from ..data.blocks import Block
from ..data.cells import numbers_of
from ..data.dates import parsed_dates
from ..data.fitted import Fitted, FittedCategory, FittedDate, FittedNumeric, FittedText
from ..data.frame import Frame, floats, plain, words
from ..data.image_feature import FittedImage
from ..data.series import WindowOptions
from ..data.side_by_side import side_by_side
from ..errors import DataError
from .images import pictures
from .windows import length_of, refuse_unfit, windowed_numbers

# Blocks of the numbers that a table becomes.
MATRIX, CATEGORIES = "matrix", "categories"
# Rows that become numbers at a time.
BATCH = 1 << 19
# Column -> different cells of it, and their numbers.
Known = Mapping[str, tuple[pa.Array, np.ndarray]]


class Preprocessing:
    """From raw columns to blocks of numbers.

    The blocks are the `matrix` of numbers (rows, width), the numbers of `categories` that have an
    embedding (rows, categories), one of words for each text (rows, length), and the pixels of
    pictures (rows, height, width, channels); what is alone stands without a name.

    Attributes:
        features: what was learned of each column.
        model: a Keras model from raw columns, each of shape (rows, 1), and from pixels to the
            blocks; of windows, each column has shape (windows, inputs), or
            (windows, inputs + horizon) if it is known ahead.
    """

    def __init__(self, features: Sequence[Fitted], window: WindowOptions | None = None) -> None:
        self.features = tuple(features)
        _refuse_same_names(self.features)
        columns: list[Any] = [
            keras.Input(_shape(feature), name=input_name(feature.name), dtype=_dtype(feature))
            for feature in self.features
        ]
        numbers = [
            _numbers_of(feature, column)
            for feature, column in zip(self.features, columns, strict=True)
        ]
        self._each = [
            keras.Model(column, found) for column, found in zip(columns, numbers, strict=True)
        ]
        parts = list(zip(self.features, numbers, strict=True))
        if window is not None:
            refuse_unfit(self.features, window)
            columns = [
                keras.Input(
                    (length_of(feature, window),),
                    name=input_name(feature.name),
                    dtype=_dtype(feature),
                )
                for feature in self.features
            ]
            parts = windowed_numbers(self.features, self._each, columns, window)
        inputs = {column.name: column for column in columns}
        self.model = keras.Model(inputs, _blocks(parts, _joined))

    def encoded(self, rows: Frame, known: Known | None = None) -> Any:
        """The blocks of a table, float32 and int32: what the model gives.

        Args:
            known: what `known` found for a table that has these rows.
        """

        def numbers(each: tuple[Fitted, keras.Model]) -> np.ndarray | Block:
            return _encoded(*each, rows, (known or {}).get(each[0].name))

        few = known is not None or any(isinstance(f, FittedImage) for f in self.features)
        each = list(zip(self.features, self._each, strict=True))
        parts = side_by_side(numbers, each, 0 if few else len(rows))
        pairs = list(zip(self.features, parts, strict=True))
        return _blocks(pairs, _side_by_side)

    def known(self, rows: Frame) -> Known:
        """The numbers of each different date of a table, by column.

        The last bit of a sine may depend on what is computed beside it: a table that is encoded
        in pieces must have all dates encoded at once to get the same numbers.
        """
        return {
            feature.name: _different(feature, model, rows)[:2]
            for feature, model in zip(self.features, self._each, strict=True)
            if isinstance(feature, FittedDate)
        }

    @property
    def names(self) -> list[str]:
        """Names of the blocks, in order."""
        return list(dict.fromkeys(_block(*each) for each in enumerate(self.features)))

    def head(self, blocks: Any, *, scaled: bool = True) -> tuple[Any, Any]:
        """Inputs of a network for blocks like these, and what its first layer takes.

        That is one vector a row; or the picture (height, width, channels) where there is one, with
        `beside` for what comes with it.

        Args:
            scaled: bring the pixels of a picture to [0, 1]; else they are as they come.
        """
        inputs = inputs_for(blocks)
        picture = self._picture()
        if picture is None:
            return inputs, head(self.features, inputs)
        pixels = inputs[picture] if isinstance(inputs, Mapping) else inputs
        if not scaled:
            return inputs, pixels
        return inputs, pixels_scaled(pixels, "pixels")

    @property
    def picture_shape(self) -> tuple[int, ...]:
        """Shape of the picture, or of a vector of unknown length where there is none."""
        found = [each.shape for each in self.features if isinstance(each, FittedImage)]
        return found[0] if found else (0,)

    def beside(self, inputs: Any) -> Any:
        """One vector a row of what comes with the picture; None where nothing does.

        Args:
            inputs: of the network, as `head` gives them.
        """
        if self._picture() is None or not isinstance(inputs, Mapping):
            return None
        return head(self.features, inputs)

    def _picture(self) -> str | None:
        """Name of the block of the picture, if there is one."""
        found = [i for i, each in enumerate(self.features) if isinstance(each, FittedImage)]
        if len(found) > 1:
            names = " and ".join(f"`{plain(self.features[i].name)}`" for i in found)
            raise DataError(
                f"columns {names} are pictures, and a network takes one. Leave the others out: "
                f"`features: {{'*': auto, {plain(self.features[found[1]].name)}: drop}}`."
            )
        return picture_block(found[0]) if found else None


def inputs_for(blocks: Any) -> Any:
    """Inputs of a network that takes blocks like these."""
    if not isinstance(blocks, Mapping):
        return _input("rows", blocks)
    return {name: _input(name, block) for name, block in blocks.items()}


def _blocks(parts: Sequence[tuple[Fitted, Any]], join: Callable[[Sequence[Any]], Any]) -> Any:
    """What columns became, by block; what is alone stands without a name."""
    blocks: dict[str, list[Any]] = {}
    for index, (feature, part) in enumerate(parts):
        blocks.setdefault(_block(index, feature), []).append(part)
    joined = {name: join(found) for name, found in blocks.items()}
    return next(iter(joined.values())) if len(joined) == 1 else joined


def head(features: Sequence[Fitted], inputs: Any) -> Any:
    """The blocks as one vector a row: embeddings of categories and texts beside the matrix.

    Args:
        inputs: Keras tensors of the blocks that `preprocessing` gives.

    Raises:
        DataError: a text is a sequence of word numbers, and does not stand alone.
    """
    blocks = by_name(features, inputs)
    parts = [blocks[MATRIX]] if MATRIX in blocks else []
    parts += [part for _, part in looked_up(features, blocks)]
    sequence = next((f for f in features if isinstance(f, FittedText) and f.output == "int"), None)
    if sequence is not None and len(parts) > 1:
        raise DataError(
            f"column `{plain(sequence.name)}` is a sequence of word numbers, which the other "
            "columns cannot be joined to. Give it a part of its own in `model.parts`, or write "
            "`output: embedding`."
        )
    return _joined(parts)


def by_name(features: Sequence[Fitted], inputs: Any) -> Mapping[str, Any]:
    """The inputs of a network by the name of their block, which a single one does not have."""
    if isinstance(inputs, Mapping):
        return inputs
    names = [_block(index, feature) for index, feature in enumerate(features)]
    return {next((name for name in names if name != MATRIX), MATRIX): inputs}


def looked_up(
    features: Sequence[Fitted], blocks: Mapping[str, Any]
) -> Iterator[tuple[Fitted, Any]]:
    """Texts and categories that have an embedding, with what the network makes of their numbers."""
    embedded = 0
    for index, feature in enumerate(features):
        if isinstance(feature, FittedText):
            yield feature, _pooled(feature, blocks[text_block(index)], index)
        elif isinstance(feature, FittedCategory) and feature.output == "embedding":
            numbers = blocks[CATEGORIES][..., embedded]
            layer = keras.layers.Embedding(
                len(feature.vocabulary) + 1, feature.dimensions, name=f"embedding_{index}"
            )
            yield feature, layer(numbers)
            embedded += 1


def _encoded(
    feature: Fitted,
    model: keras.Model,
    rows: Frame,
    known: tuple[pa.Array, np.ndarray] | None = None,
) -> np.ndarray | Block:
    """A column as numbers (rows, width), or as pixels (rows, height, width, channels).

    Args:
        known: different cells, and their numbers.
    """
    if isinstance(feature, FittedImage):
        return pictures(feature, rows)
    if isinstance(feature, FittedNumeric):
        return _in_batches(model, _raw(feature, rows[feature.name], rows))
    if known is not None:
        return known[1][np.asarray(pc.index_in(_cells(feature, rows), value_set=known[0]))]
    _, numbers, codes = _different(feature, model, rows)
    return numbers[codes]


def _different(
    feature: Fitted, model: keras.Model, rows: Frame
) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """The different cells of a column, their numbers, and which of them each row has."""
    # A column has far fewer different cells than cells, as a rule.
    coded = _cells(feature, rows).dictionary_encode()
    numbers = _in_batches(model, _raw(feature, coded.dictionary, rows))
    return coded.dictionary, numbers, np.asarray(coded.indices)


def _side_by_side(parts: Sequence[Any]) -> Any:
    """Columns beside each other; beside floats the integers of one-hot vectors become floats too."""
    if len(parts) == 1:
        return parts[0]
    # NumPy joins float32 and int32 as float64.
    floats = any(part.dtype.kind == "f" for part in parts)
    return np.concatenate(parts, axis=1, dtype="float32" if floats else None)


def _cells(feature: Fitted, rows: Frame) -> pa.Array:
    return pc.fill_null(pc.cast(rows[feature.name], pa.string()), "")


def _in_batches(model: keras.Model, column: tf.Tensor) -> np.ndarray:
    parts = [
        model(column[first : first + BATCH, None]).numpy() for first in range(0, len(column), BATCH)
    ]
    array = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return array.astype("int32" if array.dtype.kind == "i" else "float32", copy=False)


def raw(features: Sequence[Fitted], rows: Frame) -> dict[str, Any]:
    """Columns of a table as the model takes them, each (rows, 1), and pictures as pixels."""
    return {
        input_name(feature.name): pictures(feature, rows)
        if isinstance(feature, FittedImage)
        else _raw(feature, rows[feature.name], rows)[:, None]
        for feature in features
    }


def _raw(feature: Fitted, column: Any, rows: Frame) -> tf.Tensor:
    if isinstance(feature, FittedNumeric):
        return tf.constant(floats(numbers_of(rows, feature.name)), _dtype(feature))
    if isinstance(feature, FittedDate):
        parsed_dates(column, rows, feature.name)
    return tf.constant(words(column))


def _numbers_of(feature: Fitted, column: Any) -> Any:
    match feature:
        case FittedNumeric():
            return _joined(_numbers(feature, column))
        case FittedDate():
            return DateParts(feature.parts, feature.first_year, feature.years)(column)
        case FittedCategory(output="embedding"):
            return _lookup(feature)(column)
        case FittedCategory():
            return _one_hot(feature, column)
        case FittedText():
            return _text(feature)(column)
        case FittedImage():
            return keras.layers.Identity(dtype="float32")(column)


def input_name(column: str) -> str:
    """Name of a column among the inputs of the model: Keras takes no `/` in it."""
    return column.replace("/", "|")


def _refuse_same_names(features: Sequence[Fitted]) -> None:
    """Raise a `DataError` where two columns would be the same input."""
    seen: dict[str, str] = {}
    for feature in features:
        other = seen.setdefault(input_name(feature.name), feature.name)
        if other != feature.name:
            raise DataError(
                f"columns `{plain(other)}` and `{plain(feature.name)}` cannot both enter a model, "
                "which takes `/` in a name for `|`. Leave one out under `features`."
            )


def text_block(index: int) -> str:
    """Name of the block of a text feature."""
    return f"text_{index}"


def picture_block(index: int) -> str:
    """Name of the block of a picture."""
    return f"image_{index}"


def _block(index: int, feature: Fitted) -> str:
    if isinstance(feature, FittedText):
        return text_block(index)
    if isinstance(feature, FittedImage):
        return picture_block(index)
    embedding = isinstance(feature, FittedCategory) and feature.output == "embedding"
    return CATEGORIES if embedding else MATRIX


def _shape(feature: Fitted) -> tuple[int, ...]:
    return feature.shape if isinstance(feature, FittedImage) else (1,)


def pixels_scaled(pixels: Any, name: str) -> Any:
    """Pixels from 0 to 255 as numbers from 0 to 1, in 32 bits whatever the layers compute in."""
    return keras.layers.Rescaling(1 / 255, name=name, dtype=keras.config.floatx())(pixels)


def _input(name: str, block: Any) -> Any:
    # Pixels are whole numbers until a batch of them is cast beside the training step.
    dtype = "float32" if block.dtype == np.uint8 else str(block.dtype)
    return keras.Input(block.shape[1:], name=name, dtype=dtype)


def _dtype(feature: Fitted) -> str:
    if isinstance(feature, FittedImage):
        return "float32"
    if not isinstance(feature, FittedNumeric):
        return "string"
    return "float64" if feature.double else "float32"


def _joined(parts: Sequence[Any]) -> Any:
    return parts[0] if len(parts) == 1 else keras.layers.Concatenate()(parts)


def _numbers(feature: FittedNumeric, column: Any) -> list[Any]:
    dtype = _dtype(feature)
    found = FillMissing(feature.fill, dtype=dtype)(column)
    if feature.log:
        found = SignedLog(dtype=dtype)(found)
    if feature.boundaries:
        bins = keras.layers.Discretization(list(feature.boundaries))(found)
        # Its own one-hot output has the shape of one column in Keras 3.13.
        found = keras.layers.CategoryEncoding(len(feature.boundaries) + 1, "one_hot")(bins)
    elif (feature.offset, feature.divisor) != (0.0, 1.0):
        factor = 1.0 / feature.divisor
        found = keras.layers.Rescaling(factor, -feature.offset * factor, dtype=dtype)(found)
    if feature.double:
        found = keras.layers.Identity(dtype="float32")(found)
    return [found, IsMissing()(column)] if feature.indicator else [found]


def _lookup(feature: FittedCategory, mode: str = "int") -> keras.layers.Layer:
    return keras.layers.StringLookup(
        vocabulary=list(feature.vocabulary), output_mode=mode, num_oov_indices=1
    )


def _one_hot(feature: FittedCategory, column: Any) -> Any:
    if feature.output == "hashing":
        return keras.layers.Hashing(feature.dimensions, output_mode="one_hot")(column)
    found = _lookup(feature, "one_hot")(column)
    # The weights of a column that is 0 in all training rows would stay as they were drawn.
    return found if feature.unseen else found[:, 1:]


def _text(feature: FittedText) -> keras.layers.Layer:
    return keras.layers.TextVectorization(
        vocabulary=list(feature.vocabulary), output_sequence_length=feature.length
    )


def _pooled(feature: FittedText, numbers: Any, index: int) -> Any:
    if feature.output == "int":
        return numbers
    known = len(feature.vocabulary) + 2  # with the padding, 0, and words that are not known, 1
    if feature.output == "embedding":
        layer = keras.layers.Embedding(known, feature.dimensions, name=f"embedding_{index}")
        # Keras's own pooling gives NaN for a text without a word.
        return masked_mean(layer(numbers), keras.ops.not_equal(numbers, 0))
    mode = "count" if feature.output == "tf_idf" else "multi_hot"
    found = keras.layers.CategoryEncoding(known, output_mode=mode)(numbers)[:, 2:]
    if not feature.idf:
        return found
    return keras.layers.Rescaling(np.array(feature.idf, "float32"))(found)
