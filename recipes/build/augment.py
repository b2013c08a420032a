"""Random changes of training pictures, each a function of (seed, epoch, row) alone.

Keras's layers make them, in the map of the dataset, beside the training step. What they draw for a
picture depends on nothing but its row of the training split, the epoch and the recipe's seed: not
on the batch that it is in, nor on the order in which batches are made.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..data import Data
from ..errors import RecipeError
from ..spec import Choice, Recipe, catalog
from ..spec.augmentations import MIXING
from ..spec.pictures import FLAT, colours_fit, picture_shape
from .keyed_random import KeyedSeed, RowBackend, RowRandom
from .objects import Builder
from .task import Form, Task

# Layers that draw or measure something once for all pictures of a batch get one at a time.
ONE_BY_ONE = (
    keras.layers.Equalization,
    keras.layers.RandomElasticTransform,
    keras.layers.RandomGaussianBlur,
)
# Layers whose result may leave the range of pixels.
UNBOUNDED = frozenset({"random_color_jitter", "random_saturation"})
# No processor computes more 32-bit floats than this at a time.
LANES = 16
Pictures = tf.Tensor
# Rows of one input, or of several by name.
Batch = Pictures | Mapping[str, tf.Tensor]
Change = Callable[[Pictures, tf.Tensor, tf.Tensor], tuple[Pictures, tf.Tensor]]


@dataclass(frozen=True)
class Augmentation:
    """The augmentations of a recipe, in its order, as a function on batches.

    Attributes:
        changes: functions of pictures, targets and the rows' keys.
        shape: height, width and channels of a picture.
        inputs: names of the inputs that are pictures, where there are several inputs; None for one.
        seed: the recipe's.
    """

    changes: tuple[Change, ...]
    shape: tuple[int, ...]
    inputs: tuple[str, ...] | None
    seed: int

    def __call__(
        self, x: Batch, y: tf.Tensor, rows: tf.Tensor, epoch: tf.Tensor
    ) -> tuple[Batch, tf.Tensor]:
        """A batch with its pictures changed, and its targets where pictures are mixed.

        Args:
            x: pictures (batch, ...), or inputs by name.
            y: their targets (batch, ...).
            rows: their rows of the training split (batch,).
            epoch: the epoch.
        """
        if not isinstance(x, Mapping):
            return self._changed(x, y, rows, epoch)
        for name in self.inputs or ():
            picture, y = self._changed(x[name], y, rows, epoch)
            x = {**x, name: picture}
        return x, y

    def _changed(
        self, x: tf.Tensor, y: tf.Tensor, rows: tf.Tensor, epoch: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        images = tf.reshape(tf.cast(x, tf.float32), (-1, *self.shape))
        # That the number of rows is not known tells which numbers a layer draws for each of them.
        images = tf.compat.v1.placeholder_with_default(images, (None, *self.shape))
        keys = self._keys(tf.compat.v1.placeholder_with_default(rows, (None,)), epoch)
        for index, change in enumerate(self.changes):
            images, y = change(images, y, beside(keys, index))
        images = tf.cast(images, tf.float64 if x.dtype == tf.float64 else tf.float32)
        return tf.ensure_shape(tf.reshape(images, tf.shape(x)), x.shape), y

    def _keys(self, rows: tf.Tensor, epoch: tf.Tensor) -> tf.Tensor:
        """What the draws of each row depend on (batch, 3)."""
        rows = tf.cast(rows, tf.int64)
        same = [tf.fill(tf.shape(rows), tf.cast(part, tf.int64)) for part in (self.seed, epoch)]
        return tf.stack([*same, rows], axis=1)


def of_each(layer: keras.layers.Layer) -> Change:
    """A layer that draws its numbers for each picture of a batch."""
    backends = []
    for part in (layer, *parts(layer)):
        part.backend = RowBackend(part.backend)
        backends.append(part.backend)

    def change(images: Pictures, y: tf.Tensor, keys: tf.Tensor) -> tuple[Pictures, tf.Tensor]:
        # One for all, so that layers inside of a layer draw different numbers.
        random = RowRandom(keys)
        for backend in backends:
            backend.random = random
        transformation = layer.get_random_transformation(images, training=True)
        return layer.transform_images(images, transformation, training=True), y

    return change


def turned(layer: keras.layers.Layer) -> Change:
    """A `RandomRotation`, with the same bits wherever a row stands in its batch.

    Processors compute the sines of a vector some at a time, and those that are left over by other
    instructions, whose last bits may differ. Rows are added so that none is left over.
    """
    layer.backend = RowBackend(layer.backend)

    def change(images: Pictures, y: tf.Tensor, keys: tf.Tensor) -> tuple[Pictures, tf.Tensor]:
        rows = tf.shape(keys)[0]
        more = tf.zeros((tf.math.floormod(-rows, LANES), keys.shape[1]), tf.int64)
        keys = tf.concat([keys, more], axis=0)
        layer.backend.random = RowRandom(keys)
        # Of pictures, a layer looks at their size.
        stand_in = tf.zeros((tf.shape(keys)[0], *images.shape[1:3], 1))
        drawn = layer.get_random_transformation(stand_in, training=True)
        drawn = {**drawn, "rotation_matrix": drawn["rotation_matrix"][:rows]}
        return layer.transform_images(images, drawn, training=True), y

    return change


def one_by_one(layer: keras.layers.Layer) -> Change:
    """A layer that draws some numbers once for all pictures that it is given."""

    def one(pair: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        image, key = pair
        seed = KeyedSeed(key)
        transformation = layer.get_random_transformation(image[None], training=True, seed=seed)
        return layer.transform_images(image[None], transformation, training=True)[0]

    def change(images: Pictures, y: tf.Tensor, keys: tf.Tensor) -> tuple[Pictures, tf.Tensor]:
        spec = tf.TensorSpec(images.shape[1:], tf.float32)
        return tf.map_fn(one, (images, keys), fn_output_signature=spec), y

    return change


def mixing(layer: keras.layers.Layer) -> Change:
    """A layer that mixes each picture with another one of its batch, and the targets likewise.

    Which rows are in a batch follows from seed, epoch and batch size; the first one is its key.
    """

    def change(images: Pictures, y: tf.Tensor, keys: tf.Tensor) -> tuple[Pictures, tf.Tensor]:
        drawn = layer.get_random_transformation(images, training=True, seed=KeyedSeed(keys[0]))
        mixed = layer.transform_labels(y, drawn, training=True)
        return layer.transform_images(images, drawn, training=True), mixed

    return change


def some_of(layer: keras.layers.Layer) -> Change:
    """The layers inside of a `RandAugment`, of which each picture goes through a few.

    Keras draws the same few for a batch, brings all pictures through all of them, and equalizes
    them by one histogram.
    """
    operations = [change_of(part) for part in parts(layer)]

    def change(images: Pictures, y: tf.Tensor, keys: tf.Tensor) -> tuple[Pictures, tf.Tensor]:
        shape = (tf.shape(keys)[0], layer.num_ops)
        chosen = RowRandom(keys).randint(shape, 0, len(operations))
        for turn in range(layer.num_ops):
            own = beside(keys, turn)
            for number, operation in enumerate(operations):
                places = tf.where(chosen[:, turn] == number)
                few = tf.gather_nd(images, places), y, tf.gather_nd(own, places)
                images = tf.tensor_scatter_nd_update(images, places, operation(*few)[0])
        return images, y

    return change


def parts(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers that a layer is made of."""
    return [part for part in vars(layer).values() if isinstance(part, keras.layers.Layer)]


