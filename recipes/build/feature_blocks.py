"""The blocks of numbers that a table becomes, and how a network takes them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import keras
import numpy as np

from ...models.sequence_layers import masked_mean
from ..data.array_feature import FittedArray
from ..data.blocks import Block
from ..data.fitted import Fitted, FittedCategory, FittedText
from ..data.frame import plain
from ..data.image_feature import FittedImage
from ..errors import DataError
from .column_layers import joined
from .tensors import input_tensor

Part = TypeVar("Part")

# A value for each block by the block's name; that of a single block has no name.
Blocks = Part | Mapping[str, Part]
Tensors = Blocks[keras.KerasTensor]
# Blocks of the numbers that a table becomes.
MATRIX, CATEGORIES = "matrix", "categories"


def block_name(index: int, feature: Fitted) -> str:
    """Name of the block that the numbers of a feature belong to."""
    if isinstance(feature, FittedText):
        return text_block(index)
    if isinstance(feature, FittedImage):
        return picture_block(index)
    if isinstance(feature, FittedArray) and not feature.is_vector:
        return array_block(index)
    embedding = isinstance(feature, FittedCategory) and feature.output == "embedding"
    return CATEGORIES if embedding else MATRIX


def text_block(index: int) -> str:
    """Name of the block of a text feature."""
    return f"text_{index}"


def picture_block(index: int) -> str:
    """Name of the block of a picture."""
    return f"image_{index}"


def array_block(index: int) -> str:
    """Name of the block of arrays that are no vectors."""
    return f"array_{index}"


def in_blocks(
    parts: Sequence[tuple[Fitted, Part]], join: Callable[[Sequence[Part]], Part]
) -> Blocks[Part]:
    """The columns of each block, joined, by its name; a single block without its name."""
    blocks: dict[str, list[Part]] = {}
    for index, (feature, part) in enumerate(parts):
        blocks.setdefault(block_name(index, feature), []).append(part)
    joined = {name: join(found) for name, found in blocks.items()}
    return next(iter(joined.values())) if len(joined) == 1 else joined


def inputs_for(blocks: Blocks[np.ndarray | Block]) -> Tensors:
    """Inputs of a network that takes blocks like these."""
    if not isinstance(blocks, Mapping):
        return _input("rows", blocks)
    return {name: _input(name, block) for name, block in blocks.items()}


def _input(name: str, block: np.ndarray | Block) -> keras.KerasTensor:
    # Pixels are whole numbers until a batch of them is cast beside the training step.
    dtype = "float32" if block.dtype == np.uint8 else str(block.dtype)
    return input_tensor(block.shape[1:], name, dtype)


def pixels_scaled(pixels: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Pixels from 0 to 255 as numbers from 0 to 1, in 32 bits whatever the layers compute in."""
    return keras.layers.Rescaling(1 / 255, name=name, dtype=keras.config.floatx())(pixels)


def head(features: Sequence[Fitted], inputs: Tensors) -> keras.KerasTensor:
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
    return joined(parts)


def by_name(features: Sequence[Fitted], inputs: Tensors) -> Mapping[str, keras.KerasTensor]:
    """The inputs of a network by the name of their block, which a single one does not have."""
    if isinstance(inputs, Mapping):
        return inputs
    names = [block_name(index, feature) for index, feature in enumerate(features)]
    return {next((name for name in names if name != MATRIX), MATRIX): inputs}


def looked_up(
    features: Sequence[Fitted], blocks: Mapping[str, keras.KerasTensor]
) -> Iterator[tuple[Fitted, keras.KerasTensor]]:
    """Texts and categories that have an embedding, each with the network's tensor for it."""
    embedded = 0
    for index, feature in enumerate(features):
        if isinstance(feature, FittedText):
            if feature.output == "tokens":
                continue  # which the backbone takes
            yield feature, _pooled(feature, blocks[text_block(index)], index)
        elif isinstance(feature, FittedCategory) and feature.output == "embedding":
            numbers = blocks[CATEGORIES][..., embedded]
            layer = keras.layers.Embedding(
                len(feature.vocabulary) + 1, feature.dimensions, name=f"embedding_{index}"
            )
            yield feature, layer(numbers)
            embedded += 1


def _pooled(feature: FittedText, numbers: keras.KerasTensor, index: int) -> keras.KerasTensor:
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
