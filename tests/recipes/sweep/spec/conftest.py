"""A sweep from a few lines of YAML, and the mistakes in it by line."""

import textwrap

import pytest

from keras_recipes.recipes import RecipeError
from keras_recipes.recipes.sweep.spec import load_sweep

HEAD = "recipe: digits_mlp\nbudget: {trials: 4}\n"


@pytest.fixture
def sweep(tmp_path):
    """Text below `space:` -> the sweep; the space's first line is line 4 of the file."""

    def load(space="", rest="", head=HEAD):
        path = tmp_path / "s.yaml"
        inner = textwrap.indent(textwrap.dedent(space).strip("\n"), "  ")
        path.write_text(f"{head}space:\n{inner}\n{textwrap.dedent(rest)}", encoding="utf-8")
        return load_sweep(path)

    return load


@pytest.fixture
def mistakes(sweep):
    """The same, for a sweep with mistakes: `LINE:COLUMN path` -> message."""

    def found(space="", rest="", head=HEAD):
        with pytest.raises(RecipeError) as caught:
            sweep(space, rest, head)
        rows = caught.value.problems
        assert all(row.line is not None for row in rows), rows
        return {f"{row.line}:{row.column} {row.path}": row.message for row in rows}

    return found
