"""A recipe built and not trained: what each variable is, whether it decays, how fast it learns."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..spec import Recipe
from .backend import use_tensorflow


def dry_run(recipe: Recipe) -> str:
    """Build everything that a recipe describes, and tell of it in a few lines and a table.

    Raises:
        RequestError: the recipe or its data cannot be used; a rule matches no variable.
    """
    from ..build.inputs import data_of

    data = data_of(recipe)
    use_tensorflow()
    from ..build.experiment import experiment

    with tempfile.TemporaryDirectory() as files:
        built = experiment(recipe, data, Path(files))
    model: Any = built.model
    updates = built.training.steps * recipe.epochs // recipe.gradient_accumulation
    rows = {"training": data.train, "validation": data.validation, "test": data.test}
    counted = ", ".join(f"{len(split.y)} {name}" for name, split in rows.items() if split)
    return "\n".join(
        [
            f"{recipe.name}: {counted} rows",
            built.summary,
            f"{recipe.epochs} epochs of {built.training.steps} batches: {updates} updates",
            f"steps an execution: {model.steps_per_execution}, XLA: {yes(model.jit_compile)}",
            f"{model.count_params()} weights, of which these are trained:",
            table(model),
        ]
    )


def table(model: Any) -> str:
    """A row a trainable variable: path, shape, rate of decay and why, learning rate and why."""
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


def yes(value: object) -> str:
    """Yes or no."""
    return "yes" if value is True else "no"
