"""The answer of a sweep: the best trial as a recipe, what it does on the test rows, an ensemble."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ....disk import when_there_is_space
from ...record import directory as files
from ...record.directory import RunDirectory
from ...spec import load
from ..spec.records import Objective, Sweep
from .layout import BEST, ENSEMBLE
from .statistics import Lead
from .tables import Row

# The usual bound on the probability of a lead that is none.
SIGNIFICANT = 0.05


def ranked(rows: Sequence[Row], objective: Objective) -> list[Row]:
    """Completed trials, best first: those trained to their end before those that were not.

    Of equal scores the earlier trial wins. A training that another one continued is not counted
    beside it.
    """
    continued = {row.continues for row in rows if row.status == "completed"}
    sign = 1 if objective.direction == "min" else -1
    found = [
        (not row.whole, sign * row.score, index, row)
        for index, row in enumerate(rows)
        if row.status == "completed" and row.score is not None and row.trial not in continued
    ]
    return [row for *_, row in sorted(found, key=lambda item: item[:3])]


def said(best: Row, second: Row, found: Lead, objective: Objective) -> str:
    """The lead as a sentence."""
    start = (
        f"trial {best.trial} is ahead of trial {second.trial} by "
        f"{abs((best.score or 0.0) - (second.score or 0.0)):.3g} in {objective.metric}"
    )
    if found.probability is None:
        return f"{start}; with one training each nobody can tell this from noise (see `repeats`)"
    verdict = "more" if found.probability < SIGNIFICANT else "no more"
    return f"{start}, {verdict} than the noise of the seeds ({found.test}, p = {_p(found)})"


def _p(found: Lead) -> str:
    p = found.probability or 0.0
    return f"{p:.2g}" if p >= 1e-4 else "below 0.0001"


def write_best(directory: Path, best: Row, sweep: Sweep) -> Path:
    """Write `best.yaml`: the recipe of the best trial's first training."""
    recipe = (directory / best.directories[0] / files.RECIPE).read_text(encoding="utf-8")
    plugins = "".join(f" --plugin {name}" for name in sweep.plugins)
    reached = f"{sweep.objective.metric} {best.seeds[0]!r} in its best epoch"
    head = [
        f"# The best of the trials of this sweep: trial {best.trial}.",
        "#",
        f"# Run:    keras-recipes train {directory / BEST}{plugins}",
        f"# Expect: {reached}, to the last digit on the machine of the sweep",
    ]
    if len(best.seeds) > 1:
        head.append(
            f"#         (mean of {len(best.seeds)} seeds {best.score!r}; this is the first)"
        )
    if not best.whole:
        head.append(f"#         after {best.epochs} epochs, where the search left it")
    text = "\n".join(head) + "\n" + recipe
    when_there_is_space(lambda: RunDirectory(directory).write_text(BEST, text))
    return directory / BEST


def evaluate_winner(directory: Path, best: Row, arrays: Any = None) -> dict[str, float]:
    """Metrics of the winner's model on the test rows: the only time that they are looked at."""
    from ...build.inputs import data_of
    from ...run.reload import measured, model_of

    run = RunDirectory(directory / best.directories[0])
    recipe = load(run / files.RECIPE)
    return measured(recipe, data_of(recipe, arrays), model_of(run), "test")


def write_ensemble(
    directory: Path, best: Sequence[Row], *, test: bool, arrays: Any = None
) -> dict[str, Any]:
    """One model whose output is the mean of the outputs of the best trials' models.

    Args:
        directory: the sweep's directory.
        best: the trials, best first.
        test: whether it is measured on the test rows as well.
        arrays: `(x, y)` for a recipe whose data source is `arrays`.

    Returns:
        The members and the metrics of the ensemble.
    """
    from ...build.inputs import data_of
    from ...run.ensemble import averaged
    from ...run.reload import measured, model_of

    folders = [directory / row.directories[0] for row in best]
    recipe = load(folders[0] / files.RECIPE)
    model = averaged([model_of(RunDirectory(folder)) for folder in folders], recipe.name)
    name = f"{ENSEMBLE}/{files.MODEL}"
    when_there_is_space(lambda: RunDirectory(directory).write(name, model.save))
    data = data_of(recipe, arrays)
    return {
        "members": [row.trial for row in best],
        "model": name,
        "validation": measured(recipe, data, model, "validation"),
        "test": measured(recipe, data, model, "test") if test else {},
    }
