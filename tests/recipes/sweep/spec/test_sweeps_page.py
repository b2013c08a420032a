"""The page on sweeps says what the language is."""

import re
from pathlib import Path

from keras_recipes.recipes.spec.loader import parse
from keras_recipes.recipes.spec.shipped import sweeps
from keras_recipes.recipes.sweep.spec import load_sweep
from keras_recipes.recipes.sweep.spec.algorithms import ALGORITHMS
from keras_recipes.recipes.sweep.spec.constraints import FUNCTIONS
from keras_recipes.recipes.sweep.spec.corners import MOST_CORNERS
from keras_recipes.recipes.sweep.spec.file import Budget, SweepFile
from keras_recipes.recipes.sweep.spec.space import DOMAINS

PAGE = (Path(__file__).parents[4] / "docs" / "sweeps.md").read_text(encoding="utf-8")


def rows(title):
    """First cell and whole row of the first table below a title."""
    below = PAGE[PAGE.index(f"\n{title}\n") :]
    lines = re.findall(r"^\| `(\w+)(.*)$", below, re.MULTILINE)
    table = below[: below.index("\n\n", below.index("|---"))]
    return {name: rest for name, rest in lines if f"| `{name}{rest}" in table}


def test_every_key_has_its_row_and_its_default():
    found = rows("## The keys")
    assert set(found) == set(SweepFile.model_fields)
    for key, field in SweepFile.model_fields.items():
        if isinstance(field.default, (int, bool)):
            assert f"| `{str(field.default).lower()}` |" in found[key], key
    assert all(f"`{key}`" in found["budget"] for key in Budget.model_fields)


def test_every_domain_has_its_row():
    assert set(rows("## The space")) == set(DOMAINS)


def test_every_algorithm_has_its_row_with_every_argument_and_its_default():
    found = rows("## Algorithms")
    assert set(found) == set(ALGORITHMS)
    for name, model in ALGORITHMS.items():
        for key, field in model.model_fields.items():
            reported = re.search(rf"`{key}`[^`;,]*\(([^)]*)\)", found[name])
            if field.default is None:
                assert f"`{key}`" in found[name], (name, key)
                continue
            assert reported, (name, key)
            shown = reported[1].rstrip("%")
            value = float(shown) / (100 if reported[1].endswith("%") else 1)
            assert value == field.default, (name, key)


def test_every_function_of_a_constraint_is_named():
    assert all(f"`{name}`" in PAGE for name in FUNCTIONS)
    assert f"{MOST_CORNERS:,}" in PAGE


def test_every_sweep_of_the_page_is_sound(tmp_path):
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    blocks = [block for block in blocks if "apiVersion:" not in block]
    assert len(blocks) == 4
    for block in blocks:
        load_sweep({"name": "x", **parse(block, "page").plain()})
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        compile(block, "page", "exec")


def test_every_sweep_that_ships_is_named():
    assert all(f"`{sweep.name}`" in PAGE for sweep in sweeps())


def test_the_mistakes_of_the_page_are_reported_like_that(tmp_path, mistakes):
    found = mistakes(
        "learning_rate: {log_uniform: {min: 0, max: 1}}\noptimizer: {choice: [sgd, adamm]}",
        rest="objective: {minimize: val_mae}\n",
    )
    for message in found.values():
        assert message in PAGE