def beside(keys: tf.Tensor, number: int) -> tf.Tensor:
    """Keys with one more column, so that what draws by them draws other numbers."""
    column = tf.fill((tf.shape(keys)[0], 1), tf.constant(number, tf.int64))
    return tf.concat([keys, column], axis=1)


def within(change: Change, low: float, high: float) -> Change:
    """A change whose pixels are kept in a range."""

    def bounded(images: Pictures, y: tf.Tensor, keys: tf.Tensor) -> tuple[Pictures, tf.Tensor]:
        images, y = change(images, y, keys)
        return tf.clip_by_value(images, low, high), y

    return bounded


def augmentation(recipe: Recipe, data: Data, task: Task | None) -> Augmentation | None:
    """What `data.augment` does to the batches of the training split; None for nothing.

    Raises:
        RecipeError: rows are no pictures, or targets cannot be mixed.
    """
    chosen = recipe.data.augment
    if not chosen:
        return None
    inputs, shape = pictures_of(recipe, data.train.x, ("data", "augment"))
    problems = [recipe.problem(path, text) for path, text in colours_fit(recipe, shape[-1])]
    if problems:
        raise RecipeError(problems)
    _check_mixing(recipe, task, several=isinstance(data.train.x, Mapping))
    span = value_range(data.train.x if inputs is None else data.train.x[inputs[0]])
    builder = Builder(recipe, 1)
    changes = [
        _change(builder, choice, ("data", "augment", index), span)
        for index, choice in enumerate(chosen)
    ]
    return Augmentation(tuple(changes), shape, inputs, recipe.seed)


