"""How raw rows are read for a run's model, and the rows that were read."""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from ..errors import DataError
from ..record.contents import JSONObject
from ..spec.nodes import Node
from .fitted import FITTED, Fitted
from .frame import Frame, counted
from .image_feature import FittedImage

OnError = Literal["refuse", "skip"]
MOST_ROWS_SHOWN = 5


@dataclass
class Faults:
    """Rows that cannot be used.

    Attributes:
        by_row: row -> its first fault, with its place.
    """

    by_row: dict[int, str] = field(default_factory=dict)

    def add(self, row: int, message: str) -> None:
        """Note a fault; the first of a row counts."""
        self.by_row.setdefault(row, message)

    def summary(self, rows: int) -> str:
        """How many rows cannot be used, and the first of them.

        Args:
            rows: how many there are.
        """
        if len(self.by_row) == 1:
            return next(iter(self.by_row.values()))
        first = heapq.nsmallest(MOST_ROWS_SHOWN, self.by_row)
        lines = [f"  {self.by_row[row]}" for row in first]
        if len(self.by_row) > len(first):
            lines.append(f"  and {counted(len(self.by_row) - len(first), 'more row')}.")
        return "\n".join([f"{len(self.by_row)} of {counted(rows, 'row')} cannot be used:", *lines])


@dataclass(frozen=True)
class ParsedRows:
    """Rows in the form that a run's model takes, and what is wrong with the others.

    Attributes:
        x: the rows that can be used: an array, or a table.
        usable: for each row of the file, whether it can be used (rows,).
        errors: row of the file, from 0 -> why it cannot be used, with its place.
        y: targets of the rows that can be used, as indices into the classes or as numbers; None
            where they were not asked for.
        notes: what is worth knowing and no error.
        files: for each row, the picture it is; empty where the rows are no pictures.
        kept: columns that were asked for as they are in the file, with all its rows.
    """

    x: Any
    usable: np.ndarray
    errors: Mapping[int, str] = field(default_factory=dict)
    y: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    kept: Mapping[str, list[object]] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """How rows are read.

    Attributes:
        described: the run's `data.json`.
        with_target: whether the targets are read too.
        on_error: `refuse` raises where a row cannot be used; `skip` leaves such rows out.
        arrays: names of the arrays of rows and targets in an `.npz` file.
        undecodable: gives the rows whose picture cannot be decoded, with the reason.
        keep: columns of a table that are kept as they are beside the rows.
    """

    described: JSONObject
    with_target: bool = False
    on_error: OnError = "refuse"
    arrays: tuple[str, str] = ("x", "y")
    undecodable: Callable[[FittedImage, Frame], Mapping[int, str]] | None = None
    keep: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return tuple(self.described["input_shape"])

    @property
    def features(self) -> tuple[Fitted, ...]:
        """What was learned of the columns of a table; empty where rows are arrays."""
        return FITTED.validate_python(self.described["features"])

    @property
    def target(self) -> tuple[str, ...]:
        """Names of the target columns of a table."""
        return tuple(self.described["target"])

    @property
    def heads(self) -> dict[str, "Reading"]:
        """How the targets of each of several outputs are read; empty where there is one."""
        heads: Mapping[str, JSONObject] = self.described.get("heads", {})
        return {
            name: replace(self, described={**self.described, "heads": {}, **head})
            for name, head in heads.items()
        }

    @property
    def places(self) -> tuple[str, ...]:
        """Columns that windows need beside those that enter the network."""
        window = self.described.get("window")
        if window is None:
            return ()
        if self.on_error == "skip":
            raise DataError("rows: windows need all rows of a series; none can be skipped.")
        places = tuple(name for name in (window["by"], window["time"]) if name is not None)
        return (*places, *self.target) if self.with_target else places


def array_names(recipe: Node) -> tuple[str, str]:
    """Names of the arrays of rows and targets in the recipe's `.npz` file, and in others.

    They are read from the text: checking a recipe needs its plugins, and a prediction does not.
    """
    node: Node | None = recipe
    for key in ("data", "source", "npz"):
        node = None if node is None else node.child(key)
    arguments = {} if node is None else node.plain()
    if not isinstance(arguments, dict):
        arguments = {}
    return str(arguments.get("x", "x")), str(arguments.get("y", "y"))
