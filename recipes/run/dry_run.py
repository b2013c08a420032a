"""A recipe built but not trained: every variable with its decay and its learning rate."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..build.experiment import experiment
from ..data import Data
from ..spec import Recipe


def dry_run(recipe: Recipe, data: Data) -> str:
    """Build everything that a recipe describes; a summary and a table of its variables.

    Raises:
        RequestError: the recipe cannot be used, or a rule matches no variable.
    """
    with tempfile.TemporaryDirectory() as folder:
        built = experiment(recipe, data, Path(folder))
    model: Any = built.model
    updates = built.training.steps * recipe.epochs // recipe.gradient_accumulation
    rows = {"training": data.train, "validation": data.validation, "test": data.test}
    counted = ", ".join(f"{len(split.y)} {name}" for name, split in rows.items() if split)
    return "\n".join(
        [
            f"{recipe.name}: {counted} rows",
            built.summary,
            f"{recipe.epochs} epochs of {built.training.steps} batches: {updates} updates",
            f"steps an execution: {model.steps_per_execution}, "
            f"XLA: {'yes' if model.jit_compile is True else 'no'}",
            f"{model.count_params()} weights, of which these are trained:",
            table(model),
        ]
    )


def table(model: Any) -> str:
    """One row per trainable variable: path, shape, decay and learning rate with their rules."""
    decays, rates = model.decay_table(), model.rate_table()
    header = ["variable", "shape", "numbers"]
    columns = [
        [v.path, str(tuple(v.shape)), str(v.value.shape.num_elements())]
        for v in model.trainable_variables
    ]
    if decays:
        header += ["decay", "by"]
        for line, row in zip(columns, decays, strict=True):
            line += [f"x {row.factor:g}", row.rule]
    if rates:
        header += ["learning rate", "by"]
        for line, rate in zip(columns, rates, strict=True):
            line += [f"x {rate.multiplier:g}", rate.rule]
    return aligned([header, *columns])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows as text, each column as wide as its widest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join(lines)
