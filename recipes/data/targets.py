"""What targets mean: classes, numbers to predict, counts, or several labels that are on or off."""

import numpy as np

from ..errors import DataError
from ..spec.tasks import Task
from .arrays import lost_in_float32, numbers, refuse_infinite

# Whole numbers with more different values than this may as well be measurements.
MOST_GUESSED = 20
# Whole numbers with gaps between them are measurements rather than classes where there are more
# different values than this, and fewer rows of each than that.
MANY_VALUES, FEW_ROWS = 10, 10
SPELLINGS = "Write `task: classification` or `task: regression` below `data`, whichever is meant."


def task_of(targets: np.ndarray) -> Task:
    """The task that targets (rows,) or (rows, outputs) suggest.

    One value a row: floats are numbers to predict; whole numbers, words and truth values are
    classes. Several values a row: 0 and 1 with a single 1 in each row are classes, other
    combinations of 0 and 1 are labels, and all else are numbers to predict.

    >>> task_of(np.array([[1, 0], [1, 1]]))
    'multilabel'
    """
    if targets.ndim == 2 and zeros_and_ones(targets):
        return "classification" if one_hot(targets) else "multilabel"
    return "regression" if targets.dtype.kind == "f" else "classification"


def zeros_and_ones(targets: np.ndarray) -> bool:
    """Whether there are 0 and 1 among the values, and nothing else."""
    if targets.dtype.kind == "U" or not targets.any():
        return False
    return bool(np.logical_or(targets == 0, targets == 1).all()) and not targets.all()


def one_hot(targets: np.ndarray) -> bool:
    """Whether each row of 0 and 1 (rows, classes) has a single 1."""
    return targets.shape[1] > 1 and bool((targets.sum(axis=1) == 1).all())


def written_as(
    task: Task, targets: np.ndarray, where: str
) -> tuple[np.ndarray, tuple[int, ...] | None]:
    """Targets in the form of a task: class numbers or words, finite numbers, or 0 and 1.

    Returns:
        The targets, and the classes where their number is known from the width of one-hot rows.

    Raises:
        DataError: they cannot be read as what the task asks for.
    """
    if task == "regression":
        return _numbers(targets, where), None
    if task == "count":
        return _counts(targets, where), None
    if task == "multilabel":
        return _labels(targets, where), None
    if targets.ndim == 2:
        return _from_one_hot(targets, where)
    if targets.dtype.kind == "f":
        return whole(targets, where), None
    return targets, None


def _numbers(targets: np.ndarray, where: str) -> np.ndarray:
    return narrowed(numbers(targets, f"{where}, targets"), f"{where}, targets")


def _counts(targets: np.ndarray, where: str) -> np.ndarray:
    """Counts as numbers; the first that is negative or not whole is refused."""
    found = _numbers(targets, where)
    wrong = not_counts(found)
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"{where}, targets: row {row} (from 0): expected {A_COUNT}. Received {found[row]}."
        )
    return found


A_COUNT = "a count, a whole number from 0 (`task: count`)"


def not_counts(targets: np.ndarray) -> np.ndarray:
    """Rows of targets (rows,) or (rows, columns) with a value that is no whole number from 0."""
    bad = (targets < 0) | (targets != np.floor(targets))
    return np.flatnonzero(bad.reshape(len(targets), -1).any(axis=1))


def _labels(targets: np.ndarray, where: str) -> np.ndarray:
    if targets.ndim != 2:
        raise DataError(
            f"{where}: `task: multilabel` needs one column of 0 and 1 for each label, shape "
            f"(rows, labels). Received shape {targets.shape}."
        )
    if targets.dtype.kind == "U" or not ((targets == 0) | (targets == 1)).all():
        raise DataError(
            f"{where}: `task: multilabel` needs targets of 0 and 1 only (or of yes and no)."
        )
    return targets.astype("uint8")


def _from_one_hot(targets: np.ndarray, where: str) -> tuple[np.ndarray, tuple[int, ...]]:
    if zeros_and_ones(targets) and one_hot(targets):
        return targets.argmax(axis=1), tuple(range(targets.shape[1]))
    raise DataError(
        f"{where}: targets of shape {targets.shape} are no classes: give one class number a row, "
        "or rows of 0 with a single 1. For several labels at once write `task: multilabel`, for "
        "several numbers to predict `task: regression`."
    )


def whole(targets: np.ndarray, where: str) -> np.ndarray:
    """Class numbers given as floats, as integers; they must be whole."""
    refuse_infinite(targets, f"{where}, targets")
    if (targets != np.floor(targets)).any():
        raise DataError(f"{where}: targets are not whole numbers; is this a regression?")
    if (np.abs(targets) > 2**53).any():
        raise DataError(f"{where}: class numbers above 2**53 are not exact as floats.")
    return targets.astype("int64")


def narrowed(targets: np.ndarray, where: str) -> np.ndarray:
    """Numbers to predict as 32-bit floats, if these can tell them apart."""
    if targets.dtype.kind == "f" and targets.dtype.itemsize <= 4:
        return targets
    if lost_in_float32(targets).any():
        low, high = targets.min(), targets.max()
        raise DataError(
            f"{where}: numbers from {low:.10g} to {high:.10g} differ by less than 32-bit floats, "
            "which networks compute with, can tell apart. Subtract an offset from them first."
        )
    return targets.astype("float32") if targets.dtype.kind == "f" else targets


def doubt(targets: np.ndarray, task: Task) -> str:
    """Why a task that was guessed from the targets may be wrong; empty where it is plain.

    >>> doubt(np.arange(30, 61), "classification")[:35]
    'the targets are 31 different whole '
    """
    if targets.dtype.kind == "U":
        return ""
    if task == "regression":
        if targets.ndim == 1 and targets.dtype.kind == "f" and zeros_and_ones(targets):
            return f"the targets are the floats 0 and 1: two classes, or numbers? {SPELLINGS}"
        return ""
    if task == "multilabel" or targets.dtype.kind not in "iu":
        return ""
    values = np.unique(targets)
    count = len(values)
    gaps = int(values[-1]) - int(values[0]) + 1 != count
    few = len(targets) < FEW_ROWS * count
    if count <= MOST_GUESSED and not (gaps and few and count > MANY_VALUES):
        return ""
    return (
        f"the targets are {count} different whole numbers from {values[0]} to {values[-1]}, with "
        f"{len(targets) / count:.3g} rows of each on average: classes, or numbers to predict? "
        f"{SPELLINGS}"
    )
