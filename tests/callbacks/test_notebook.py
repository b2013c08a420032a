"""Progress in a notebook: one output, renewed, whatever the number of epochs."""

import sys
import types

import pytest

from keras_recipes.callbacks import ProgressBar, notebook


class Handle:
    def __init__(self, shown):
        self.shown = shown

    def update(self, content, *, raw):
        self.shown.append(content)


@pytest.fixture
def outputs(monkeypatch):
    """What a notebook was asked to show, a list for each output."""
    found = []

    def display(content, *, raw, display_id):
        found.append([content])
        return Handle(found[-1])

    shell = types.SimpleNamespace(kernel=object())
    ipython = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    module = types.SimpleNamespace(display=display)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return found


def trained(bar, epochs, logs):
    bar.set_params({"epochs": epochs})
    bar.on_train_begin()
    for epoch in range(epochs):
        bar.on_epoch_end(epoch, logs(epoch))
    bar.on_train_end()


@pytest.fixture
def bar(monkeypatch):
    monkeypatch.setattr("keras_recipes.callbacks.progress_bar.learning_rate", lambda model: 0.1)
    return ProgressBar(label="<b>")


def test_there_is_one_output_that_ends_with_the_last_epoch(outputs, bar, capsys):
    trained(bar, 500, lambda epoch: {"loss": 1 / (epoch + 1), "val_loss": 2.0})
    (shown,) = outputs
    assert len(shown) < 50
    assert '<progress value="500" max="500" aria-label="&lt;b&gt;">' in shown[-1]["text/html"]
    assert shown[-1]["text/plain"].startswith("<b>  epoch 500/500  loss 0.0020")
    assert "&lt;b&gt;  epoch 500/500" in shown[-1]["text/html"]
    printed = capsys.readouterr()
    assert printed.out == printed.err == ""


def test_outside_of_a_notebook_nothing_is_shown_there(outputs, bar, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: None))
    trained(bar, 2, lambda epoch: {"loss": 1.0})
    assert outputs == []
    assert "epoch 2/2  loss 1.0000" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("curves", "ends"),
    [
        ({"loss": [1.0, 0.0], "val_loss": []}, "0.0,0.0 480.0,120.0"),
        ({"loss": [1.0, float("nan"), 0.5], "val_loss": []}, "0.0,0.0 480.0,120.0"),
        # On a logarithmic axis a tenth of the way down is a tenth of the decades.
        ({"loss": [1.0, 0.1, 1e-4], "val_loss": []}, "0.0,0.0 240.0,30.0 480.0,120.0"),
        ({"loss": [2.0, 2.0], "val_loss": []}, "0.0,120.0 480.0,120.0"),
    ],
    ids=["linear", "a gap", "logarithmic", "constant"],
)
def test_the_curve(curves, ends):
    assert f'points="{ends}"' in notebook.picture(curves)


def test_a_long_curve_has_no_more_points_than_pixels():
    drawn = notebook.picture({"loss": [float(e) for e in range(100_000)], "val_loss": []})
    assert len(drawn) < 20_000
    assert notebook.picture({"loss": [1.0], "val_loss": [1.0]}) == ""
