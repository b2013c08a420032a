"""The winner of a sweep: the best trial, how certain that is, and the models made from it."""

import math
import statistics
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
from scipy import stats

from ....disk import when_there_is_space
from ....models.loss_weights import Term
from ...build.inputs import data_of
from ...inputs import Arrays
from ...record import directory as files
from ...record.directory import RunDirectory
from ...run.reload import measured, model_of, reached
from ...run.several import averaged
from ...run.stored_recipe import plugin_comment
from ...spec import Recipe, dump, load
from ...spec.folds import with_fold
from ..spec.records import Objective, Sweep
from .folder import BEST, ENSEMBLE, FOLD
from .result import TrialRow

# The usual level of significance.
SIGNIFICANT = 0.05


def ranked(rows: Sequence[TrialRow], objective: Objective) -> list[TrialRow]:
    """Completed trials, best first: those trained to their end before those that were not.

    Of equal scores the earlier trial wins. A training that another one has continued is
    not counted.
    """
    continued = {row.continues for row in rows if row.status == "completed"}
    sign = 1 if objective.direction == "min" else -1
    found = [
        (not row.whole, sign * row.score, index, row)
        for index, row in enumerate(rows)
        if row.status == "completed" and row.score is not None and row.trial not in continued
    ]
    return [row for *_, row in sorted(found, key=lambda item: item[:3])]


@dataclass(frozen=True)
class Lead:
    """A comparison of two settings, the first of which is ahead.

    Attributes:
        difference: mean of the first less mean of the second.
        probability: of a difference at least as large if both were the same; None where single
            trainings give none.
        test: name of the test.
    """

    difference: float
    probability: float | None
    test: str


def interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float] | None:
    """Student's interval of a mean: mean +- t * s / sqrt(n); None for a single value.

    >>> low, high = interval([1.0, 2.0, 3.0])
    >>> round(low, 4), round(high, 4)
    (-0.4841, 4.4841)
    """
    count = len(values)
    if count < 2:
        return None
    mean = statistics.fmean(values)
    error = statistics.stdev(values) / math.sqrt(count)
    half = float(stats.t.ppf(0.5 + confidence / 2, count - 1)) * error
    return mean - half, mean + half


def compare(first: Sequence[float], second: Sequence[float]) -> Lead:
    """Two settings: Student's paired test where they have the same seeds, Welch's otherwise."""
    difference = statistics.fmean(first) - statistics.fmean(second)
    if min(len(first), len(second)) < 2:
        return Lead(difference, None, "none: one training each")
    found: Any
    with warnings.catch_warnings():
        # Values without any spread make scipy warn; the probability is then 0, or NaN for 1.
        warnings.simplefilter("ignore")
        if len(first) == len(second):
            test, found = "paired t test", stats.ttest_rel(first, second)
        else:
            test, found = "Welch's t test", stats.ttest_ind(first, second, equal_var=False)
    probability = float(found.pvalue)
    return Lead(difference, 1.0 if math.isnan(probability) else probability, test)


def lead_sentence(
    best: TrialRow, second: TrialRow, lead: Lead, objective: Objective, noise: str = "seeds"
) -> str:
    """The lead as a sentence.

    Args:
        noise: what the trainings of one setting differ in.
    """
    start = (
        f"trial {best.trial} is ahead of trial {second.trial} by "
        f"{abs((best.score or 0.0) - (second.score or 0.0)):.3g} in {objective.metric}"
    )
    p = lead.probability
    if p is None:
        return (
            f"{start}; with one training each this cannot be distinguished from noise (see "
            "`repeats`)"
        )
    verdict = "more" if p < SIGNIFICANT else "no more"
    shown = f"{p:.2g}" if p >= 1e-4 else "below 0.0001"
    return f"{start}, {verdict} than the noise of the {noise} ({lead.test}, p = {shown})"


def write_best(directory: Path, best: TrialRow, sweep: Sweep) -> Path:
    """Write `best.yaml`: the recipe of the best trial's first training, or of all its folds."""
    first = directory / best.directories[0] / files.RECIPE
    recipe = first.read_text(encoding="utf-8")
    if sweep.folds is not None:
        whole = with_fold(load(first), None)
        recipe = plugin_comment(whole) + dump(whole)
    plugins = "".join(f" --plugin {name}" for name in sweep.plugins)
    reached = f"{sweep.objective.metric} {best.seeds[0]!r} in its best epoch"
    head = [
        f"# The best of the trials of this sweep: trial {best.trial}.",
        "#",
        f"# Run:    keras-recipes train {directory / BEST}{plugins}",
        f"# Expect: {reached}, to the last digit on the machine of the sweep",
    ]
    if sweep.folds is not None:
        mean = f"{sweep.objective.metric} {best.score!r} on average over {sweep.folds} folds"
        head[-1] = f"# Expect: {mean}, each in its best epoch"
    elif len(best.seeds) > 1:
        head.append(
            f"#         (mean of {len(best.seeds)} seeds {best.score!r}; this is the first)"
        )
    if not best.whole:
        head.append(f"#         after {best.epochs} epochs, where the search left it")
    text = "\n".join(head) + "\n" + recipe
    when_there_is_space(lambda: RunDirectory(directory).write_text(BEST, text))
    return directory / BEST


def evaluate_winner(
    directory: Path, best: TrialRow, arrays: Arrays | None = None
) -> dict[str, float]:
    """Metrics of the winner's model on the test rows: the only time that they are looked at."""
    recipe, model, terms = _joined(directory, [best])
    return measured(recipe, data_of(recipe, arrays), model, "test", terms)


def _joined(
    directory: Path, rows: Sequence[TrialRow]
) -> tuple[Recipe, keras.Model, Mapping[str, Term]]:
    """The recipe of the first of some trials, the average of their models, and its loss weights.

    With folds these are all folds of each trial, and the recipe is that of all of them. The weights
    of losses that one training has learned are those of its model alone; an average has none.
    """
    recipe = load(directory / rows[0].directories[0] / files.RECIPE)
    folded = Path(rows[0].directories[0]).name.startswith(f"{FOLD}-")
    names = [name for row in rows for name in (row.directories if folded else row.directories[:1])]
    runs = [RunDirectory(directory / name) for name in names]
    models = [model_of(run) for run in runs]
    recipe = with_fold(recipe, None) if folded else recipe
    if len(models) == 1:
        return recipe, models[0], reached(runs[0], recipe)
    return recipe, averaged(models, recipe.name), {}


def write_ensemble(
    directory: Path, best: Sequence[TrialRow], *, test: bool, arrays: Arrays | None = None
) -> dict[str, object]:
    """One model whose output is the mean of the outputs of the best trials' models.

    Args:
        directory: the sweep's directory.
        best: the trials, best first.
        test: whether it is measured on the test rows as well.
        arrays: `(x, y)` for a recipe whose data source is `arrays`.

    Returns:
        The members and the metrics of the ensemble.
    """
    recipe, model, terms = _joined(directory, best)
    name = f"{ENSEMBLE}/{files.MODEL}"
    when_there_is_space(lambda: RunDirectory(directory).write(name, model.save))
    data = data_of(recipe, arrays)
    return {
        "members": [row.trial for row in best],
        "model": name,
        "validation": measured(recipe, data, model, "validation", terms),
        "test": measured(recipe, data, model, "test", terms) if test else {},
    }
