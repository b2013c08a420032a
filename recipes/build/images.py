"""Pictures as pixels, decoded by TensorFlow: once into memory or a file, or batch by batch."""

import collections
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import tensorflow as tf

from ..data import Data, Split
from ..data.arrays import aligned
from ..data.blocks import Block
from ..data.fitted import Fitted
from ..data.frame import Frame, plain
from ..data.image_feature import (
    FittedImage,
    name_of,
    picture_faults,
    pictures_of,
    refuse_pictures,
)
from ..data.image_files import JPEG, BrokenPicture
from ..data.loaded import without
from ..errors import DataError
from .stored_block import StoredBlock
from .stored_pixels import stored_pixels

# Pixels of a split that take no more bytes than this are decoded once and stay in memory.
HELD = 512 << 20
# Pictures that are decoded at a time, in parallel, and the bytes that their pixels may take.
AT_A_TIME, MOST_AT_A_TIME = 256, 64 << 20
# The luminance of ITU-R 601-2 in 2 ** -16, as Pillow computes it: grey pixels stay what they are.
LUMINANCE = (19595, 38470, 7471)


class PictureBlock(Block):
    """Pictures (rows, height, width, channels) of uint8 that are decoded when they are read.

    Args:
        feature: the size, and how pictures are brought to it.
        cells: paths of files, or their content; strings (rows,).
        files: whether they are paths.
        grey: whether no picture has colours.
        same: whether all have the feature's size already.
    """

    def __init__(
        self, feature: FittedImage, cells: tf.Tensor, *, files: bool, grey: bool, same: bool
    ) -> None:
        self.feature, self.cells = feature, cells
        self.files, self.grey, self.same = files, grey, same
        self.shape = (len(cells), *feature.shape)
        self.dtype = np.dtype("uint8")

    def gather(self, chosen: tf.Tensor) -> tf.Tensor:
        """Pixels (count, height, width, channels) of the rows of these indices."""
        # `tf.map_fn` would decode one after the other.
        found = tf.data.Dataset.from_tensor_slices(tf.gather(self.cells, chosen)).map(
            self.decoded, num_parallel_calls=readers(), deterministic=True
        )
        options = tf.data.Options()
        # There is nothing to optimize, and each batch would pay for the attempt.
        options.experimental_optimization.apply_default_optimizations = False
        options.autotune.enabled = False
        whole = found.batch(tf.size(chosen, tf.int64)).with_options(options)
        return whole.get_single_element()

    def take(self, rows: np.ndarray) -> "PictureBlock":
        """The pictures of these indices, not decoded."""
        cells = tf.gather(self.cells, rows)
        return PictureBlock(self.feature, cells, files=self.files, grey=self.grey, same=self.same)

    def __getitem__(self, rows: slice) -> np.ndarray:
        few = self.take(np.arange(len(self))[rows])
        return np.concatenate([np.zeros((0, *self.feature.shape), "uint8"), *few.batches()])

    def batches(self) -> Iterator[np.ndarray]:
        """The pictures in their order, decoded in parallel."""
        found = tf.data.Dataset.from_tensor_slices(self.cells).map(
            self.decoded, num_parallel_calls=readers(), deterministic=True
        )
        count = MOST_AT_A_TIME // int(np.prod(self.feature.shape))
        return found.batch(min(max(count, 1), AT_A_TIME)).prefetch(1).as_numpy_iterator()

    def decoded(self, cell: tf.Tensor) -> tf.Tensor:
        """The pixels of one picture, of its path or content."""
        content = tf.io.read_file(cell) if self.files else cell
        native = self.grey and self.feature.channels == 1
        # Decoders for colours are those that all formats have; see `grey` for the others.
        pixels = pixels_of(content, 1 if native else 3)
        if not self.same:
            pixels = fitted(pixels, self.feature)
        if self.feature.channels == 1 and not native:
            pixels = grey(pixels)
        return tf.ensure_shape(pixels, self.feature.shape)


def pixels_of(content: tf.Tensor, channels: int) -> tf.Tensor:
    """The pixels (height, width, channels) of a file, uint8.

    JPEG by libjpeg's exact cosine transform, as Pillow, OpenCV and browsers decode what the trained
    model is asked about: `tf.io.decode_image` takes the fast one, whose pixels are a level darker
    on average, and of files of quality 100 up to dozens of levels off.
    """
    pixels = tf.cond(
        tf.strings.substr(content, 0, len(JPEG)) == JPEG,
        lambda: tf.io.decode_jpeg(content, channels, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(content, channels, expand_animations=False),
    )
    pixels.set_shape((None, None, channels))
    return pixels


def readers() -> int:
    """Pictures, or batches of them, that are decoded at the same time."""
    return max(2, os.cpu_count() or 1)


def grey(pixels: tf.Tensor) -> tf.Tensor:
    """The luminance (height, width, 1) of pixels of red, green and blue."""
    weighted = tf.cast(pixels, tf.int32) * tf.constant(LUMINANCE)
    total = tf.reduce_sum(weighted, axis=-1, keepdims=True) + (1 << 15)
    return tf.cast(tf.bitwise.right_shift(total, 16), tf.uint8)


def fitted(pixels: tf.Tensor, feature: FittedImage) -> tf.Tensor:
    """Pixels of any size brought to the feature's size: bilinear, with antialiasing."""
    height, width = feature.size
    if feature.fit == "pad":
        found = tf.image.resize_with_pad(pixels, height, width, antialias=True)
    else:
        part = _middle(pixels, height, width) if feature.fit == "crop" else pixels
        found = tf.image.resize(part, (height, width), antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(found), 0, 255), tf.uint8)


