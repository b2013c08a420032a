"""Runs from Python, as a notebook shows them."""

import sys

import matplotlib.figure
import plotly.graph_objects
import pytest
from pages import write_run

import keras_recipes
from keras_recipes.recipes.record.result import Result as Record
from keras_recipes.recipes.sweep.run.result import SweepResult

HOSTILE = "<script>alert(1)</script>"
LINES = [
    {"epoch": e, "loss": 1 / e, "val_loss": 2 / e, "accuracy": e / 10, "learning_rate": 0.1 / e}
    for e in range(1, 6)
]


@pytest.fixture
def folder(tmp_path):
    for seed in (1, 2):
        recipe = f"name: x\nseed: {seed}\n"
        write_run(tmp_path / f"run{seed}", lines=LINES, recipe=recipe, best_epoch=4)
    write_run(tmp_path / "run3", lines=[], recipe="name: x\nepochs: 9\n", findings=[HOSTILE])
    return tmp_path


def test_the_curves_of_a_run_are_a_figure_of_plotly(folder):
    figure = keras_recipes.Run(folder / "run1").plot()
    assert isinstance(figure, plotly.graph_objects.Figure)
    drawn = {(trace.name, tuple(trace.y)) for trace in figure.data}
    assert ("validation", (2.0, 1.0, 2 / 3, 0.5, 0.4)) in drawn
    assert ("learning rate", tuple(0.1 / e for e in range(1, 6))) in drawn
    titles = [each.text for each in figure.layout.annotations]
    assert titles[:3] == ["loss", "accuracy", "learning rate"]
    assert titles.count("best epoch 4") == 2
    # Everything is painted, and a name is in the legend once.
    assert "@" not in figure.to_json().replace("@media", "")
    named = [trace.name for trace in figure.data if trace.showlegend]
    assert sorted(named) == ["learning rate", "training", "validation"]


def test_chosen_curves_as_a_picture(folder, monkeypatch):
    run = keras_recipes.Run(folder / "run1")
    static = run.plot("loss", static=True)
    assert isinstance(static, matplotlib.figure.Figure)
    (axes,) = static.axes
    assert [line.get_label() for line in axes.get_lines()][:2] == ["training", "validation"]
    assert static._repr_png_().startswith(b"\x89PNG")
    # Where plotly cannot be imported there is still a picture.
    monkeypatch.setitem(sys.modules, "keras_recipes.recipes.report.interactive", None)
    assert isinstance(run.plot("loss"), matplotlib.figure.Figure)


@pytest.mark.parametrize(
    ("run", "asked", "message"),
    [
        ("run1", ["losss"], "expected one of accuracy, learning_rate, loss. Received 'losss'"),
        ("run3", [], "no epoch was finished"),
        ("absent", [], "there is no such run directory"),
    ],
)
def test_what_cannot_be_drawn_is_reported(folder, run, asked, message):
    with pytest.raises(keras_recipes.RequestError, match=message):
        keras_recipes.Run(folder / run).plot(*asked)


def test_a_list_of_runs(folder):
    found = keras_recipes.runs(folder, sort="epochs", match="run[12]")
    assert [row.name for row in found] == ["run1", "run2"]
    assert len(found[:1]) == 1
    assert repr(found).splitlines()[1].startswith("run1  completed")
    assert "<td>run2</td>" in found._repr_html_()
    for wrong, message in (({"sort": "luck"}, "sort"), ({"status": "asleep"}, "status")):
        with pytest.raises(keras_recipes.RequestError, match=f"{message}: expected one of"):
            keras_recipes.runs(folder, **wrong)
    with pytest.raises(keras_recipes.RequestError, match="no such folder"):
        keras_recipes.runs(folder / "absent")


def test_runs_side_by_side(folder):
    found = keras_recipes.compare(folder / "run1", keras_recipes.Run(folder / "run2"))
    assert [line.split()[0] for line in repr(found).splitlines()[2:4]] == ["run1", "run2"]
    assert "run2" in found._repr_html_()
    # Two seeds of a recipe have a mean and a band.
    assert "mean of 2 seeds" in {trace.name for trace in found.plot("loss").data}
    assert len(found.plot("loss", static=True).axes[0].patches) == 1
    with pytest.raises(keras_recipes.RequestError, match="two runs or more"):
        keras_recipes.compare(folder / "run1")


def test_nothing_that_a_run_says_becomes_markup(folder):
    name = "a<img src=x onerror=alert(1)>"
    hostile = write_run(
        folder / name,
        lines=[{**line, HOSTILE: 1.0} for line in LINES],
        recipe=f"name: '{HOSTILE}'\n",
        reason=HOSTILE,
        findings=[HOSTILE],
        test={HOSTILE: 0.5},
    )
    run = keras_recipes.Run(hostile)
    pages = [
        run._repr_html_(),
        run.result._repr_html_(),
        keras_recipes.runs(folder)._repr_html_(),
        keras_recipes.compare(hostile, folder / "run1")._repr_html_(),
        SweepResult("failed", HOSTILE, HOSTILE)._repr_html_(),
        keras_recipes.load("digits_mlp", {"description": HOSTILE})._repr_html_(),
    ]
    for page in pages:
        assert "<script" not in page
        assert "<img" not in page
        assert "&lt;" in page
    titles = [each.text for each in run.plot().layout.annotations]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in titles


def test_a_recipe_and_a_result_show_themselves(folder):
    page = keras_recipes.load("digits_mlp")._repr_html_()
    assert "<b>digits_mlp</b>" in page
    assert 'class="default">' in page
    run = keras_recipes.Run(folder / "run1")
    assert repr(run).startswith("Run(completed")
    assert "The run was completed: 3 epochs" in run._repr_html_()
    assert run.result.plot("loss").data
    assert isinstance(run.result, Record)
    assert run.history["epoch"] == [1, 2, 3, 4, 5]
