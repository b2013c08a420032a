"""What may be wrong with data before a training: nothing here changes a row."""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from ..spec.tasks import NUMBERS
from .cell_types import words
from .check_columns import drifts, leaks
from .check_groups import overlaps
from .data_finding import FEW_ROWS, Columns, DataFinding, scalar_columns
from .frame import Frame, counted, plain
from .infer import infer
from .loaded import Data, Split
from .window_division import covered

# A column in which this fraction of the cells is missing says little.
MOSTLY_MISSING = 0.5
# Equal rows are no repetition where more than this many are to be expected by chance.
BY_CHANCE = 0.01


def check_data(data: Data, groups: Data | None = None) -> list[DataFinding]:
    """All that may be wrong with the data of a recipe: a finding for each column, class or split.

    Looked for are columns that are missing, constant, equal to another or name the rows, a column
    that predicts the target alone, classes with few rows, rows that stand in two splits, and
    columns that differ between training and test rows.

    Args:
        groups: the data with columns that may name groups, where the recipe has no `split_by`; then
            groups on both sides of a split are looked for too.
    """
    if data.forecasting is not None:
        return check_series(data)
    each = [data.of(head.name) for head in data.heads] or [data]
    found = [*(finding for own in each for finding in rare_classes(own)), *repeated_rows(each[0])]
    if isinstance(data.train.x, Frame):
        columns = scalar_columns(data.train.x)
        used = {feature.name for feature in data.features}
        found += unusable_columns(data.train.x, used)
        found += equal_columns(columns)
        entering = {name: columns[name] for name in columns if name in used}
        found += [finding for own in each for finding in leaks(own, entering)]
        found += drifts(data, used)
    if groups is not None and isinstance(groups.train.x, Frame):
        found += [
            DataFinding("group overlap", f"{each.split} split", each.problem, each.mend)
            for each in overlaps(groups)
        ]
    return found


def check_series(data: Data) -> list[DataFinding]:
    """What may be wrong with the rows that training windows see.

    Other windows repeat most of them, and a column that tells the target of its own row leaks
    nothing of the rows after it.
    """
    windows = data.train.x
    seen = covered(windows.starts, windows.options.length, len(windows.frame))
    rows = windows.frame.take(np.flatnonzero(seen))
    used = {feature.name for feature in data.features}
    rows = rows.select(name for name in rows.columns if name in used)
    return [*unusable_columns(rows, used), *equal_columns(scalar_columns(rows))]


def rare_classes(data: Data) -> Iterator[DataFinding]:
    """Classes, or labels, with few training rows."""
    if data.task in NUMBERS:
        return
    y = data.train.y
    counts = y.sum(axis=0) if y.ndim == 2 else np.bincount(y, minlength=len(data.classes))
    names = data.classes or data.target
    for index in np.flatnonzero(counts < FEW_ROWS).tolist():
        name = plain(str(names[index])) if index < len(names) else index
        yield DataFinding(
            "rare class",
            f"class {name}",
            f"has {counted(int(counts[index]), 'training row')} of {len(y)}.",
            "Add rows of it, join it with another class, or leave it out.",
        )


def repeated_rows(data: Data) -> Iterator[DataFinding]:
    """Rows of the validation or test split that stand in the training split too."""
    names = [feature.name for feature in data.features]
    known = set(digests(data.train, names))
    for name, split in (("validation", data.validation), ("test", data.test)):
        if split is None:
            continue
        again = np.array([digest in known for digest in digests(split, names)])
        repeated = int(np.sum(again & (chance_of_equal(data, split, names) < BY_CHANCE)))
        if repeated:
            yield DataFinding(
                "repeated rows",
                f"{name} split",
                f"{repeated} of {counted(len(split), 'row')} stand in the training split too, "
                "target included.",
                "Remove repeated rows, or keep them together: `split_by: {group: COLUMN}`.",
            )


def chance_of_equal(data: Data, split: Split, names: Sequence[str]) -> np.ndarray:
    """Training rows that would equal each row of a table by chance, were its columns independent.

    Few columns of few categories repeat although no row was entered twice.
    """
    expected = np.zeros(len(split))
    if not isinstance(split.x, Frame) or split.x.pictures:
        return expected
    expected += len(data.train)
    for name in names:
        if not isinstance(split.x[name], np.ndarray):
            expected *= fraction_of_cells(words(data.train.x[name]), words(split.x[name]))
    if data.train.y.ndim == 1:
        expected *= fraction_of_cells(data.train.y.astype(str), split.y.astype(str))
    return expected


def fraction_of_cells(train: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """For each of the cells, the fraction of the training cells that equal it."""
    found, counts = np.unique(train.astype(str), return_counts=True)
    places = np.minimum(np.searchsorted(found, cells.astype(str)), len(found) - 1)
    return np.where(found[places] == cells.astype(str), counts[places], 0) / len(train)


def digests(split: Split, names: Sequence[str]) -> list[bytes]:
    """A hash of each row, or its cells in some columns, with its target."""
    if isinstance(split.x, Frame):
        cells: list[Sequence[str]] = [
            words(column).tolist() for column in scalar_columns(split.x.select(names)).values()
        ]
        for name in names:
            if name in split.x.pictures:
                cells.append([digest.tobytes().hex() for digest in split.x.pictures[name].digests])
        rows = ("\0".join(row) for row in zip(*cells, strict=True))
        texts = (row.encode() for row in rows)
    else:
        texts = (np.ascontiguousarray(row).tobytes() for row in split.x)
    return [
        hashlib.blake2b(text + np.asarray(y).tobytes(), digest_size=16).digest()
        for text, y in zip(texts, split.y, strict=True)
    ]


def unusable_columns(rows: Frame, used: set[str]) -> Iterator[DataFinding]:
    """Columns that are mostly missing, constant, or that name the rows."""
    for name, column in scalar_columns(rows).items():
        missing = column.null_count / len(column)
        place = f"column `{plain(name)}`"
        if MOSTLY_MISSING <= missing < 1:
            yield DataFinding(
                "missing cells",
                place,
                f"{100 * missing:.0f} % of its training cells are missing.",
                f"Fill them in, or leave it out: `features: {{'*': auto, {plain(name)}: drop}}`.",
            )
        inferred = infer(rows, name)
        if inferred.feature is None:
            verb = "but is a feature of the recipe" if name in used else "and is left out"
            yield DataFinding(
                "no information", place, f"{inferred.reason}, {verb}.", "Remove it from the table."
            )


def equal_columns(columns: Columns) -> Iterator[DataFinding]:
    """Columns with the same cells as one before them."""
    first: dict[bytes, str] = {}
    for name, column in columns.items():
        cells = "\0".join(words(column).tolist())
        digest = hashlib.blake2b(cells.encode()).digest()
        other = first.setdefault(digest, name)
        if other != name:
            yield DataFinding(
                "equal columns",
                f"column `{plain(name)}`",
                f"has the same cells as `{plain(other)}` in all training rows.",
                f"Leave one out: `features: {{'*': auto, {plain(name)}: drop}}`.",
            )
