"""Rows and targets of each split, and all else that training needs to know of its data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..spec.targets import ClassName
from ..spec.tasks import Task
from .fitted import FITTED, Fitted
from .frame import pick
from .head import Head
from .heads import field_of
from .naive import Forecasting
from .scale import Scaling
from .table import note_lines


@dataclass(frozen=True)
class Split:
    """Rows and their targets.

    Attributes:
        x: rows, first axis counts them; a table, or the blocks of numbers by name that it became.
        y: their targets; of several outputs records with a field for each, or arrays by name.
        numbers: which row of the source each of them is, from 0; None where that is not known.
    """

    x: Any
    y: Any
    numbers: np.ndarray | None = None

    def __len__(self) -> int:
        return len(next(iter(self.y.values())) if isinstance(self.y, Mapping) else self.y)


@dataclass(frozen=True)
class Data:
    """All that training needs to know of its data.

    Attributes:
        train: rows to learn from.
        validation: rows to choose by, or None.
        test: rows to measure once, or None.
        task: `classification`, `ordinal`, `multilabel`, `regression` or `count`.
        classes: the classes in order; targets are indices into it. Empty for the other tasks.
        scaling: fitted on the training rows.
        features: what was learned of each column of a table, from the training rows.
        target: names of the columns of a table that are predicted.
        dialect: how a table of text is written, where the recipe says it.
        notes: what each column of a table was taken for, and why.
        unlabelled: all rows of the training split, where only some of them are trained on; or None.
        forecasting: of windows over series, what their forecasts are measured by; else None.
        fingerprint: hash over all rows and targets of all splits.
        source: name of the source.
        unreadable: pictures that cannot be read and were left out, each with the reason.
        heads: of a network with several outputs, the fields of the targets; else empty.
    """

    train: Split
    validation: Split | None
    test: Split | None
    task: Task
    classes: tuple[ClassName, ...]
    scaling: Scaling
    fingerprint: str
    source: str
    features: tuple[Fitted, ...] = ()
    target: tuple[str, ...] = ()
    dialect: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unlabelled: Any = None
    unreadable: tuple[str, ...] = ()
    forecasting: Forecasting | None = None
    heads: tuple[Head, ...] = ()

    def of(self, name: str) -> "Data":
        """The same data with the targets of one of several outputs."""

        def own(split: Split) -> Split:
            return replace(split, y=field_of(split.y, name))

        head = next(head for head in self.heads if head.name == name)
        return replace(
            self,
            train=own(self.train),
            validation=self.validation and own(self.validation),
            test=self.test and own(self.test),
            task=head.task,
            classes=head.classes,
            target=head.target,
            heads=(),
        )

    @property
    def lines(self) -> list[str]:
        """Notes about series and columns, a line each."""
        series = () if self.forecasting is None else self.forecasting.notes
        return [*series, *note_lines(self.notes)]

    @property
    def rows(self) -> Any:
        """All rows of the training split, those whose target is not used among them."""
        return self.train.x if self.unlabelled is None else self.unlabelled

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one row of an array; empty for a table and its blocks."""
        x = self.train.x
        return x.shape[1:] if isinstance(x, np.ndarray) else ()

    @property
    def num_outputs(self) -> int:
        """Numbers or labels to predict for a row, where they are no classes."""
        return 1 if self.train.y.ndim == 1 else self.train.y.shape[1]

    def to_json(self) -> dict[str, object]:
        """What a run directory keeps, so that raw rows can be predicted later."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {
            "source": self.source,
            "task": self.task,
            "classes": list(self.classes),
            "input_shape": list(self.input_shape),
            "rows": {name: 0 if part is None else len(part) for name, part in named.items()},
            "notes": list(self.notes),
            "features": FITTED.dump_python(self.features, mode="json"),
            "target": list(self.target),
            "dialect": dict(self.dialect),
            "scaling": self.scaling.to_json(),
            "window": self.forecasting and self.forecasting.to_json(),
            "fingerprint": self.fingerprint,
            **({"heads": {head.name: head.to_json() for head in self.heads}} if self.heads else {}),
        }


def without(split: Split, rows: Sequence[int]) -> Split:
    """A split without some of its rows."""
    return rows_of(split, np.delete(np.arange(len(split)), rows))


def rows_of(split: Split, rows: np.ndarray) -> Split:
    """Some rows of a split, by index."""
    numbers = None if split.numbers is None else split.numbers[rows]
    return Split(pick(split.x, rows), split.y[rows], numbers)
