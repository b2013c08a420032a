"""What every data source gives: rows, targets, and what is known of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import DataError
from ..spec.choices import Arguments
from ..spec.targets import ClassName
from ..spec.tasks import BINARY_LOSSES, CLASS_LOSSES, NUMBERS, Task
from ..spec.wording import shown
from .arrays import as_array, numbers
from .cell_types import is_binary, is_text, not_numbers, words
from .frame import Frame, Rows, counted, plain, refuse_nearly_numbers
from .head import Head
from .notation import guessed, notation_arguments
from .targets import A_COUNT, doubt, not_counts, task_of, written_as
from .truth import with_numbers_for_truth

# Sources whose task follows from their targets; all others have a task of their own.
GUESSED = frozenset(
    {"csv", "jsonl", "parquet", "image_folder", "npz", "npy", "arrays", "tfrecord", "tfds",
     "huggingface"}
)  # fmt: skip
# Sources whose task decides how arrays are read.
TAKES_TASK = frozenset({"npz", "npy"})


@dataclass(frozen=True)
class Source:
    """Rows and targets as a source has them.

    Attributes:
        x: rows: an array whose first axis counts them, or a table.
        y: targets; whole numbers or words for classes, floats for numbers to predict, a column of
            0 and 1 for each of several labels.
        task: what the targets ask for.
        pixels: whether all features share one range, as the pixels of an image do.
        test: the source's own test rows and targets, if it has them.
        validation: the same to validate on.
        classes: the classes, where rows alone do not show them all.
        numbers: which row of the source each row is, from 0; None where all stand in order.
        heads: of several outputs, the fields of the targets (`data.heads`).
    """

    x: Rows
    y: np.ndarray
    task: Task
    pixels: bool = False
    test: tuple[Rows, np.ndarray] | None = None
    classes: tuple[ClassName, ...] | None = None
    validation: tuple[Rows, np.ndarray] | None = None
    numbers: np.ndarray | None = None
    heads: tuple[Head, ...] = ()


def checked(
    x: object, y: object, where: str, *, task: Task | None = None, pixels: bool | None = None
) -> Source:
    """A source from arrays that may be anything; a `DataError` names what is wrong in `where`."""
    rows, targets = features(x, where), as_array(y, f"{where}, targets")
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.ndim not in (1, 2) or (targets.ndim == 2 and targets.shape[1] == 0):
        raise DataError(
            f"{where}: targets must have one value a row (or several numbers). "
            f"Received shape {targets.shape}."
        )
    if len(rows) != len(targets):
        raise DataError(f"{where}: {len(rows)} rows and {len(targets)} targets.")
    found = task or task_of(targets)
    written, classes = written_as(found, targets, where)
    pixels = rows.ndim > 2 if pixels is None else pixels
    return Source(rows, written, found, pixels, classes=classes)


def of_table(table: Frame, target: Sequence[str], where: str, asked: Task | None = None) -> Source:
    """A source from a table and the names of its target columns.

    Args:
        asked: the task that the recipe asks for, or None.

    Raises:
        DataError: a target column is missing, or a row has no target.
    """
    table.require(target)
    others = [name for name in table.columns if name not in target]
    if not others:
        raise DataError(f"{where}: no column is left to learn from.")
    y = target_values(table, target, asked)
    task = task_of(y)
    written, classes = written_as(task, y, where)
    return Source(table.select(others), written, task, classes=classes)


def target_values(table: Frame, target: Sequence[str], asked: Task | None) -> np.ndarray:
    """Target columns as words, whole numbers or floats: (rows,), or (rows, columns) for several."""
    if len(target) > 1 and asked not in NUMBERS:
        table = with_numbers_for_truth(table, target)
    found = [_target(table, name, asked) for name in target]
    if len(found) == 1:
        return found[0]
    for name, column in zip(target, found, strict=True):
        if column.dtype.kind == "U":
            raise DataError(
                f"{table.where}: column `{plain(name)}` holds words; several targets must be "
                "numbers, or labels of 0 and 1, yes and no, or true and false."
            )
    return np.stack(found, axis=1)


def _target(table: Frame, name: str, asked: Task | None) -> np.ndarray:
    column = table[name]
    if isinstance(column, np.ndarray) or is_binary(column):
        has = "bytes" if is_binary(column) else "several values a row"
        raise DataError(f"{table.where}: the target `{plain(name)}` has {has}.")
    if column.null_count:
        missing = np.flatnonzero(np.asarray(column.is_null()))
        place = table.fault(int(missing[0]), name, "the row has no target.")
        raise DataError(
            f"{table.where}: {counted(len(missing), 'row')} of {len(table)} without a target; "
            f"{place} Fill it in, or leave such rows out with `missing_target: drop` below `data`."
        )
    bad = not_numbers(column)
    if len(bad) and (asked in NUMBERS or not is_text(column)):
        received = shown(column[int(bad[0])].as_py())
        place = table.fault(int(bad[0]), name, f"expected a number to predict. Received {received}")
        count = counted(len(bad), "row")
        raise DataError(f"{table.where}: {count} of {len(table)} without a number; {place}.")
    if is_text(column):
        if asked is None:
            refuse_nearly_numbers(table, name, "write `task: classification` below `data`")
            _refuse_other_notation(table, name, bad)
        return words(column).astype(str)
    values = column.to_numpy(zero_copy_only=False)
    if asked == "count" and len(wrong := not_counts(values)):
        received = shown(values[wrong[0]].item())
        place = table.fault(int(wrong[0]), name, f"expected {A_COUNT}. Received {received}")
        count = counted(len(wrong), "row")
        raise DataError(f"{table.where}: {count} of {len(table)} without a count; {place}.")
    whole = values.dtype.kind == "f" and bool((values == np.floor(values)).all())
    return values.astype("int64") if whole and np.abs(values).max() < 2**53 else values


def _refuse_other_notation(table: Frame, name: str, words: np.ndarray) -> None:
    """Raise where words are numbers in another notation: each would be a class.

    Args:
        words: the rows whose cells are no numbers as they stand.
    """
    cells = table.coded(name).cells
    arguments = notation_arguments(cells)
    if len(words) and arguments and "date_format" not in guessed({name: cells}):
        received = shown(table[name][int(words[0])].as_py())
        raise DataError(
            f"{table.where}: the target `{plain(name)}` has words such as {received}; {arguments} "
            "of the source `csv` would read them as numbers to predict. If they are classes, write "
            "`task: classification` below `data`."
        )


def features(x: object, where: str) -> np.ndarray:
    """Rows as an array of numbers, at least one row and one feature."""
    rows = as_array(x, f"{where}, rows")
    if rows.ndim == 1:
        rows = rows[:, None]
    if rows.ndim < 2 or rows.size == 0:
        raise DataError(
            f"{where}: rows must be an array of at least one row. Received shape {rows.shape}."
        )
    return numbers(rows, f"{where}, rows")


def asked_task(name: str, arguments: Arguments, task: Task | None) -> Task | None:
    """The task that a recipe asks for: below `data`, or among the source's arguments.

    Raises:
        DataError: both are there and differ, or the source cannot have such targets.
    """
    own = arguments.get("task")
    if task is not None and own is not None and own != task:
        raise DataError(f"data.task is `{task}`, and `task` of the source `{name}` is `{own}`.")
    asked = task or own
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
    if not guessed or source.heads:
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
    """The task that the loss asks for where the targets alone suggest another one."""
    if loss in BINARY_LOSSES and source.classes is not None:
        return "multilabel"
    numbers = source.task == "regression" and source.y.ndim == 1
    if loss in CLASS_LOSSES and numbers and (source.y == np.floor(source.y)).all():
        return "classification"
    return None


def _as(source: Source, task: Task, where: str) -> Source:
    if source.task == task:
        return source
    y, classes = written_as(task, _one_hot_again(source, source.y), where)
    own: dict[str, tuple[Rows, np.ndarray]] = {}
    for name, part in (("test", source.test), ("validation", source.validation)):
        if part is not None:
            targets = _one_hot_again(source, part[1])
            own[name] = part[0], written_as(task, targets, f"{where}, {name}")[0]
    return replace(source, y=y, task=task, classes=classes, **own)


def _one_hot_again(source: Source, y: np.ndarray) -> np.ndarray:
    """Classes that were one-hot rows as such rows again."""
    return y if source.classes is None else np.eye(len(source.classes), dtype="uint8")[y]
