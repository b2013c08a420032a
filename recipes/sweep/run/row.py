"""What is known of one trial, as the table of a sweep has it."""

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
