"""From a recipe's data section to rows that train, validate and test."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import DataError
from ..spec.choices import Arguments
from ..spec.targets import ClassName
from ..spec.tasks import Task
from .arrays import as_trained
from .classes import as_words, known_classes, with_classes
from .divide import divided, restricted
from .fingerprint import fingerprint
from .fitted import Fitted
from .folds import Fold, fit_each, folds_of
from .frame import Frame
from .heads import ENOUGH, strata
from .image_feature import FittedImage, looked_at, picture_faults, refuse_pictures, skipping
from .image_folder import LABEL
from .loaded import Data, Split, rows_of, without
from .opening import Arrays, dialect_of, read
from .scale import Scaling
from .source import GUESSED, Source, asked_task, with_task
from .split import SplitBy, Splits
from .table import NO_TABLE, TableOptions

# The target of sources that have one by themselves, where the recipe names no other.
TARGETS = {"image_folder": (LABEL,)}


def load_data(
    name: str,
    arguments: Arguments,
    *,
    splits: Splits,
    scale: str = "none",
    seed: int = 0,
    limit: int | None = None,
    arrays: Arrays | None = None,
    task: Task | None = None,
    loss: str | None = None,
    table: TableOptions = NO_TABLE,
    skip_pictures: bool = False,
    classes: Sequence[ClassName] | None = None,
) -> Data:
    """Load, check, split and measure the rows of a source.

    Args:
        name: a source of the table, or `arrays`.
        arguments: its arguments.
        splits: what validates and what tests.
        scale: `minmax`, `standardize` or `none`.
        seed: decides which rows go where.
        limit: use at most this many rows of the source.
        arrays: `(x, y)` for the source `arrays`.
        task: what the targets are; by default it follows from their values.
        loss: name of the loss, which may decide the task too.
        table: which columns of a table go in, and which come out.
        skip_pictures: leave out pictures that cannot be read, whatever the recipe says of them.
        classes: the classes in their order; by default they are sorted.

    Raises:
        DataError: the data cannot be used so, or its task is in doubt.
    """
    where = arguments.get("path", name)
    if name in TARGETS and not table.target:
        table = replace(table, target=TARGETS[name])
    asked = asked_task(name, arguments, task)
    source = read(name, arguments, arrays, asked, table, table.target if as_words(classes) else ())
    source = with_task(source, where, asked=asked, loss=loss, guessed=name in GUESSED)
    source = with_classes(source, classes, where, table.target)
    if not isinstance(source.x, Frame):
        source = replace(source, x=as_trained(source.x, scaled=scale != "none"))
    # Before the limit: a short run has the network of the long one.
    known = known_classes(source, where)
    source = restricted(source, limit, seed)
    train, validation, test = divided(source, known, splits, seed, table)
    folds = _folds(train, source, known, splits, table.split_by, seed)
    if splits.fold is not None:
        chosen, folds = folds[splits.fold - 1], []
        train, validation = rows_of(train, chosen.train), rows_of(train, chosen.validation)
    if isinstance(train.x, Frame):
        fitted, notes = fit_each(train.x, folds, table, scale)
        fitted = skipping(fitted) if skip_pictures else fitted
        (train, validation, test), unreadable = readable((train, validation, test), fitted)
        scaling = Scaling.none()
    else:
        fitted, notes, unreadable = (), (), ()
        scaling = Scaling.fit(scale, train.x, pixels=source.pixels)
    return Data(
        train=train,
        validation=validation,
        test=test,
        task=source.task,
        classes=known,
        scaling=scaling,
        fingerprint=fingerprint(train, validation, test, classes=known),
        source=name,
        features=fitted,
        target=table.target,
        dialect=dialect_of(arguments),
        notes=notes,
        unreadable=unreadable,
        heads=source.heads,
    )


def readable(
    splits: tuple[Split, Split | None, Split | None], fitted: Sequence[Fitted]
) -> tuple[tuple[Split, Split | None, Split | None], tuple[str, ...]]:
    """The splits without rows of pictures that cannot be read, and which these are.

    Raises:
        DataError: there are some, and the recipe does not say that they are skipped.
    """
    if not any(isinstance(feature, FittedImage) for feature in fitted):
        return splits, ()
    looked = [
        None if split is None else replace(split, x=looked_at(split.x, fitted)) for split in splits
    ]
    faults = [{} if split is None else picture_faults(split.x) for split in looked]
    problems = tuple(message for found in faults for message in found.values())
    if problems:
        refuse_pictures(problems, splits[0].x.where, fitted)
    kept = [
        split if split is None or not found else without(split, list(found))
        for split, found in zip(looked, faults, strict=True)
    ]
    for split in kept:
        if split is not None and not len(split):
            raise DataError(f"{split.x.where}: no picture of a split can be read: {problems[0]}")
    train, validation, test = kept
    assert train is not None
    return (train, validation, test), problems


def _folds(
    rows: Split,
    source: Source,
    classes: tuple[ClassName, ...],
    splits: Splits,
    by: SplitBy | None,
    seed: int,
) -> list[Fold]:
    """The folds of the rows that are not tested on; none where the recipe has none."""
    if splits.folds is None:
        return []
    labels = np.array(classes)[rows.y] if classes else None
    if source.heads:
        labels = strata(rows.y, source.heads, max(ENOUGH, splits.folds))
    return folds_of(rows.x, labels, by, splits.folds, seed)
