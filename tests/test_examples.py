"""The notebooks in `examples/` run from top to bottom, in a folder that is empty."""

import ast
import json
import re
from pathlib import Path

import keras
import pytest
from small_runs import without_reports

NOTEBOOKS = sorted((Path(__file__).parent.parent / "examples").glob("*.ipynb"))
# What makes them short. The names that the cells give stay as they are.
SHORTER = (
    (r'"epochs": \d+', '"epochs": 1'),
    (r"epochs, batch = \d+", "epochs, batch = 2"),
    (r"rows = \d+", "rows = 200"),
)


def cells(path):
    """The code of a notebook, cell by cell."""
    content = json.loads(path.read_text(encoding="utf-8"))
    found = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    return ["".join(cell["source"]) for cell in found]


def run(path, code):
    """Execute the cells in one namespace; the value of each that ends with one."""
    names, values = {"__name__": "__main__"}, []
    for number, text in enumerate(code, start=1):
        where = f"{path.name}, cell {number}"
        tree = ast.parse(text, where)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, where, "exec"), names)
        if last is not None:
            values.append(eval(compile(ast.Expression(last.value), where, "eval"), names))
    return values


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    registered = dict(keras.saving.get_custom_objects())
    yield
    # A class that a cell registers with Keras is gone with it.
    keras.saving.get_custom_objects().clear()
    keras.saving.get_custom_objects().update(registered)


def shortened(text):
    for pattern, replaced in SHORTER:
        text = re.sub(pattern, replaced, text)
    return text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_has(path, workplace, monkeypatch):
    without_reports(monkeypatch)
    code = cells(path)
    short = [shortened(text) for text in code]
    assert short != code
    values = run(path, short)
    shown = [value for value in values if hasattr(value, "_repr_html_")]
    assert all("<" in value._repr_html_() for value in shown if "plotly" not in str(type(value)))
    assert len(values) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_as_it_is(path, workplace):
    run(path, cells(path))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_stored_without_outputs(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["nbformat"] == 4
    for cell in content["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    assert len(NOTEBOOKS) == 2