def pictures_of(
    recipe: Recipe, x: Any, place: tuple[str, str]
) -> tuple[tuple[str, ...] | None, tuple[int, ...]]:
    """Names of the inputs that are pictures, None where rows have one input, and their shape.

    Args:
        x: training rows, or blocks of them by name.
        place: the key that an error names.

    Raises:
        RecipeError: there are none, or of several shapes.
    """
    if not isinstance(x, Mapping):
        shape = picture_shape(x.shape[1:], recipe.model.layers)
        if shape is None:
            size = " x ".join(map(str, x.shape[1:]))
            raise RecipeError([recipe.problem(place, FLAT.format(size))])
        return None, _known(shape)
    found = {name: block.shape[1:] for name, block in x.items() if len(block.shape) == 4}
    if len(set(found.values())) != 1:
        shapes = ", ".join(f"{name} {shape}" for name, shape in found.items())
        what = f"pictures of several sizes ({shapes})" if found else "no pictures"
        raise RecipeError(
            [recipe.problem(place, f"needs pictures of one size, and rows have {what}.")]
        )
    return tuple(found), next(iter(found.values()))


def _known(shape: Sequence[int | None]) -> tuple[int, ...]:
    return tuple(int(size or 0) for size in shape)


def value_range(x: object) -> tuple[float, float]:
    """The range of pixels: that of the rows, and 0 to 255 for bytes and for pictures from files."""
    if not isinstance(x, np.ndarray) or x.dtype == np.uint8:
        return 0.0, 255.0
    return float(x.min()), float(x.max())


def _change(builder: Builder, choice: Choice, place: tuple, span: tuple[float, float]) -> Change:
    known = catalog.entry("layers", choice.name).arguments
    # A layer without a seed would draw one, and initial weights would differ from those of a
    # recipe without augmentation.
    given: dict[str, object] = {"dtype": "float32"}
    if "seed" in known:
        given["seed"] = 0
    if "value_range" in known and "value_range" not in choice.arguments:
        given["value_range"] = list(span)
    low, high = choice.arguments.get("value_range", span)
    layer = builder.make("layers", choice.with_arguments(**given), place)
    change = change_of(layer)
    return within(change, low, high) if choice.name in UNBOUNDED else change


def change_of(layer: keras.layers.Layer) -> Change:
    """How a layer of Keras is used for pictures that each draw their own numbers."""
    match layer:
        case keras.layers.MixUp() | keras.layers.CutMix():
            return mixing(layer)
        case keras.layers.RandAugment():
            return some_of(layer)
        case keras.layers.RandomRotation():
            return turned(layer)
        case _:
            return one_by_one(layer) if isinstance(layer, ONE_BY_ONE) else of_each(layer)


def _check_mixing(recipe: Recipe, task: Task | None, *, several: bool) -> None:
    for index, choice in enumerate(recipe.data.augment):
        if choice.name not in MIXING:
            continue
        place = ("data", "augment", index)
        if task is not None and task.form is Form.LABELS:
            text = (
                f"`{choice.name}` mixes targets, which class numbers cannot be. Give one-hot rows."
            )
            raise RecipeError([recipe.problem(place, text)])
        if several:
            text = f"`{choice.name}` mixes pictures, and rows have other inputs beside them."
            raise RecipeError([recipe.problem(place, text)])
