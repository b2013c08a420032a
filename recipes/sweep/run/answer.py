"""What a sweep that has ended answers: the winner, how far it is ahead, its test and ensemble."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TypedDict

from ...inputs import Arrays
from ..spec.records import Sweep
from .result import Best, TrialRow
from .winner import compare, evaluate_winner, lead_sentence, write_best, write_ensemble


class SweepAnswer(TypedDict, total=False):
    """The fields of a `SweepResult` that follow from its ranked trials."""

    best: dict[str, object]
    recipe: str
    lead: dict[str, object]
    test: dict[str, float]
    ensemble: dict[str, object]
    rounds: list[dict[str, object]]


def answer_of(
    sweep: Sweep, directory: Path, best: Sequence[TrialRow], arrays: Arrays | None
) -> SweepAnswer:
    """The winner, how far it is ahead, and what the sweep asks of it.

    Args:
        directory: of the sweep.
        best: the completed trials, best first.
        arrays: `(x, y)` for a recipe whose data source is `arrays`.
    """
    found: SweepAnswer = {
        "best": {each.name: getattr(best[0], each.name) for each in fields(Best)},
        "recipe": str(write_best(directory, best[0], sweep)),
    }
    if len(best) > 1:
        lead = compare(best[0].seeds, best[1].seeds)
        noise = "seeds" if sweep.folds is None else "folds"
        said = lead_sentence(best[0], best[1], lead, sweep.objective, noise)
        found["lead"] = {"second": best[1].trial, **asdict(lead), "said": said}
    if sweep.evaluate_test:
        found["test"] = evaluate_winner(directory, best[0], arrays)
    if sweep.ensemble:
        found["ensemble"] = write_ensemble(
            directory, best[: sweep.ensemble], test=sweep.evaluate_test, arrays=arrays
        )
    return found
