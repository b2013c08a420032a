"""Which task a source is used for: what the user says, else what targets and loss suggest."""

from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import DataError
from ..spec.tasks import BINARY_LOSSES, CLASS_LOSSES
from .source import Source
from .targets import Task, doubt, written_as

# Sources whose task is told by their targets; all others have one of their own.
GUESSED = frozenset({"csv", "npz", "arrays"})
# Sources whose task decides how cells and arrays are read.
TAKES_TASK = frozenset({"csv", "npz"})


def asked_task(name: str, arguments: Any, task: Task | None) -> Task | None:
    """The task that a recipe asks for: below `data`, or among the source's arguments.

    Raises:
        DataError: both are there and differ, or the source cannot have such targets.
    """
    own = arguments.get("task")
    if task is not None and own is not None and own != task:
        raise DataError(f"data.task is `{task}`, and `task` of the source `{name}` is `{own}`.")
    asked = task or own
    if name == "csv" and asked == "multilabel":
        raise DataError("`task: multilabel` needs several target columns; `csv` takes one.")
    return asked


def with_task(
    source: Source, where: str, *, asked: Task | None, loss: str | None, guessed: bool
) -> Source:
    """The source with targets as its task wants them.

    Args:
        where: what a message begins with.
        asked: the task that the recipe asks for, or None.
        loss: name of the recipe's loss, or None.
        guessed: whether the source's task is only what its targets suggest.

    Raises:
        DataError: the targets are not what is asked for, or may as well mean something else.
    """
    if asked is not None:
        return _as(source, asked, where)
    if not guessed:
        return source
    suggested = _suggested(source, loss)
    if suggested is not None:
        return _as(source, suggested, where)
    # A loss for classes leaves no doubt about whole numbers.
    why = "" if loss in CLASS_LOSSES else doubt(source.y, source.task)
    if why:
        raise DataError(f"{where}: {why}")
    return source


def _suggested(source: Source, loss: str | None) -> Task | None:
    """The task that the loss tells against what the targets look like."""
    if loss in BINARY_LOSSES and source.classes is not None:
        return "multilabel"
    numbers = source.task == "regression" and source.y.ndim == 1
    if loss in CLASS_LOSSES and numbers and (source.y == np.floor(source.y)).all():
        return "classification"
    return None


def _as(source: Source, task: Task, where: str) -> Source:
    if source.task == task:
        return source
    y, classes = written_as(task, _columns(source, source.y), where)
    test = source.test
    if test is not None:
        own, _ = written_as(task, _columns(source, test[1]), f"{where}, test")
        test = test[0], own
    return replace(source, y=y, task=task, classes=classes, test=test)


def _columns(source: Source, y: np.ndarray) -> np.ndarray:
    """Classes that were one-hot rows as such rows again."""
    return y if source.classes is None else np.eye(len(source.classes), dtype="uint8")[y]
