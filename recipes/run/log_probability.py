"""The log-probability of rows under a recipe's first RBM."""

from typing import TYPE_CHECKING

import numpy as np

from ...pretraining import exact_log_partition, log_partition, log_probability
from ..build.pretraining import TEST, Pretraining, rbm_rows
from ..spec import Recipe

if TYPE_CHECKING:
    from ..data import Data

# Rows of the training split whose means give the base rates, and whose log-probability is told.
ROWS = 10_000


def estimates(recipe: Recipe, data: "Data", work: Pretraining) -> dict[str, float]:
    """Nats a row by split, log Z, and the ends of its error bar of three standard errors.

    Exact where a layer has at most 20 binary units, else by annealed importance sampling.
    """
    assert recipe.pretraining is not None
    section = recipe.pretraining.dbn.log_probability
    assert section is not None
    rbm = work.dbn.rbms[0]
    try:
        partition = exact_log_partition(rbm)
    except ValueError:
        partition = log_partition(
            rbm,
            work.rows[:ROWS],
            runs=section.runs,
            temperatures=section.temperatures,
            seed=recipe.seed,
        )
    splits: dict[str, np.ndarray | None] = {
        "training": work.rows[:ROWS],
        "validation": work.validation,
    }
    if data.test is not None:
        splits["test"] = rbm_rows(recipe, data, data.test.x, TEST)
    found = {
        split: round(log_probability(rbm, rows, partition).value, 4)
        for split, rows in splits.items()
        if rows is not None
    }
    ends = {"log_z": partition.value, "log_z_low": partition.low, "log_z_high": partition.high}
    return {**found, **{name: round(value, 4) for name, value in ends.items()}}
