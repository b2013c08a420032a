"""Training samples of a recipe as pictures: as they are, and as augmentation changes them."""

from collections.abc import Mapping
from typing import TypedDict

import numpy as np
import tensorflow as tf

from ...models.keras_types import Tensors
from ..build.augment import Augmentation, augmentation, pictures_of, value_range
from ..build.encoding import encoded
from ..build.hub_text import tokenizer_of
from ..build.task import Form, Task, task_of
from ..data import Data, Split
from ..data.order import order_of, training_dataset
from ..spec import Recipe
from ..spec.heads import heads_of

# Samples with their changes in some epochs, a line each; or more samples where nothing is changed.
LINES, EPOCHS, ACROSS = 8, 5, 6
# The most classes that the title of a mixed label names, and the smallest fraction of one.
MOST_SHARES, LEAST_SHARE = 2, 0.005


Panel = tuple[np.ndarray, str]


class Samples(TypedDict):
    """Arguments of `report.samples.plot_samples`."""

    lines: list[list[Panel]]
    span: tuple[float, float]
    title: str


def samples(recipe: Recipe, data: Data) -> Samples:
    """The first samples of a training, and what each becomes in the first epochs.

    A picture of an epoch is what is trained on then, except that pictures are mixed among those
    that are drawn.

    Raises:
        RecipeError: rows are no pictures.
    """
    if data.heads:  # the targets of the first of several outputs are in the titles
        name = data.heads[0].name
        recipe, data = heads_of(recipe)[name], data.of(name)
    task = task_of(recipe, data)
    data, _ = encoded(data, tokenizer_of(recipe))
    split = Split(data.train.x, task.encode(data.train.y))
    names, shape = pictures_of(recipe, split.x, ("data", "source"))
    augment = augmentation(recipe, data, task)
    count = min(len(split), LINES if augment else LINES * ACROSS)
    rows = order_of(len(split), recipe.seed, 0)[:count]
    (x, y), *_ = training_dataset(split, batch_size=count, seed=recipe.seed).dataset.take(1)

    def panels(x: Tensors, y: tf.Tensor, what: str) -> list[Panel]:
        pictures = x[names[0]] if names is not None and isinstance(x, Mapping) else x
        images = np.asarray(pictures).reshape(-1, *shape)
        words = [described(target, task, data) for target in y.numpy()]
        return list(zip(images, [what + each for each in words], strict=True))

    columns = [panels(x, y, "")]
    for epoch in range(EPOCHS if augment else 0):
        columns.append(panels(*_augmented(augment, x, y, rows, epoch), f"epoch {epoch + 1}: "))
    lines = [list(line) for line in zip(*columns, strict=True)]
    if augment is None:
        lines = [columns[0][first : first + ACROSS] for first in range(0, count, ACROSS)]
    pixels = split.x[names[0]] if isinstance(split.x, Mapping) and names else split.x
    title = f"{recipe.name}: training samples" + (", and augmented" if augment else "")
    return {"lines": lines, "span": value_range(pixels), "title": title}


def _augmented(
    augment: Augmentation | None, x: Tensors, y: tf.Tensor, rows: tf.Tensor, epoch: int
) -> tuple[Tensors, tf.Tensor]:
    assert augment is not None
    current = tf.constant(epoch, tf.int64)
    batch = tf.data.Dataset.from_tensors((x, y, rows))
    return next(iter(batch.map(lambda x, y, rows: augment(x, y, rows, current))))


def described(target: np.ndarray, task: Task, data: Data) -> str:
    """A target in words: its class, the shares of mixed classes, or its numbers."""
    if task.form is Form.LABELS:
        return str(data.classes[int(target)])
    if task.form is Form.ONE_HOT:
        shares = target
    elif task.form is Form.BINARY:
        shares = np.array([1 - target[0], target[0]])
    else:
        return ", ".join(f"{number:.4g}" for number in np.ravel(target)[:4])
    largest = [int(index) for index in np.argsort(-shares)[:MOST_SHARES]]
    named = [index for index in largest if shares[index] >= LEAST_SHARE]
    if len(named) == 1:
        return str(data.classes[named[0]])
    return ", ".join(f"{data.classes[index]} {shares[index]:.0%}" for index in named)
