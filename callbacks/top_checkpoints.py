"""The models of the best few epochs, on disk."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from ..arguments import check_int, check_str
from ..disk import write_text
from .base import StatefulCallback
from .best_checkpoint import save_whole
from .monitored import Mode, check_mode, lower_is_better, monitored_value


class KeptModel(TypedDict):
    """A model that is kept: its epoch, from 1, the monitored value, and the name of its file."""

    epoch: int
    value: float
    file: str


class TopCheckpoints(StatefulCallback):
    """Keeps the whole model of each of the best `k` epochs, to choose from or to average.

    Files are `epoch-0007.keras` in the folder `path`, and `index.json` names them with their
    values, the best first. Each is written under a temporary name and renamed. The model of an
    epoch whose value is NaN or infinite is not kept; of equal values the earlier is better. A
    resumed training continues with the files it has; other files in the folder stay.

    Args:
        path: folder to write to.
        k: number of models to keep, >= 1.
        monitor: name of the value, as it is logged.
        mode: `min`, `max`, or `auto`: higher is better for accuracies, AUC, precision and the like.

    Attributes:
        kept: `epoch` (from 1), `value` and `file` of each, the best first.

    Raises:
        ValueError: a bad argument; at the first epoch's end, a monitor that is not logged.

    >>> checkpoints = TopCheckpoints("checkpoints/top", k=3, monitor="val_accuracy")
    """

    STATE = ("kept",)

    def __init__(
        self,
        path: str = "checkpoints/top",
        k: int = 3,
        monitor: str = "val_loss",
        mode: Mode = "auto",
    ):
        super().__init__()
        self.path = check_str("path", path)
        self.k = check_int("k", k, ge=1)
        self.monitor = check_str("monitor", monitor)
        self.mode: Mode = check_mode(mode)
        self.reset()

    def reset(self) -> None:
        self.kept: list[KeptModel] = []

    def saved_files(self) -> tuple[str, ...]:
        return ("index.json", *(row["file"] for row in self.kept))

    def check_state(self, state: Mapping[str, object]) -> None:
        kept = state["kept"]
        if not isinstance(kept, list) or not all(_is_kept(row) for row in kept):
            raise ValueError(
                f"`kept` must have an epoch, a value and its file for each model. Received: {kept}"
            )

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        value = monitored_value(self.monitor, logs, "TopCheckpoints")
        if not math.isfinite(value):
            return
        row: KeptModel = {"epoch": epoch + 1, "value": value, "file": _name(epoch + 1)}
        sign = 1 if lower_is_better(self.monitor, self.mode) else -1
        # Sorting is stable: of equal values the earlier stays first.
        ranked = sorted([*self.kept, row], key=lambda entry: sign * entry["value"])
        kept, gone = ranked[: self.k], ranked[self.k :]
        if row in gone:
            return
        folder = Path(self.path)
        save_whole(self.model, folder / row["file"])
        self.kept = kept
        write_text(folder / "index.json", json.dumps(kept, indent=1) + "\n")
        for old in gone:
            (folder / old["file"]).unlink(missing_ok=True)


def _name(epoch: int) -> str:
    """The file of an epoch, counted from 1."""
    return f"epoch-{epoch:04d}.keras"


def _is_kept(row: object) -> bool:
    """Whether this callback makes such an entry; another file name might be outside the folder."""
    if not isinstance(row, Mapping) or set(row) != {"epoch", "value", "file"}:
        return False
    numbers = type(row["epoch"]) is int and isinstance(row["value"], (int, float))
    return numbers and row["epoch"] > 0 and row["file"] == _name(row["epoch"])
