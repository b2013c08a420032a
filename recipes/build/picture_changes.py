"""Layers of Keras as changes of pictures that each draw their own random numbers."""

from collections.abc import Callable

import keras
import tensorflow as tf

from .keyed_random import KeyedSeed, RowBackend, RowRandom

# Layers that draw or measure something once for all pictures of a batch get one at a time.
ONE_BY_ONE = (
    keras.layers.Equalization,
    keras.layers.RandomElasticTransform,
    keras.layers.RandomGaussianBlur,
)
# No processor computes more 32-bit floats than this at a time.
LANES = 16
Pictures = tf.Tensor
Change = Callable[[Pictures, tf.Tensor, tf.Tensor], tuple[Pictures, tf.Tensor]]


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


def rotated(layer: keras.layers.Layer) -> Change:
    """A `RandomRotation`, with the same bits wherever a row stands in its batch.

    Processors compute the sines of a vector in groups, and the remainder by other instructions,
    whose last bits may differ. Rows are added so that there is no remainder.
    """
    layer.backend = RowBackend(layer.backend)

    def change(images: Pictures, y: tf.Tensor, keys: tf.Tensor) -> tuple[Pictures, tf.Tensor]:
        rows = tf.shape(keys)[0]
        more = tf.zeros((tf.math.floormod(-rows, LANES), keys.shape[1]), tf.int64)
        keys = tf.concat([keys, more], axis=0)
        layer.backend.random = RowRandom(keys)
        # The layer uses no more than the size of the pictures.
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
    """A layer that mixes each picture with another one of its batch, and their targets too.

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
            own = numbered(keys, turn)
            for number, operation in enumerate(operations):
                places = tf.where(chosen[:, turn] == number)
                few = tf.gather_nd(images, places), y, tf.gather_nd(own, places)
                images = tf.tensor_scatter_nd_update(images, places, operation(*few)[0])
        return images, y

    return change


def parts(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers that a layer is made of."""
    return [part for part in vars(layer).values() if isinstance(part, keras.layers.Layer)]


def numbered(keys: tf.Tensor, number: int) -> tf.Tensor:
    """Keys with one more column, so that what draws by them draws other numbers."""
    column = tf.fill((tf.shape(keys)[0], 1), tf.constant(number, tf.int64))
    return tf.concat([keys, column], axis=1)


def clipped(change: Change, low: float, high: float) -> Change:
    """A change whose pixels are kept in a range."""

    def bounded(images: Pictures, y: tf.Tensor, keys: tf.Tensor) -> tuple[Pictures, tf.Tensor]:
        images, y = change(images, y, keys)
        return tf.clip_by_value(images, low, high), y

    return bounded


def change_of(layer: keras.layers.Layer) -> Change:
    """How a layer of Keras is used for pictures that each draw their own numbers."""
    match layer:
        case keras.layers.MixUp() | keras.layers.CutMix():
            return mixing(layer)
        case keras.layers.RandAugment():
            return some_of(layer)
        case keras.layers.RandomRotation():
            return rotated(layer)
        case _:
            return one_by_one(layer) if isinstance(layer, ONE_BY_ONE) else of_each(layer)
