"""The classes of a recipe, in its order."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import DataError
from ..spec.targets import ClassName
from ..spec.tasks import CLASSES
from ..spec.wording import listed, shown
from .frame import Frame, counted
from .source import Source

MOST_SHOWN = 20


def as_words(classes: Sequence[ClassName] | None) -> bool:
    """Whether a recipe gives its classes as words, so that a column `01` is not the number 1."""
    return classes is not None and all(isinstance(name, str) for name in classes)


def with_classes(
    source: Source,
    classes: Sequence[ClassName] | None,
    where: str,
    target: Sequence[str] = (),
) -> Source:
    """The source with the classes that a recipe names, in its order.

    Args:
        where: what a message begins with.
        target: names of the target columns.

    Raises:
        DataError: a row has another class, or ordered classes are words whose order nothing says.
    """
    if classes is None:
        if source.task == "ordinal" and source.y.dtype.kind == "U":
            found = np.unique(source.y).tolist()
            raise DataError(
                f"{where}: `task: ordinal` needs the order of the classes: write `classes: [...]` "
                f"below `data`, the lowest first. The rows have {listed(found[:MOST_SHOWN])}."
            )
        return source
    if source.task not in CLASSES:
        raise DataError(
            f"{where}: `classes` gives the order of classes, and the task is {source.task}. Leave "
            "it out, or write `task: classification`."
        )
    names = _as_written(classes, source.y, where)
    other = np.flatnonzero(~np.isin(source.y, np.array(names)))
    if len(other):
        row = int(other[0])
        received = shown(source.y[row].item())
        problem = f"expected one of {listed(names[:MOST_SHOWN])} (`classes`). Received {received}."
        place = f"row {row} (from 0): {problem}"
        if isinstance(source.x, Frame) and target:
            place = source.x.fault(row, target[0], problem)
        count = counted(len(other), "row")
        raise DataError(f"{where}: {count} of {len(source.y)} with another class; {place}")
    return replace(source, classes=tuple(names))


def _as_written(classes: Sequence[ClassName], y: np.ndarray, where: str) -> list[str] | list[int]:
    """The classes in the form that the targets have: words, or whole numbers."""
    if y.dtype.kind == "U":
        written = {str(word).lower(): str(word) for word in np.unique(y)}
        # `true` of a recipe may be `True` in the table.
        return [
            written.get(str(name).lower(), str(name)) if isinstance(name, bool) else str(name)
            for name in classes
        ]
    try:
        return [int(name) for name in classes]
    except ValueError:
        found = np.unique(y)[:MOST_SHOWN].tolist()
        raise DataError(
            f"{where}: the classes are numbers, {listed(found)}; name these under `classes`. "
            f"Received {shown(list(classes))}."
        ) from None


def known_classes(source: Source, where: str) -> tuple[ClassName, ...]:
    """The classes in order; at least two."""
    if source.task not in CLASSES:
        return ()
    present = tuple(np.unique(source.y).tolist())
    classes = present if source.classes is None else source.classes
    if len(present) < 2:
        only = source.y.flat[0]
        raise DataError(f"{where}: all rows have the class {only}; there is nothing to learn.")
    if len(classes) > max(1000, len(source.y) // 2):
        raise DataError(
            f"{where}: {len(classes)} classes in {len(source.y)} rows; is this a regression? Then "
            "give `task: regression`, or targets with a fraction."
        )
    return classes


def encoded(y: np.ndarray, classes: tuple[ClassName, ...]) -> np.ndarray:
    """Targets as indices into the classes; numbers and labels stay as they are."""
    if not classes:
        return y
    names = np.array(classes)
    order = np.argsort(names)
    return order[np.searchsorted(names, y, sorter=order)].astype("int32")