def _middle(pixels: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """The largest part around the middle whose sides are as `height` to `width`."""
    size = tf.shape(pixels)
    high = tf.maximum(1, tf.minimum(size[0], size[1] * height // width))
    wide = tf.maximum(1, tf.minimum(size[1], size[0] * width // height))
    top, left = (size[0] - high) // 2, (size[1] - wide) // 2
    return pixels[top : top + high, left : left + wide]


def pictures(
    feature: FittedImage, rows: Frame, *, store: bool = False
) -> np.ndarray | PictureBlock | StoredBlock:
    """The pixels of a column (rows, height, width, channels), uint8.

    They are an array in memory up to `HELD` bytes, else they are decoded as they are read. Each
    picture is decoded once here in any case, so that none fails in the middle of a training.

    Args:
        store: whether pixels that memory does not hold are read from the cache, if they fit there.

    Raises:
        DataError: some cannot be decoded.
    """
    made = block(feature, rows)
    try:
        if int(np.prod(made.shape)) <= HELD:
            return _whole(made)
        known = rows.pictures.get(feature.name)
        found = None
        if store and known is not None:
            found = stored_pixels(feature, known.digests, made.batches())
        if found is None:
            collections.deque(made.batches(), maxlen=0)
        return made if found is None else found
    except tf.errors.OpError:
        problems = undecodable(feature, rows)
        refuse_pictures(list(problems.values()), rows.where, [replace(feature, corrupt="refuse")])
        raise


def _whole(made: PictureBlock) -> np.ndarray:
    out, first = aligned(made.shape, "uint8"), 0
    for batch in made.batches():
        out[first : first + len(batch)] = batch
        first += len(batch)
    return out


def block(feature: FittedImage, rows: Frame) -> PictureBlock:
    """The pictures of a column, not decoded.

    Raises:
        DataError: some cannot be read.
    """
    if rows.pictures:
        problems = list(picture_faults(rows).values())
        refuse_pictures(problems, rows.where, [replace(feature, corrupt="refuse")])
    given: list[str | bytes] = []
    for cell in pictures_of(rows, feature.name):
        if isinstance(cell, BrokenPicture):
            raise DataError(f"{rows.where}: column `{plain(feature.name)}`: a picture {cell}.")
        given.append(cell)
    known = rows.pictures.get(feature.name)
    return PictureBlock(
        feature,
        tf.constant(np.array(given, dtype=object)),
        files=not isinstance(next(iter(given), ""), bytes),
        grey=known is not None and bool(known.grey.all()),
        same=known is not None and bool((known.sizes == feature.size).all()),
    )


def gathered(feature: FittedImage, rows: Frame) -> Callable[[np.ndarray], np.ndarray]:
    """A function of indices of rows that gives their pixels (count, height, width, channels)."""
    made = block(feature, rows)
    return lambda chosen: made.take(chosen)[:]


def undecodable(feature: FittedImage, rows: Frame) -> dict[int, str]:
    """Row -> why its picture cannot be decoded, of those whose header is sound."""
    made, found = block(feature, rows), dict[int, str]()
    for first in range(0, len(made), AT_A_TIME):
        few = np.arange(first, min(first + AT_A_TIME, len(made)))
        try:
            list(made.take(few).batches())
        except tf.errors.OpError:
            for row in few.tolist():
                reason = _reason(made, row)
                if reason:
                    found[row] = f"{name_of(rows, feature.name, row)}: {reason}."
    return found


def _reason(made: PictureBlock, row: int) -> str:
    try:
        made.decoded(made.cells[row])
    except tf.errors.OpError as error:
        text = str(error.message).split("}} ", 1)[-1].split(" [Op:")[0]
        return f"cannot be decoded: {' '.join(text.split())[:120].rstrip('.')}"
    return ""


def decodable(data: Data) -> Data:
    """The data without pictures that cannot be decoded, where the recipe says so."""
    skipped = [
        feature
        for feature in data.features
        if isinstance(feature, FittedImage) and feature.corrupt == "skip"
    ]
    if not skipped:
        return data
    problems: list[str] = []

    def kept(split: Split | None) -> Split | None:
        for feature in skipped:
            found = {} if split is None else undecodable(feature, split.x)
            if split is not None and found:
                problems.extend(found.values())
                split = without(split, list(found))
        return split

    train, validation, test = kept(data.train), kept(data.validation), kept(data.test)
    assert train is not None
    if not problems:
        return data
    refuse_pictures(problems, data.train.x.where, data.features)
    problems = [*data.unreadable, *problems]
    return replace(data, train=train, validation=validation, test=test, unreadable=tuple(problems))


def check_pictures(data: Data) -> None:
    """Decode every picture once.

    Raises:
        DataError: with those that cannot be decoded, unless the recipe skips them.
    """
    problems: list[str] = []
    for feature in picture_features(data.features):
        for split in (data.train, data.validation, data.test):
            problems += [] if split is None else undecodable(feature, split.x).values()
    if problems:
        refuse_pictures(problems, data.train.x.where, data.features)


def picture_features(features: Sequence[Fitted]) -> list[FittedImage]:
    """The features that are pictures."""
    return [feature for feature in features if isinstance(feature, FittedImage)]
