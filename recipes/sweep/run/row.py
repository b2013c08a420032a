"""What is known of one trial, as the table of a sweep has it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One trial.

    Attributes:
        trial: its name.
        status: completed, failed or running.
        score: value of the objective that decides; None where there is none.
        low: lower end of the 95 % interval of the score; None for a single training.
        high: upper end.
        values: parameter -> value.
        seeds: the score of each training, in the order of the seeds.
        epochs: epochs that all its trainings trained, without those of a trial that it continued.
        until: epochs that each was to be trained at most; None for all of its recipe.
        continues: the trial whose training it continued, or None.
        seconds: time of the trainings.
        whole: whether it was trained to its end.
        reason: why it failed, or ended early.
        directories: run directories, relative to the sweep's.
        curves: value of the objective after each epoch, for each training.
    """

    trial: str
    status: str
    score: float | None
    low: float | None
    high: float | None
    values: dict[str, Any]
    seeds: list[float] = field(default_factory=list)
    epochs: int = 0
    until: int | None = None
    continues: str | None = None
    seconds: float = 0.0
    whole: bool = False
    reason: str = ""
    directories: list[str] = field(default_factory=list)
    curves: list[list[float]] = field(default_factory=list)


def shortened(names: Sequence[str]) -> dict[str, str]:
    """The end of each name that tells it from the others, for people.

    >>> shortened(["optimizer.sgd.momentum", "model.layers[0].dense.units", "data.batch_size"])
    {'optimizer.sgd.momentum': 'momentum', 'model.layers[0].dense.units': 'units', \
'data.batch_size': 'batch_size'}
    """
    found = {}
    for name in names:
        parts = name.split(".")
        ends = [".".join(parts[-size:]) for size in range(1, len(parts) + 1)]
        found[name] = next(
            end
            for end in ends
            if end == name
            or not any(("." + other).endswith("." + end) for other in names if other != name)
        )
    return found
