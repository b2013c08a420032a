"""Targets of several outputs of a network, each with a task of its own, as one array of rows."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..errors import DataError
from .classes import as_words, encoded, known_classes, with_classes
from .frame import Frame
from .head import Head, HeadOptions
from .source import Source, of_table, with_task

# Rows of a combination of classes from which on splits are stratified by it: enough that a drawn
# test and a drawn validation split leave some of each to learn from.
ENOUGH = 20


def words_of(heads: Mapping[str, HeadOptions]) -> list[str]:
    """Columns whose classes are given as words, whatever the cells look like."""
    return [name for head in heads.values() if as_words(head.classes) for name in head.target]


def of_heads(table: Frame, heads: Mapping[str, HeadOptions], where: str) -> Source:
    """A source whose targets are records with a field for each output.

    Classes are indices already, as each field has its own.

    Raises:
        DataError: a column is missing, or cannot be what it should be.
    """
    targets = [name for head in heads.values() for name in head.target]
    found: list[Head] = []
    fields: dict[str, np.ndarray] = {}
    for name, head in heads.items():
        other = [column for column in targets if column not in head.target]
        rest = table.select([column for column in table.columns if column not in other])
        try:
            one = of_table(rest, head.target, where, head.task)
            one = with_task(one, where, asked=head.task, loss=head.loss, guessed=True)
            one = with_classes(one, head.classes, where, head.target)
            classes = known_classes(one, where)
        except DataError as error:
            raise DataError(f"output `{name}`: {error}") from None
        fields[name] = encoded(one.y, classes)
        found.append(Head(name, head.target, one.task, classes))
    inputs = table.select([column for column in table.columns if column not in targets])
    if not inputs.columns:
        raise DataError(f"{where}: no column is left to learn from.")
    return Source(inputs, records(fields), "several", heads=tuple(found))


def records(fields: Mapping[str, np.ndarray]) -> np.ndarray:
    """Arrays of the same rows as one array of records, a field each.

    >>> records({"a": np.array([1.0, 2.0]), "b": np.array([0, 1])})["a"].tolist()
    [1.0, 2.0]
    """
    kinds = [
        (name, "float32" if y.dtype.kind == "f" else y.dtype, y.shape[1:])
        for name, y in fields.items()
    ]
    made = np.empty(len(next(iter(fields.values()))), kinds)
    for name, y in fields.items():
        made[name] = y
    return made


def strata(y: np.ndarray, heads: Sequence[Head], enough: int = ENOUGH) -> np.ndarray | None:
    """The label of each row by which splits are stratified; None where no output has classes.

    The combination of the classes of all outputs that have some, where each combination that
    occurs has enough rows; else the class of the first such output.

    Args:
        y: records with a field for each output, classes as indices.
        enough: rows of a combination, at least.

    >>> heads = [Head("a", ("a",), "classification", ("no", "yes"))]
    >>> strata(records({"a": np.array([0, 1, 1])}), heads).tolist()
    ['no', 'yes', 'yes']
    """
    classed = [head for head in heads if head.classes]
    if not classed:
        return None
    # Mixed radix: the digits of a number are the classes of its row.
    codes = np.zeros(len(y), "int64")
    for head in classed:
        codes = np.unique(codes * len(head.classes) + y[head.name], return_inverse=True)[1]
    if len(classed) > 1 and np.bincount(codes).min() >= enough:
        return codes
    return np.array(classed[0].classes)[y[classed[0].name]]


def field_of(y: np.ndarray, name: str) -> np.ndarray:
    """One field of an array of records, as an array of its own."""
    return np.ascontiguousarray(y[name])
