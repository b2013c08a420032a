"""Random changes of training pictures, each a function of (seed, epoch, row) alone.

Layers of Keras make them in the dataset's `map`, in parallel with the training step. What they draw
for a picture depends on nothing but its row of the training split, the epoch and the recipe's seed:
not on the batch that it is in, nor on the order in which batches are made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from ..data import Data
from ..errors import RecipeError
from ..spec import Choice, Recipe, catalog
from ..spec.augmentations import MIXING
from ..spec.pictures import FLAT, colours_fit, picture_shape
from .objects import Builder
from .picture_changes import Change, Pictures, change_of, clipped, numbered
from .task import Form, Task

# Layers whose result may leave the range of pixels.
UNBOUNDED = frozenset({"random_color_jitter", "random_saturation"})
# Rows of one input, or of several by name.
Batch = Pictures | Mapping[str, tf.Tensor]


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
        # A batch axis of unknown size marks which random numbers of a layer are drawn for each row.
        images = tf.compat.v1.placeholder_with_default(images, (None, *self.shape))
        keys = self._keys(tf.compat.v1.placeholder_with_default(rows, (None,)), epoch)
        for index, change in enumerate(self.changes):
            images, y = change(images, y, numbered(keys, index))
        images = tf.cast(images, tf.float64 if x.dtype == tf.float64 else tf.float32)
        return tf.ensure_shape(tf.reshape(images, tf.shape(x)), x.shape), y

    def _keys(self, rows: tf.Tensor, epoch: tf.Tensor) -> tf.Tensor:
        """What the draws of each row depend on (batch, 3)."""
        rows = tf.cast(rows, tf.int64)
        same = [tf.fill(tf.shape(rows), tf.cast(part, tf.int64)) for part in (self.seed, epoch)]
        return tf.stack([*same, rows], axis=1)


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
    return clipped(change, low, high) if choice.name in UNBOUNDED else change


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
